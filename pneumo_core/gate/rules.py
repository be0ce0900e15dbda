"""Rule-based part of the image check: plain checks of the file's tags and pixels."""

from collections.abc import Iterator

import numpy as np

from pneumo_core.gate.tags import (
    is_chest,
    is_lateral,
    is_oblique,
    is_of_two_views,
    is_other_part,
)
from pneumo_core.gate.trained_ages import age_warning
from pneumo_core.imaging import FileFacts, Radiograph

__all__ = ["refusals", "warnings_of"]

_RADIOGRAPHY = {"CR", "DX", "RG", "XR", "RF", "DR"}
# Terms of PS3.3 C.7.3.1.1.1 other than projection radiography.
_OTHER_MODALITIES = frozenset(
    """
    AR ASMT AU BDUS BI BMD CD CF CP CS CT CTPROTOCOL DD DF DG DM DMS DOC DS EC ECG EEG EMG EOG EPS
    ES FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR
    OPT OPTBSV OPTENF OPV OSS PLAN POS PR PT PX REG RESP RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD
    RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF VIDD XA
    XAPROTOCOL XC
    """.split()  # noqa: SIM905 - a word list to be read
)
_UNSPECIFIC = {"OT", "SC"}  # "other" and secondary captures may hold an X-ray
_SAMPLED = 256
_MIN_SPREAD = 0.02
_MAX_ASPECT = 3.0
_OWN = "This is a result that Pneumo exported, not an X-ray. Upload the X-ray itself."


def refusals(radiograph: Radiograph) -> tuple[str, ...]:
    """Return the reasons why this image can't be a frontal chest X-ray; none if it may be one.

    Checks the file's tags, and images that can't be an X-ray: in colour, blank, or a strip. An
    X-ray of another body part without a tag passes.
    """
    if radiograph.facts.from_pneumo:
        return (_OWN,)
    return (*_refusals_by_tags(radiograph.facts), *_refusals_by_pixels(radiograph))


def warnings_of(radiograph: Radiograph, trained_on: str) -> tuple[str, ...]:
    """Return warnings about the result of an accepted X-ray, one sentence each.

    ``trained_on``: the patients of the training set, e.g. "children of 1 to 5 years".
    """
    facts = radiograph.facts
    warnings = [*facts.warnings, *_doubts(facts)]
    if of_age := age_warning(facts.age_years, trained_on):
        warnings.append(of_age)
    if max(facts.width, facts.height) < 200:
        warnings.append(
            f"The X-ray is only {facts.width} × {facts.height} pixels; fine signs may be lost."
        )
    return tuple(warnings)


def _refusals_by_tags(facts: FileFacts) -> Iterator[str]:
    modality = (facts.modality or "").upper()
    if modality in _OTHER_MODALITIES:
        yield f"The file says it is not a radiograph (modality {modality}). Upload a chest X-ray."
    body_part = (facts.body_part or "").upper()
    if is_other_part(body_part):
        yield f"The file says it shows another body part ({body_part}). Upload a chest X-ray."
    view = (facts.view_position or "").upper()
    if is_lateral(view):
        yield f"The file says it is a lateral view ({view}). Upload a frontal one (AP or PA)."


def _doubts(facts: FileFacts) -> Iterator[str]:
    """Yield warnings about tags that need attention but don't justify a refusal."""
    modality = (facts.modality or "").upper()
    if modality and modality not in _RADIOGRAPHY | _UNSPECIFIC | _OTHER_MODALITIES:
        yield (
            f"Unknown modality in the file's tags ({modality}); the image looks "
            "like a frontal chest X-ray."
        )
    body_part = facts.body_part or ""
    if not is_chest(body_part):
        yield (
            f"Unknown body part in the file's tags ({body_part.upper()}); the "
            "image looks like a frontal chest X-ray."
        )
    if facts.orientation:
        yield from _oriented(*facts.orientation)
    if is_of_two_views(facts.view_position or ""):
        yield (
            f"The file names a frontal and a lateral view ({(facts.view_position or '').upper()}); "
            "the image looks like a frontal one."
        )
    if is_oblique(facts.view_position or ""):
        yield (
            f"The file says it is an oblique view ({(facts.view_position or '').upper()}); models "
            "are trained on frontal ones."
        )


def _oriented(rows: str, columns: str) -> Iterator[str]:
    """Yield warnings about where rows and columns point to, as the file says."""
    if rows[0] in "AP":
        yield (
            f"The file says that the patient is seen from the side (Patient Orientation "
            f"{rows}\\{columns}); the image looks like a frontal chest X-ray."
        )
    if rows[0] == "R" and columns[0] == "F":
        yield (
            f"The file says that left and right are exchanged in the image (Patient Orientation "
            f"{rows}\\{columns})."
        )


def _refusals_by_pixels(radiograph: Radiograph) -> Iterator[str]:
    height, width = radiograph.pixels.shape
    if radiograph.facts.colour:
        yield "It is a colour picture, not a radiograph. Upload the X-ray in greyscale."
    if max(height, width) > _MAX_ASPECT * min(height, width):
        yield f"It is a strip of {width} × {height} pixels, not a whole X-ray. Upload all of it."
    step = max(1, min(height, width) // _SAMPLED)
    if float(np.std(radiograph.pixels[::step, ::step])) < _MIN_SPREAD:
        yield "It is nearly blank. Check the exposure or the export, and upload it again."
