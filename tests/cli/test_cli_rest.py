import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
from scipy.stats import binomtest

from pneumo_core import __version__
from pneumo_core.audit.roles import OPEN_LINE
from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.datasets import scan
from pneumo_core.datasets.quality import inspect_dataset
from pneumo_core.reading import samples
from tests.gateway.parts import free_port
from tests.shipped_models import predicted

Run = Callable[..., object]
ROOT = Path(__file__).parents[2]
FIGURES = {
    *("model", "split", "n", "auc", "accuracy", "sensitivity", "specificity", "f1", "ece"),
    *("threshold", "operating_point", "confusion", "intervals", "remarks"),
}


def test_help_and_the_package_itself_need_no_torch():
    code = (
        "import sys, pneumo_core, pneumo_core.cli; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'pandas', 'streamlit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_python_dash_m_is_pneumo():
    done = subprocess.run(
        [sys.executable, "-m", "pneumo_core", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("app", "predict", "train", "evaluate", "models", "data"):
        assert command in done.stdout


def test_the_version_names_the_commit_and_every_model(pneumo: Run, checkpoint: Checkpoint):
    done = pneumo("--version")
    assert done.code == 0
    first, model = done.out.splitlines()
    assert first.startswith(f"Pneumo {__version__}")
    assert model == f"model cnn_94 {checkpoint.card.version} (2026-11-22)"
    if (ROOT / ".git").exists() and shutil.which("git"):
        git = ["git", "-C", str(ROOT), "rev-parse", "--short=7", "HEAD"]
        head = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        assert f", commit {head}" in first


def test_evaluate_prints_one_object(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    folder = film_folder({"train": 4, "test": 3})
    done = pneumo("evaluate", "--data", folder, "--split", "test", "--json")
    printed = json.loads(done.out)
    assert done.code == 0
    assert set(printed) == FIGURES
    (tn, fp), (fn, tp) = printed["confusion"]
    assert tn + fp + fn + tp == printed["n"] == 6
    assert printed["accuracy"] == (tn + tp) / 6


def test_evaluate_names_the_films_without_lungs(
    pneumo: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Reading refuses them: without a word their figures would look like any other's."""
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    chest, leg = (sample.path for sample in samples())
    for label, path in (("NORMAL", chest), ("PNEUMONIA", leg)):
        (tmp_path / label).mkdir()
        shutil.copy(path, tmp_path / label / path.name)
    done = pneumo("evaluate", "--data", tmp_path, "--split", "all", "--model", "cnn_94", "--json")
    assert json.loads(done.out)["remarks"] == {f"PNEUMONIA/{leg.name}": "no_lungs"}
    told = " ".join(done.err.split())
    assert "No lungs were found in 1 X-ray, so the model saw the whole image" in told
    assert leg.name in told


def test_evaluate_lists_the_worst_errors_first(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
):
    folder, file = film_folder({"train": 4, "test": 3}), tmp_path / "list.csv"
    command = ("evaluate", "--data", folder, "--out", file)
    assert pneumo(*command).code == 0
    listed = pd.read_csv(file)
    assert set(listed["label"]) == {"NORMAL", "PNEUMONIA"}
    right = listed["predicted"] == listed["label"]
    assert ((listed["result"] == "correct") == right).all()
    far = (listed["probability"] - (listed["label"] == "PNEUMONIA")).abs()
    assert far.is_monotonic_decreasing
    again = pneumo(*command)
    assert again.code
    assert "exists already. Name another file." in " ".join(again.err.split())


def test_evaluate_finds_the_films_in_the_environment(
    pneumo: Run,
    checkpoint: Checkpoint,
    film_folder: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
):
    assert "PNEUMO_DATA" in pneumo("evaluate").err
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"test": 2})))
    assert "4 X-rays, threshold 0.500 (balanced)" in pneumo("evaluate").out


def test_a_split_that_is_not_there_is_answered_with_those_that_are(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    done = pneumo("evaluate", "--data", film_folder({"train": 8}), "--split", "test")
    assert done.code == 1
    assert "no X-rays in split 'test'" in done.err
    assert "train (" in done.err


def test_training_takes_a_recipe_and_changes_and_publishes_a_checkpoint(
    pneumo: Run, film_folder: Callable[..., Path]
):
    folder = film_folder({"train": 20, "test": 2})
    options = ("--model", "cnn_v2", "--recipe", "paper", "--epochs", 1, "--seed", 3, "--mirror")
    done = pneumo("train", "--data", folder, "--name", "mine", *options, "--pretrained", "none")
    assert done.code == 0
    card = json.loads(done.out)
    training = card["training"]
    assert (training["seed"], training["batch_size"], training["epochs"]) == (3, 50, 1)
    assert (card["mirror"], card["origin"]) == (True, "fresh weights")
    assert load_checkpoint("mine").card.model == "cnn_v2"
    assert "mine" in pneumo("models", "list").out
    again = pneumo("train", "--data", folder, "--name", "mine", *options)
    assert again.code == 1
    assert "already exists" in again.err


def test_train_without_a_name_is_wrong_usage(pneumo: Run):
    assert pneumo("train").code == 2


def test_runs_are_listed_shown_renamed_resumed_and_deleted(
    pneumo: Run, film_folder: Callable[..., Path]
):
    assert "No training runs yet" in pneumo("runs", "list").err
    options = ("--model", "cnn_v2", "--epochs", 200, "--batch-size", 8, "--detach")
    run_id = pneumo(
        "train", "--data", film_folder({"train": 20}), "--name", "mine", *options
    ).out.strip()
    listed = json.loads(pneumo("runs", "list", "--json").out)
    assert (listed["id"], listed["name"]) == (run_id, "mine")
    assert run_id in pneumo("runs", "list").out
    assert "cancelled" in pneumo("runs", "cancel", run_id).out
    assert json.loads(pneumo("runs", "show", run_id).out)["status"]["state"] == "cancelled"
    assert "'yours'" in pneumo("runs", "rename", run_id, "yours").out
    assert pneumo("runs", "resume", run_id).code == 0
    assert pneumo("runs", "delete", run_id, "--yes").code == 1
    pneumo("runs", "cancel", run_id)
    assert pneumo("runs", "delete", run_id, "--yes").code == 0
    assert pneumo("runs", "show", run_id).code == 2


@pytest.mark.thorough
@pytest.mark.slow
def test_two_devices_train_one_checkpoint_and_tell_of_it(
    pneumo: Run, film_folder: Callable[..., Path]
):
    folder = film_folder({"train": 20})
    options = ("--model", "cnn_v2", "--epochs", 2, "--batch-size", 8, "--devices", 2)
    done = pneumo("train", "--data", folder, "--name", "pair", *options)
    assert done.code == 0
    assert "epoch 2/2" in done.err
    assert json.loads(done.out)["training"]["devices"] == 2


def test_models_are_listed_and_shown(pneumo: Run, checkpoint: Checkpoint):
    assert "cnn_94" in pneumo("models", "list").out
    (line,) = pneumo("models", "list", "--json").out.splitlines()
    assert json.loads(line)["weights_sha256"] == checkpoint.card.weights_sha256
    assert json.loads(pneumo("models", "show", "cnn_94").out)["temperature"] == 1.5


def test_a_gate_is_fitted_on_the_films_the_checkpoint_learned_from_or_not_at_all(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    done = pneumo("models", "gate", "cnn_94", "--data", film_folder({"train": 4}))
    assert done.code == 1
    said = " ".join(done.err.split())
    assert "'cnn_94' was trained on other X-rays" in said
    assert "Give the dataset it was trained on." in said


def test_data_inspect_counts_and_names_what_is_unreadable(
    pneumo: Run, film_folder: Callable[..., Path]
):
    folder = film_folder({"train": 4, "test": 2})
    assert pneumo("data", "inspect", folder).code == 0
    (folder / "test" / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = pneumo("data", "inspect", folder)
    assert done.code == 1
    assert "Unreadable: broken.png" in done.out


def test_data_inspect_tells_what_the_library_finds(pneumo: Run, film_folder: Callable[..., Path]):
    folder = film_folder({"train": 6, "test": 3})
    shutil.copy(folder / "train/NORMAL/IM-0001-0001.png", folder / "test/PNEUMONIA/twin.png")
    found = inspect_dataset(scan(folder))
    assert len(found.findings) > 2
    printed = " ".join(pneumo("data", "inspect", folder).out.split())
    for each in found.findings:
        for sentence in (each.title, each.what, each.means, each.remedy):
            assert " ".join(sentence.split()) in printed
    done = pneumo("data", "inspect", folder, "--json")
    assert done.code == 0
    assert json.loads(done.out) == json.loads(json.dumps(found.as_dict()))


def test_a_map_is_written_with_a_row_per_film(pneumo, checkpoint, film_folder, tmp_path):
    films = ("--data", film_folder({"test": 8}), "--split", "all")
    for kind in ("csv", "parquet"):
        target = tmp_path / f"map.{kind}"
        assert pneumo("embed", *films, "--method", "pca", "--out", target).code == 0
        table = pd.read_csv(target) if kind == "csv" else pd.read_parquet(target)
        assert len(table) == 16
        assert {"id", "label", "split", "x", "y"} <= set(table)
    done = pneumo("embed", *films, "--out", tmp_path / "map.xlsx")
    assert done.code == 1
    assert "neither .parquet nor .csv" in done.err.replace("\n", " ")


def test_two_checkpoints_are_compared(pneumo, checkpoint, monkeypatch):
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    done = pneumo("compare", "cnn_94", "cnn_v2", "--json")
    assert done.code == 0
    facts = json.loads(done.out)
    first, second = predicted("cnn_94"), predicted("cnn_v2")
    differ = first["called"] != second["called"]
    only_first = int((differ & (first["called"] == first["label"])).sum())
    assert (facts["n"], facts["predicted_differently"]) == (624, differ.sum())
    assert facts["only_first_right"] == only_first
    assert facts["mcnemar_p"] == pytest.approx(binomtest(only_first, int(differ.sum())).pvalue)
    assert "Neither clearly ranks the X-rays better" in pneumo("compare", "cnn_94", "cnn_v2").out


def test_samples_are_copied_once(pneumo: Run, tmp_path: Path) -> None:
    done = pneumo("samples", tmp_path / "here")
    assert (done.code, done.err) == (0, "")
    assert sorted(each.name for each in (tmp_path / "here").iterdir()) == ["chest.dcm", "leg.dcm"]
    again = pneumo("samples", tmp_path / "here")
    assert again.code
    assert "exists already. Name another folder." in " ".join(again.err.split())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_the_dashboard_ends_with_the_command_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pneumo_core", "app", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as app:
        try:
            server = _child_of(psutil.Process(app.pid))
        finally:
            app.terminate()
        app.wait(60)
        psutil.wait_procs([server], timeout=20)
        assert not server.is_running()


def _child_of(process: psutil.Process) -> psutil.Process:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if children := process.children():
            time.sleep(1)  # its handler is set by now
            return children[0]
        time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.parametrize(
    ("address", "secrets", "warns"),
    [("127.0.0.1", "", False), ("0.0.0.0", "", True), ("0.0.0.0", "[auth]", False)],
)
def test_app_says_when_anyone_could_use_it(
    pneumo: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    address: str, secrets: str, warns: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr("pneumo_core.cli.pages_folder", lambda: tmp_path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "nobody")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets)
    (tmp_path / "streamlit_app.py").unlink(missing_ok=True)  # Streamlit refuses and ends at once
    done = pneumo("app", "--address", address)
    assert done.code
    assert (OPEN_LINE in " ".join(done.err.split())) is warns
