"""Files and folders as people have them: odd names, pipes, copies, films that can't be read."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.datasets.download import stage
from pneumo_core.embeddings import read_map

Run = Callable[..., object]
Maker = Callable[..., Path]


def as_a_shell_would(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pneumo_core", *map(str, arguments)]
    env = os.environ | environment
    return subprocess.run(command, capture_output=True, check=False, env=env, timeout=200)


def broken(folder: Path, n: int) -> list[str]:
    """Make the first films of a folder unreadable; their names."""
    films = sorted(folder.rglob("*.png"))[:n]
    for film in films:
        film.write_bytes(b"broken")
    return [film.name for film in films]


def several(folder: Path, n: int) -> Path:
    """A dataset of ``n`` copies of the first film of this one."""
    first = next(iter(sorted(folder.rglob("*.png"))))
    copies = folder.with_name("copies")
    (copies / "test/NORMAL").mkdir(parents=True)
    for number in range(n):
        shutil.copy(first, copies / f"test/NORMAL/copy{number}.png")
    return copies


def test_a_name_that_the_terminal_has_no_letters_for_is_printed_replaced(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
):
    folder = film_folder({"test": 1}, side=128)
    films = sorted(folder.rglob("*.png"))
    films[0].rename(films[0].with_name("снимок.png"))
    os.rename(films[1], os.fsencode(films[1].parent) + b"/r\xe9sultat.png")  # noqa: PTH104
    done = as_a_shell_would("predict", "--no-gate", folder, PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("cp1252").splitlines()
    assert len(lines) == 2
    assert "??????.png: " in lines[0] + lines[1]
    readings = pneumo("predict", "--no-gate", "--json", folder).out.splitlines()
    assert {Path(json.loads(each)["file"]).name for each in readings} == {
        "снимок.png",
        "r\ufffdsultat.png",
    }


@pytest.mark.posix
def test_a_pipe_is_a_sentence_and_does_not_hang(checkpoint: Checkpoint, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    done = as_a_shell_would("predict", tmp_path / "pipe", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reasons"][0].startswith("pipe: this is not a regular file")


def test_a_dataset_with_odd_names_is_evaluated_mapped_and_inspected(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker, tmp_path: Path
):
    folder = film_folder({"test": 6})
    for film in sorted(folder.rglob("*.png")):
        os.rename(film, os.fsencode(film.parent) + b"/\xe9" + film.name.encode())  # noqa: PTH104
    films = ("--data", folder)
    assert json.loads(pneumo("evaluate", *films, "--json").out)["n"] == 12
    assert pneumo("robustness", *films).code == 0
    target = tmp_path / "map.parquet"
    assert pneumo("embed", *films, "--method", "pca", "--out", target).code == 0
    inspected = pneumo("data", "inspect", folder, "--json")
    assert json.loads(inspected.out)["splits"][0]["films"] == 12


def test_films_that_cannot_be_read_are_said_every_time(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
):
    folder = film_folder({"test": 5})
    names = broken(folder, 2)
    films = ("--data", folder)
    for command in (("evaluate",), ("robustness",), ("compare", "cnn_94", "cnn_94")) * 2:
        said = pneumo(*command, *films).err
        for name in names:
            assert f"Left out: {name}: " in said, command
    facts = json.loads(pneumo("compare", "cnn_94", "cnn_94", *films, "--json").out)
    assert facts["n"] == 8
    assert [Path(film).name for film in facts["unreadable"]] == names


def test_two_films_give_no_interval_without_width(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
):
    said = pneumo("evaluate", "--data", film_folder({"test": 1})).out
    for value in ("0.000", "0.500", "1.000"):
        assert f"{value} ({value}–{value})" not in said
    assert "interval not known" in said, "of ECE, by two patients"
    assert "2 X-rays" in said


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_copies_of_one_film_make_no_map_and_no_file(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker, tmp_path: Path, method: str
):
    target = tmp_path / "map.csv"
    folder = several(film_folder({"test": 1}), 12)
    done = pneumo("embed", "--data", folder, "--method", method, "--out", target)
    assert done.code == 1
    assert "are copies" in " ".join(done.err.split())
    assert not target.exists()


def test_what_lies_beside_the_films_is_said(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
):
    folder = film_folder({"test": 2})
    (folder / "lost+found").mkdir()
    (folder / "test/NORMAL/README.txt").write_text("Films.")
    said = pneumo("evaluate", "--data", folder).err
    assert "'lost+found'" in said
    assert "'test/NORMAL/README.txt'" in said


def test_a_folder_of_features_is_mapped_and_the_page_is_named(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker, tmp_path: Path
):
    folder, features, target = film_folder({"test": 6}), tmp_path / "f", tmp_path / "map.parquet"
    broken(folder, 1)
    assert pneumo("embed", folder, "--out", features).code == 1
    done = pneumo("embed", features, "--method", "pca", "--out", target)
    assert done.code == 0
    assert "11 X-rays in" in done.out
    assert "are shown on the page Embeddings" in " ".join(done.out.split())
    assert "Left out: " in done.err
    assert len(read_map(target).points) == 11
    refused = pneumo("embed", folder / "test", tmp_path, "--out", target)
    assert refused.code == 2
    assert "first write their features" in " ".join(refused.err.replace("│", "").split())


# --- which dataset ---------------------------------------------------------------------------


@pytest.fixture
def added(film_folder: Maker) -> str:
    """A dataset of 24 films that was added under a name."""
    archive = shutil.make_archive(
        str(film_folder({"test": 12}).with_name("ours")), "zip", film_folder({"test": 12}, name="b")
    )
    stage(Path(archive), "ours").keep()
    return "ours"


def test_an_added_dataset_is_known_by_its_name_everywhere(
    pneumo: Run, checkpoint: Checkpoint, added: str, tmp_path: Path
):
    target = tmp_path / "map.csv"
    films = ("--data", added)
    assert json.loads(pneumo("evaluate", *films, "--json").out)["n"] == 24
    assert json.loads(pneumo("compare", "cnn_94", "cnn_94", *films, "--json").out)["n"] == 24
    assert pneumo("embed", *films, "--method", "pca", "--out", target).code == 0
    assert "cropped" in pneumo("robustness", *films).out
    assert "speckle noise" in pneumo("robustness", *films, "--corruptions").out
    rows = json.loads(pneumo("robustness", *films, "--json").out)
    assert rows[0]["change"] == "unchanged"
    assert 0 <= rows[0]["balanced_accuracy"] <= 1
    assert "Fingerprint" in pneumo("data", "inspect", added).out


@pytest.mark.parametrize("by", ["name", "path"])
def test_the_environment_names_the_same_films_for_every_command(
    pneumo: Run, checkpoint: Checkpoint, added: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, by: str,
):  # fmt: skip
    place = tmp_path / "pneumo-home" / "datasets" / added
    monkeypatch.setenv("PNEUMO_DATA", added if by == "name" else str(place))
    target = tmp_path / "map.csv"
    assert json.loads(pneumo("evaluate", "--json").out)["n"] == 24
    assert json.loads(pneumo("compare", "cnn_94", "cnn_94", "--json").out)["n"] == 24
    assert "24 X-rays in" in pneumo("embed", "--method", "pca", "--out", target).out
    shipped = pneumo("compare", "cnn_94", "cnn_94", "--shipped", "--json")
    assert json.loads(shipped.out)["n"] == 1, "the test X-ray that comes with it"


def test_a_name_that_is_none_is_answered_with_the_nearest(
    pneumo: Run, checkpoint: Checkpoint, added: str
):
    for command in (("evaluate",), ("compare", "cnn_94", "cnn_94"), ("robustness",)):
        done = pneumo(*command, "--data", "our")
        assert done.code == 2
        assert "Did you mean 'ours'?" in done.err


# --- validation ------------------------------------------------------------------------------


def test_validation_is_chosen_where_a_split_is_cut(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
):
    folder = film_folder({"train": 20, "val": 6})

    def films(*options: str) -> int:
        done = pneumo("evaluate", "--data", folder, "--split", "val", "--json", *options)
        return int(json.loads(done.out)["n"])

    assert films("--validation", "keep") == 12
    assert films("--validation", "late") == films() < 12, "its card is of before there was a choice"
    assert "own validation split is kept" in pneumo("data", "inspect", folder).out
    assert "as asked" in pneumo("data", "inspect", folder, "--validation", "early").out
    wrong = pneumo("evaluate", "--data", folder, "--validation", "latest")
    assert wrong.code == 2
    assert "Did you mean 'late'" in wrong.err


def test_training_keeps_the_split_that_is_there_unless_asked_otherwise(
    pneumo: Run, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
):
    from pneumo_core.runs import control, start_run

    started = []

    def start(data: Path, name: str, config: object, **options: object) -> object:
        started.append(start_run(data, name, config))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(control, "start", start)
    folder = film_folder({"train": 20, "val": 6})
    for number, options in enumerate([(), ("--validation", "late"), ("--cut", "early")]):
        done = pneumo("train", "--data", folder, "--name", f"a{number}", "--detach", *options)
        assert done.code == 0, done.err
    kept, late, old = (run.dataset() for run in started)
    assert kept.cut is None
    assert kept.counts().loc["val"].tolist() == [6, 6]
    assert late.fingerprint == scan(folder, validation="late").fingerprint
    assert old.fingerprint == scan(folder, validation="large", cut="early").fingerprint
