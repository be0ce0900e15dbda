"""One training by several processes, as torchrun and SLURM start them on several machines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest

from pneumo_core.errors import TrainingError
from pneumo_core.training import TrainingConfig
from pneumo_core.training.cluster import Place, place_of
from tests.gateway.parts import free_port

Folder = Callable[..., Path]

FIGURES = ["train_loss", "val_loss", "val_auc", "learning_rate"]
LIMIT = 300


def options(films: Path, *more: object) -> list[str]:
    set_ = ("--data", films, "--name", "pair", "--model", "cnn_v2", "--batch-size", 8, *more)
    return [str(each) for each in ("train", *set_)]


def environment(home: Path, **more: object) -> dict[str, str]:
    given = {"PNEUMO_HOME": home, "PNEUMO_CHECKPOINTS": home / "models", "PNEUMO_THREADS": 1}
    outer = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "TORCHELASTIC"))}
    return outer | {name: str(value) for name, value in (given | more).items()}


@contextmanager
def running(
    commands: Mapping[Path, list[str]], **more: Mapping[Path, object]
) -> Iterator[list[subprocess.Popen[str]]]:
    """Run a command for each home, with variables of its own; kill what is left at the end."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment(home, **{name: of[home] for name, of in more.items()}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for home, command in commands.items()
    ]
    try:
        yield started
    finally:
        for each in started:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
            each.communicate()


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    said = [each.communicate(timeout=LIMIT)[0] for each in processes]
    return [(each.returncode, words) for each, words in zip(processes, said, strict=True)]


def on_slurm(homes: list[Path], commands: list[list[str]]) -> list[tuple[int, str]]:
    """Run a command on each of two nodes, with the variables that SLURM sets."""
    port, both = free_port(), len(homes)
    numbers = {home: number for number, home in enumerate(homes)}
    of_all: Mapping[str, object] = {
        "SLURM_NTASKS": both,
        "SLURM_NTASKS_PER_NODE": 1,
        "SLURM_JOB_NAME": "training",
        "SLURM_JOB_ID": 1,
        "SLURM_NODELIST": "localhost",
        "SLURM_LOCALID": 0,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    given = {name: dict.fromkeys(homes, value) for name, value in of_all.items()}
    whole = [["pneumo_core", *command] for command in commands]
    with running(
        dict(zip(homes, whole, strict=True)),
        **given,
        SLURM_PROCID=numbers,
        SLURM_NODEID=numbers,
    ) as processes:
        return ended(processes)


def by_torchrun(homes: list[Path], films: Path, *more: object) -> dict[Path, list[str]]:
    port = free_port()
    return {
        home: [
            *("torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"),
            *("--node-rank", str(number), "--master-addr", "127.0.0.1"),
            *("--master-port", str(port), "-m", "pneumo_core"),
            *options(films, "--nodes", 2, *more),
        ]
        for number, home in enumerate(homes)
    }


def history(home: Path) -> pd.DataFrame:
    (file,) = (home / "runs").glob("*/history.csv")
    return pd.read_csv(file)[FIGURES]


@pytest.fixture
def homes(tmp_path: Path) -> list[Path]:
    return [tmp_path / "first", tmp_path / "second"]


@pytest.mark.thorough
@pytest.mark.slow
def test_two_nodes_train_as_one_with_two_devices(
    film_folder: Folder, homes: list[Path], tmp_path: Path
) -> None:
    films, alone = film_folder({"train": 24, "test": 2}), tmp_path / "alone"
    command = options(films, "--epochs", 2, "--nodes", 2)
    results = on_slurm(homes, [command, command])
    assert [code for code, _ in results] == [0, 0], results
    assert '"name": "pair"' in results[0][1]
    assert "epoch 2/2" not in results[1][1], "only the first one tells of it"
    assert not (homes[1] / "runs").exists(), "only the first one has the run"
    with running({alone: ["pneumo_core", *options(films, "--epochs", 2, "--devices", 2)]}) as one:
        ((code, said),) = ended(one)
    assert code == 0, said
    pd.testing.assert_frame_equal(history(homes[0]), history(alone), atol=1e-6, rtol=0)


@pytest.mark.thorough
@pytest.mark.slow
def test_a_training_that_lost_a_node_continues_with_the_numbers_of_an_unbroken_one(
    film_folder: Folder, homes: list[Path], tmp_path: Path
) -> None:
    films, unbroken = film_folder({"train": 24, "test": 2}), [tmp_path / "a", tmp_path / "b"]
    with running(by_torchrun(unbroken, films, "--epochs", 4)) as processes:
        assert [code for code, _ in ended(processes)] == [0, 0]
    with running(by_torchrun(homes, films, "--epochs", 4)) as processes:
        _wait_for_an_epoch(homes[0])
        (lost,) = psutil.Process(processes[1].pid).children()
        lost.kill()
        assert all(code for code, _ in ended(processes))
    assert len(history(homes[0])) < 4
    with running(by_torchrun(homes, films, "--epochs", 4)) as processes:
        (first, said), (second, _) = ended(processes)
    assert (first, second) == (0, 0), said
    assert "Resuming after epoch" in said
    pd.testing.assert_frame_equal(history(homes[0]), history(unbroken[0]), atol=1e-6, rtol=0)


def _wait_for_an_epoch(home: Path) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and not list((home / "runs").glob("*/history.csv")):
        time.sleep(0.02)


@pytest.mark.thorough
@pytest.mark.slow
def test_nodes_with_other_x_rays_refuse_to_train(film_folder: Folder, homes: list[Path]) -> None:
    commands = [
        options(film_folder({"train": 24}, name=name, side=side), "--nodes", 2)
        for name, side in (("here", 64), ("there", 65))
    ]
    for code, said in on_slurm(homes, commands):
        assert code == 1
        assert "The processes have different X-rays or settings." in " ".join(said.split())


def test_several_machines_need_somebody_who_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("SLURM_", "TORCHELASTIC"))]:
        monkeypatch.delenv(name)
    assert place_of(TrainingConfig()) is None
    with pytest.raises(TrainingError, match="must be started on each of them, by torchrun"):
        place_of(TrainingConfig(nodes=2))


def test_as_many_processes_as_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "3"), ("WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    assert place_of(TrainingConfig(nodes=2, devices=2)) == Place(3, 4)
    with pytest.raises(TrainingError, match=r"4 processes were started for 2 × 1 devices"):
        place_of(TrainingConfig(nodes=2))
