"""Names, IDs and UIDs are in no log, metric or webhook of a gateway that runs as a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.uid import MRImageStorage

from tests.gateway.parts import (
    ACCESSION,
    PATIENT_ID,
    STORESCU,
    as_bytes,
    chest,
    film,
    free_port,
    saved,
    storescu,
    wait_for,
)

ROOT = Path(__file__).parents[2]
SECRETS = ("Quetzalcoatl", "Xochitl", PATIENT_ID, ACCESSION, "19990101", "Dr^Secret")

pytestmark = [
    pytest.mark.skipif(not STORESCU, reason="apt-get install dcmtk"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[str]]]:
    """An endpoint that keeps what it is sent, headers and all."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            bodies.append(f"{self.path}\n{self.headers}\n{body}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Service:
    """A gateway as a process: its ports and the file of its log."""

    dicom: int
    http: int
    log: Path
    files: list[FileDataset] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/health/ready", timeout=2).ok
        except requests.RequestException:
            return False


@pytest.fixture
def service(tmp_path: Path, webhook: tuple[str, list[str]]) -> Iterator[Service]:
    made = Service(free_port(), free_port(), tmp_path / "log")
    nowhere = free_port()
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'folder = "{tmp_path / "gateway"}"\n'
        f'[dicom]\nport = {made.dicom}\ncalling = ["MODALITY"]\n[http]\nport = {made.http}\n'
        f'[[destination]]\nname = "notice"\nwebhook = "{webhook[0]}"\n'
        f'[[destination]]\nname = "gone"\ndicom = "PACS@127.0.0.1:{nowhere}"\n'
        'results = ["sc", "sr", "gsps", "pdf"]\n'
    )
    told = os.environ | {
        "PNEUMO_CHECKPOINTS": str(ROOT / "checkpoints"),
        "PNEUMO_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "pneumo_core", "gateway", "start", "--config", str(config)]
    with made.log.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=told)
    try:
        wait_for("the gateway", made.ready, 240)
        yield made
    finally:
        process.terminate()
        process.wait(120)


def awkward() -> list[FileDataset]:
    """Films whose headers make libraries complain, with what must not be told in the complaint."""
    long = "PID-90210-Q" * 12
    return [
        film(chest(512)),
        film(chest(512, 1), kind="DX", number=1),
        film(chest(512, 2), PatientID=long, PatientBirthDate="19990101", PatientAge="19990101"),
        film(chest(512, 3), StudyInstanceUID="1.2.PID-90210-Q.3", AccessionNumber=ACCESSION * 9),
        film(chest(512, 4), ReferringPhysicianName="Dr^Secret", Rows=4000),
        film(chest(512, 5), StudyTime="PID-90210-Q", PixelData=b"Quetzalcoatl"),
        film(chest(64), SOPClassUID=MRImageStorage, Modality="MR"),
    ]


def test_names_ids_and_uids_are_in_no_log_metric_or_webhook(
    service: Service, webhook: tuple[str, list[str]], tmp_path: Path
) -> None:
    with disable_value_validation():
        films = awkward()
        copies = [as_bytes(each) for each in films]
        paths = [saved(each, tmp_path / f"{number}.dcm") for number, each in enumerate(films)]
    for data, path in zip(copies, paths, strict=True):
        requests.post(f"{service.url}/v1/readings", data=data, timeout=120)
        storescu([path], service.dicom)
        storescu([path], service.dicom, calling="STRANGER")
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    for each in (
        as_bytes(films[0])[:900],
        as_bytes(films[0])[:140],
        as_bytes(film(chest(512, 9), number=9)),
    ):
        body = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n--x--\r\n"
        headers = {"content-type": kind}
        requests.post(f"{service.url}/dicom-web/studies", data=body, headers=headers, timeout=60)
    requests.get(f"{service.url}/dicom-web/studies/{films[0].StudyInstanceUID}", timeout=9)
    requests.get(f"{service.url}/{films[0].PatientID}?name={films[0].PatientName}", timeout=9)
    _, bodies = webhook
    wait_for("notices", lambda: len(bodies) >= 4, 240)
    metrics = requests.get(f"{service.url}/metrics", timeout=9).text
    log = service.log.read_text()
    assert "not received: it is not a" in log
    assert "can't be reached" in log
    assert "pneumo_turned_away" in metrics
    assert json.loads(bodies[0].rsplit("\n", 1)[1])["state"] in ("read", "refused")
    uids = {str(each[tag].value) for each in films for tag in (0x00080018, 0x0020000D, 0x0020000E)}
    told = {"log": log, "metrics": metrics, "webhook": "\n".join(bodies)}
    found = {(where, secret) for where in told for secret in SECRETS if secret in told[where]}
    found |= {(where, uid) for where in told for uid in uids if uid in told[where]}
    assert not found
