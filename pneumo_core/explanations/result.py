"""Heat maps: evidence that can be laid over the X-ray."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumo_core.core.files import write_whole
from pneumo_core.core.html import html_picture
from pneumo_core.core.labels import LABELS
from pneumo_core.errors import PneumoError
from pneumo_core.explanations.methods import evidence_strength, scale_of
from pneumo_core.imaging import (
    ImageInput,
    Radiograph,
    display_pixels,
    heat_layer,
    overlay,
    png,
    read_radiograph,
)
from pneumo_core.lungs import Box, Lungs, NetworkInput, find_lungs, normal_polarity

__all__ = ["HeatMap", "common_peaks", "overlap", "place_on_image"]

Floats: TypeAlias = NDArray[np.float32]

_MOSTLY = 0.5
"""Below this share inside the lungs, a map counts as mostly outside."""
_NO_LUNGS = "No lungs were found, so it is not known how much of the heat map is inside them."
_LONGEST = 1024
"""Longest side of a saved map; a larger one would take longer to compress than to compute."""
_OPACITY = 0.5
"""Of the strongest evidence in a saved map."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The evidence for ``label`` in an X-ray.

    ``parts``: one map per network, float32 (h, w) on the network's own grid, ≥ 0, in a unit of that
    method and network: only parts of the same network, method and layer are comparable. ``method``
    is a key of ``METHODS``. ``layer``: the convolution it was computed at, None for the method's
    default. ``box``: the part of the X-ray in the networks' input, None for the whole.
    ``lungs``: what the lung finder found in the X-ray; None if it was not asked. ``inside_lungs``:
    the share of the map inside the lungs, in [0, 1], NaN for an empty map; None if no lungs were
    found, or the finder was not asked. ``model``, ``version``: of the model, if known.
    """

    parts: tuple[Floats, ...]
    label: int
    method: str
    layer: str | None = None
    box: Box | None = None
    inside_lungs: float | None = None
    lungs: Lungs | None = None
    model: str = ""
    version: str = ""

    def __repr__(self) -> str:
        share = self.share_inside_lungs
        where = "" if share is None else f", {share:.0%} inside the lungs"
        return f"HeatMap({self.method} for {LABELS[self.label]}{where})"

    def _repr_html_(self) -> str:
        layer = heat_layer(self.over((320, 320)), scale_of(self.method, self.label))
        return html_picture(png(layer), repr(self))

    def to_dict(self) -> dict[str, object]:
        """Return the map as plain values; ``heat`` is ``scaled()``, row by row."""
        return {
            "label": LABELS[self.label],
            "method": self.method,
            "layer": self.layer,
            "box": None if self.box is None else asdict(self.box),
            **self._place,
            "heat": self.scaled().tolist(),
        }

    @property
    def peaks(self) -> tuple[float, ...]:
        """Each part's maximum, in that part's unit."""
        return tuple(float(part.max(initial=0.0)) for part in self.parts)

    @property
    def found(self) -> bool:
        """Whether there is any evidence."""
        return any(peak > 0 for peak in self.peaks)

    @property
    def facts(self) -> Mapping[str, object]:
        """The method, what the map is evidence for, and its place, without the map itself."""
        return {
            "method": self.method,
            "layer": self.layer,
            "evidence_for": LABELS[self.label],
            "found": self.found,
            **self._place,
            "lungs_sentence": self.lungs_sentence,
        }

    @property
    def _place(self) -> Mapping[str, object]:
        box = self.lungs_box
        return {
            "inside_lungs": self.share_inside_lungs,
            "lungs_box": None if box is None else asdict(box),
        }

    @property
    def png_text(self) -> Mapping[str, str]:
        """The text chunks of a PNG of the map: nothing in them identifies the X-ray or patient."""
        told = {
            "Software": "Pneumo",
            "Model": self.model,
            "Version": self.version,
            "Method": self.method,
            "Layer": self.layer or "",
            "Evidence for": LABELS[self.label],
            "Comment": self.lungs_sentence,
        }
        share, box = self.share_inside_lungs, self.lungs_box
        told["Inside lungs"] = "" if share is None else f"{share:.4f}"
        told["Lungs box"] = "" if box is None else json.dumps(asdict(box))
        return {name: words for name, words in told.items() if words}

    @property
    def share_inside_lungs(self) -> float | None:
        """``inside_lungs``, and None for an empty map, too: JSON has no NaN."""
        share = self.inside_lungs
        return None if share is None or np.isnan(share) else share

    @property
    def lungs_box(self) -> Box | None:
        """The box around the lungs; None if none were found, or the finder was not asked."""
        return None if self.lungs is None else self.lungs.found_box

    @property
    def no_lungs(self) -> bool:
        """Whether the finder was asked and found no lungs."""
        return self.lungs is not None and not self.lungs.found

    @property
    def mostly_outside(self) -> bool:
        """Whether less than half of the map is known to lie inside the lungs."""
        share = self.share_inside_lungs
        return share is not None and share < _MOSTLY

    @property
    def lungs_sentence(self) -> str:
        """The share of the map inside the lungs as a sentence; empty for an empty map."""
        share = self.share_inside_lungs
        if share is None:
            return _NO_LUNGS if self.no_lungs and self.found else ""
        told = f"{share * 100:.0f} % of the heat map lies inside the lungs."
        return f"Only {told} Do not take it as evidence of pneumonia." if share < _MOSTLY else told

    @property
    def lungs_warning(self) -> str:
        """``lungs_sentence`` where the map lies mostly outside, or no lungs were found; else ""."""
        return self.lungs_sentence if self.mostly_outside or self.no_lungs else ""

    def scaled(self, peaks: Sequence[float] | None = None) -> Floats:
        """Return the mean of the parts on the finest grid: float32 (h, w) in [0, 1].

        Without ``peaks`` each part is divided by its maximum, and their mean by its maximum, so
        that the strongest evidence in this X-ray is 1. With ``peaks`` (from ``common_peaks``, one
        for each part) parts are divided by these and clipped at 1, so that X-rays are comparable. A
        part whose peak is 0 is 0. Raises ValueError for another number of peaks.
        """
        parts = zip(self.parts, self.peaks if peaks is None else peaks, strict=True)
        scaled = [_divide(part, peak) for part, peak in parts]
        if len(scaled) == 1:
            return scaled[0]
        height, width = max((part.shape for part in scaled), key=lambda shape: shape[0] * shape[1])
        mean: Floats = np.stack([_resized(part, height, width) for part in scaled]).mean(axis=0)
        return mean if peaks is not None else _divide(mean, float(mean.max(initial=0.0)))

    def over(self, shape: tuple[int, int], peaks: Sequence[float] | None = None) -> Floats:
        """Return ``scaled(peaks)`` over the X-ray, float32 (H, W) in [0, 1].

        It is resized bilinearly to the part of the X-ray that the networks read, and 0 outside.
        """
        heat = self.scaled(peaks)
        return _resized(heat, *shape) if self.box is None else _place(heat, self.box, shape)

    def save(
        self,
        path: str | os.PathLike[str],
        image: ImageInput | Radiograph,
        *,
        probability: float | None = None,
    ) -> Path:
        """Save the X-ray with the heat map over it as a PNG, like ``pneumo predict --heatmaps``.

        The PNG is RGB, in the X-ray's proportions, and its longer side is at most 1,024 pixels.
        Its text chunks name model, method and share inside the lungs, not the file or the patient.

        Args:
            path: the file to write; its folder is created, and an existing file replaced.
            image: the X-ray that the map explains, as in ``read``. An X-ray that was corrected is
                drawn as it was read if it is ``result.as_read(pn.read_radiograph(...))``.
            probability: of pneumonia, in [0, 1], as a reading gives it. The colours are as strong
                as the probability of the map's label; without it, they are always strong.

        Returns:
            The path.

        Raises:
            ValueError: ``probability`` is outside [0, 1].
            UnreadableImage: ``image`` can't be decoded.
            PneumoError: the name does not end in ".png", or the file can't be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".png":
            raise PneumoError(f"'{target}' does not end in .png. Heat maps are saved as PNG only.")
        radiograph = image if isinstance(image, Radiograph) else read_radiograph(image)
        picture = self.to_png(radiograph, probability=probability, quick=True)
        write_whole(target, picture, remedy="Free some space or choose another folder.")
        return target

    def to_png(
        self, radiograph: Radiograph, *, probability: float | None = None, quick: bool = False
    ) -> bytes:
        """Return the PNG that ``save`` writes; ``quick``: a larger file in less time.

        Raises ValueError: ``probability`` is outside [0, 1].
        """
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}, not in [0, 1]")
        return png(self._picture(radiograph, probability), quick=quick, text=self.png_text)

    def _picture(self, radiograph: Radiograph, probability: float | None) -> NDArray[np.uint8]:
        """Draw the X-ray under the map: uint8 (H, W, 3), RGB."""
        pixels = display_pixels(radiograph.pixels, _LONGEST)
        heat = self.over(pixels.shape)
        if probability is not None:
            heat = heat * np.float32(evidence_strength(self.method, self.label, probability))
        return overlay(pixels, heat, _OPACITY, scale_of(self.method, self.label))


def place_on_image(heat: HeatMap, radiograph: Radiograph, seen: NetworkInput) -> HeatMap:
    """Return the heat map with its box in the X-ray, the lungs, and its share inside them.

    The share is None where no lungs were found: the finder's mask of a leg or of noise means
    nothing. ``seen``: the format of the network's input.
    """
    lungs = find_lungs(normal_polarity(radiograph))
    heat = replace(heat, box=seen.box(radiograph), lungs=lungs)
    if not lungs.found:
        return heat
    return replace(heat, inside_lungs=lungs.share(heat.over(lungs.mask.shape)))


def common_peaks(maps: Iterable[HeatMap]) -> tuple[float, ...]:
    """Return the highest peak of each part over several X-rays, as a common scale.

    Raises ValueError for no maps, or maps of different methods, layers or numbers of parts.
    """
    maps = list(maps)
    kinds = {(each.method, each.layer, len(each.parts)) for each in maps}
    if len(kinds) != 1:
        raise ValueError(f"only maps of one method, layer and model are comparable, not {kinds}")
    return tuple(max(peaks) for peaks in zip(*(each.peaks for each in maps), strict=True))


def overlap(first: Floats, second: Floats) -> float:
    """Return the overlap of two maps (H, W) in [0, 1]: Σ min / Σ max, in [0, 1].

    The Jaccard index of fuzzy sets (Ružička 1958): 1 for the same map, 0 for disjoint maps; NaN
    where both are empty. Raises ValueError for maps of different shapes.
    """
    if first.shape != second.shape:
        raise ValueError(f"maps must have the same shape, not {first.shape} and {second.shape}")
    either = float(np.maximum(first, second).sum())
    return float(np.minimum(first, second).sum()) / either if either else float("nan")


def _divide(part: Floats, peak: float) -> Floats:
    if peak <= 0:
        return np.zeros_like(part)
    divided: Floats = np.minimum(part / np.float32(peak), np.float32(1))
    return divided


def _place(part: Floats, box: Box, shape: tuple[int, int]) -> Floats:
    """Return the map (h, w) of a box over the whole X-ray (H, W), interpolated at pixel centres."""
    height, width = shape
    rows = ((np.arange(height) + 0.5) / height - box.top) / box.height * part.shape[0] - 0.5
    columns = ((np.arange(width) + 0.5) / width - box.left) / box.width * part.shape[1] - 0.5
    inside = np.outer(
        (rows > -0.5) & (rows < part.shape[0] - 0.5),
        (columns > -0.5) & (columns < part.shape[1] - 0.5),
    )
    down, across = _weights(rows, part.shape[0]), _weights(columns, part.shape[1])
    placed = down @ part @ across.T * inside
    return np.asarray(placed.clip(0, 1), dtype=np.float32)


def _weights(places: NDArray[np.float64], n: int) -> Floats:
    """Return the bilinear weights (len(places), n) of the cells around each position."""
    low = np.clip(np.floor(places).astype(int), 0, n - 1)
    high = np.minimum(low + 1, n - 1)
    share = np.clip(places - low, 0, 1).astype(np.float32)
    weights = np.zeros((len(places), n), np.float32)
    lines = np.arange(len(places))
    weights[lines, low] += 1 - share
    weights[lines, high] += share
    return weights


def _resized(part: Floats, height: int, width: int) -> Floats:
    coarse = Image.fromarray(part)  # mode "F"
    fine: Floats = np.array(coarse.resize((width, height), Image.Resampling.BILINEAR))
    fine.clip(0, 1, out=fine)  # rounding may exceed the range slightly
    return fine
