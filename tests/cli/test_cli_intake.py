"""pneumo data download, add, list, remove; and the names they give, wherever --data is asked."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from pneumo_core.datasets.download import SOURCES, find_dataset
from pneumo_core.datasets.download import catalogue as sources
from tests.datasets.download.archives import make_zip, zip_folder
from tests.datasets.download.conftest import source_of
from tests.datasets.download.server import Server, serving

Run = Callable[..., object]
Films = Callable[..., Path]


@pytest.fixture
def server(film_folder: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has a public set, ``films``, which takes the place of the real ones."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    archive = zip_folder(film_folder({"train": 4, "test": 2}), tmp_path / "films.zip")
    with serving(archive.read_bytes()) as running:
        films = source_of(running.content, running.url, file="films.zip")
        other = replace(films, name="broken", url=films.url, checksum="0" * 64)
        known = MappingProxyType({"films": films, "broken": other})
        monkeypatch.setattr(sources, "SOURCES", known)
        yield running


def test_the_sources_are_listed(pneumo):
    done = pneumo("data", "download")
    assert done.code == 0
    for source in SOURCES.values():
        assert source.name in done.out
    assert "1,236" in done.out


@pytest.mark.usefixtures("server")
def test_a_set_is_downloaded_listed_used_by_its_name_and_removed(pneumo):
    done = pneumo("data", "download", "films")
    assert (done.code, "films: 12 X-rays in" in done.out) == (0, True)
    assert "by hand" in done.err, "who vouches for the checksum"
    assert "films" in pneumo("data", "list").out
    assert pneumo("data", "inspect", "films").code == 0
    assert pneumo("data", "download", "films").code == 1, "never written over"
    folder = find_dataset("films").folder
    assert pneumo("data", "remove", "films", "--yes").code == 0
    assert not folder.exists()
    assert "None yet" in pneumo("data", "list").out


@pytest.mark.usefixtures("server")
def test_what_fails_is_a_sentence_and_exit_code_1(pneumo):
    done = pneumo("data", "download", "broken")
    assert done.code == 1
    assert "its SHA256 differs" in done.err
    assert "By hand:" in done.err
    assert "Traceback" not in done.err
    assert pneumo("data", "download", "chestxray14").code == 2


@pytest.mark.usefixtures("server")
def test_a_set_goes_where_it_is_told(pneumo, tmp_path):
    done = pneumo("data", "download", "films", "--folder", tmp_path / "there", "--name", "mine")
    assert done.code == 0
    assert (tmp_path / "there" / "mine" / "train" / "NORMAL").is_dir()


def test_a_zip_is_added_with_its_findings(pneumo, film_folder, tmp_path):
    archive = zip_folder(film_folder({"train": 4, "test": 2}), tmp_path / "a.zip")
    done = pneumo("data", "add", archive, "--name", "mine")
    assert done.code == 0
    assert "To do:" in done.out, "the findings of data inspect"
    assert "mine: 12 X-rays in" in done.out
    assert "already exists" in pneumo("data", "add", archive, "--name", "mine").err


def test_a_wild_zip_is_refused(pneumo, tmp_path):
    done = pneumo("data", "add", make_zip(tmp_path / "a.zip", {"../x": b""}), "--name", "mine")
    assert done.code == 1
    assert "outside of the folder" in done.err


def test_nothing_is_removed_without_a_yes(pneumo, film_folder, tmp_path, monkeypatch):
    archive = zip_folder(film_folder({"train": 2}), tmp_path / "a.zip")
    pneumo("data", "add", archive, "--name", "mine")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert pneumo("data", "remove", "mine").code == 1
    assert find_dataset("mine").folder.is_dir()
    assert pneumo("data", "remove", "yours", "--yes").code == 2
