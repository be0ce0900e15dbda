"""The corruptions of MedMNIST-C for chest X-rays of children, at its five severities.

Di Salvo, Doerrich and Ledig (2024), "MedMNIST-C", arXiv:2406.17536: the thirteen corruptions and
the severities that its package medmnistc 0.1.0 has for PneumoniaMNIST. That package needs
ImageMagick and an old scikit-image, so NumPy, SciPy and Pillow do the work here.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

__all__ = ["CORRUPTIONS", "SEVERITIES", "Corruption", "at_benchmark_size", "jpeg"]

Pixels: TypeAlias = NDArray[np.float32]

SEVERITIES = (1, 2, 3, 4, 5)
_SIDE = 224
"""Pixels of the benchmark's images a side: noise and blur are per pixel of these."""


@dataclass(frozen=True)
class Corruption:
    """One corruption at five severities.

    ``function`` maps pixels float32 (H, W) in [0, 1], a parameter and a random generator to pixels
    that may leave the range; ``parameters`` are those of severities 1 to 5.
    """

    function: Callable[[Pixels, float, Generator], NDArray[np.floating]]
    parameters: tuple[float, float, float, float, float]

    def apply(self, pixels: Pixels, severity: int) -> Pixels:
        """Corrupt an X-ray float32 (H, W) in [0, 1] to the same shape and range.

        The same X-ray gets the same noise each time. Raises ValueError for a severity that is not
        1 to 5.
        """
        if severity not in SEVERITIES:
            raise ValueError(f"The severity {severity} doesn't exist. Choose 1 to 5.")
        random = np.random.default_rng([severity, zlib.crc32(pixels.tobytes())])
        corrupted = self.function(pixels, self.parameters[severity - 1], random)
        return np.asarray(np.clip(corrupted, 0, 1), dtype=np.float32)


def at_benchmark_size(pixels: Pixels) -> Pixels:
    """Scale an X-ray down so that its shorter side has 224 pixels; a smaller one is unchanged."""
    factor = _SIDE / min(pixels.shape)
    if factor >= 1:
        return pixels
    height, width = (round(side * factor) for side in pixels.shape)
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.array(image, dtype=np.float32), 0, 1)


def jpeg(pixels: Pixels, quality: float) -> Pixels:
    """Compress pixels float32 (H, W) in [0, 1] as a JPEG of 8 bits."""
    buffer = BytesIO()
    image = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    image.save(buffer, "JPEG", quality=int(quality))
    with Image.open(buffer) as stored:
        return np.asarray(np.asarray(stored) / np.float32(255), dtype=np.float32)


def _pixelate(pixels: Pixels, share: float, _random: Generator) -> Pixels:
    height, width = pixels.shape
    image = Image.fromarray(pixels)
    small = image.resize((int(width * share), int(height * share)), Image.Resampling.BOX)
    return np.array(small.resize((width, height), Image.Resampling.BOX), dtype=np.float32)


def _jpeg(pixels: Pixels, quality: float, _random: Generator) -> Pixels:
    return jpeg(pixels, quality)


def _gaussian_noise(pixels: Pixels, scale: float, random: Generator) -> NDArray[np.floating]:
    return pixels + random.normal(scale=scale, size=pixels.shape)


def _speckle_noise(pixels: Pixels, scale: float, random: Generator) -> NDArray[np.floating]:
    return pixels * (1 + random.normal(scale=scale, size=pixels.shape))


def _impulse_noise(pixels: Pixels, share: float, random: Generator) -> NDArray[np.floating]:
    hit = random.random(pixels.shape) < share
    return np.where(hit, random.integers(2, size=pixels.shape), pixels)


def _shot_noise(pixels: Pixels, photons: float, random: Generator) -> NDArray[np.floating]:
    return random.poisson(pixels * photons) / photons


def _gaussian_blur(pixels: Pixels, kernel: float, _random: Generator) -> Pixels:
    radius = int(kernel) // 2
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    blurred: Pixels = gaussian_filter(pixels, sigma, radius=radius, mode="mirror")
    return blurred


def _brightness(pixels: Pixels, factor: float, _random: Generator) -> Pixels:
    return pixels * np.float32(factor)


def _contrast(pixels: Pixels, factor: float, _random: Generator) -> Pixels:
    mean = np.float32(pixels.mean())
    return np.asarray(mean + (pixels - mean) * np.float32(factor))


def _gamma(pixels: Pixels, exponent: float, _random: Generator) -> Pixels:
    return np.asarray(pixels ** np.float32(exponent))


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "pixelate": Corruption(_pixelate, (0.8, 0.7, 0.6, 0.5, 0.4)),
        "JPEG": Corruption(_jpeg, (50, 30, 15, 10, 7)),
        "Gaussian noise": Corruption(_gaussian_noise, (0.04, 0.05, 0.06, 0.07, 0.08)),
        "speckle noise": Corruption(_speckle_noise, (0.05, 0.07, 0.1, 0.15, 0.2)),
        "impulse noise": Corruption(_impulse_noise, (0.005, 0.01, 0.013, 0.017, 0.02)),
        "shot noise": Corruption(_shot_noise, (300, 200, 150, 100, 80)),
        "Gaussian blur": Corruption(_gaussian_blur, (3, 5, 7, 9, 11)),
        "brighter": Corruption(_brightness, (1.1, 1.2, 1.3, 1.4, 1.5)),
        "darker": Corruption(_brightness, (0.9, 0.8, 0.7, 0.6, 0.5)),
        "more contrast": Corruption(_contrast, (1.1, 1.2, 1.3, 1.4, 1.6)),
        "less contrast": Corruption(_contrast, (0.9, 0.8, 0.7, 0.6, 0.4)),
        "gamma above 1": Corruption(_gamma, (1.1, 1.2, 1.3, 1.4, 1.6)),
        "gamma below 1": Corruption(_gamma, (0.9, 0.8, 0.7, 0.6, 0.4)),
    }
)
"""Corruptions by name, in MedMNIST-C's order."""
