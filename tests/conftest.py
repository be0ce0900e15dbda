"""What every test stands on: folders of its own, few threads, small films, one tiny checkpoint.

What takes seconds to import is imported where it is needed: the process that hands tests out to
others imports this file, too.
"""

import functools
import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from PIL import Image

from pneumo_core.checkpoints import (
    SCHEMA_VERSION,
    Card,
    Checkpoint,
    DatasetFacts,
    OperatingPoint,
    load_checkpoint,
    save_checkpoint,
)
from pneumo_core.metrics import Estimate, evaluate
from pneumo_core.models import MODELS

if TYPE_CHECKING:
    from pneumo_core.lungs import LungFinder
    from pneumo_core.runs import Run

# How long a drawn case takes says nothing on a busy machine.
hypothesis.settings.register_profile("pneumo", deadline=None)
hypothesis.settings.load_profile("pneumo")

REAL_DATA = os.environ.get("PNEUMO_DATA", "").strip()
"""The real films, as the shell that started the tests named them."""

WHOLE = bool(os.environ.get("PNEUMO_TEST_WHOLE"))
"""Whether the thorough tests run, too."""

_SYSTEMS = {
    "linux": (sys.platform == "linux", "needs /proc and other parts of Linux"),
    "posix": (os.name == "posix", "needs signals, pipes and permissions as Linux and macOS have"),
}
collect_ignore_glob = [
    *([] if _SYSTEMS["linux"][0] else ["fuzz/*"]),
    *([] if _SYSTEMS["posix"][0] else ["faults/*"]),
]
"""Folders that can't even be imported elsewhere; the summary says so."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FOLDERS = {0: "NORMAL", 1: "PNEUMONIA"}


def _groups() -> list[str]:
    """A line for each group of tests that not every machine can run."""
    data = (
        f"run on {REAL_DATA}"
        if REAL_DATA and Path(REAL_DATA).is_dir()
        else "LEFT OUT: set PNEUMO_DATA to the folder of the public set to run them"
    )
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if importlib.util.find_spec("playwright") is None:
        pages = "LEFT OUT: Playwright is not installed"
    elif browser is None:
        pages = "LEFT OUT: no Chromium was found on PATH"
    else:
        pages = f"run in {browser}"
    dicom = shutil.which("dciodvfy")
    validated = f"run by {dicom}" if dicom else "LEFT OUT: apt-get install dicom3tools to run them"
    whole = "run" if WHOLE else "LEFT OUT: set PNEUMO_TEST_WHOLE=1 to run them: about 25 minutes"
    return [
        f"real-data tests: {data}",
        f"browser tests: {pages}",
        f"validation of exported DICOM files: {validated}",
        f"PostgreSQL tests: {_postgres_told()}",
        f"thorough tests: {whole}",
        *(f"{name} tests: LEFT OUT: {why}" for name, (here, why) in _SYSTEMS.items() if not here),
    ]


def _postgres_told() -> str:
    initdb = find_initdb()
    return f"run on {initdb.parent}" if initdb else "LEFT OUT: install postgresql to run them"


def find_initdb() -> Path | None:
    """PostgreSQL's program that makes a database's folder; Debian keeps it off PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve()
    return max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)


_BROWSER = "tests/browser/"
_LONG = (
    *("tests/runs/", "tests/batch/", "tests/cli/", "tests/app/", "tests/gateway/", "tests/fuzz/"),
    *("tests/faults/", "tests/training/", "tests/examples/", "tests/test_", "tests/docs/"),
)
"""Where the files lie that take longest, browser tests apart."""


def _ordered(files: list[str]) -> list[str]:
    """Put long files first, so that no worker is left alone with one of them at the end.

    Browser tests alternate with others, so that two browsers seldom share the cores.
    """
    pages = [each for each in files if each.startswith(_BROWSER)]
    others = sorted(set(files) - set(pages), key=lambda each: (_turn_of(each), each))
    pairs = zip_longest(pages, others)
    return [each for pair in pairs for each in pair if each]


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _turn_of(file: str) -> int:
    turns = (turn for turn, start in enumerate(_LONG) if file.startswith(start))
    return next(turns, len(_LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep modules from the garbage collector: they stay, and looking through them takes time.

    It takes 6 s of each worker, while it collects tests and when it ends.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = list(dict.fromkeys(_file_of(item) for item in items))
    turns = {file: turn for turn, file in enumerate(_ordered(files))}
    items.sort(key=lambda item: turns[_file_of(item)])
    for item in items:
        if not WHOLE and item.get_closest_marker("thorough"):
            item.add_marker(pytest.mark.skip(reason="PNEUMO_TEST_WHOLE is not set"))
        for system, (here, reason) in _SYSTEMS.items():
            if not here and item.get_closest_marker(system):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_report_header() -> list[str]:
    return _groups()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("groups")
    for line in _groups():
        terminalreporter.write_line(line, yellow="LEFT OUT" in line)


@pytest.fixture(autouse=True, scope="session")
def _shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphs of networks are keyed by all that made them: tests may share them."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _shared_cache: Path) -> None:
    """No test sees the developer's runs, checkpoints, films or limits."""
    for variable in [name for name in os.environ if name.startswith("PNEUMO_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "pneumo-home"))
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "pneumo-checkpoints"))
    monkeypatch.setenv("PNEUMO_CACHE", str(_shared_cache))


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> Iterator[None]:
    """One thread, here and in the processes started from here, so that both get the same bits.

    Small nets gain nothing from more, and other work may share the cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def components_scanned_once() -> Iterator[None]:
    """Spare each page a search of all installed packages for Streamlit components: a second each.

    A server searches once, when it starts.
    """
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(scope="module")
def few_trees() -> Iterator[None]:
    """Forests of ten trees: an audit fits a thousand trees otherwise, which takes seconds."""
    from pneumo_core.evaluation.shortcuts import combined

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combined, "_TREES", 10)
        yield


@pytest.fixture
def use_finder() -> Iterator[Callable[["LungFinder"], None]]:
    """A function that puts a lung finder in the place of the shipped one, for this test."""
    from pneumo_core.lungs import register_lung_finder

    yield register_lung_finder
    register_lung_finder(None)


@pytest.fixture
def real_data() -> Path:
    """The folder of the public set, or the test is skipped."""
    if not REAL_DATA:
        pytest.skip("PNEUMO_DATA is not set: the real films are not tested")
    folder = Path(REAL_DATA)
    if not folder.is_dir():
        pytest.skip(f"PNEUMO_DATA is '{folder}', which is no folder: the real films are not tested")
    return folder


def draw_film(label: int, *, side: int = 64, seed: int = 0) -> np.ndarray:
    """A grey film uint8 (side, side): faint noise, and for PNEUMONIA a bright blob somewhere."""
    random = np.random.default_rng([seed, label])
    film = random.uniform(20, 90, (side, side))
    if label:
        row, column = random.uniform(0.35, 0.65, 2) * side
        y, x = np.mgrid[:side, :side]
        film += 150 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (side / 6) ** 2)
    return film.astype(np.uint8)


def film_name(label: int, number: int) -> str:
    """The public set's names: two films a patient, and every other one of PNEUMONIA a virus."""
    patient, film = divmod(number, 2)
    if label == 0:
        return f"IM-{patient + 1:04d}-{film + 1:04d}.png"
    return f"person{patient + 1}_{('bacteria', 'virus')[patient % 2]}_{number + 1}.png"


@pytest.fixture
def film_folder(tmp_path: Path) -> Callable[..., Path]:
    """A maker of folders of films: ``film_folder({"train": 12, "test": 4})``.

    The numbers are films per class; the split "" puts the class folders at the top. No patient is
    in two splits. ``name`` is the folder's, under tmp_path.
    """

    def make(films: Mapping[str, int], *, name: str = "films", side: int = 64) -> Path:
        return draw_folder(tmp_path / name, films, side=side)

    return make


def draw_folder(root: Path, films: Mapping[str, int], *, side: int = 64) -> Path:
    """Films of both classes by split, so many of each, in the public set's layout."""
    number = 0
    for split, per_class in films.items():
        for label, folder in _FOLDERS.items():
            place = root / split / folder
            place.mkdir(parents=True)
            for each in range(number, number + per_class):
                film = Image.fromarray(draw_film(label, side=side, seed=each))
                film.save(place / film_name(label, each))
        number += per_class + per_class % 2
    return root


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of all workers of a test run."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A run of CNN_94 on small films that kept its three epochs; two folders up is its home."""
    from pneumo_core.runs import list_runs

    home = shared_folder(tmp_path_factory) / "filmed"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PNEUMO_HOME", str(home))
        environment.setenv("PNEUMO_CHECKPOINTS", str(home / "checkpoints"))
        with FileLock(f"{home}.lock"):  # one run for all workers
            if not home.exists():
                _train_filmed(home)
        (run,) = list_runs()[0]
        return run


def _train_filmed(home: Path) -> None:
    from pneumo_core.runs import continue_run, start_run
    from pneumo_core.training import training_config

    folder = draw_folder(home / "films", {"train": 24, "test": 15})
    config = training_config(
        model="cnn_94",
        epochs=3,
        batch_size=8,
        precision="32-true",
        keep_epochs=True,
        validation_fraction=0.2,
    )
    continue_run(start_run(folder, "filmed", config))


def make_card(name: str = "cnn_94") -> Card:
    """The card of a CNN_94 with two operating points and an evaluation of eight films."""
    estimate = Estimate(0.9, 0.8, 0.95)
    figures = evaluate([0, 0, 0, 1, 1, 1, 1, 1], np.linspace(0.1, 0.9, 8), 0.5, list("aabcdefg"))
    return Card(
        schema_version=SCHEMA_VERSION,
        name=name,
        model="cnn_94",
        input=MODELS["cnn_94"].input,
        created="2026-11-22",
        training={"model": "cnn_94", "validation_cut": "late", "validation_fraction": 0.12},
        best_epoch=1,
        dataset=DatasetFacts("films", "0" * 24, {"train": {"NORMAL": 3, "PNEUMONIA": 5}}, ()),
        versions={"torch": "2"},
        temperature=1.5,
        operating_points=(
            OperatingPoint("balanced", 0.5, "by hand", "val", estimate, estimate),
            OperatingPoint("screening", 0.2, "by hand", "val", estimate, estimate),
        ),
        evaluation={"val": figures, "test": figures},
        intended_use="Tests.",
        limitations=("It learned nothing.",),
        attribution="Nobody's films.",
        trained_on="children of 1 to 5 years",
    )


SCORES = pd.DataFrame(
    {
        "id": ["val/NORMAL/a.png", "test/PNEUMONIA/b.png"],
        "patient": ["a", "b"],
        "split": ["val", "test"],
        "label": [0, 1],
        "subtype": ["normal", "virus"],
        "probability": np.array([0.25, 0.75], np.float32),
    }
)
FEATURES = np.arange(20, dtype=np.float32).reshape(2, 10)
HISTORY = pd.DataFrame({"epoch": [1], "train_loss": [0.5]})


@pytest.fixture(scope="session")
def checkpoints_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds one checkpoint, ``cnn_94`` with seeded random weights. Don't change it;
    copy it."""
    import torch

    from pneumo_core.models import build_network

    root = tmp_path_factory.mktemp("checkpoints")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(94)
        weights = build_network("cnn_94").state_dict()
    save_checkpoint(
        make_card(), weights, scores=SCORES, features=FEATURES, history=HISTORY, root=root
    )
    return root


@pytest.fixture
def checkpoint(checkpoints_root: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """That checkpoint, with PNEUMO_CHECKPOINTS pointing to its folder."""
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(checkpoints_root))
    return load_checkpoint("cnn_94")
