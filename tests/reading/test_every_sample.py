"""Every file that pydicom and pydicom-data bring along is read, or refused with a sentence."""

import importlib.util
from pathlib import Path

import pydicom.data
import pytest

from pneumo_core.reading import open_reader

ROOT = Path(__file__).parents[2]
CHESTS = {"RG1_J2KI.dcm", "RG1_J2KR.dcm", "RG1_UNCI.dcm", "RG1_UNCR.dcm"}
"""One chest film, four ways to store it; everything else shows something else, or nothing."""


def files() -> list[Path]:
    folders = [Path(pydicom.data.__file__).parent]
    spec = importlib.util.find_spec("data_store")  # where pydicom-data keeps its files
    assert spec is not None
    folders += [Path(place) for place in spec.submodule_search_locations or ()]
    code = (".py", ".pyc", ".json")
    found = (each for folder in folders for each in folder.rglob("*") if each.is_file())
    return sorted(each for each in found if each.suffix not in code)


@pytest.mark.slow
def test_every_file_gets_a_reading_or_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    reader = open_reader("efficientnet_b0")
    readings = {path.name: reader.read_file(path) for path in files()}
    assert len(readings) > 200
    assert {name for name, each in readings.items() if each.status == "read"} == CHESTS
    for reading in readings.values():
        if reading.status != "read":
            assert reading.probability is None
            assert all(reason.endswith(".") for reason in reading.reasons)
            assert reading.reasons
