"""The log page, and what the other pages tell the log."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from pneumo_core.app import sign_in as access
from pneumo_core.audit import Entry, open_log
from pneumo_core.checkpoints import Checkpoint
from tests.app.test_access import opened
from tests.app.test_pages import film, open_app, reading_page, told, upload


@pytest.fixture(autouse=True)
def _a_new_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "home"))
    yield
    access._asked.cache_clear()
    st.cache_resource.clear()
    st.cache_data.clear()


def test_an_empty_log_says_what_fills_it() -> None:
    assert "No entries yet" in told(open_app("pages/log.py"))


def test_a_film_that_is_read_is_in_the_log_once_by_its_hash_and_not_by_its_name(
    tmp_path: Path, checkpoint: Checkpoint
) -> None:
    app = upload(reading_page(), ("Smith-John-1955.png", film(), "image/png"))
    assert not app.exception
    app.run()
    found = open_log().search(deed="read", film=hashlib.sha256(film()).hexdigest())
    asked = found[["checkpoint", "version", "operating_point", "threshold"]]
    assert len(found) == len(asked.drop_duplicates()) > 0
    assert set(found["who"]) == {"anyone"}
    for file in (tmp_path / "home").glob("audit.sqlite*"):
        assert b"Smith" not in file.read_bytes()


@pytest.mark.parametrize("url", ["sqlite:///{}/file/log.db", "no url"])
def test_a_log_that_refuses_stops_no_reading_and_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint, url: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PNEUMO_AUDIT", url.format(tmp_path))
    app = reading_page()
    upload(app, ("film.png", film(), "image/png")).run()
    assert not app.exception
    assert "Actions are not being logged" in told(app)


def test_the_search_narrows_what_is_shown() -> None:
    open_log().record(
        [
            Entry(who="ada@x.org", deed="read", film="ab" * 32, checkpoint="cnn_94"),
            Entry(who="bob@x.org", deed="deleted", subject="run one"),
        ]
    )
    app = open_app("pages/log.py")
    assert "2 entries" in told(app)
    app.text_input(key="log who").input("ADA").run()
    assert app.dataframe[0].value["Who"].tolist() == ["ada@x.org"]
    app.text_input(key="log film").input("ff").run()
    assert "No entries match" in told(app)


def test_a_reader_does_not_see_the_log() -> None:
    open_log().record([Entry(who="ada@x.org", deed="read", film="ab" * 32)])
    app = opened("pages/log.py", "bob@x.org")
    assert "Only an analyst may see the log" in told(app)
    assert "ada@x.org" not in told(app)
    assert not app.dataframe


def test_an_x_ray_is_one_row_and_what_does_not_apply_is_blank() -> None:
    film = "ab" * 32
    open_log().record(
        [
            Entry(who="ada@x.org", deed="read", film=film, checkpoint=name, result=result)
            for name, result in (("one", "NORMAL"), ("two", "PNEUMONIA"), ("three", "NORMAL"))
        ]
        + [Entry(who="bob@x.org", deed="deleted", subject="run one")]
    )
    app = open_app("pages/log.py")
    table = app.dataframe[0].value
    assert sorted(table["Action"]) == ["deleted", "read 3"]
    row = table[table["Entries"] == 3].iloc[0]
    assert (row["Result"], row["Subject"]) == ("2 NORMAL, 1 PNEUMONIA", "")
    app.segmented_control(key="log rows").set_value("Every entry").run()
    every = app.dataframe[0].value
    assert len(every) == 4
    assert not every.select_dtypes(exclude="number").isna().any().any()
    assert "Seconds" not in every, "no entry has any"
