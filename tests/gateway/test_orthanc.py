"""The whole way with the real Orthanc: from storescu or a question to the PACS, and back."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import requests

from pneumo_core.gateway import Config, Destination, Gateway
from pneumo_core.gateway.config import Dicom, Http, Keeping, Source
from pneumo_core.gateway.dimse import Receiver, quiet_libraries
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.polling import poll
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.worker import Worker
from pneumo_core.reading import open_reader
from tests.gateway.parts import (
    MISSING,
    Orthanc,
    as_bytes,
    can_unshare,
    chest,
    film,
    free_port,
    own_network,
    saved,
    storescu,
    wait_for,
)

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"apt-get install {' '.join(MISSING)}"),
    pytest.mark.skipif(not can_unshare(), reason="no right to make a network namespace"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Orthanc]:
    with own_network():
        own = free_port()
        modalities = {"pneumo": ["PNEUMO", "127.0.0.1", own]}
        made = Orthanc(tmp_path / "orthanc", modalities=modalities)
        with made:
            yield made


def config_for(pacs: Orthanc, folder: Path, *destinations: Destination) -> Config:
    port = pacs.modalities["pneumo"][2]
    return Config(
        folder=folder,
        dicom=Dicom(port=port),
        http=Http(port=0),
        destination=destinations,
        keep=Keeping(results=1),
    )


def fed(pacs: Orthanc, number: int) -> bytes:
    data = as_bytes(film(chest(96, number), number=number))
    assert requests.post(f"{pacs.url}/instances", data=data, timeout=30).ok
    return data


def test_results_come_back_into_the_study_and_validate(
    pacs: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    store = Destination(name="pacs", dicom=pacs.address, results=("sc", "sr"))
    stow = Destination(name="web", dicomweb=pacs.dicomweb, results=("gsps", "pdf"))
    gateway = Gateway(config_for(pacs, tmp_path / "gateway", store, stow))
    gateway._load_and_read = lambda: None  # without the image check
    gateway.start()
    reader = open_reader("pneumo", gate=False)
    worker = Worker(gateway.config, gateway.queue, reader, gateway.outbox.wake)
    worker.start()
    made = film(chest(512))
    sent = storescu([saved(made, tmp_path / "film.dcm")], gateway.port)
    assert sent.returncode == 0
    found = wait_for("four results", lambda: len(pacs.instances()) == 4 and pacs.instances(), 240)
    wait_for("sent", lambda: gateway.queue.film(1).state == "sent", 30)
    assert {each["Modality"] for each in found} == {"OT", "SR", "PR", "DOC"}
    for each in found:
        path = tmp_path / f"{each['Modality']}.dcm"
        path.write_bytes(pacs.file(each["ID"]))
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.StudyInstanceUID == made.StudyInstanceUID
        assert header.PatientID == made.PatientID
        done = subprocess.run(
            [str(shutil.which("dciodvfy")), str(path)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert not [line for line in done.stderr.splitlines() if line.startswith("Error")]
    own = [tmp_path / "OT.dcm"]
    assert storescu(own, gateway.port, "-xt").returncode in (0, 1)
    assert gateway.queue.one("SELECT count(*) FROM films") == 1, "own results are not read"
    worker.stop()
    gateway.stop()


@pytest.mark.parametrize("how", ["dicomweb", "get", "move"])
def test_a_pacs_is_asked_and_each_film_is_taken_once(
    pacs: Orthanc, tmp_path: Path, how: str
) -> None:
    quiet_libraries()
    data = [fed(pacs, number) for number in range(2)]
    limb = film(chest(64), BodyPartExamined="KNEE")
    old = film(chest(64, 9), StudyDate="20010101")
    for each in (limb, old):
        assert requests.post(f"{pacs.url}/instances", data=as_bytes(each), timeout=30).ok
    if how == "dicomweb":
        source = Source(name="pacs", dicomweb=pacs.dicomweb)
    else:
        source = Source(name="pacs", dicom=pacs.address, retrieve=how)
    config = replace(config_for(pacs, tmp_path / "gateway"), source=(source,))
    queue = Queue(config.folder)
    intake = Intake(queue, config.keep)
    receiver = Receiver(config.dicom, intake)
    receiver.start()
    done = poll(source, config, queue, intake)
    assert (done.new, done.taken) == (2, 2)
    uids = {str(pydicom.dcmread(BytesIO(each)).SOPInstanceUID) for each in data}
    assert {each.sop_uid for each in queue.next_films(9)} == uids
    assert poll(source, config, queue, intake).new == 0
    receiver.stop()
    queue.close()
