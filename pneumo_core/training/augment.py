"""Augmentation of whole batches, each film with its own draw."""

import kornia.augmentation
import torch
from torch import Tensor, nn

from pneumo_core.training.config import Augmentation

__all__ = ["build_augmentation"]


def build_augmentation(ranges: Augmentation) -> nn.Module:
    """A module from films float (N, 1, S, S) in [0, 1] to the same, from torch's random state.

    Rotation, shift and scale are one resampling; what comes in from outside is black.
    """
    sides = (1 - ranges.scale, 1 + ranges.scale)
    return nn.Sequential(
        kornia.augmentation.RandomAffine(
            degrees=ranges.rotation,
            translate=(ranges.shift, ranges.shift),
            scale=(*sides, *sides),
            p=ranges.resampled,
        ),
        kornia.augmentation.RandomHorizontalFlip(p=ranges.mirror),
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
    )


class _Noise(nn.Module):
    """Gaussian noise whose standard deviation is drawn for each film between two values."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__()
        self.least, self.most = least, most

    def forward(self, films: Tensor) -> Tensor:
        deviation = torch.full((len(films), 1, 1, 1), self.most, device=films.device)
        if self.least < self.most:
            deviation.uniform_(self.least, self.most)
        return films + torch.randn_like(films) * deviation


def _blurring(most: float) -> list[nn.Module]:
    """Half of the films lose sharpness, as smaller or more compressed originals have."""
    if not most:
        return []
    return [kornia.augmentation.RandomGaussianBlur((7, 7), (0.1, max(0.1, most)), p=0.5)]
