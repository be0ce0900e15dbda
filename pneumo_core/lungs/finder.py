"""The lung finder: a mask of both lungs, the box around it, and the finder's confidence."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy import ndimage

from pneumo_core.errors import CheckpointError
from pneumo_core.imaging import ImageInput, Radiograph, contour_lines, read_radiograph, to_input
from pneumo_core.lungs.box import Box, box_around

__all__ = [
    "SIDE",
    "LungFinder",
    "Lungs",
    "find_lungs",
    "finder_input",
    "lung_finder",
    "lung_finder_card",
]

Images = NDArray[np.uint8]
Chances = NDArray[np.float32]

SIDE = 112
"""Side of the finder's input, in pixels."""
SURE = 0.9
"""Confidence of lungs that count as found; the finder's card says how it was chosen."""
POSSIBLE = 0.8
"""Below this, the image has no lungs to frame the input by."""
_SPECK = 0.08
"""The smallest part of the mask that counts as lung, as a share of the largest part."""
_FOLDER = Path(__file__).parent / "model"


@dataclass(frozen=True, eq=False)
class Lungs:
    """Both lungs in one X-ray, including the region behind the heart.

    Attributes:
        mask: bool (112, 112), of the X-ray resized to a square.
        box: around the mask; None if it is empty.
        confidence: in [0, 1], the expected Dice coefficient of the mask: 2 Σ p m / (Σ p + Σ m) over
            its probabilities p and mask m. Near 1 on a chest X-ray.
    """

    mask: NDArray[np.bool_]
    box: Box | None
    confidence: float

    @property
    def found(self) -> bool:
        """Whether they are reliable enough to frame a network's input."""
        return self.box is not None and self.confidence >= POSSIBLE

    def outline(self) -> list[NDArray[np.float64]]:
        """Return closed lines around the lungs, float64 (n, 2) of (x, y) in [0, 1]; [] if none."""
        if not self.found:
            return []
        return contour_lines(self.mask.astype(np.float32), (0.5,))[0.5]

    @property
    def sure(self) -> bool:
        """Whether the confidence is as high as on nearly every chest X-ray."""
        return self.found and self.confidence >= SURE

    def share(self, heat: NDArray[np.float32]) -> float:
        """Return the share of a heat map (H, W) inside the lungs; NaN for an empty map."""
        total = float(heat.sum(dtype=np.float64))
        if not total > 0:
            return float("nan")
        rows, columns = (np.arange(n) * SIDE // n for n in heat.shape)
        inside = self.mask[np.ix_(rows, columns)]
        return float(heat[inside].sum(dtype=np.float64)) / total


class LungFinder(Protocol):
    """Interface of a lung finder, to pass another segmentation model to functions."""

    @property
    def identity(self) -> str:
        """Unique name of this finder's masks; part of the cache key of stored inputs."""
        ...

    def chances(self, images: Images) -> Chances:
        """Return the probability of lung at each pixel of uint8 (N, 112, 112), as float32."""
        ...


class _StoredFinder:
    """The finder shipped with Pneumo, in ONNX Runtime on one thread; thread-safe."""

    def __init__(self, folder: Path) -> None:
        try:
            self.identity = str(json.loads((folder / "card.json").read_text())["version"])
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                str(folder / "lungs.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has no common exception
            raise CheckpointError(
                f"The lung finder in '{folder}' can't be used: {error}. Install Pneumo again."
            ) from error

    def chances(self, images: Images) -> Chances:
        """See ``LungFinder``."""
        given = self._session.run(None, {"images": images})[0]
        return np.asarray(given, dtype=np.float32)


@cache
def lung_finder() -> LungFinder:
    """Load the finder shipped with Pneumo. Raises CheckpointError if it is damaged."""
    return _StoredFinder(_FOLDER)


def lung_finder_card() -> dict[str, object]:
    """Return the shipped finder's card: data, Dice with interval, licence, attribution."""
    card: dict[str, object] = json.loads((_FOLDER / "card.json").read_text())
    return card


def find_lungs(image: ImageInput | Radiograph, *, finder: LungFinder | None = None) -> Lungs:
    """Find both lungs in an X-ray. The result is cached on the Radiograph.

    Args:
        image: a Radiograph, or a path, bytes, array, open file or Pillow image to decode.
        finder: a finder to use instead of the one shipped with Pneumo.

    Returns:
        The mask, the box around it and the confidence. An image without lungs has ``found`` False.

    Raises:
        UnreadableImage: ``image`` can't be decoded.
    """
    used = finder or lung_finder()
    radiograph = image if isinstance(image, Radiograph) else read_radiograph(image)
    return radiograph.once(("lungs", used.identity), lambda: _find(radiograph, used))


def finder_input(radiograph: Radiograph) -> NDArray[np.uint8]:
    """Return the X-ray as the finder sees it, uint8 (112, 112); computed once."""
    return radiograph.once(("finder input", SIDE), lambda: to_input(radiograph.pixels, SIDE))


def _find(radiograph: Radiograph, finder: LungFinder) -> Lungs:
    image = finder_input(radiograph)
    chances = _without_specks(finder.chances(image[np.newaxis])[0])
    mask = chances > 0.5
    either = float(chances.sum() + mask.sum())
    confidence = 2 * float(chances[mask].sum()) / either if mask.any() else 0.0
    return Lungs(mask, box_around(chances), confidence)


def _without_specks(chances: Chances) -> Chances:
    """Set parts far smaller than the largest one to zero: letters, tubes, bowel gas."""
    parts, count = ndimage.label(chances > 0.5)
    if count < 2:
        return chances
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    small = np.flatnonzero(sizes < _SPECK * sizes.max())
    return np.where(np.isin(parts, small[small > 0]), np.float32(0), chances)
