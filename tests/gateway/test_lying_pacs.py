"""A PACS whose answers are wrong: a sentence, nothing of it believed, and nothing stopped."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import ComputedRadiographyImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config, Destination, Source
from pneumo_core.gateway.dimse import quiet_libraries
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.outbox import Outbox
from pneumo_core.gateway.polling import poll
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Finished, Rendered
from tests.gateway.parts import as_bytes, chest, film, free_port, saved, wait_for

JSON = "application/dicom+json"


def uid(tag: str, value: str) -> dict[str, dict]:
    return {tag: {"vr": "UI", "Value": [value]}}


SERIES = {**uid("0020000D", "1.2.1"), **uid("0020000E", "1.2.2"), "00080060": {"vr": "CS"}}
SERIES["00080060"]["Value"] = ["CR"]
IMAGE = {**uid("00080018", "1.2.3"), **uid("00080016", ComputedRadiographyImageStorage)}


@dataclass
class WebPacs:
    """An HTTP server with a fixed (type, body) for each path's last word; else an empty list."""

    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    url: str = ""

    def says(self, word: str, body: object, kind: str = JSON) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[word] = (kind, content)


@pytest.fixture
def web() -> Iterator[WebPacs]:
    pacs = WebPacs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            word = self.path.partition("?")[0].rstrip("/").rpartition("/")[2]
            kind, body = pacs.answers.get(word, (JSON, b"[]"))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    pacs.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield pacs
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ask(config: Config, queue: Queue, intake: Intake, web: WebPacs) -> Callable[[], object]:
    quiet_libraries()
    source = Source(name="pacs", dicomweb=web.url, timeout=5, modalities=("CR",))
    return lambda: poll(source, config, queue, intake)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html>Please sign in</html>"),
        (JSON, b"{not json"),
        (JSON, b'[{"00080060": {"vr": "CS", "Value": ["CR"]}}]'),
        (JSON, b'[{"00080060": {"vr": "ZZ", "Value": 7}}]'),
        (JSON, b'[["no", "object"]]'),
        (JSON, b'{"00080060": 1}'),
    ],
    ids=["HTML", "no JSON", "no UIDs", "a VR that is none", "lists", "an object"],
)
def test_an_answer_that_makes_no_sense_is_a_sentence(
    web: WebPacs, ask: Callable[[], object], queue: Queue, kind: str, body: bytes
) -> None:
    web.says("series", body, kind)
    with pytest.raises(PneumoError, match="pacs sent no usable response"):
        ask()
    assert queue.waiting() == 0


def multipart(made: FileDataset) -> tuple[bytes, str]:
    body = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + as_bytes(made) + b"\r\n--x--\r\n"
    return body, 'multipart/related; type="application/dicom"; boundary=x'


def test_another_image_than_was_asked_for_is_left_out(
    web: WebPacs, ask: Callable[[], object], queue: Queue
) -> None:
    web.says("series", [SERIES])
    web.says("instances", [IMAGE])
    web.says("1.2.3", *multipart(film(chest(64))))
    done = ask()
    assert (done.found, done.new, done.taken) == (1, 1, 0)
    assert "a different image" in queue.one("SELECT reason FROM turned_away")


def test_an_image_that_can_not_be_fetched_stops_none_of_the_others(
    web: WebPacs, ask: Callable[[], object], queue: Queue
) -> None:
    good = film(chest(64))
    listed = {**uid("00080018", str(good.SOPInstanceUID)), "00080016": IMAGE["00080016"]}
    web.says("series", [SERIES])
    web.says("instances", [IMAGE, listed])
    web.says("1.2.3", b"<html>Gone</html>", "text/html")
    web.says(str(good.SOPInstanceUID), *multipart(good))
    done = ask()
    assert (done.found, done.new, done.taken) == (2, 2, 1)
    assert queue.waiting() == 1


def test_a_c_find_without_uids_is_a_sentence(config: Config, queue: Queue, intake: Intake) -> None:
    from pydicom.dataset import Dataset

    def answer(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        match = Dataset()
        match.QueryRetrieveLevel = "STUDY"
        yield 0xFF00, match

    quiet_libraries()
    pacs = AE("PACS")
    pacs.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    port = free_port()
    server = pacs.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)]
    )
    source = Source(name="pacs", dicom=f"PACS@127.0.0.1:{port}", timeout=5)
    with pytest.raises(PneumoError, match="pacs sent no usable response"):
        poll(source, config, queue, intake)
    server.shutdown()


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b'{"00081198": {"vr": "SQ", "Value": [{}]}}', b"7"]
)
def test_an_archive_that_answers_nonsense_stops_no_thread_and_loses_no_result(
    web: WebPacs, config: Config, queue: Queue, intake: Intake, answer: bytes
) -> None:
    intake.take_in(as_bytes(film(chest(64))), "MODALITY")
    (received,) = queue.next_films(1)
    saved(film(chest(64)), queue.results / "r.dcm")
    rendered = [Rendered("sc", True, "1.2.9", "1.2", "r.dcm")]
    done = Finished(state="read", rendered=rendered, deliveries=[("pacs", "sc", True)])
    queue.finish(received, done)
    web.says("studies", answer)
    destination = Destination(name="pacs", dicomweb=web.url, timeout=5)
    outbox = Outbox(Config(folder=config.folder, destination=(destination,)), queue)
    outbox.start()
    wait_for("a try", lambda: outbox.troubles or queue.one("SELECT tries FROM deliveries"))
    assert all(thread.is_alive() for thread in threading.enumerate() if "outbox" in thread.name)
    assert queue.one("SELECT state FROM deliveries") == "waiting"
    assert (queue.results / "r.dcm").exists()
    outbox.stop()
