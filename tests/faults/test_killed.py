"""Killed at any write: what was published is there whole, and the same thing can be done again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import draw_folder
from tests.datasets.download.archives import zip_folder
from tests.faults.operations import OPERATIONS, write_again
from tests.faults.test_versions_of_checkpoints import PLACE

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork"),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose ``before`` holds two checkpoints, a dataset, and a ZIP to add."""
    before = tmp_path / "before"
    shutil.copytree(PLACE / "v1", before / "checkpoints" / "small")
    write_again(before, "mine", 0.25)
    draw_folder(before / "home" / "datasets" / "old", {"train": 2, "test": 1})
    zip_folder(draw_folder(tmp_path / "films", {"train": 2, "test": 2}), before / "films.zip")
    return tmp_path


@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_at_any_write_nothing_is_lost(operation: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed", operation, str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(tries) >= 2, "it never wrote"
    assert not [each for each in tries if each["wrong"]], done.stdout
