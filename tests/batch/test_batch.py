"""A batch has one row per X-ray with the reader's own numbers, whatever was killed on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest
from scipy.spatial.distance import pdist

from pneumo_core.batch import (
    Job,
    Work,
    list_items,
    local,
    open_job,
    read_features,
    read_results,
    run_batch,
    summarise,
)
from pneumo_core.batch.job import items_of, shard_size
from pneumo_core.batch.rows import rows_of
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.embeddings import features_of
from pneumo_core.errors import CheckpointError, DatasetError, PneumoError
from pneumo_core.reading import open_reader
from tests.conftest import draw_folder

FILMS = 16


def work_of(checkpoint: Checkpoint, **more: object) -> Work:
    return Work("predict", checkpoint.name, checkpoint.card.version, "balanced", **more)


def rows(folder: Path) -> list[dict[str, object]]:
    return pa.concat_tables(read_results(folder)).to_pylist()


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = draw_folder(tmp_path / "films", {"": FILMS // 2})
    (folder / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    return folder


@pytest.fixture
def job(films: Path, checkpoint: Checkpoint, tmp_path: Path) -> Job:
    """Seventeen X-rays, one of them broken, in shards of one."""
    return open_job(tmp_path / "out", work_of(checkpoint), [str(films)], workers=2)


def expect_reader_rows(job: Job) -> None:
    """Each X-ray once, in order, with what the reader says of it, digit by digit."""
    reader = open_reader(job.work.model, "balanced")
    files = [item["file"] for item in list_items(job.sources)]
    found = rows(job.folder)
    assert [row["file"] for row in found] == files
    for row, reading in zip(found, reader.read_files([Path(f) for f in files]), strict=True):
        expected = reading.to_dict() | {"file": row["file"]}
        assert {name: row[name] for name in expected} == expected


def _workers(parent: int) -> list[psutil.Process]:
    found = psutil.Process(parent).children(recursive=True)
    return [each for each in found if "spawn_main" in " ".join(each.cmdline())]


@pytest.mark.thorough
def test_a_killed_worker_loses_nothing_and_later_runs_compute_what_is_missing(job: Job):
    """One batch for three tests: each process costs seconds of imports."""
    killed = list[int]()

    def kill(shard: pa.Table) -> None:
        if not killed:
            victim = _workers(os.getpid())[0]
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)

    run_batch(job, workers=2, observe=kill)
    assert killed
    expect_reader_rows(job)
    assert summarise(job.folder).failed == 1
    expect_nothing_computed(job)
    expect_only_damaged_shards_computed(job)


def expect_nothing_computed(job: Job) -> None:
    """Expect that another run of a whole batch computes nothing."""
    before = {path: path.stat().st_mtime_ns for path in job.folder.glob("part-*")}
    reports = list[tuple[int, int]]()
    run_batch(job, workers=1, progress=lambda *told: reports.append(told))
    assert {path: path.stat().st_mtime_ns for path in job.folder.glob("part-*")} == before
    assert reports == [(FILMS + 1, FILMS + 1)]


def expect_only_damaged_shards_computed(job: Job) -> None:
    """Expect that shards that are gone or cut short are computed again, and no other."""
    whole = rows(job.folder)
    first, second, third, *_ = sorted(job.folder.glob("part-*"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:50])
    kept = third.stat().st_mtime_ns
    run_batch(job, workers=1)
    assert rows(job.folder) == whole
    assert third.stat().st_mtime_ns == kept


def test_every_row_is_observed_once_over_several_runs_and_one_process_works_at_a_time(job: Job):
    seen = list[str]()

    def stop(shard: pa.Table) -> None:
        if not seen:
            with pytest.raises(PneumoError, match="Another process is working on the batch"):
                run_batch(job, workers=1)
        seen.extend(shard["file"].to_pylist())
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(job, workers=1, observe=stop)
    seen.pop()  # not noted as observed, so it comes again
    run_batch(job, workers=1, observe=lambda shard: seen.extend(shard["file"].to_pylist()))
    assert sorted(seen) == sorted(row["file"] for row in rows(job.folder))
    assert not [each for each in job.folder.iterdir() if each.name.startswith(".part")]


class DyingPool(ThreadPoolExecutor):
    """Dies between two submissions, the first time."""

    submitted = 0

    def submit(self, *args: Any, **more: Any) -> Any:
        DyingPool.submitted += 1
        if DyingPool.submitted == 2:
            raise BrokenProcessPool("a process was killed")
        return super().submit(*args, **more)


def test_a_shard_that_could_not_be_handed_out_is_not_lost(
    job: Job, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "_processes", DyingPool)
    run_batch(job, workers=2)
    assert len(rows(job.folder)) == FILMS + 1


@pytest.mark.thorough
def test_a_killed_driver_takes_its_workers_along_and_resumes(
    films: Path, checkpoint: Checkpoint, tmp_path: Path
):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "pneumo_core", "predict", str(films), "--out", str(out)]
    driver = subprocess.Popen(command, env=os.environ | {"PNEUMO_THREADS": "2"})
    while not list(out.glob("part-*")):
        assert driver.poll() is None
        time.sleep(0.05)
    workers = _workers(driver.pid)
    driver.kill()
    driver.wait()
    psutil.wait_procs(workers, timeout=20)
    assert workers
    assert not [each for each in workers if each.is_running()]
    assert 0 < len(list(out.glob("part-*"))) < FILMS + 1
    resumed = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert resumed.returncode == 1, resumed.stderr  # one X-ray is broken
    assert f"{FILMS} read, 0 refused, 1 failed" in resumed.stdout
    expect_reader_rows(open_job(out, work_of(checkpoint), [str(films)], workers=2))


@pytest.mark.thorough
def test_an_x_ray_that_ends_its_process_becomes_a_failed_row(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The process is killed whenever it opens that file, as for lack of memory."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(KILLER)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    )
    run_batch(job, workers=2)
    failed = {Path(row["file"]).name: row for row in rows(job.folder) if row["status"] == "failed"}
    assert set(failed) == {"broken.png", "IM-0003-0002.png"}
    assert "was killed, perhaps for lack of memory" in failed["IM-0003-0002.png"]["reasons"][0]
    assert len(rows(job.folder)) == FILMS + 1


KILLER = """
import os, signal, sys

def watch(event, args):
    if event == "open" and str(args[0]).endswith("IM-0003-0002.png"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
"""


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore")  # Ray warns of its own options
def test_ray_writes_the_same_rows_even_if_an_actor_is_killed(job: Job):
    if find_spec("ray") is None:  # importing it here would fix where it listens
        pytest.skip("needs Ray")
    killed, listening = list[int](), set[str]()

    def kill(shard: pa.Table) -> None:
        actors = [p for p in psutil.process_iter(["cmdline"]) if _is_own_actor(p)]
        if actors and not killed:
            actors[0].kill()
            killed.append(actors[0].pid)
            listening.update(_listening_addresses())

    run_batch(job, engine="ray", workers=2, observe=kill)
    assert killed
    assert listening == {"127.0.0.1"}
    expect_reader_rows(job)


def _listening_addresses() -> set[str]:
    """Where this process and those below it take connections."""
    found = set[str]()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            found.update(
                each.laddr.ip.removeprefix("::ffff:")
                for each in process.net_connections("inet")
                if each.status == psutil.CONN_LISTEN
            )
    return found


def _is_own_actor(process: psutil.Process) -> bool:
    try:
        ours = os.getpid() in [each.pid for each in process.parents()]
    except psutil.Error:
        return False
    return ours and "ray::MapWorker" in " ".join(process.info["cmdline"] or ())


def test_features_are_those_of_the_dataset(films: Path, checkpoint: Checkpoint, tmp_path: Path):
    (films / "NORMAL" / "broken.png").unlink()
    work = Work("embed", checkpoint.name, checkpoint.card.version, layer="penultimate")
    job = open_job(tmp_path / "out", work, [str(films)], workers=1)
    shards = [rows_of(work, items_of(job, shard)) for shard in range(job.shards)]
    found = pa.concat_tables(shards).to_pylist()
    dataset = features_of(checkpoint, scan(films))
    order = [Path(film_id).name for film_id in dataset.table["id"]]
    by_name = {Path(row["file"]).name: row for row in found}
    values = np.array([by_name[name]["features"] for name in order])
    np.testing.assert_allclose(values, dataset.values, rtol=2e-3, atol=1e-3)  # float16 there
    probability = [by_name[name]["probability"] for name in order]
    np.testing.assert_allclose(probability, dataset.table["probability"], rtol=1e-5)


def test_a_folder_of_features_is_read_back_as_principal_components(
    films: Path, checkpoint: Checkpoint, tmp_path: Path
):
    """Distances, all that a map is made of, stay; what could not be read is named."""
    work = Work("embed", checkpoint.name, checkpoint.card.version, layer="penultimate")
    job = open_job(tmp_path / "out", work, [str(films)], workers=1)
    run_batch(job, workers=1)
    features = read_features(job.folder)
    rows = pa.concat_tables(read_results(job.folder)).to_pylist()
    read = [row for row in rows if row["status"] == "read"]
    assert features.table["id"].tolist() == [row["file"] for row in read]
    assert list(features.unreadable) == [row["file"] for row in rows if row["status"] != "read"]
    assert features.unreadable, "broken.png"
    assert (features.checkpoint, features.layer) == (checkpoint.name, "penultimate")
    assert (features.table["label"] == -1).all(), "nobody gave labels"
    whole = np.array([row["features"] for row in read])
    near, far = pdist(features.values), pdist(whole)
    np.testing.assert_allclose(near, far, rtol=1e-3, atol=1e-3 * far.max())


def test_a_folder_without_features_is_a_sentence(job: Job, tmp_path: Path):
    run_batch(job, workers=1)
    for folder in (job.folder, tmp_path):
        with pytest.raises(PneumoError, match="contains no features"):
            read_features(folder)


def test_another_model_other_settings_or_other_films_are_refused(job: Job, films: Path):
    def refused(work: Work, source: object) -> str:
        with pytest.raises(PneumoError) as error:
            open_job(job.folder, work, [str(source)], workers=2)
        return str(error.value)

    other = Work("predict", job.work.model, "another", "screening")
    assert "version" in refused(other, films)
    assert "operating_point 'balanced', not 'screening'" in refused(other, films)
    assert "other X-rays" in refused(job.work, films / "NORMAL")


def test_a_folder_with_something_else_in_it_is_left_alone(films: Path, checkpoint: Checkpoint):
    with pytest.raises(PneumoError, match="not empty"):
        open_job(films, work_of(checkpoint), [str(films)], workers=1)


def test_a_model_that_was_replaced_meanwhile_is_refused(
    films: Path, checkpoint: Checkpoint, tmp_path: Path
):
    work = Work("predict", checkpoint.name, "0" * 12, "balanced")
    job = open_job(tmp_path / "out", work, [str(films)], workers=1)
    with pytest.raises(CheckpointError, match="Install the same model"):
        run_batch(job, workers=1)


def test_shards_are_small_enough_for_every_worker_and_large_enough_for_a_million():
    assert shard_size(3, workers=2) == 1
    assert shard_size(160, workers=2) == 10
    assert shard_size(1_000_000, workers=2) == 500


class TestSources:
    def test_a_manifest_brings_labels_and_patients(self, tmp_path: Path):
        table = tmp_path / "list.csv"
        table.write_text("path;label;patient\na.png;NORMAL;p1\ns3://b/c.png;1;\na.png;0;p1\n")
        first, second = list_items([str(table)])
        assert first == {
            "file": str(tmp_path / "a.png"),
            "id": "a.png",
            "patient": "p1",
            "split": None,
            "label": 0,
        }
        assert (second["file"], second["label"], second["patient"]) == ("s3://b/c.png", 1, None)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("label\n1\n", "has no column path"),
            ("path,label\na.png,2\n", "Row 2 of .* the label '2' is not known"),
            ("path,label\na.png\n", "as many columns as its header"),
        ],
    )
    def test_a_wrong_manifest_is_refused(self, tmp_path: Path, text: str, words: str):
        (tmp_path / "list.csv").write_text(text)
        with pytest.raises(DatasetError, match=words):
            list(list_items([str(tmp_path / "list.csv")]))

    def test_patterns_and_files_given_twice_count_once(self, films: Path):
        normal = films / "NORMAL"
        found = [item["file"] for item in list_items([str(normal / "IM*.png"), str(normal)])]
        assert len(found) == len(set(found)) == FILMS // 2 + 1

    def test_an_empty_folder_is_refused(self, tmp_path: Path):
        with pytest.raises(DatasetError, match="contains no files"):
            list(list_items([str(tmp_path)]))
