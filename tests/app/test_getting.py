"""Getting films on a page: downloaded, added, kept or thrown away, offered by every page."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pneumo_core.app.widgets.dataset_choice import dataset_key
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets.download import datasets_home, delete_dataset, list_datasets, stage
from tests.app.test_pages import open_app, press, told
from tests.datasets.download.archives import make_npz, make_zip, pictures, zip_folder
from tests.datasets.download.conftest import source_of
from tests.datasets.download.server import Server, serving

Films = Callable[..., Path]


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def page() -> None:
    """The section alone: nothing it does may need its page's care."""
    from pneumo_core.app.data.add_dataset import acquire_section

    acquire_section()


def opened() -> AppTest:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    return app


def send(app: AppTest, file: Path, name: str = "mine") -> AppTest:
    """Upload a file, name it and have it checked."""
    app.file_uploader(key="own dataset").set_value((file.name, file.read_bytes(), "")).run()
    app.text_input(key="own name").set_value(name).run()
    return press(app, "Check")


def names() -> list[str]:
    return [each.name for each in list_datasets()]


def nothing_is_left() -> bool:
    home = datasets_home()
    return not home.exists() or list(home.iterdir()) == []


# --- public datasets ------------------------------------------------------------------------------


@pytest.fixture
def server(film_folder: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    archive = zip_folder(film_folder({"train": 4, "test": 2}), tmp_path / "films.zip")
    with serving(archive.read_bytes()) as running:
        films = source_of(running.content, running.url, file="films.zip")
        monkeypatch.setattr(
            "pneumo_core.app.data.add_dataset.SOURCES", MappingProxyType({"films": films})
        )
        yield running


def test_every_source_says_its_size_licence_and_way_by_hand() -> None:
    app = opened()
    for name in app.selectbox(key="source").options:
        app.selectbox(key="source").set_value(name)
    said = told(app)
    assert "1.24 GB, from" in said
    assert "Licence CC BY 4.0" in said
    assert "not by its publisher" in said
    assert "put it into the folder" in said


@pytest.mark.usefixtures("server")
def test_a_button_brings_the_set_and_every_page_offers_it() -> None:
    app = press(opened(), "Download films.zip")
    assert not app.exception
    assert [each.value.replace("\\", "") for each in app.success] == [
        "Added films: 12 X-rays. It is now available on every page."
    ]
    assert names() == ["films"]
    assert "already exists" in told(app), "the same name again"


@pytest.mark.usefixtures("server")
def test_a_refused_download_is_told_and_can_be_tried_again(server: Server) -> None:
    server.faults.statuses = [404]
    app = press(opened(), "Download films.zip")
    assert "the server answers 404" in told(app)
    assert "By hand: download films.zip" in told(app)
    assert nothing_is_left()
    assert names() == []
    press(app, "Download films.zip")
    assert names() == ["films"]


# --- uploads -------------------------------------------------------------------------------------


def test_what_is_sent_is_looked_at_before_it_is_kept(film_folder: Films, tmp_path: Path) -> None:
    archive = zip_folder(film_folder({"train": 4, "test": 2}), tmp_path / "a.zip")
    app = send(opened(), archive)
    assert "The validation split was missing" in told(app)
    assert names() == []
    press(app, "Add dataset")
    assert names() == ["mine"]
    assert not app.exception
    assert "Added mine: 12 X-rays" in app.success[0].value.replace("\\", "")


def test_what_is_thrown_away_is_gone(film_folder: Films, tmp_path: Path) -> None:
    app = send(opened(), zip_folder(film_folder({"train": 4}), tmp_path / "a.zip"))
    press(app, "Discard")
    assert nothing_is_left()
    assert not (datasets_home().parent / "stores").exists(), "nor are its X-rays there decoded"
    assert not app.exception


def test_a_medmnist_archive_may_be_sent_too(tmp_path: Path) -> None:
    press(send(opened(), make_npz(tmp_path / "a.npz", pictures(64, train=6))), "Add dataset")
    assert names() == ["mine"]


def test_a_wild_zip_is_a_sentence(tmp_path: Path) -> None:
    app = send(opened(), make_zip(tmp_path / "evil.zip", {"../x.png": b"x"}))
    assert not app.exception
    assert "'evil.zip' can't be unpacked" in told(app)
    assert "outside of the folder" in told(app)
    assert nothing_is_left()


@pytest.mark.parametrize("name", ["", "../x", "a b"])
def test_an_impossible_name_is_told(tmp_path: Path, name: str) -> None:
    app = opened()
    file = ("a.zip", b"PK", "")
    app.file_uploader(key="own dataset").set_value(file).run()
    app.text_input(key="own name").set_value(name).run()
    assert "can't name a dataset" in told(app)


def test_a_csv_alone_needs_the_folder_that_is_open_to_it(
    film_folder: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "sent.csv"
    sent.write_text("path,label\ntrain/NORMAL/IM-0001-0001.png,0\n")
    assert "refers to images under PNEUMO_DATA, which is not set" in told(send(opened(), sent))
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 2})))
    press(send(opened(), sent), "Add dataset")
    assert names() == ["mine"]


def test_a_csv_reads_nothing_outside_of_that_folder(
    film_folder: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 2})))
    (tmp_path / "secret.png").write_bytes(b"x")
    sent = tmp_path / "sent.csv"
    for path in ("../secret.png", str(tmp_path / "secret.png"), "../gone.png"):
        sent.write_text(f"path,label\n{path},0\n")
        app = send(opened(), sent)
        assert f"no X-ray '{path}' below" in told(app), "the same words, there or not"
    assert nothing_is_left()


def test_too_large_an_upload_is_told_where_else_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_MAX_UPLOAD_MB", "1")
    app = opened()
    assert "up to 1 MB" in app.file_uploader(key="own dataset").label
    file = ("a.zip", bytes(1_020_000), "")
    app.file_uploader(key="own dataset").set_value(file).run()
    assert "more than 1 MB" in told(app)


def test_a_dataset_is_deleted_after_a_second_click(film_folder: Films, tmp_path: Path) -> None:
    stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine").keep()
    app = opened()
    assert names() == ["mine"]
    app.button(key="delete mine").click().run()
    assert nothing_is_left()
    assert not app.exception


# --- every page --------------------------------------------------------------------------------


def test_an_added_dataset_is_what_the_pages_use(
    film_folder: Films, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    stage(zip_folder(film_folder({"test": 3}), tmp_path / "a.zip"), "mine").keep()
    app = open_app("pages/evaluate.py")
    assert "mine: test X-rays, to be scored" in app.selectbox(key="films").options


def test_among_several_one_is_chosen_and_travels_in_the_link(
    film_folder: Films, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = film_folder({"test": 3})
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    stage(zip_folder(folder, tmp_path / "a.zip"), "mine").keep()
    app = open_app("pages/evaluate.py")
    (choice,) = app.sidebar.selectbox
    assert choice.options == ["films", "mine"]
    assert "films: test X-rays, to be scored" in app.selectbox(key="films").options
    choice.set_value("mine").run()
    assert "mine: test X-rays, to be scored" in app.selectbox(key="films").options
    assert app.query_params["dataset"] == "mine"
    app.switch_page("pages/embeddings.py").run()
    assert app.sidebar.selectbox[0].value == "mine", "it outlives a walk to another page"
    linked = open_app("pages/evaluate.py", dataset="mine")
    assert linked.sidebar.selectbox[0].value == "mine"
    assert "There is no dataset named 'gone'" in told(open_app(dataset="gone"))


def test_a_film_of_another_dataset_is_not_taken_for_this_one(
    film_folder: Films, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same id in two datasets: a link opens the film of the one it names."""
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"test": 1}, side=80)))
    other = film_folder({"test": 1}, name="other", side=96)
    stage(zip_folder(other, tmp_path / "a.zip"), "mine").keep()
    film = "test/NORMAL/IM-0001-0001.png"
    for dataset, side in (("films", 80), ("mine", 96)):
        app = open_app("pages/read.py", film=film, dataset=dataset)
        assert not app.exception
        (opened_film,) = app.session_state["worklist"].films.values()
        assert dataset in str(opened_film.source)
        assert f"{side} × {side}" in told(app)


def test_another_dataset_of_the_same_name_is_not_the_old_one(
    film_folder: Films, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    """Inspections are kept for everybody on the server."""
    for number, films in enumerate((3, 5)):
        folder = film_folder({"train": films}, name=str(number), side=80)
        stage(zip_folder(folder, tmp_path / f"{films}.zip"), "mine").keep()
        app = open_app("pages/data.py")
        assert not app.exception
        assert {each.label: each.value for each in app.metric}["X-rays"] == str(2 * films)
        delete_dataset("mine")


def test_a_film_that_comes_or_goes_changes_the_key_of_what_is_cached(film_folder: Films) -> None:
    folder = film_folder({"train": 2, "test": 2})
    before = dataset_key(folder)
    assert dataset_key(folder) == before
    film = next(folder.glob("test/NORMAL/*"))
    os.utime(film.parent, ns=(0, before[1] - 1))
    assert dataset_key(folder) == before, "no folder is newer"
    film.unlink()
    assert dataset_key(folder) != before
