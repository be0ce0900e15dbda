"""The gateway page: the queue, its buttons, and calibration for the site."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.gateway import Queue
from pneumo_core.gateway.config import Config, Keeping
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.records import Finished, Rendered
from tests.app.test_pages import open_app, told
from tests.gateway.parts import PATIENT_ID, as_bytes, chest, film


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint) -> Queue:
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    made = Queue(Config().folder)
    Intake(made, Keeping()).take_in(as_bytes(film(chest(64))), "MODALITY")
    return made


def test_without_a_gateway_it_says_how_to_start_one() -> None:
    assert "No gateway has run in" in told(open_app("pages/gateway.py"))


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


def test_it_shows_the_gateway_whose_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'folder = "{tmp_path / "elsewhere"}"\n[drift]\nleast = 99\n')
    monkeypatch.setenv("PNEUMO_GATEWAY", str(file))
    assert "elsewhere" in told(open_app("pages/gateway.py"))
    made = Queue(tmp_path / "elsewhere")
    Intake(made, Keeping()).take_in(as_bytes(film(chest(64))), "MODALITY")
    made.close()
    (table,) = open_app("pages/gateway.py").dataframe
    assert list(table.value["X-ray"]) == [1]


def labelled(folder: Path, films: int) -> Path:
    """X-rays of two patients each, half of them labelled PNEUMONIA."""
    random = np.random.default_rng(0)
    for number in range(films):
        place = folder / "train" / ("NORMAL", "PNEUMONIA")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        grey = random.integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(grey).save(place / f"person{number}_{number}.png")
    return folder


def test_a_site_calibrates_a_model_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint
) -> None:
    shutil.copytree(checkpoint.folder.parent, tmp_path / "own")
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "own"))
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PNEUMO_DATA", str(labelled(tmp_path / "site", 120)))
    app = open_app("pages/gateway.py")
    next(each for each in app.button if each.label.startswith("Calibrate cnn_94")).click().run()
    assert not app.exception
    assert [list(each.value.columns) for each in app.table] == [["Before", "After"]] * 2
    next(each for each in app.button if each.label.startswith("Save")).click().run()
    assert not app.exception
    assert "Saved as 'cnn_94-site'" in app.success[0].value.replace("\\", "")
    made = load_checkpoint("cnn_94-site")
    assert made.card.temperature != checkpoint.card.temperature
    assert made.verified_weights() == checkpoint.verified_weights()


def test_too_few_labelled_xrays_are_refused_with_the_number_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint
) -> None:
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PNEUMO_DATA", str(labelled(tmp_path / "site", 40)))
    app = open_app("pages/gateway.py")
    next(each for each in app.button if each.label.startswith("Calibrate cnn_94")).click().run()
    assert "add 60 or more" in told(app)
