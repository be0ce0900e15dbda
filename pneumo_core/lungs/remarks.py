"""What to know about X-rays that were framed without a look at each: reading refuses or warns."""

from collections.abc import Mapping

from pneumo_core.core.text import first_of, x_rays
from pneumo_core.imaging import Radiograph
from pneumo_core.lungs.finder import find_lungs
from pneumo_core.lungs.polarity import normal_polarity

__all__ = ["REMARKS", "framing_sentences", "remark_about"]

REMARKS = {
    "no_lungs": "No lungs were found in {}, so the model saw the whole image. Reading refuses it",
    "unsure_lungs": "The outline of the lungs is uncertain in {}. Reading warns of it",
    "inverted": "Black and white were swapped back in {}",
}
"""Beginnings of the sentences by remark; {} stands for how many X-rays there are."""
_NAMED = 3


def remark_about(radiograph: Radiograph) -> str:
    """Return the key of ``REMARKS`` that applies first, or "" for an X-ray as it should be."""
    corrected = normal_polarity(radiograph)
    lungs = find_lungs(corrected)
    if not lungs.found:
        return "no_lungs"
    if not lungs.sure:
        return "unsure_lungs"
    return "" if corrected is radiograph else "inverted"


def framing_sentences(remarks: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each kind of remark (by id), which names the first of its X-rays."""
    return tuple(
        f"{beginning.format(x_rays(len(ids)))}: {first_of(ids, _NAMED)}."
        for remark, beginning in REMARKS.items()
        if (ids := [film_id for film_id, said in remarks.items() if said == remark])
    )
