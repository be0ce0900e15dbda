"""X-rays behind URLs: a local S3 server, a local web server, archives."""

import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from pneumo_core.batch import Work, list_items, open_job
from pneumo_core.batch.job import items_of
from pneumo_core.batch.rows import rows_of
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.remote import fetch, list_urls
from pneumo_core.errors import DatasetError
from tests.batch.conftest import FILMS


def results(tmp_path: Path, checkpoint: Checkpoint, *sources: object) -> list[dict[str, object]]:
    work = Work("predict", checkpoint.name, checkpoint.card.version, "balanced", gate=False)
    job = open_job(tmp_path / "out", work, [str(each) for each in sources], workers=1)
    shards = [rows_of(work, items_of(job, shard)) for shard in range(job.shards)]
    return pa.concat_tables(shards).to_pylist()


def expect_same(found: list[dict[str, object]], local: list[dict[str, object]]) -> None:
    """The same X-rays, by their bytes, with the same probabilities, digit by digit."""
    numbers = [{row["digest"]: row["probability"] for row in rows} for rows in (found, local)]
    assert numbers[0] == numbers[1]
    assert len(numbers[0]) == FILMS
    assert {row["status"] for row in found} == {"read"}


def test_a_bucket_reads_like_a_folder_and_what_is_missing_fails(
    bucket: str, films: Path, checkpoint: Checkpoint, tmp_path: Path
):
    names = [item["file"] for item in list_items([bucket])]
    paths = sorted(films.rglob("*.png"))
    assert names == [f"{bucket}/{path.relative_to(films).as_posix()}" for path in paths]
    assert [i["file"] for i in list_items([f"{bucket}/*/person*.png"])] == names[FILMS // 2 :]
    (tmp_path / "list.csv").write_text("\n".join(["path", *names, f"{bucket}/none.png"]))
    *read, missing = results(tmp_path, checkpoint, tmp_path / "list.csv")
    shutil.rmtree(tmp_path / "out")
    expect_same(read, results(tmp_path, checkpoint, films))
    assert (missing["status"], missing["digest"]) == ("failed", None)
    assert missing["reasons"] == ["none.png: the file does not exist. Check the address."]


def test_a_bucket_that_is_not_there_is_refused(bucket: str):
    with pytest.raises(DatasetError, match="s3://others"):
        list(list_urls("s3://others/"))


def test_a_website(website: str, films: Path, checkpoint: Checkpoint, tmp_path: Path):
    pytest.importorskip("aiohttp")
    names = [f"{website}/{p.relative_to(films).as_posix()}" for p in sorted(films.rglob("*.png"))]
    *read, missing = results(tmp_path, checkpoint, *names, f"{website}/none.png")
    shutil.rmtree(tmp_path / "out")
    expect_same(read, results(tmp_path, checkpoint, films))
    assert "the file does not exist" in str(missing["reasons"])


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives(kind: str, films: Path, checkpoint: Checkpoint, tmp_path: Path):
    archive = shutil.make_archive(str(tmp_path / "films"), kind, films)
    read = results(tmp_path, checkpoint, archive)
    shutil.rmtree(tmp_path / "out")
    expect_same(read, results(tmp_path, checkpoint, films))


def test_an_archive_in_a_bucket(bucket: str, films: Path, tmp_path: Path):
    import s3fs

    archive = shutil.make_archive(str(tmp_path / "films"), "zip", films)
    s3fs.S3FileSystem().put_file(archive, "films/films.zip")
    (url, *others) = [item["file"] for item in list_items([f"{bucket}/films.zip"])]
    assert len(others) == FILMS - 1
    assert url.endswith("::s3://films/films.zip")
    with zipfile.ZipFile(archive) as whole:
        first = sorted(name for name in whole.namelist() if name.endswith(".png"))[0]
        assert fetch(url, 10**6) == whole.read(first)


def test_no_more_bytes_than_allowed_are_fetched(website: str, films: Path):
    pytest.importorskip("aiohttp")
    film = min(films.rglob("*.png"))
    found = fetch(f"{website}/{film.relative_to(films).as_posix()}", 10**6)
    assert found == film.read_bytes()
    memory = "memory://films/large.png"
    import fsspec

    fsspec.filesystem("memory").pipe("/films/large.png", b"0" * 100)
    assert len(fetch(memory, 9)) == 10


@pytest.mark.parametrize("url", ["nowhere://a/b.png", "zip://a.png"])
def test_an_unknown_address_is_refused(url: str):
    with pytest.raises(DatasetError):
        list(list_urls(url))
