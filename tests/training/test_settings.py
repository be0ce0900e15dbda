"""Every setting can be given in a file or on the command line."""

from pathlib import Path

import pytest

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.training import recipe, settings_from, with_settings


def test_a_text_overrules_the_file_and_leaves_the_rest(tmp_path: Path):
    file = tmp_path / "run.toml"
    file.write_text(
        'epochs = 7\nbalance = "none"\n[augmentation]\nrotation = 3\nzoom = [0.9, 1.1]\n'
    )
    settings = settings_from(file, ["epochs=9", "augmentation.rotation=4.5", "precision=32-true"])
    config = with_settings(recipe("strong", "efficientnet_b0"), settings)
    assert (config.epochs, config.balance, config.precision) == (9, "none", "32-true")
    assert (config.augmentation.rotation, config.augmentation.zoom) == (4.5, (0.9, 1.1))
    strong = recipe("strong", "efficientnet_b0")
    assert config.augmentation.gamma == strong.augmentation.gamma
    assert config.learning_rate == strong.learning_rate


def test_no_settings_are_no_change():
    config = recipe("paper", "cnn_94")
    assert with_settings(config, settings_from(None)) is config


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("epoch=3", UnknownName, "Did you mean 'epochs'"),
        ("augmentation.rotate=3", UnknownName, "Did you mean 'rotation'"),
        ("epochs=many", TrainingError, "'epochs' is invalid"),
        ("epochs", TrainingError, "Write NAME=VALUE"),
        ("=3", TrainingError, "Write NAME=VALUE"),
    ],
)
def test_what_is_no_setting_is_refused(text: str, error: type[Exception], sentence: str):
    with pytest.raises(error, match=sentence):
        with_settings(recipe("strong", "cnn_94"), settings_from(None, [text]))


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="can't be read"):
        settings_from(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("epochs =")
    with pytest.raises(TrainingError, match="is not a TOML file"):
        settings_from(tmp_path / "bad.toml")
