import dataclasses

import pydantic
import pytest

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.training import Augmentation, TrainingConfig, recipe, training_config, with_setting

_STORED = pydantic.TypeAdapter(TrainingConfig)


def test_settings_left_out_keep_their_default():
    assert training_config(epochs=None, seed=None) == TrainingConfig()


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().epochs = 5


def test_an_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="cnn_94, cnn_v2, efficientnet_b0"):
        training_config(model="resnet")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("learning_rate", -1.0),
        ("learning_rate", float("nan")),
        ("batch_size", 1),
        ("balance", "oversample"),
        ("augmentation", {"rotation": 400}),
    ],
)
def test_a_senseless_setting_is_named(setting: str, value: object):
    with pytest.raises(TrainingError, match=f"The setting '{setting}"):
        training_config(**{setting: value})


@pytest.mark.parametrize(
    ("make", "asked", "meant"),
    [
        (lambda: training_config(epoch=1), "epoch", "epochs"),
        (lambda: TrainingConfig(learning_rates=1), "learning_rates", "learning_rate"),
        (lambda: Augmentation(rotate=3), "rotate", "rotation"),
        (lambda: training_config(augmentation={"rotate": 3}), "rotate", "rotation"),
        (lambda: recipe("strong", "cnn_94", batchsize=3), "batchsize", "batch_size"),
        (lambda: TrainingConfig(model="cnn94"), "cnn94", "cnn_94"),
        (lambda: recipe("strong", "cnn_49"), "cnn_49", "cnn_94"),
        (lambda: with_setting(TrainingConfig(), "sed", 1), "sed", "seed"),
    ],
)
def test_an_unknown_setting_or_model_is_refused_with_the_nearest(make, asked: str, meant: str):
    with pytest.raises(UnknownName, match=f"'{asked}'. .*Did you mean '{meant}'"):
        make()


def test_a_run_that_an_older_or_newer_version_kept_still_loads():
    stored = _STORED.dump_python(TrainingConfig(epochs=3), mode="json")
    del stored["validation"]
    stored |= {"gone": 1, "model": "an architecture of before"}
    stored["augmentation"]["gone"] = 2
    loaded = _STORED.validate_python(stored)
    assert (loaded.epochs, loaded.model) == (3, "an architecture of before")
    assert loaded.validation == "large", "the rule of before there was a choice"
    assert loaded.augmentation == TrainingConfig().augmentation
