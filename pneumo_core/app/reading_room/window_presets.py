"""Window presets for display, the file's own first. They never change what a model reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pneumo_core.imaging import FileFacts, PixelValues, Radiograph, Window, window_over

__all__ = ["AS_READ", "OWN", "apply_preset", "preset_names"]

AS_READ = "As read"
FULL = "Full range"
PERCENTILES = "Percentiles 1 to 99"
OWN = "Own window"
"""Names of the presets that every X-ray, or every DICOM X-ray, has."""


def preset_names(facts: FileFacts) -> list[str]:
    """Return the presets of an X-ray: as read (its first window), its other windows, ours.

    Windows of the same name are numbered.
    """
    own = [_window_name(facts.windows, row) for row in range(1, len(facts.windows))]
    return [AS_READ, *own, FULL, PERCENTILES, *([OWN] if facts.format == "DICOM" else [])]


def apply_preset(
    radiograph: Radiograph, values: PixelValues, preset: str, own: tuple[float, float] | None = None
) -> NDArray[np.float32]:
    """Apply one of ``preset_names``: float32 (H, W) in [0, 1], bright = dense.

    ``own``: the lowest and highest value of the window called ``OWN``.
    """
    if preset == AS_READ:
        return radiograph.pixels
    return values.through(_window(radiograph.facts, values, preset, own))


def _window(
    facts: FileFacts, values: PixelValues, preset: str, own: tuple[float, float] | None
) -> Window:
    if preset == OWN and own is not None:
        return window_over(*own, OWN)
    if preset == PERCENTILES:
        return values.percentiles()
    named = {_window_name(facts.windows, row): each for row, each in enumerate(facts.windows)}
    return named.get(preset) or values.full_range()


def _window_name(windows: Sequence[Window], row: int) -> str:
    name = windows[row].name
    taken = {AS_READ, FULL, PERCENTILES, OWN} | {each.name for each in windows[:row]}
    return f"{name} ({row + 1})" if name in taken else name
