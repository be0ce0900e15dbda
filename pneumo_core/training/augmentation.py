"""Augmentation of whole batches, with independent random changes for each X-ray."""

from typing import Any

import kornia.augmentation
import numpy as np
import pydantic
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumo_core.models import Framing
from pneumo_core.training.config import Augmentation

__all__ = ["augmented", "build_augmentation", "settings_of"]


def build_augmentation(ranges: Augmentation, size: int) -> nn.Module:
    """Build the module from X-rays float (N, K, W, W) in [0, 1] to (N, K, size, size), W ≥ size.

    Channels after the first are masks: they move with the X-ray, and their values are unchanged. It
    draws from torch's random state. Rotation, shift, scale and zoom are one resampling around the
    centre, of which the network sees size × size; areas outside the image are black. Where W > size
    the middle shows the box around the lungs, and a cut takes away a part of the lungs.
    """
    sides = (1 - ranges.scale, 1 + ranges.scale)
    return nn.Sequential(
        *([_Cut(ranges.cut, size)] if ranges.cut else []),
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


class _Cut(nn.Module):
    """Half of the X-rays as if their edges had been cut off, and the lungs with them.

    They are framed by what is left of the lungs and continued by their mirror image, as
    lungs.NetworkInput does. Each edge is cut with a probability of one half.
    """

    def __init__(self, most: float, size: int) -> None:
        super().__init__()
        self.most, self.size = most, size

    def forward(self, films: Tensor) -> Tensor:
        """Float (N, K, W, W) → the same shape; masks end where the X-ray was cut."""
        rows = (torch.rand(len(films)) < 0.5).nonzero()[:, 0]
        if not len(rows):
            return films
        chosen, side = films[rows], films.shape[-1]
        framed = side > self.size
        lungs = self.size / side / Framing().margin if framed else 1.0
        depth = (torch.rand(2, 2, len(rows)) * 2 - 1).clamp(min=0) * self.most
        y, x = (_read_from(each, lungs, side) for each in depth)
        grid = torch.stack(
            [x[0][:, None].expand(-1, side, -1), y[0][:, :, None].expand(-1, -1, side)], -1
        )
        cut = nn.functional.grid_sample(chosen, grid.to(films), align_corners=False)
        kept = (y[1][:, :, None] & x[1][:, None])[:, None].to(films)
        films = films.clone()
        films[rows] = torch.cat([cut[:, :1], cut[:, 1:] * kept], dim=1)
        return films


def _read_from(depth: Tensor, lungs: float, side: int) -> tuple[Tensor, Tensor]:
    """Return where each pixel along an axis is read, and whether it lies on what is left.

    ``depth`` float (2, N): share of the lungs that is cut off at the first and at the last edge;
    ``lungs``: half of their size, where half the square's is 1. Float and bool (N, side).
    """
    first = -lungs * (1 - 2 * depth[0])[:, None]
    last = lungs * (1 - 2 * depth[1])[:, None]
    even = (torch.arange(side) * 2 + 1) / side - 1
    place = (first + last) / 2 + even * (last - first) / (2 * lungs)
    before = (place < first) & (depth[0] > 0)[:, None]
    beyond = (place > last) & (depth[1] > 0)[:, None]
    mirrored = torch.where(before, 2 * first - place, torch.where(beyond, 2 * last - place, place))
    return mirrored, ~(before | beyond)


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
