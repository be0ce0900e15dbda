"""A gateway's parts on a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumo_core.gateway.config import Config, Dicom, Http, Keeping
from pneumo_core.gateway.dimse import Receiver
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.queue import Queue
from tests.gateway.parts import MISSING, free_port


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "gateway")
    yield made
    made.close()


@pytest.fixture
def intake(queue: Queue) -> Intake:
    return Intake(queue, Keeping())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(folder=tmp_path / "gateway", dicom=Dicom(port=free_port()), http=Http(port=0))


@pytest.fixture
def port(intake: Intake, config: Config) -> Iterator[int]:
    """Where a receiver listens that admits MODALITY alone, four at once."""
    told = Dicom(port=config.dicom.port, calling=("MODALITY",), associations=4, timeout=5)
    receiver = Receiver(told, intake)
    yield receiver.start()
    receiver.stop()


def pytest_report_header() -> str:
    if not MISSING:
        return "gateway tests: run with the real Orthanc and DCMTK"
    return f"gateway tests with real parts: LEFT OUT: apt-get install {' '.join(MISSING)}"
