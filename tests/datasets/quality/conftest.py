"""Datasets with one thing wrong with them, made of pictures with structure of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pneumo_core.datasets import scan
from pneumo_core.datasets.quality import Finding, Inspection, inspect_dataset

Films = Mapping[str, np.ndarray]


def picture(seed: int, side: int = 160) -> np.ndarray:
    """A picture uint8 (side, side) like no other seed's: coarse forms and fine ones."""
    random = np.random.default_rng(seed)
    forms = sum(
        strength * gaussian_filter(random.normal(size=(side, side)), side / part) * side / part
        for strength, part in ((1.0, 8), (0.6, 20), (0.4, 50))
    )
    low, high = forms.min(), forms.max()
    return np.rint(20 + 210 * (forms - low) / (high - low)).astype(np.uint8)


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Films], Path]:
    """A maker of datasets from pictures by their path: ``{"train/NORMAL/a.png": pixels}``."""

    def make(films: Films) -> Path:
        for name, pixels in films.items():
            path = tmp_path / "films" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        return tmp_path / "films"

    return make


@pytest.fixture
def inspect(folder_of: Callable[[Films], Path]) -> Callable[[Films], Inspection]:
    """The inspection of a dataset of these pictures."""
    return lambda films: inspect_dataset(scan(folder_of(films)))


def plain_set(**more: np.ndarray) -> dict[str, np.ndarray]:
    """Three films of each label to train on and to test on, nothing wrong but their number."""
    names = [
        f"{split}/{label}/{split}{label}{k}.png"
        for split in ("train", "test")
        for label in ("NORMAL", "PNEUMONIA")
        for k in range(3)
    ]
    return {name: picture(seed) for seed, name in enumerate(names)} | more


def found(inspection: Inspection, kind: str) -> Finding:
    """The one finding of a kind."""
    (finding,) = [each for each in inspection.findings if each.kind == kind]
    return finding
