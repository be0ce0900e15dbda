"""Foreign clients at the DICOM intake: DCMTK, cut connections, crowds."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification

from pneumo_core.gateway.config import Config, Dicom, Tls
from pneumo_core.gateway.dimse import Receiver
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.queue import Queue
from tests.gateway.parts import ECHOSCU, STORESCU, chest, film, saved, storescu, wait_for

pytestmark = [
    pytest.mark.skipif(not STORESCU, reason="apt-get install dcmtk"),
    pytest.mark.slow,
]


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    return saved(film(chest(64)), tmp_path / "film.dcm")


def echo(port: int, *options: str, called: str = "PNEUMO") -> int:
    command = [str(ECHOSCU), "-aet", "MODALITY", "-aec", called, *options, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_a_modality_echoes_and_stores(port: int, queue: Queue, sent: Path) -> None:
    assert echo(port) == 0
    assert storescu([sent], port).returncode == 0
    assert queue.waiting() == 1


def test_wrong_ae_titles_are_rejected(port: int, queue: Queue, sent: Path) -> None:
    assert storescu([sent], port, called="SOMEBODY").returncode
    assert storescu([sent], port, calling="STRANGER").returncode
    assert queue.waiting() == 0
    assert queue.one("SELECT count(*) FROM turned_away") == 2
    assert storescu([sent], port).returncode == 0


def test_an_mr_is_rejected_when_the_association_is_made(
    port: int, queue: Queue, tmp_path: Path
) -> None:
    mr = film(chest(64), SOPClassUID=MRImageStorage, Modality="MR")
    mr.file_meta.MediaStorageSOPClassUID = MRImageStorage
    assert storescu([saved(mr, tmp_path / "mr.dcm")], port).returncode
    assert queue.waiting() == 0


def test_a_connection_that_is_cut_leaves_nothing(port: int, queue: Queue, sent: Path) -> None:
    for many in (1, 6, 200):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall((b"\x01\x00\x00\x00\x40\x00" + bytes(200))[:many])
    assert storescu([sent], port).returncode == 0
    assert queue.waiting() == 1


def test_a_file_that_is_too_large_is_aborted_while_it_comes(
    port: int, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: Path
) -> None:
    large = saved(film(chest(1500)), tmp_path / "large.dcm")
    monkeypatch.setenv("PNEUMO_MAX_FILE_MB", "1")  # now: the sample itself is larger
    assert large.stat().st_size > 4e6
    assert storescu([large], port).returncode
    assert queue.waiting() == 0
    assert "larger than 1 MB" in queue.one("SELECT reason FROM turned_away")
    assert storescu([sent], port).returncode == 0


def test_a_file_of_500_mb_is_aborted_and_never_held(
    port: int, queue: Queue, tmp_path: Path, sent: Path
) -> None:
    import resource

    side = 15_812  # × 15,812 pixels of two bytes are 500 MB
    huge = film(chest(64), Rows=side, Columns=side)
    huge.PixelData = b""
    path = saved(huge, tmp_path / "huge.dcm")
    with path.open("r+b") as file:  # the pixels' length, then zeros that take no disk
        file.seek(-4, 2)
        file.write((2 * side * side).to_bytes(4, "little"))
        file.truncate(path.stat().st_size + 2 * side * side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert storescu([path], port).returncode
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    assert grown < 250, "MB: the limit is 64, and pynetdicom holds it twice"
    assert "larger than 64 MB" in queue.one("SELECT reason FROM turned_away")
    assert storescu([sent], port).returncode == 0
    assert queue.waiting() == 1


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_a_film_whose_connection_is_cut_is_not_queued(
    port: int, queue: Queue, tmp_path: Path, share: float
) -> None:
    path = saved(film(chest(700)), tmp_path / "film.dcm")
    with cutting(port, int(path.stat().st_size * share)) as cut:
        assert storescu([path], cut).returncode
    assert queue.waiting() == 0
    assert not list(queue.films.iterdir())
    assert storescu([path], port).returncode == 0
    assert queue.waiting() == 1


@contextlib.contextmanager
def cutting(port: int, most: int) -> Iterator[int]:
    """Give a port that forwards to another one, and cuts the connection after so many bytes."""
    with socket.create_server(("127.0.0.1", 0)) as intake:

        def forward() -> None:
            near, far = intake.accept()[0], socket.create_connection(("127.0.0.1", port))
            back = threading.Thread(target=pump, args=(far, near, 1 << 40))
            back.start()
            pump(near, far, most)
            for each in (near, far):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()
            near.close()
            far.close()

        thread = threading.Thread(target=forward)
        thread.start()
        yield intake.getsockname()[1]
        thread.join()


def pump(source: socket.socket, target: socket.socket, most: int) -> None:
    """Copy what comes, up to so many bytes."""
    with contextlib.suppress(OSError):
        while most > 0 and (piece := source.recv(min(65_536, most))):
            target.sendall(piece)
            most -= len(piece)


def test_fifty_associations_are_limited_and_the_service_goes_on(port: int, sent: Path) -> None:
    def associate(_: int) -> Association:
        entity = AE(ae_title="MODALITY")
        entity.add_requested_context(Verification)
        entity.acse_timeout = entity.network_timeout = 20
        return entity.associate("127.0.0.1", port, ae_title="PNEUMO")

    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(associate, range(50)))
    established = [each for each in made if each.is_established]
    assert 1 <= len(established) <= 4
    for each in established:
        each.release()
    wait_for("a free place", lambda: storescu([sent], port).returncode == 0, 20)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a certificate that it signed, and one that signed itself."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    openssl(*new, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=stranger")
    request = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-out", "own.csr")
    openssl(*request, "-subj", "/CN=127.0.0.1")
    sign = ("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key")
    openssl(*sign, "-CAcreateserial", "-days", "2", "-out", "own.pem")
    return folder


@pytest.fixture
def tls_port(intake: Intake, config: Config, certificates: Path) -> Iterator[int]:
    tls = Tls(
        certificate=certificates / "own.pem",
        key=certificates / "own.key",
        authorities=certificates / "ca.pem",
    )
    receiver = Receiver(Dicom(port=config.dicom.port, timeout=5, tls=tls), intake)
    yield receiver.start()
    receiver.stop()


def test_without_a_certificate_nobody_comes_in(
    tls_port: int, certificates: Path, queue: Queue, sent: Path
) -> None:
    own = ("+tls", str(certificates / "own.key"), str(certificates / "own.pem"))
    stranger = ("+tls", str(certificates / "other.key"), str(certificates / "other.pem"))
    trusts = ("+cf", str(certificates / "ca.pem"))
    assert storescu([sent], tls_port).returncode, "no TLS at all"
    assert storescu([sent], tls_port, "+tla", *trusts).returncode, "no certificate"
    assert storescu([sent], tls_port, *stranger, *trusts).returncode, "a stranger's"
    assert queue.waiting() == 0
    done = storescu([sent], tls_port, *own, *trusts)
    assert done.returncode == 0, done.stderr
    assert queue.waiting() == 1


def test_a_client_that_never_shakes_hands_stops_nobody(
    tls_port: int, certificates: Path, sent: Path
) -> None:
    silent = [socket.create_connection(("127.0.0.1", tls_port)) for _ in range(3)]
    own = ("+tls", str(certificates / "own.key"), str(certificates / "own.pem"))
    done = storescu([sent], tls_port, *own, "+cf", str(certificates / "ca.pem"), "-to", "20")
    assert done.returncode == 0
    for each in silent:
        each.close()


def test_four_senders_at_once_lose_nothing(port: int, queue: Queue, tmp_path: Path) -> None:
    films = [saved(film(chest(64, n)), tmp_path / f"{n}.dcm") for n in range(12)]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda f=f: codes.append(storescu(f, port).returncode))
        for f in (films[k::3] for k in range(3))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert codes == [0, 0, 0]
    assert queue.waiting() == 12
