"""A finder that is trained by the command takes the shipped one's place."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.imaging import read_radiograph
from pneumo_core.lungs import SIDE, find_lungs, lung_finder, lung_finder_card
from pneumo_core.training import lung_finder as training

Run = Callable[..., object]


def _outlined(folder: Path) -> tuple[Path, Path]:
    """X-rays with two dark lungs on grey, and their masks."""
    random = np.random.default_rng(0)
    names, masks = [], []
    for split, count in (("train", 24), ("test", 4)):
        for number in range(count):
            label = ("NORMAL", "PNEUMONIA")[number % 2]
            name = f"{split}/{label}/person{number}_bacteria_{number}.png"
            mask = np.zeros((SIDE, SIDE), bool)
            top, left = random.integers(20, 30), random.integers(12, 20)
            for start in (left, left + 45):
                mask[top : top + 60, start : start + 30] = True
            pixels = np.where(mask, 60, 170) + random.integers(-20, 20, mask.shape)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
            names.append(name)
            masks.append(mask)
    packed = folder.parent / "masks.npz"
    np.savez(packed, path=np.array(names), mask=np.packbits(np.stack(masks), axis=2))
    return folder, packed


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PHASES", (training.Phase(14, 8e-3, 0.0),))
    monkeypatch.setattr(training, "_EMPTY", 2)


def test_a_trained_finder_is_used(
    pneumo: Run, few_epochs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films, masks = _outlined(tmp_path / "films")
    out = tmp_path / "mine"
    options = ("--films", films, "--masks", masks, "--out", out, "--licence", "CC0")
    done = pneumo("lungs", "train", *options)
    assert done.code == 0
    card = json.loads((out / "card.json").read_text())
    assert (card["licence"], card["attribution"]) == ("CC0", "not stated")
    assert card["train_images"] + 2 <= 24, "a tenth of the patients is held out"
    assert card["test_images"] == 4
    assert float(card["dice"].split()[0]) > 0.7

    monkeypatch.setenv("PNEUMO_LUNGS", str(out))
    assert lung_finder().identity == lung_finder_card()["version"] == card["version"]
    film = sorted((films / "test").rglob("*.png"))[0]
    with np.load(masks) as stored:
        row = stored["path"].tolist().index(str(film.relative_to(films)))
        drawn = np.unpackbits(stored["mask"][row], axis=1).astype(bool)
    (share,) = training.dice([find_lungs(read_radiograph(film)).mask], [drawn])
    assert share > 0.7


def test_masks_of_other_xrays_are_a_sentence(pneumo: Run, tmp_path: Path) -> None:
    films, _ = _outlined(tmp_path / "films")
    other = tmp_path / "other.npz"
    np.savez(other, path=np.array(["x.png"]), mask=np.zeros((1, SIDE, SIDE // 8), np.uint8))
    done = pneumo("lungs", "train", "--films", films, "--masks", other, "--out", tmp_path / "o")
    assert done.code == 1
    assert "No train X-ray" in done.err
