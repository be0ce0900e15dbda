"""Datasets by URL: the X-rays of a folder, wherever they lie."""

import http.server
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pneumo_core as pn
from pneumo_core.cli import main
from pneumo_core.core.remote import without_secrets
from pneumo_core.datasets import Dataset, find_image, open_store, scan
from pneumo_core.datasets.load import find_dataset_path
from pneumo_core.errors import DatasetError, UnreadableImage
from tests.batch.conftest import FILMS

SECRET = "X-Signature=c2VjcmV0.cmV0"


def pixels_by_id(dataset: Dataset) -> dict[str, bytes]:
    store = open_store(dataset, 16)
    return {each: store.pixels[row].tobytes() for row, each in enumerate(store.ids)}


def expect_same(dataset: Dataset, local: Dataset) -> None:
    """The same table, by other digests, and the same pixels."""
    columns = ["id", "split", "label", "subtype", "patient"]
    assert dataset.films[columns].to_dict("list") == local.films[columns].to_dict("list")
    assert dataset.films["digest"].nunique() == FILMS
    assert pixels_by_id(dataset) == pixels_by_id(local)


def manifest(films: Path, *, base: str = "", query: str = "", more: str = "") -> str:
    names = [path.relative_to(films).as_posix() for path in sorted(films.rglob("*.png"))]
    rows = [f"{base}{name}{query},{name.split('/')[0]}" for name in names]
    return "\n".join(["path,label", *rows, more])


def put(name: str, content: bytes) -> None:
    import s3fs

    s3fs.S3FileSystem().pipe(f"films/{name}", content)


@pytest.mark.parametrize("name", ["", "list.csv", "all/films.zip", "all/films.tar"])
def test_a_dataset_in_a_bucket_is_the_one_in_the_folder(
    bucket: str, films: Path, name: str
) -> None:
    local = pn.load_dataset(films)
    if name.endswith(".csv"):
        put(name, manifest(films).encode())
        (films / name).write_text(manifest(films))
        local = pn.load_dataset(films / name)
    elif name:
        kind = name.rpartition(".")[2]
        archive = shutil.make_archive(str(films.parent / "films"), kind, films)
        put(name, Path(archive).read_bytes())
    expect_same(pn.load_dataset(f"{bucket}/{name}"), local)


def test_a_path_made_of_a_url_finds_it_too(bucket: str, films: Path) -> None:
    put("list.csv", manifest(films).encode())
    asked = Path(f"{bucket}/list.csv")  # as the command line and PNEUMO_DATA give it
    assert find_dataset_path(asked) == find_dataset_path(f"{bucket}/list.csv")


def test_the_command_line_takes_a_url(
    bucket: str, films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put("list.csv", manifest(films, more="none.png,0").encode())
    monkeypatch.setattr(sys, "argv", ["pneumo", "data", "inspect", f"{bucket}/list.csv", "--json"])
    with pytest.raises(SystemExit, match="1"):  # one is missing
        main()
    found = json.loads(capsys.readouterr().out)
    assert found["unreadable"] == {
        "none.png": "none.png: the file does not exist. Check the address."
    }
    assert found["dataset"] == "list"


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_a_dataset_on_a_website(website: str, films: Path, kind: str) -> None:
    pytest.importorskip("aiohttp")
    local = pn.load_dataset(films)
    if kind == "zip":
        archive = shutil.make_archive(str(films.parent / "films"), "zip", films)
        shutil.move(archive, films / "films.zip")
    else:
        (films / "films.csv").write_text(manifest(films))
        local = pn.load_dataset(films / "films.csv")
    expect_same(pn.load_dataset(f"{website}/films.{kind}"), local)


def test_what_is_missing_is_unreadable_and_changes_count(bucket: str, films: Path) -> None:
    put("list.csv", manifest(films, base=f"{bucket}/", more=f"{bucket}/none.png,0").encode())
    dataset = pn.load_dataset(f"{bucket}/list.csv")
    assert open_store(dataset, 16).unreadable == {
        f"{bucket}/none.png": "none.png: the file does not exist. Check the address."
    }
    assert pn.load_dataset(f"{bucket}/list.csv").fingerprint == dataset.fingerprint
    put("none.png", min(films.rglob("*.png")).read_bytes())
    again = pn.load_dataset(f"{bucket}/list.csv")
    assert again.fingerprint != dataset.fingerprint
    assert not open_store(again, 16).unreadable
    digests = again.films.set_index("id")["digest"]
    first = min(films.rglob("*.png")).relative_to(films).as_posix()
    assert digests[f"{bucket}/none.png"] == digests[f"{bucket}/{first}"], "an exact copy"


def test_one_image_is_found(bucket: str, films: Path) -> None:
    put("list.csv", manifest(films).encode())
    location, first = find_dataset_path(f"{bucket}/list.csv"), min(films.rglob("*.png"))
    assert location is not None
    assert find_image(location, first.relative_to(films).as_posix()) == first.read_bytes()
    assert find_image(location, "none.png") is None


@pytest.fixture
def failing() -> Iterator[tuple[str, list[int]]]:
    """A website that answers 503 while the list is empty, and then what it holds."""
    states: list[int] = []

    class Failing(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "10")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(states[0] if states else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", states
        server.shutdown()


def test_a_server_that_fails_makes_no_x_ray_unreadable_and_secrets_stay_secret(
    failing: tuple[str, list[int]], tmp_path: Path
) -> None:
    pytest.importorskip("aiohttp")
    url, states = failing
    (tmp_path / "list.csv").write_text(f"path,label\n{url}/a.png?{SECRET},0\n")
    dataset = scan(tmp_path / "list.csv")
    assert dataset.films["id"].tolist() == [f"{url}/a.png"]
    with pytest.raises(DatasetError, match=r"a\.png' can't be fetched: 503") as refused:
        open_store(dataset, 16)
    assert SECRET not in str(refused.value)
    states.append(404)
    with pytest.raises(UnreadableImage, match=r"a\.png: the file does not exist") as missing:
        dataset.source.radiograph(f"{url}/a.png")
    assert SECRET not in str(missing.value)


@pytest.mark.posix
def test_what_is_kept_of_a_signed_url_is_its_owners_alone(website: str, films: Path) -> None:
    pytest.importorskip("aiohttp")
    (films / "list.csv").write_text(manifest(films, query=f"?{SECRET}"))
    kept = find_dataset_path(f"{website}/list.csv?{SECRET}")
    assert kept is not None
    assert SECRET in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    dataset = scan(kept)
    (films / "list.csv").write_text(manifest(films))
    expect_same(dataset, pn.load_dataset(films / "list.csv"))
    columns = dataset.films.drop(columns="path")
    assert not np.any(columns.map(lambda cell: "Signature" in str(cell)))


def test_a_place_without_a_layout_is_refused(bucket: str) -> None:
    put("others/a.png", b"no matter")
    with pytest.raises(DatasetError, match=r"others' has no X-rays in a layout"):
        pn.load_dataset(f"{bucket}/others")
    with pytest.raises(DatasetError, match="There is no 's3://films/none.csv'"):
        pn.load_dataset(f"{bucket}/none.csv")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pass@host/a.png?X=1#b", "https://host/a.png"),
        ("zip://a.png::https://host/f.zip?X=1", "zip://a.png::https://host/f.zip"),
        ("403, url='https://host/a?X=1&Y=2'", "403, url='https://host/a'"),
        ("a@b.csv? yes", "a@b.csv? yes"),
    ],
)
def test_no_credential_is_shown(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_a_folders_own_manifest_leads_to_no_other_machine(films: Path) -> None:
    (films / "NORMAL").rename(films / "films")
    shutil.rmtree(films / "PNEUMONIA")
    (films / "manifest.csv").write_text(f"path,label\nhttp://127.0.0.1/a.png?{SECRET},0\n")
    with pytest.raises(DatasetError, match="no X-ray 'http://127.0.0.1/a.png' below") as refused:
        scan(films)
    assert SECRET not in str(refused.value)
