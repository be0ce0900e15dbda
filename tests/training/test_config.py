import dataclasses

import pytest

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.training import TrainingConfig, training_config


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
