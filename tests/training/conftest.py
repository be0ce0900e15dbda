"""Films that a small network can tell apart, decoded once for all tests of this room."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.data import open_store, scan
from pneumo_core.training import Films, TrainingConfig, films_of, training_config


def write_film(path: Path, ill: bool, seed: int) -> None:
    """A grey square; in the ill ones a bright patch lies in the lower half."""
    random = np.random.default_rng(seed)
    film = random.integers(60, 110, (64, 64), dtype=np.uint8)
    if ill:
        row, column = random.integers(34, 44), random.integers(4, 44)
        film[row : row + 16, column : column + 16] = 230
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(film).save(path)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 train and 12 test films of 26 patients in the public set's naming and layout."""
    root = tmp_path_factory.mktemp("films") / "chest"
    for split, per_class in (("train", 20), ("test", 6)):
        for number in range(per_class):
            first = 100 if split == "test" else 0
            normal = f"IM-{first + number:04d}-0001.png"
            ill = f"person{first + number}_bacteria_1.png"
            write_film(root / split / "NORMAL" / normal, ill=False, seed=first + number)
            write_film(root / split / "PNEUMONIA" / ill, ill=True, seed=first + number)
    return root


@pytest.fixture(scope="session")
def films(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Films, Films]:
    """The train and validation films at CNN_V2's size."""
    dataset = scan(folder, fraction=0.2)
    store = open_store(dataset, 100, home=tmp_path_factory.mktemp("home"))
    return films_of(dataset, store, "train"), films_of(dataset, store, "val")


@pytest.fixture
def config() -> TrainingConfig:
    """Three short epochs."""
    return training_config(model="cnn_v2", epochs=3, batch_size=8, precision="32-true")
