"""Films that a small network can tell apart, decoded once for all tests of this room."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pneumo_core.datasets import open_store, scan
from pneumo_core.training import Films, TrainingConfig, films_of, training_config
from tests import small_network
from tests.conftest import draw_film


@pytest.fixture(autouse=True, scope="module")
def _small_network() -> Iterator[None]:
    with small_network.registered():
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 train and 12 test films of 26 patients in the public set's naming and layout."""
    root = tmp_path_factory.mktemp("films") / "chest"
    for split, numbers in (("train", range(20)), ("test", range(100, 106))):
        for label, name in (
            (0, "NORMAL/IM-{:04d}-0001.png"),
            (1, "PNEUMONIA/person{}_virus_1.png"),
        ):
            for number in numbers:
                path = root / split / name.format(number)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_film(label, seed=number)).save(path)
    return root


@pytest.fixture(scope="session")
def films(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Films, Films]:
    """The train and validation films at the small network's size."""
    return _stored(folder, small_network.SIZE, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def larger_films(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Films, Films]:
    """The same at CNN_V2's size."""
    return _stored(folder, 100, tmp_path_factory.mktemp("home"))


def _stored(folder: Path, size: int, home: Path) -> tuple[Films, Films]:
    dataset = scan(folder, fraction=0.2)
    store = open_store(dataset, size, home=home)
    return films_of(dataset, store, "train"), films_of(dataset, store, "val")


@pytest.fixture
def config() -> TrainingConfig:
    """Three short epochs of a network that only this process knows."""
    return training_config(model=small_network.NAME, epochs=3, batch_size=8, precision="32-true")


@pytest.fixture
def known_config(config: TrainingConfig) -> TrainingConfig:
    """The same of a network that other processes know, too."""
    return dataclasses.replace(config, model="cnn_v2")
