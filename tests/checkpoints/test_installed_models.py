"""Models of an installed Pneumo, and those that its user trains."""

import json
import shutil
from pathlib import Path

import pytest

from pneumo_core.checkpoints import (
    check_free,
    delete_checkpoint,
    free_name,
    list_checkpoints,
    load_checkpoint,
    rename_checkpoint,
)
from pneumo_core.core import settings as settings_module
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError


@pytest.fixture
def shipped(checkpoints_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an installed Pneumo's own models, which nobody may change."""
    package = tmp_path / "site-packages" / "pneumo_core"
    shutil.copytree(checkpoints_root / "cnn_94", package / "shipped" / "cnn_94")
    monkeypatch.setattr(settings_module, "repository_root", lambda: None)
    monkeypatch.setattr(settings_module, "_PACKAGE", package)
    monkeypatch.delenv("PNEUMO_CHECKPOINTS")
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    return package / "shipped"


def own(shipped: Path, name: str) -> Path:
    """Save a model among the user's, and return its folder."""
    place = settings().checkpoints / name
    shutil.copytree(shipped / "cnn_94", place)
    card = place / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "name": name}))
    return place


def test_own_models_lie_in_the_home_and_are_listed_with_the_installed(shipped: Path) -> None:
    assert check_free("mine") == settings().home / "checkpoints" / "mine"
    mine = own(shipped, "mine")
    assert [each.folder for each in list_checkpoints()[0]] == [shipped / "cnn_94", mine]
    assert load_checkpoint("cnn_94").folder == shipped / "cnn_94"
    assert load_checkpoint("mine").folder == mine
    assert load_checkpoint(None).name == "cnn_94"


def test_an_installed_name_is_taken(shipped: Path) -> None:
    with pytest.raises(CheckpointError, match="A model named 'cnn_94' already exists"):
        check_free("cnn_94")
    assert free_name("cnn_94") == "cnn_94-2"


def test_an_own_model_comes_before_an_installed_one_of_its_name(shipped: Path) -> None:
    place = own(shipped, "cnn_94")
    assert check_free("cnn_94", overwrite=True) == place
    assert [each.folder for each in list_checkpoints()[0]] == [place]
    assert load_checkpoint("cnn_94").folder == place


def test_installed_models_are_not_changed(shipped: Path) -> None:
    with pytest.raises(CheckpointError, match="part of the installed Pneumo and can't be deleted"):
        delete_checkpoint(load_checkpoint("cnn_94"))
    with pytest.raises(CheckpointError, match="can't be renamed"):
        rename_checkpoint(load_checkpoint("cnn_94"), "other")
    assert load_checkpoint("cnn_94").folder == shipped / "cnn_94"


def test_a_folder_of_ones_own_choice_is_the_only_one(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "chosen"))
    assert list_checkpoints() == ([], [])
    assert settings().shipped is None
