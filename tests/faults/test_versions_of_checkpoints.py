"""A checkpoint of each schema version that was ever written still reads films, with its number.

``tests/checkpoints_by_version/vN`` was published by the Pneumo of that version: three epochs of a
very small network on drawn films. A new version adds its folder here; none is ever written anew.
"""

import json
import shutil
from pathlib import Path

import pytest

from pneumo_core.checkpoints import SCHEMA_VERSION, list_checkpoints, load_checkpoint
from pneumo_core.errors import CheckpointError
from pneumo_core.reading import open_reader
from tests.conftest import draw_folder

PLACE = Path(__file__).parents[1] / "checkpoints_by_version"
SAID = {"v1": (0.14192, 0.58839), "v2": (0.31092, 0.44964)}
"""What each said of the two films when it was made."""


def test_every_version_is_kept() -> None:
    kept = {folder.name for folder in PLACE.iterdir()}
    assert kept == set(SAID) == {f"v{n}" for n in range(1, SCHEMA_VERSION + 1)}


@pytest.mark.parametrize("version", SAID)
def test_it_loads_whole_and_reads_with_the_same_number(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(PLACE))
    old = load_checkpoint(version)
    assert len(old.scores) == len(old.features) > 0
    assert list(old.history["epoch"]) == [1, 2, 3]
    films = sorted(draw_folder(tmp_path / "films", {"test": 1}).rglob("*.png"))
    reader = open_reader(version, gate=False)
    said = [reader.read_file(film).probability for film in films]
    assert said == pytest.approx(SAID[version], abs=1e-4)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
def test_a_version_to_come_is_refused_by_a_sentence(version: int, tmp_path: Path) -> None:
    shutil.copytree(PLACE / f"v{SCHEMA_VERSION}", tmp_path / "mine")
    card = tmp_path / "mine" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"schema_version": version}))
    with pytest.raises(CheckpointError, match=f"schema version {version}, .* or update Pneumo"):
        load_checkpoint("mine", tmp_path)
    found, problems = list_checkpoints(tmp_path)
    assert not found
    assert "update Pneumo" in problems[0]
