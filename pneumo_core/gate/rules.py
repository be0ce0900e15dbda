"""The gate: may this picture be read at all? Plain checks of what the file says and shows."""

from collections.abc import Iterator

import numpy as np

from pneumo_core.gate.tags import is_chest, is_lateral, is_oblique, is_other_part
from pneumo_core.imaging import FilmFacts, Radiograph

__all__ = ["ADULT_YEARS", "refusals", "warnings_of"]

ADULT_YEARS = 18.0
_RADIOGRAPHY = {"CR", "DX", "RG", "XR", "RF", "DR"}
_UNTOLD = {"OT", "SC"}  # "other" and secondary captures may hold a film
_SAMPLED = 256
_MIN_SPREAD = 0.02
_MAX_ASPECT = 3.0
_OWN = "This is a result that Pneumo exported, not an X-ray. Send the X-ray itself."


def refusals(radiograph: Radiograph) -> tuple[str, ...]:
    """Why this picture can't be a frontal chest film, a sentence each; none when it may be one.

    It sees what the file's own tags say and pictures that can't be any film: colour, blank, or a
    strip. A film of another body part whose file doesn't say so passes.
    """
    if radiograph.facts.from_pneumo:
        return (_OWN,)
    return (*_told_by_tags(radiograph.facts), *_told_by_pixels(radiograph))


def warnings_of(radiograph: Radiograph, trained_ages: str) -> tuple[str, ...]:
    """What makes the reading of an acceptable film less sure, a sentence each.

    ``trained_ages`` says whom the checkpoint learned from, e.g. "children of 1 to 5 years".
    """
    facts = radiograph.facts
    warnings = [*facts.warnings, *_doubts(facts)]
    if trained_ages and facts.age_years is not None and facts.age_years >= ADULT_YEARS:
        warnings.append(
            f"The patient is {facts.age_years:.0f} years old; this model learned from films of "
            f"{trained_ages}."
        )
    if max(facts.width, facts.height) < 200:
        warnings.append(
            f"The film is only {facts.width} × {facts.height} pixels; fine signs may be lost."
        )
    return tuple(warnings)


def _told_by_tags(facts: FilmFacts) -> Iterator[str]:
    modality = (facts.modality or "").upper()
    if modality and modality not in _RADIOGRAPHY | _UNTOLD:
        yield f"The file says it is not a radiograph (modality {modality}). Send a chest X-ray."
    body_part = (facts.body_part or "").upper()
    if is_other_part(body_part):
        yield f"The file says it shows another body part ({body_part}). Send a chest X-ray."
    view = (facts.view_position or "").upper()
    if is_lateral(view):
        yield f"The file says it is a lateral view ({view}). Send a frontal one (AP or PA)."


def _doubts(facts: FilmFacts) -> Iterator[str]:
    """Tags that are no reason to refuse, but should be looked at."""
    body_part = facts.body_part or ""
    if not is_chest(body_part):
        yield (
            f"Pneumo does not know the body part that the file names ({body_part.upper()}); the "
            "picture looks like a frontal chest film."
        )
    if facts.orientation:
        yield from _oriented(*facts.orientation)
    if is_oblique(facts.view_position or ""):
        yield (
            f"The file says it is an oblique view ({(facts.view_position or '').upper()}); models "
            "learned from frontal ones."
        )


def _oriented(rows: str, columns: str) -> Iterator[str]:
    """What is odd in where rows and columns of a picture point to, as its file says."""
    if rows[0] in "AP":
        yield (
            f"The file says that the patient is seen from the side (Patient Orientation "
            f"{rows}\\{columns}); the picture looks like a frontal chest film."
        )
    if rows[0] == "R" and columns[0] == "F":
        yield (
            f"The file says that left and right are exchanged in the picture (Patient Orientation "
            f"{rows}\\{columns})."
        )


def _told_by_pixels(radiograph: Radiograph) -> Iterator[str]:
    height, width = radiograph.pixels.shape
    if radiograph.facts.colour:
        yield "It is a colour picture, not a radiograph. Send the X-ray itself, in grey."
    if max(height, width) > _MAX_ASPECT * min(height, width):
        yield f"It is a strip of {width} × {height} pixels, not a whole film. Send the whole film."
    step = max(1, min(height, width) // _SAMPLED)
    if float(np.std(radiograph.pixels[::step, ::step])) < _MIN_SPREAD:
        yield "It is nearly blank. Check the exposure or the export, and send it again."
