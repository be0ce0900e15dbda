"""``pneumo log``: what the command line did is found by it."""

import json
from pathlib import Path

import pytest

from pneumo_core.audit import film_digest, open_log
from pneumo_core.checkpoints import Checkpoint
from tests.dashboard.test_pages import film


def test_what_is_read_is_found_by_its_hash_and_not_by_its_name(
    tmp_path: Path, checkpoint: Checkpoint, pneumo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'log.sqlite'}")
    (tmp_path / "Smith.png").write_bytes(film())
    pneumo("predict", "--no-gate", str(tmp_path / "Smith.png"))
    said = pneumo("log", "--json", "--film", film_digest(film())[:16])
    (entry,) = map(json.loads, said.out.splitlines())
    assert entry["deed"] == "read"
    assert entry["checkpoint"] == checkpoint.name
    assert entry["who"].endswith("(command line)")
    assert "Smith" not in said.out
    assert "number,moment,who" in pneumo("log", "--csv").out
    assert "No entry" in pneumo("log", "--who", "nobody of that name").err
    assert pneumo("log", "--what", "stolen").code == 2
    assert len(open_log().search()) == 1
