"""A file is there whole, or the old one is."""

import os
import stat
from pathlib import Path

import pytest

from pneumo_core.core.files import on_one_line, remove_folder, write_whole
from pneumo_core.errors import DatasetError, PneumoError


def test_a_file_and_its_folder_are_made_and_replaced(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    for content in (b"first", b"second"):
        write_whole(target, content)
        assert target.read_bytes() == content
    assert list(target.parent.iterdir()) == [target]


def test_a_refusal_is_a_sentence_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    write_whole(target, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DatasetError, match="No space left on device. Tidy up."):
        write_whole(target, b"new", error=DatasetError, remedy="Tidy up.")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_durable_file_reaches_the_disk_before_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    replace, fsync = Path.replace, os.fsync

    def note_fsync(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def note_replace(path: Path, target: Path) -> Path:
        events.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_whole(tmp_path / "film.dcm", b"film", durable=True, mode=0o600)
    assert events == ["file", "rename", "folder"]
    assert (tmp_path / "film.dcm").stat().st_mode & 0o777 == 0o600


def test_a_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(PneumoError, match="can't be written: File exists"):
        write_whole(tmp_path / "taken" / "file", b"new")


def test_a_folder_is_gone_at_once_or_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("kept")
    remove_folder(tmp_path / "one")
    assert [each.name for each in tmp_path.iterdir()] == ["other"]

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        remove_folder(tmp_path / "other")
    assert [each.name for each in tmp_path.iterdir()] == ["other"]
    assert (tmp_path / "other" / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.png", "a�b.png"),
        ("\x1b[31mred.png", "�[31mred.png"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("a\u2066b\u2028c", "a�b�c"),
        ("résultat 胸部 😀.png", "résultat 胸部 😀.png"),
        (b"r\xe9sultat.png".decode("utf-8", "surrogateescape"), "r�sultat.png"),
    ],
)
def test_a_shown_name_is_one_line_that_changes_no_terminal(name: str, shown: str) -> None:
    assert on_one_line(name) == shown
