"""``pneumo log`` and ``pneumo agreement``: what was done is found, and how far readers agree."""

import json
from pathlib import Path

import pytest

from pneumo_core.audit import Entry, image_digest, open_log
from pneumo_core.checkpoints import Checkpoint
from tests.app.test_pages import film


def test_what_is_read_is_found_by_its_hash_and_not_by_its_name(
    tmp_path: Path, checkpoint: Checkpoint, pneumo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'log.sqlite'}")
    (tmp_path / "Smith.png").write_bytes(film())
    pneumo("predict", "--no-gate", str(tmp_path / "Smith.png"))
    said = pneumo("log", "--json", "--film", image_digest(film())[:16])
    (entry,) = map(json.loads, said.out.splitlines())
    assert entry["deed"] == "read"
    assert entry["checkpoint"] == checkpoint.name
    assert entry["who"].endswith("(command line)")
    assert "Smith" not in said.out
    assert "number,moment,who" in pneumo("log", "--csv").out
    assert "No entries match" in pneumo("log", "--who", "nobody of that name").err
    assert pneumo("log", "--what", "stolen").code == 2
    assert len(open_log().search()) == 1


def test_agreement_is_told_from_the_log(
    tmp_path: Path, pneumo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'log.sqlite'}")
    assert "No blinded reads yet" in pneumo("agreement").err
    assert pneumo("agreement", "--json").out == ""
    answer = {"checkpoint": "net", "version": "v1", "operating_point": "own", "threshold": 0.5}
    for name, own, other in (("a", 0, 0), ("b", 1, 1), ("c", 1, 0)):
        labels = ("NORMAL", "PNEUMONIA")
        digest = image_digest(name.encode())
        open_log().record(
            [
                Entry(who="ada", deed="called", film=digest, result=labels[own], seconds=4.0),
                Entry(who="ada", deed="read", film=digest, result=labels[other], **answer),
            ]
        )
    (row,) = map(json.loads, pneumo("agreement", "--json").out.splitlines())
    assert (row["who"], row["films"], row["only_reader_pneumonia"]) == ("ada", 3, 1)
    assert row["kappa"] == pytest.approx(0.4)
    assert row["median_seconds"] == 4.0
    assert "0.400" in pneumo("agreement").out
    assert "kappa_low" in pneumo("agreement", "--csv").out
    assert pneumo("agreement", "--who", "bob", "--json").out == ""
