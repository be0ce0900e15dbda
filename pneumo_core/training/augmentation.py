"""Augmentation of whole batches, with independent random changes for each X-ray."""

from typing import Any

import kornia.augmentation
import numpy as np
import pydantic
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumo_core.training.config import Augmentation

__all__ = ["augmented", "build_augmentation", "settings_of"]


def build_augmentation(ranges: Augmentation, size: int) -> nn.Module:
    """Build the module from X-rays float (N, K, W, W) in [0, 1] to (N, K, size, size), W ≥ size.

    Channels after the first are masks: they move with the X-ray, and their values are unchanged. It
    draws from torch's random state. Rotation, shift, scale and zoom are one resampling around the
    centre, of which the network sees size × size; areas outside the image are black.
    """
    sides = (1 - ranges.scale, 1 + ranges.scale)
    return nn.Sequential(
        _Affine(
            ranges.zoom,
            degrees=ranges.rotation,
            translate=(ranges.shift, ranges.shift),
            scale=(*sides, *sides),
            p=ranges.resampled,
        ),
        _Middle(size),
        kornia.augmentation.RandomHorizontalFlip(p=ranges.mirror),
        _FirstChannel(*_grey_changes(ranges)),
    )


def _grey_changes(ranges: Augmentation) -> list[nn.Module]:
    return [
        kornia.augmentation.RandomGamma(gamma=(1 - ranges.gamma, 1 + ranges.gamma), p=1.0),
        kornia.augmentation.RandomContrast(
            contrast=(1 - ranges.contrast, 1 + ranges.contrast), p=1.0
        ),
        kornia.augmentation.RandomBrightness(
            brightness=(1 - ranges.brightness, 1 + ranges.brightness), p=1.0
        ),
        *_blurring(ranges.blur),
        _Noise(*ranges.noise),
        nn.Hardtanh(0.0, 1.0),
    ]


def augmented(
    ranges: Augmentation, film: NDArray[np.uint8], n: int, *, size: int, seed: int = 0
) -> NDArray[np.uint8]:
    """Augment an X-ray uint8 (W, W) ``n`` times as in training: uint8 (n, size, size).

    The same seed gives the same images; torch's random state is restored.
    """
    films = torch.from_numpy(film.copy()).float().div(255).expand(n, 1, *film.shape).clone()
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        drawn = build_augmentation(ranges, size)(films)
    pixels: NDArray[np.uint8] = drawn[:, 0].mul(255).round().byte().numpy()
    return pixels


def settings_of(ranges: Augmentation) -> list[tuple[str, str, str]]:
    """Return the name, value and description of every augmentation setting."""
    fields = pydantic.TypeAdapter(Augmentation).json_schema()["properties"]
    found = []
    for name, about in fields.items():
        value = getattr(ranges, name)
        ends = dict.fromkeys(value if isinstance(value, tuple) else (value,))
        shown = " to ".join(f"{each:g}" for each in ends)
        found.append((name, shown, str(about.get("description", ""))))
    return found


class _Affine(kornia.augmentation.RandomAffine):  # type: ignore[misc]
    """Random affine transform with a zoom: one factor, drawn between two values, for both sides."""

    def __init__(self, zoom: tuple[float, float], **ranges: Any) -> None:
        super().__init__(**ranges)
        self.zoom = zoom

    def generate_parameters(self, batch_shape: tuple[int, ...]) -> dict[str, Tensor]:
        drawn: dict[str, Tensor] = super().generate_parameters(batch_shape)
        least, most = self.zoom
        if least < most:
            drawn["scale"] = drawn["scale"] * torch.empty(len(drawn["scale"]), 1).uniform_(
                least, most
            )
        return drawn


class _Middle(nn.Module):
    """Crop of the central size × size pixels."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, films: Tensor) -> Tensor:
        first = (films.shape[-1] - self.size) // 2
        middle = slice(first, first + self.size)
        return films[..., middle, middle].contiguous()


class _FirstChannel(nn.Module):
    """Wrapper that applies its modules to the first channel only."""

    def __init__(self, *changes: nn.Module) -> None:
        super().__init__()
        self.change = nn.Sequential(*changes)

    def forward(self, films: Tensor) -> Tensor:
        return torch.cat([self.change(films[:, :1]), films[:, 1:]], dim=1)


class _Noise(nn.Module):
    """Gaussian noise with a standard deviation drawn for each X-ray between two values."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__()
        self.least, self.most = least, most

    def forward(self, films: Tensor) -> Tensor:
        deviation = torch.full((len(films), 1, 1, 1), self.most, device=films.device)
        if self.least < self.most:
            deviation.uniform_(self.least, self.most)
        return films + torch.randn_like(films) * deviation


def _blurring(most: float) -> list[nn.Module]:
    """Return the blur for half of the X-rays, as in smaller or more compressed originals."""
    if not most:
        return []
    return [kornia.augmentation.RandomGaussianBlur((7, 7), (0.1, max(0.1, most)), p=0.5)]
