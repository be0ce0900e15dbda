"""Whether a network's input tells the label by how far the X-ray was enlarged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import scan
from pneumo_core.evaluation.shortcuts import audit_input_detail
from pneumo_core.evaluation.shortcuts.input_detail import finest_detail

SIDES = {"NORMAL": 96, "PNEUMONIA": 192}


@pytest.fixture(scope="module")
def enlarged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of noise whose normal X-rays have half as many pixels a side."""
    folder, random = tmp_path_factory.mktemp("enlarged"), np.random.default_rng(0)
    for label, side in SIDES.items():
        for split in ("train", "test"):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(8):
                pixels = random.integers(0, 256, (side, side), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{split}{label}{number}.png")
    return folder


def test_only_an_input_that_enlarges_some_x_rays_tells_the_label(
    enlarged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path))
    found = audit_input_detail(scan(enlarged), [48, 192])
    assert [(each.prop.key, each.split) for each in found] == [
        ("input_detail_48", "train"),
        ("input_detail_48", "test"),
        ("input_detail_192", "train"),
        ("input_detail_192", "test"),
    ]
    for each in found[:2]:
        assert each.auc.low < 0.65, "both labels are reduced"
    for each in found[2:]:
        assert (each.auc.value, each.higher) == (1.0, 1), "one label is enlarged"


def test_noise_is_as_strong_at_every_frequency_and_nothing_has_no_detail() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128), dtype=np.uint8)
    assert finest_detail(noise) == pytest.approx(0, abs=1)
    assert np.isnan(finest_detail(np.full((128, 128), 7, np.uint8)))
