"""Two servers on one folder do the same at once: one succeeds, the other says why not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_core.checkpoints import list_checkpoints
from pneumo_core.datasets import scan
from pneumo_core.datasets.download import find_dataset, list_datasets
from tests.conftest import draw_folder
from tests.datasets.download.archives import zip_folder
from tests.faults.test_versions_of_checkpoints import PLACE

ROOT = Path(__file__).parents[2]
_SERVER = """
import json, sys
from pathlib import Path
from pneumo_core.errors import PneumoError
from tests.faults.operations import OPERATIONS, write_again
home, what, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
said = []
print("ready", flush=True)
sys.stdin.readline()
for turn in range(8):
    try:
        if what == "publish":
            write_again(home, f"new-{turn}", number / 4)
        elif what == "replace":
            write_again(home, "mine", number / 4, overwrite=True)
        else:
            OPERATIONS[what][0](home)
        said.append("done")
    except PneumoError as error:
        said.append(str(error))
print(json.dumps(said))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(PLACE / "v1", tmp_path / "checkpoints" / "small")
    shutil.copytree(PLACE / "v1", tmp_path / "checkpoints" / "mine")
    draw_folder(tmp_path / "home" / "datasets" / "old", {"train": 2, "test": 1})
    zip_folder(draw_folder(tmp_path / "films", {"train": 2, "test": 2}), tmp_path / "films.zip")
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path


def both(home: Path, what: str) -> list[list[str]]:
    """What two processes said of eight turns each, begun at the same moment."""
    words = [sys.executable, "-c", _SERVER, str(home), what]
    servers = [
        subprocess.Popen(
            [*words, str(number)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    for server in servers:
        assert server.stdout and server.stdout.readline() == "ready\n"
    for server in servers:
        assert server.stdin
        server.stdin.write("\n")
        server.stdin.flush()
    ended = [server.communicate() for server in servers]
    assert not any(server.returncode for server in servers), ended
    return [json.loads(out.splitlines()[-1]) for out, _ in ended]


@pytest.mark.thorough
def test_one_name_is_published_once(home: Path) -> None:
    one, two = both(home, "publish")
    for turn, pair in enumerate(zip(one, two, strict=True)):
        assert sorted(said == "done" for said in pair) == [False, True], pair
        refused = next(said for said in pair if said != "done")
        assert f"A model named 'new-{turn}' already exists." in refused
    found, problems = list_checkpoints()
    assert not problems
    assert len(found) == 10
    assert all(each.networks() for each in found)


@pytest.mark.thorough
def test_a_checkpoint_that_both_replace_is_one_of_theirs(home: Path) -> None:
    said = [each for server in both(home, "replace") for each in server]
    assert "done" in said
    assert all(each == "done" or "can't be written" in each for each in said)
    found, problems = list_checkpoints()
    assert not problems
    assert {each.name for each in found} == {"small", "mine"}
    assert all(each.networks() for each in found)


@pytest.mark.thorough
def test_one_dataset_is_added_once(home: Path) -> None:
    said = [each for server in both(home, "add a dataset") for each in server]
    assert said.count("done") == 1
    assert all(
        each == "done" or "Choose another name" in each or "can't be kept" in each for each in said
    )
    assert [each.name for each in list_datasets()] == ["new", "old"]
    assert len(scan(find_dataset("new").location)) == 8


@pytest.mark.thorough
def test_both_decode_and_score_and_get_the_same(home: Path) -> None:
    said = both(home, "decode, score, take features")
    assert said == [["done"] * 8] * 2  # each compared its sums with the first's
