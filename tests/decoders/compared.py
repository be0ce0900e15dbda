"""One generated film: ours beside theirs."""

from dataclasses import dataclass

import numpy as np

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import read_radiograph, read_values
from tests.decoders.made import made
from tests.decoders.theirs import dcmtk_grey, gdcm_values, pydicom_grey
from tests.imaging.images import written

__all__ = ["Compared", "compared"]

_FELL_BACK = "The film is shown over its full range of values."


@dataclass(frozen=True)
class Compared:
    """What became of a film.

    ``difference``: the largest difference by decoder, of grey in [0, 1] or, from GDCM, of values as
    a share of their range; ``off`` names the decoders where rounding does not explain it.
    """

    number: int
    kind: str
    voi: str
    refused: str = ""
    fell_back: bool = False
    difference: dict[str, float] | None = None
    off: tuple[str, ...] = ()


def compared(seed: int, number: int) -> Compared:
    """Read the film of a number and compare it with the decoders that know its kind."""
    film = made(seed, number)
    data = written(film.film)
    try:
        read = read_radiograph(data)
    except UnreadableImage as refusal:
        return Compared(number, film.kind, film.voi, refused=str(refusal))
    fell_back = _FELL_BACK in read.facts.warnings
    drawn = {
        "pydicom": pydicom_grey(film, data, voi=not fell_back),
        "DCMTK": None if fell_back else dcmtk_grey(film, data),
    }
    theirs = {name: grey for name, grey in drawn.items() if grey is not None}
    found = {name: float(np.abs(read.pixels - grey).max()) for name, (grey, _) in theirs.items()}
    stored = gdcm_values(film, data)
    if stored is not None:
        theirs["GDCM"] = stored
        found["GDCM"] = _stored_difference(read_values(data).values, stored[0], film.padding)
    off = tuple(name for name, (_, rounding) in theirs.items() if found[name] > rounding)
    return Compared(number, film.kind, film.voi, "", fell_back, found, off)


def _stored_difference(ours: np.ndarray, theirs: np.ndarray, padding: np.ndarray) -> float:
    """The largest difference as a share of the range; padding has no values with us."""
    off_by = np.abs(ours - theirs)[~padding].max()
    return float(off_by / max(1.0, np.ptp(theirs[~padding])))
