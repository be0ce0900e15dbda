"""What a ZIP holds comes out below one folder, or nothing is believed of it."""

import io
import struct
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest

from pneumo_core.datasets.download import Limits, unpack
from pneumo_core.errors import DatasetError
from tests.datasets.download.archives import make_link, make_zip, patched

LIMITS = Limits(unpacked_bytes=50_000_000, files=50)


def files(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


def outside(folder: Path) -> set[str]:
    """What lies around the folder, but not in it."""
    return {name for name in files(folder.parents[1]) if not name.startswith("deep/out/")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "out").mkdir(parents=True)
    return tmp_path / "deep" / "out"


def refused(archive: Path, folder: Path, match: str, limits: Limits = LIMITS) -> None:
    """It ends in a sentence, and not a file lies anywhere that wasn't there before."""
    around = outside(folder)
    with pytest.raises(DatasetError, match=match):
        unpack(archive, folder, limits=limits)
    assert outside(folder) == around


def test_files_come_out_as_they_went_in(tmp_path: Path, folder: Path) -> None:
    inside = {"set/train/NORMAL/a.png": b"one" * 999, "set/README": b"", "set/ü.png": b"two"}
    heard: list[tuple[int, int]] = []
    archive = make_zip(tmp_path / "a.zip", inside)
    unpack(archive, folder, limits=LIMITS, progress=lambda *told: heard.append(told))
    assert files(folder) == set(inside)
    assert (folder / "set/train/NORMAL/a.png").read_bytes() == b"one" * 999
    assert heard[-1] == (3000, 3000)


@pytest.mark.parametrize("packing", [ZIP_STORED, ZIP_BZIP2, ZIP_LZMA])
def test_every_usual_packing_is_known(tmp_path: Path, folder: Path, packing: int) -> None:
    unpack(make_zip(tmp_path / "a.zip", {"a": b"x" * 50}, packing=packing), folder, limits=LIMITS)
    assert (folder / "a").read_bytes() == b"x" * 50


def test_an_open_file_is_as_good_as_a_path(tmp_path: Path, folder: Path) -> None:
    content = make_zip(tmp_path / "a.zip", {"a.png": b"one"}).read_bytes()
    unpack(io.BytesIO(content), folder, limits=LIMITS, name="sent.zip")
    assert files(folder) == {"a.png"}


def test_what_systems_leave_behind_is_left_out(tmp_path: Path, folder: Path) -> None:
    junk = ["__MACOSX/train/._a.png", "train/.DS_Store", "Thumbs.db", "train/desktop.ini"]
    archive = make_zip(tmp_path / "a.zip", dict.fromkeys([*junk, "train/a.png"], b"x"))
    unpack(archive, folder, limits=LIMITS)
    assert files(folder) == {"train/a.png"}


def test_backslashes_are_folders(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"train\\NORMAL\\a.png": b"x", "train\\": b""})
    unpack(archive, folder, limits=LIMITS)
    assert files(folder) == {"train/NORMAL/a.png"}


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("../evil.png", "a/../../evil.png", "/evil.png", "//server/evil.png", "..", "a/.."),
        *("..\\evil.png", "a\\..\\..\\evil.png", "\\evil.png", "\\\\server\\evil.png"),
        *("C:evil.png", "c:\\evil.png", "C:/evil.png", "__MACOSX/../../evil.png", "../.DS_Store"),
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    archive = make_zip(tmp_path / "a.zip", {"good.png": b"x", name: b"evil"})
    refused(archive, folder, r"would be written outside of the folder")
    assert files(folder) == set(), "names are checked before anything is written"


@pytest.mark.parametrize(
    "name", ["a\x00.png", "a\n.png", "CON", "nul.png", "a./b.png", "a /b", "film:1.png", "b?.png"]
)
def test_names_that_some_system_would_twist_are_refused(
    tmp_path: Path, folder: Path, name: str
) -> None:
    refused(make_zip(tmp_path / "a.zip", {name: b"x"}), folder, r"is invalid on some systems")


def test_a_name_too_long_is_refused(tmp_path: Path, folder: Path) -> None:
    refused(make_zip(tmp_path / "a.zip", {"a" * 300: b"x"}), folder, r"longer than 200 bytes")


@pytest.mark.parametrize(
    "names", [("a.png", "A.PNG"), ("x/a.png", "X/a.png"), ("e\u0301.png", "\u00e9.png")]
)
def test_names_that_are_one_file_elsewhere_clash(
    tmp_path: Path, folder: Path, names: tuple[str, str]
) -> None:
    archive = make_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    refused(archive, folder, r"is in it twice")


def test_a_file_is_no_folder(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"train": b"x", "Train/a.png": b"x"})
    refused(archive, folder, r"both a file and a folder")


# --- kinds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/etc", "../..", "good.png"])
def test_links_are_refused(tmp_path: Path, folder: Path, target: str) -> None:
    refused(make_link(tmp_path / "a.zip", "link", target), folder, r"is a link or a device")


def test_encrypted_members_are_refused(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.png": b"x"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[content.index(b"PK\x03\x04") + 6] |= 1
    archive.write_bytes(content)
    refused(archive, folder, r"encrypted. Save it without a password")


# --- amounts -----------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_lit(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.png": bytes(20_000_000)})
    refused(archive, folder, r"would grow to more than 100 times its size")
    assert files(folder) == set()


def test_too_much_in_all_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {f"{k}.png": bytes(9_000_000) for k in range(6)})
    refused(archive, folder, r"54 MB unpacked, over 50 MB. Raise PNEUMO_MAX_DATASET_MB")


def test_too_many_files_are_refused(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {f"{k}.png": b"x" for k in range(51)})
    refused(archive, folder, r"has 51 files, more than 50")


def test_more_than_the_disk_has_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a": b"x" * 77}, packing=ZIP_STORED)
    huge = 4_000_000_000
    patched(archive, struct.pack("<LL", 77, 77), struct.pack("<LL", huge, huge))
    limits = Limits(unpacked_bytes=10**12)
    with pytest.raises(
        DatasetError, match=r"needs 4000 MB unpacked|can't be read completely as a ZIP"
    ):
        unpack(archive, folder, limits=limits)


@pytest.mark.parametrize("said", [2999, 3001, 1, 3_000_000])
def test_a_size_that_lies_is_found_out(tmp_path: Path, folder: Path, said: int) -> None:
    """In both of its headers; the bytes themselves say otherwise."""
    archive = make_zip(tmp_path / "a.zip", {"a.png": b"one" * 1000})
    patched(archive, struct.pack("<L", 3000), struct.pack("<L", said))
    refused(archive, folder, r"Bad CRC-32|fewer bytes than it declares")


def test_members_that_share_bytes_are_refused(tmp_path: Path, folder: Path) -> None:
    """Fifield's bomb: many names for the same packed bytes."""
    archive = tmp_path / "a.zip"
    with ZipFile(archive, "w") as zipped:
        zipped.writestr("a.png", b"x" * 500)
        zipped.writestr("b.png", b"x" * 500)
    content = bytearray(archive.read_bytes())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    content[second + 42 : second + 46] = struct.pack("<L", 0)
    archive.write_bytes(content)
    refused(archive, folder, r"can't be read completely as a ZIP")


# --- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_broken_off_zip_is_a_sentence(tmp_path: Path, folder: Path, keep: float) -> None:
    archive = make_zip(tmp_path / "a.zip", {f"{k}.png": bytes([k]) * 999 for k in range(9)})
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content))])
    refused(archive, folder, r"can't be read completely as a ZIP")


def test_a_damaged_member_is_a_sentence(tmp_path: Path, folder: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.png": b"film" * 99}, packing=ZIP_STORED)
    refused(patched(archive, b"filmfilm", b"film!ilm"), folder, r"Bad CRC-32")


def test_an_empty_zip_is_a_sentence(tmp_path: Path, folder: Path) -> None:
    refused(make_zip(tmp_path / "a.zip", {"__MACOSX/a": b"x"}), folder, r"it has no files")


@pytest.mark.parametrize("at", range(0, 200, 3))
def test_no_single_damaged_byte_is_more_than_a_sentence(
    tmp_path: Path, folder: Path, at: int
) -> None:
    archive = make_zip(tmp_path / "a.zip", {"train/a.png": b"one" * 9, "train/b.png": b"two" * 9})
    content = bytearray(archive.read_bytes())
    content[at % len(content)] ^= 0xFF
    archive.write_bytes(content)
    try:
        unpack(archive, folder, limits=LIMITS)
    except DatasetError as error:
        assert str(error).endswith(".")
    assert outside(folder) == {"a.zip"}
