"""Two checkpoints become one that needs neither; those that don't belong together are refused."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.cli import main
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError, TrainingError, UnknownName
from pneumo_core.reading import open_reader
from pneumo_core.runs import train
from pneumo_core.training import make_ensemble, training_config
from tests import small_network


@pytest.fixture(scope="module")
def trained(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, _small_network: None
) -> Iterator[Path]:
    """A folder with the checkpoints "one", "two" and the ensemble "both" of them."""
    root = tmp_path_factory.mktemp("ensemble")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PNEUMO_HOME", str(root / "home"))
        environment.setenv("PNEUMO_CHECKPOINTS", str(root / "checkpoints"))
        for seed, name in enumerate(("one", "two")):
            settings_ = {"epochs": 1, "batch_size": 8, "precision": "32-true", "seed": seed}
            train(folder, name, training_config(model=small_network.NAME, **settings_))
        make_ensemble(folder, "both", ["one", "two"])
    yield root / "checkpoints"


@pytest.fixture(autouse=True)
def members(trained: Path, _own_folders: None) -> None:
    """Copies of the members and their ensemble, each test its own."""
    shutil.copytree(trained, settings().checkpoints)


@pytest.fixture
def both() -> Checkpoint:
    return load_checkpoint("both")


def say(name: str, **facts: Any) -> None:
    """Change what a checkpoint's card says."""
    file = settings().checkpoints / name / "card.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


# --- an ensemble -----------------------------------------------------------------------------


def test_the_card_names_the_members(both: Checkpoint) -> None:
    one, two = (load_checkpoint(name).card for name in ("one", "two"))
    assert both.card.model == "ensemble"
    assert [(m.name, m.version, m.model) for m in both.card.members] == [
        ("one", one.version, small_network.NAME),
        ("two", two.version, small_network.NAME),
    ]
    assert [m.temperature for m in both.card.members] == [one.temperature, two.temperature]
    assert one.version != two.version


def test_the_card_tells_of_the_films_its_members_know(both: Checkpoint) -> None:
    one = load_checkpoint("one").card
    assert both.card.dataset == one.dataset
    assert both.card.training == {
        "validation": "keep",
        "validation_cut": "late",
        "validation_fraction": 0.12,
    }
    assert [point.name for point in both.card.operating_points] == ["balanced", "screening"]


def test_the_scores_are_the_calibrated_mean_of_the_members(both: Checkpoint) -> None:
    one, two = (load_checkpoint(name).scores for name in ("one", "two"))
    assert one["id"].tolist() == two["id"].tolist() == both.scores["id"].tolist()
    mean = (one["probability"].astype(float) + two["probability"].astype(float)) / 2
    expected = expit(logit(mean) / both.card.temperature + both.card.offset)
    assert both.scores["probability"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_features_are_those_of_both_members(both: Checkpoint) -> None:
    alone = [load_checkpoint(name).features for name in ("one", "two")]
    assert np.array_equal(both.features, np.concatenate(alone, axis=1))


def test_the_history_names_the_members_epochs(both: Checkpoint) -> None:
    assert both.history.to_dict("list") == {"member": ["one", "two"], "epochs": [1, 1]}


def test_it_reads_what_it_scored_without_its_members(both: Checkpoint, folder: Path) -> None:
    for name in ("one", "two"):
        shutil.rmtree(settings().checkpoints / name)
    reader = open_reader("both")
    for film in both.scores.itertuples():
        reading = reader.read_file(folder / str(film.id))
        assert reading.probability == pytest.approx(film.probability, abs=1e-5)


def test_the_mirror_images_of_its_members_are_read_too(folder: Path) -> None:
    for name in ("one", "two"):
        say(name, mirror=True)
    made = make_ensemble(folder, "mirrored", ["one", "two"])
    reader = open_reader("mirrored")
    assert made.card.mirror
    assert reader.runtime.mirror
    film = made.scores.iloc[0]
    assert reader.read_file(folder / film["id"]).probability == pytest.approx(
        film["probability"], abs=1e-5
    )


def test_members_of_several_sizes_read_one_film_and_the_largest_comes_first(folder: Path) -> None:
    tiny = {"epochs": 1, "batch_size": 8, "pretrained": "none", "size": 64}
    train(folder, "finer", training_config(model="timm:test_efficientnet", **tiny))
    made = make_ensemble(folder, "mixed", ["one", "finer"])
    assert [(m.name, m.input.size) for m in made.card.members] == [
        ("finer", 64),
        ("one", small_network.SIZE),
    ]
    assert made.card.input.size == 64
    assert made.card.architecture == "mean of timm:test_efficientnet (64 px), small_net (48 px)"
    reader, film = open_reader("mixed"), made.scores.iloc[0]
    path = folder / film["id"]
    assert reader.read_file(path).probability == pytest.approx(film["probability"], abs=1e-5)
    parts = [open_reader(name).read_file(path).probability for name in ("finer", "one")]
    expected = expit(logit(np.mean(parts)) / made.card.temperature)
    assert film["probability"] == pytest.approx(expected, abs=5e-3)  # one's film is a copy's copy


def test_the_command_line_makes_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ensemble", "ours", "one", "two", "--data", str(folder)]
    monkeypatch.setattr(sys, "argv", ["pneumo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    printed = json.loads(capsys.readouterr().out)
    assert [member["name"] for member in printed["members"]] == ["one", "two"]
    assert load_checkpoint("ours").card.weights_sha256 == printed["weights_sha256"]


# --- refusals --------------------------------------------------------------------------------


def refused(folder: Path, *members: str) -> str:
    """Why these can't be an ensemble; nothing is published."""
    with pytest.raises(TrainingError) as error:
        make_ensemble(folder, "new", members)
    assert not (settings().checkpoints / "new").exists()
    return str(error.value)


def test_one_checkpoint_is_no_ensemble(folder: Path) -> None:
    assert "at least two different models." in refused(folder, "one")
    assert "at least two different models." in refused(folder)
    assert "at least two different models." in refused(folder, "one", "one")


def test_an_ensemble_is_no_member(folder: Path) -> None:
    assert "'both' is already an ensemble" in refused(folder, "one", "both")


def test_members_of_other_films_are_refused(folder: Path, tmp_path: Path) -> None:
    fewer = shutil.copytree(folder, tmp_path / "fewer")
    next((fewer / "train" / "NORMAL").iterdir()).unlink()
    assert "'one' was trained on other X-rays" in refused(fewer, "one", "two")


def test_members_of_another_split_are_refused(folder: Path) -> None:
    facts = load_checkpoint("two").card_json()
    say("two", dataset={**json.loads(facts)["dataset"], "fingerprint": "f" * 24})
    assert "'two' was trained on other X-rays or another split" in refused(folder, "one", "two")


def test_members_of_which_one_reads_mirror_images_are_refused(folder: Path) -> None:
    say("two", mirror=True)
    assert "Only one of 'two' and 'one' reads mirror images" in refused(folder, "one", "two")


def test_a_taken_name_is_refused_unless_it_may_be_replaced(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="'both' already exists"):
        make_ensemble(folder, "both", ["two", "one"])
    replaced = make_ensemble(folder, "both", ["two", "one"], overwrite=True)
    assert [member.name for member in replaced.card.members] == ["two", "one"]


def test_an_unknown_member_is_answered_with_the_known(folder: Path) -> None:
    with pytest.raises(UnknownName, match="no model named 'three'.*both, one, two"):
        make_ensemble(folder, "new", ["one", "three"])
