"""The workflows of .github/ are what GitHub's schema for workflows allows."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHECK = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows")


def test_every_workflow_keeps_to_the_schema() -> None:
    assert [each.name for each in WORKFLOWS] == ["nightly.yml", "tests.yml"]
    done = subprocess.run([*CHECK, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_wrong_workflow_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs_on:"))
    done = subprocess.run([*CHECK, wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_that_it_is_untried(path: Path) -> None:
    assert path.read_text().startswith("# Untried")
