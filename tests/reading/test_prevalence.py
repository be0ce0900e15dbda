"""Each probability names the prevalence that its model assumes, and is converted from there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.checkpoints.card import with_older_prevalence
from pneumo_core.reading import open_reader, samples
from pneumo_core.training.publish import _assumed_prevalence

SHIPPED = Path(__file__).parents[2] / "checkpoints"
OLDER = "Its probabilities are calibrated for the share of pneumonia in its validation films, 74%;"


@pytest.mark.parametrize(
    ("model", "prevalence"),
    [("pneumo", 0.5), ("efficientnet_b0", 0.5), ("cnn_94", 0.5), ("cnn_v2", 0.5)],
)
def test_a_reading_assumes_its_models_prevalence(
    model: str, prevalence: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(SHIPPED))
    (chest,) = (each.path for each in samples() if each.title == "Chest")
    reading = open_reader(model).read(chest)
    assert reading.to_dict()["assumed_prevalence"] == prevalence


def test_only_a_card_that_has_the_older_sentence_is_given_its_prevalence() -> None:
    assert with_older_prevalence({"limitations": [OLDER]})["prevalence"] == 0.74
    assert "prevalence" not in with_older_prevalence({"limitations": ["Expect errors."]})
    assert with_older_prevalence({"limitations": [OLDER], "prevalence": 0.5})["prevalence"] == 0.5


@pytest.mark.parametrize(("model", "self_consistent"), [("cnn_94", 0.50), ("cnn_v2", 0.61)])
def test_the_validation_x_rays_agree_with_it(model: str, self_consistent: float) -> None:
    """The prevalence at which the mean probability is the prevalence."""
    scores = load_checkpoint(model, SHIPPED).scores
    val = scores[scores["split"] == "val"]
    ill, well = (val.loc[val["label"] == label, "probability"].mean() for label in (1, 0))
    assert well / (1 - ill + well) == pytest.approx(self_consistent, abs=0.02)


@pytest.mark.parametrize(
    ("balance", "prevalence"), [("weights", 0.5), ("none", 0.75), ("repeat_normals", 0.6)]
)
def test_a_network_assumes_what_its_training_showed_it(
    checkpoint: Checkpoint, balance: str, prevalence: float
) -> None:
    counts = {"train": {"NORMAL": 100, "PNEUMONIA": 300}}
    card = replace(
        checkpoint.card,
        training={"balance": balance},
        dataset=replace(checkpoint.card.dataset, counts=counts),
    )
    np.testing.assert_allclose(_assumed_prevalence(card), prevalence)
