"""A download ends with the very file, or with a sentence; never with a part of it."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.datasets.download import SOURCES, Patience, Source, download, find_source
from pneumo_core.errors import DatasetError, UnknownName
from tests.datasets.download.conftest import CONTENT, QUICK
from tests.datasets.download.server import Server

Maker = Callable[..., Source]


class Stop(Exception):
    """Raised by a visitor's Cancel."""


def leftovers(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if not each.name.endswith(".lock")}


def refused(source: Source, folder: Path, match: str, patience: Patience = QUICK) -> str:
    """The sentence of a download that fails, which always tells the way by hand."""
    with pytest.raises(DatasetError, match=match) as error:
        download(source, folder, patience=patience)
    assert source.file not in leftovers(folder), "no part is taken for the whole"
    assert "By hand: download films.bin in a browser from https://example.org" in str(error.value)
    return str(error.value)


# --- what is good ------------------------------------------------------------------------------


def test_the_file_arrives_whole_and_nothing_else_is_left(source: Maker, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    file = download(source(), tmp_path, progress=lambda *told: heard.append(told))
    assert file.read_bytes() == CONTENT
    assert leftovers(tmp_path) == {"films.bin"}
    assert heard[0] == (0, len(CONTENT))
    assert heard == sorted(heard)
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_asked_for_again(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "films.bin").write_bytes(CONTENT)
    assert download(source(), tmp_path) == tmp_path / "films.bin"
    assert server.ranges == []


@pytest.mark.parametrize("wrong", [b"short", bytes(len(CONTENT))])
def test_a_wrong_file_that_is_there_is_not_believed(
    source: Maker, tmp_path: Path, wrong: bytes
) -> None:
    (tmp_path / "films.bin").write_bytes(wrong)
    with pytest.raises(DatasetError, match=r"Delete it and try again"):
        download(source(), tmp_path)
    assert (tmp_path / "films.bin").read_bytes() == wrong, "it is its owner's to delete"


# --- connections that break ----------------------------------------------------------------------


def test_a_broken_connection_is_taken_up_where_it_broke(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    server.faults.breaks_after = [300_000, 400_000]
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT
    first, *rest = server.ranges
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in rest if asked]
    assert first is None
    assert len(starts) == 2
    assert 0 < starts[0] <= 300_000 < starts[1] <= 700_000


def test_a_cancelled_download_goes_on_the_next_time(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    server.faults.breaks_after = [500_000]

    def cancel(done: int, total: int) -> None:
        if done > 300_000:
            raise Stop

    with pytest.raises(Stop):
        download(source(), tmp_path, progress=cancel, patience=QUICK)
    assert leftovers(tmp_path) == {"films.bin.part", "films.bin.part.json"}
    assert download(source(), tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] not in (None, "bytes=0-")


def test_a_server_without_ranges_sends_all_of_it_again(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    server.faults.ignores_range = True
    server.faults.breaks_after = [300_000]
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_at_once_is_given_up(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    server.faults.breaks_after = [0] * 9
    refused(source(), tmp_path, r"broke off, at each of 3 tries")
    assert len(server.ranges) == 3


def test_an_unannounced_end_is_noticed(source: Maker, server: Server, tmp_path: Path) -> None:
    """Without a Content-Length the connection's end looks like the file's."""
    server.faults.chunked = True
    server.faults.breaks_after = [300_000]
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT


def test_a_server_that_hangs_is_left_in_time(source: Maker, server: Server, tmp_path: Path) -> None:
    server.faults.breaks_after = [0, 0, 0]
    server.faults.hangs = 2.0
    refused(source(), tmp_path, r"the server stopped sending|did not answer in time")


# --- files that change ---------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"two"', 'W/"two"', None])
def test_a_file_that_changed_meanwhile_is_not_joined_with_the_old_one(
    source: Maker, server: Server, tmp_path: Path, etag: str | None
) -> None:
    """With a mark the server says so; without one the checksum does."""
    new = np.random.default_rng(8).bytes(len(CONTENT))
    old = source(checksum="0" * 64)
    server.faults.etag = '"one"' if etag else None
    server.faults.breaks_after = [400_000]

    def change(done: int, total: int) -> None:
        if done > 200_000:
            raise Stop

    with pytest.raises(Stop):
        download(old, tmp_path, progress=change, patience=QUICK)
    server.content, server.faults.etag, server.faults.breaks_after = new, etag, []
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == new


def test_a_part_longer_than_the_file_is_thrown_away(source: Maker, tmp_path: Path) -> None:
    (tmp_path / "films.bin.part").write_bytes(bytes(len(CONTENT) + 5))
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT


def test_a_part_that_somebody_damaged_costs_a_second_download(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "films.bin.part").write_bytes(bytes(1000))
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_a_range_that_begins_elsewhere_is_not_taken(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "films.bin.part").write_bytes(CONTENT[:1000])
    server.faults.wrong_range = True
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT


# --- servers that lie ----------------------------------------------------------------------------


def test_another_checksum_is_refused_and_deleted(source: Maker, tmp_path: Path) -> None:
    refused(source(checksum="0" * 64), tmp_path, r"its SHA256 differs")
    assert leftovers(tmp_path) == set()


@pytest.mark.parametrize("told", [len(CONTENT) - 1, len(CONTENT) + 1, 17])
def test_another_size_is_refused_before_a_byte_is_kept(
    source: Maker, server: Server, tmp_path: Path, told: int
) -> None:
    server.faults.announces = told
    refused(source(), tmp_path, rf"announces {told} bytes where the file has 1000000")
    assert leftovers(tmp_path) == set()


def test_a_server_that_never_ends_is_stopped(source: Maker, server: Server, tmp_path: Path) -> None:
    server.faults.chunked = True
    refused(source(size=5000), tmp_path, r"sends more than the 5000 bytes")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_told_at_once(
    source: Maker, server: Server, tmp_path: Path, status: int
) -> None:
    server.faults.statuses = [status]
    refused(source(), tmp_path, rf"the server answers {status} \(\w+")
    assert len(server.ranges) == 1


def test_a_busy_server_is_asked_again(source: Maker, server: Server, tmp_path: Path) -> None:
    server.faults.statuses = [500, 503]
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT
    server.faults.statuses = [500] * 5
    (tmp_path / "films.bin").unlink()
    refused(source(), tmp_path, r"answers 500 \(Internal Server Error\), at each of 3 tries")


# --- networks and disks that refuse ---------------------------------------------------------------


def test_without_a_network_the_way_by_hand_is_told(source: Maker, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        said = refused(source(url=url), tmp_path, r"can't be reached from here")
    assert "pneumo data add films.bin --name films" in said


def test_a_proxy_that_refuses_is_named(
    source: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{taken.getsockname()[1]}")
        refused(source(url="http://films.invalid/"), tmp_path, r"the proxy refused")


@pytest.mark.posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_one_may_not_write_to(source: Maker, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DatasetError, match=r"can't be saved in"):
        download(source(), tmp_path)


def test_a_folder_that_is_a_file(source: Maker, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(DatasetError, match=r"can't be kept in .* Free 1 MB there"):
        download(source(), tmp_path / "taken")


def test_a_disk_that_takes_no_more_is_a_sentence_and_what_it_took_stays(
    source: Maker, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="this system limits no file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(
            DatasetError, match=r"can't be kept in .* the part downloaded so far is kept"
        ):
            download(source(), tmp_path, patience=QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "films.bin.part").read_bytes() == CONTENT[:400_000]
    assert download(source(), tmp_path, patience=QUICK).read_bytes() == CONTENT


def test_more_than_the_disk_has_is_refused_at_once(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=r"needs 1000000000 MB more"):
        download(source(size=10**15), tmp_path)
    assert server.ranges == []


def test_two_downloads_of_one_file_do_not_mix(
    source: Maker, server: Server, tmp_path: Path
) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def slow(*_: int) -> None:
        begun.set()
        go_on.wait(10)

    first = threading.Thread(
        target=lambda: done.append(download(source(), tmp_path, progress=slow))
    )
    first.start()
    assert begun.wait(10)
    with pytest.raises(DatasetError, match=r"by another page or command"):
        download(source(), tmp_path)
    go_on.set()
    first.join(20)
    assert done[0].read_bytes() == CONTENT


# --- what is offered -----------------------------------------------------------------------------


def test_every_source_says_what_it_is() -> None:
    digits = {"md5": 32, "sha256": 64}
    for name, source in SOURCES.items():
        assert name == source.name
        assert len(bytes.fromhex(source.checksum)) * 2 == digits[source.algorithm]
        assert source.url.startswith("https://")
        assert source.licence
        assert source.citation
        assert source.vouched
    assert find_source("pneumoniamnist_28").size == 4_170_669
    with pytest.raises(UnknownName, match="chest_xray"):
        find_source("chestxray14")
