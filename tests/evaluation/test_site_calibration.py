"""Calibration for a site: a known temperature is found, and few X-rays are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.errors import CheckpointError, DatasetError
from pneumo_core.evaluation import seed_groups
from pneumo_core.evaluation.site_calibration import fit_site, save_site, scan_site
from tests.conftest import make_card


def site(films: int = 400, *, too_sure: float = 3.0, seed: int = 0) -> pd.DataFrame:
    """X-rays whose true log odds are z, and a model that says ``too_sure`` times z."""
    random = np.random.default_rng(seed)
    z = random.normal(0, 2, films)
    return pd.DataFrame(
        {
            "id": [f"{n}.png" for n in range(films)],
            "patient": [f"p{n // 2}" for n in range(films)],
            "split": "train",
            "label": (random.random(films) < expit(z)).astype(int),
            "subtype": "",
            "probability": expit(too_sure * z).astype(np.float32),
        }
    )


def test_a_model_that_is_three_times_too_sure_is_put_right() -> None:
    card = make_card()
    fitted = fit_site(card, site(2000))
    ratio = fitted.calibration.temperature / card.temperature
    assert ratio == pytest.approx(3, rel=0.15)
    low, high = (
        each / card.temperature for each in (fitted.temperature.low, fitted.temperature.high)
    )
    assert low < 3 < high
    assert fitted.after["brier"].value < fitted.before["brier"].value
    assert fitted.after["ece"].value < fitted.before["ece"].value / 2


def test_screening_at_a_site_means_what_it_means_after_training() -> None:
    fitted = fit_site(make_card(), site(2000))
    balanced, screening = fitted.points
    assert screening.sensitivity.value >= 0.99
    assert screening.sensitivity.low >= 0.985
    assert screening.threshold <= balanced.threshold
    assert "0.985" in screening.rule and screening.rule.endswith("this site's own X-rays")


def test_a_model_that_is_right_stays_as_it_is() -> None:
    card = make_card()
    fitted = fit_site(card, site(2000, too_sure=1.0))
    assert fitted.calibration.temperature == pytest.approx(card.temperature, rel=0.15)


@pytest.mark.parametrize(("films", "needed"), [(60, "add 40"), (0, "add 100")])
def test_too_few_are_refused_with_the_number_needed(films: int, needed: str) -> None:
    with pytest.raises(DatasetError, match=needed):
        fit_site(make_card(), site(films))


def test_too_few_of_a_label_are_refused() -> None:
    table = site(400)
    table["label"] = 0
    with pytest.raises(DatasetError, match="add 30"):
        fit_site(make_card(), table)


def test_it_is_a_checkpoint_of_its_own_with_the_same_weights(
    checkpoint: Checkpoint, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    root = tmp_path / "own"
    shutil.copytree(checkpoint.folder.parent, root)
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(root))
    original = load_checkpoint("cnn_94")
    fitted = fit_site(original.card, site())
    made = save_site(original, fitted, "cnn_94-site")
    assert made.name == "cnn_94-site"
    assert made.card.calibrated_from == f"cnn_94 {original.card.version}"
    assert made.card.run == "", "it is not the model that the run made"
    assert seed_groups([original, made]) == [[original], [made]]
    assert made.card.temperature == fitted.calibration.temperature
    assert made.verified_weights() == original.verified_weights()
    assert len(made.scores) == 400 + len(original.scores)
    assert list(made.featured["id"]) == list(original.featured["id"])
    assert load_checkpoint("cnn_94").card == original.card
    with pytest.raises(CheckpointError):
        save_site(original, fitted, "cnn_94-site")
    other = save_site(original, fit_site(original.card, site(seed=1)), "cnn_94-other")
    versions = {original.card.version, made.card.version, other.card.version}
    assert len(versions) == 3, "caches know a model by its version"


@pytest.mark.parametrize("name", ["pneumo", "cnn_94"])
def test_the_training_x_rays_are_refused(name: str, real_data: Path) -> None:
    shipped = Path(__file__).parents[2] / "checkpoints"
    with pytest.raises(DatasetError, match="was trained on these X-rays"):
        scan_site(load_checkpoint(name, shipped), real_data)
