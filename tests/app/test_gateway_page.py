"""The gateway page: what arrived, paused and resumed, sent again."""

from pathlib import Path

import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.gateway import Queue
from pneumo_core.gateway.config import Config, Keeping
from pneumo_core.gateway.intake import Door
from pneumo_core.gateway.records import Finished, Rendered
from tests.app.test_pages import open_app, told
from tests.gateway.parts import PATIENT_ID, as_bytes, chest, film


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint) -> Queue:
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    made = Queue(Config().folder)
    Door(made, Keeping()).take_in(as_bytes(film(chest(64))), "MODALITY")
    return made


def test_without_a_gateway_it_says_how_to_start_one() -> None:
    assert "No gateway has run here yet" in told(open_app("pages/gateway.py"))


def test_it_shows_what_arrived_without_names(queue: Queue) -> None:
    app = open_app("pages/gateway.py")
    assert not app.exception
    (table,) = app.dataframe
    assert list(table.value["X-ray"]) == [1]
    assert list(table.value["Sender"]) == ["MODALITY"]
    assert PATIENT_ID not in table.value.to_csv()


def test_it_pauses_and_resumes(queue: Queue) -> None:
    app = open_app("pages/gateway.py")
    app.button(key="gateway pause").click().run()
    assert queue.paused
    app.button(key="gateway pause").click().run()
    assert not queue.paused


def test_a_failed_delivery_is_sent_again(queue: Queue, checkpoint: Checkpoint) -> None:
    (queue.results / "r.dcm").write_bytes(b"result")
    (received,) = queue.next_films(1)
    model = f"cnn_94 {checkpoint.card.version}"
    rendered = [Rendered("sc", True, "1.2.9", "1.2", "r.dcm")]
    deliveries = [("pacs", "sc", True)]
    done = Finished(
        state="read", model=model, probability=0.4, rendered=rendered, deliveries=deliveries
    )
    queue.finish(received, done)
    (delivery,) = queue.due("pacs", 1)
    queue.undeliverable(delivery, "pacs: status 0xA900")
    app = open_app("pages/gateway.py")
    assert "too few for a comparison" in told(app)
    app.multiselect(key="gateway chosen").select(1).run()
    app.button(key="gateway send").click().run()
    assert not app.exception
    assert queue.due("pacs", 1)
