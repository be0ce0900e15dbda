"""Pneumo asks nobody for anything: command line and dashboard run with the network cut off.

Where this system allows it, the child has no network at all (a namespace of its own); everywhere,
each address that it asks for is noted, and one elsewhere fails the test.
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_core.reading import samples
from tests.conftest import draw_folder
from tests.faults.test_versions_of_checkpoints import PLACE

ROOT = Path(__file__).parents[2]


@functools.cache
def cut_off() -> list[str]:
    """What starts a program without any network, or nothing where that isn't allowed."""
    if not shutil.which("unshare"):
        return []
    for words in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
            return words
    return []


def offline(tmp_path: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {"PNEUMO_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*cut_off(), sys.executable, "-m", "tests.faults.offline", *words],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if "PNEUMO" not in k} | own | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_who_asks_is_caught(tmp_path: Path) -> None:
    done = offline(tmp_path, "ask", "192.0.2.1")
    assert done.returncode == 77
    assert "asked for:\nsocket.getaddrinfo 192.0.2.1" in done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("models", "list"), "efficientnet_b0"),
        (("predict", str(samples()[0].path)), "Probability"),
        (("evaluate", "--data"), "Sensitivity"),
    ],
    ids=["models", "predict", "evaluate"],
)
def test_the_command_line_needs_no_network(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    if words[0] == "evaluate":
        words = (*words, str(draw_folder(tmp_path / "films", {"test": 8})))
    done = offline(tmp_path, "pneumo_core", *words)
    assert done.returncode == 0, done.stderr
    assert said.casefold() in done.stdout.casefold()


@pytest.mark.thorough
def test_every_page_needs_no_network(tmp_path: Path) -> None:
    tests = "tests/app/test_pages.py"
    words = ["pytest", "-q", "-p", "no:cacheprovider", tests, "-k", "each_page or heat_map"]
    done = offline(tmp_path, *words, PNEUMO_CHECKPOINTS=str(PLACE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
