"""Members of a ZIP: which are unpacked, and which make Pneumo refuse the archive."""

import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZipInfo

from pneumo_core.errors import DatasetError

__all__ = ["Limits", "Member", "select_members"]

_JUNK = {"thumbs.db", "desktop.ini"}
_NO_NAME = re.compile(r"[\x00-\x1f\x7f<>:\"|?*]")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_ENCRYPTED = 0x1
_LONGEST_PART = 200
_SMALL = 10_000_000
"""A member below this many bytes does no harm, however well it was compressed."""


@dataclass(frozen=True)
class Limits:
    """Limits of an archive. ``ratio``: of unpacked to packed bytes, for a large member."""

    unpacked_bytes: int
    files: int = 200_000
    ratio: int = 100


@dataclass(frozen=True)
class Member:
    """A member to unpack, with its path below the folder."""

    info: ZipInfo
    path: PurePosixPath


def select_members(archive: str, infos: Iterable[ZipInfo], limits: Limits) -> list[Member]:
    """Return the members that are files, without system files.

    Raises DatasetError for any member whose name would lead out of the folder, and for
    links, encrypted members, names that clash on some system, and more than the limits allow.
    """
    members = []
    for info in infos:
        path = _path(archive, info)
        _check_kind(archive, info)
        if info.is_dir() or info.filename.endswith("\\") or _is_junk(path):
            continue
        if info.flag_bits & _ENCRYPTED:
            raise _refused(archive, f"'{info.filename}' is encrypted", "Save it without a password")
        members.append(Member(info, path))
    if not members:
        raise _refused(archive, "it has no files", "Upload a ZIP with labelled folders of X-rays")
    _check_clashes(archive, members)
    _check_amount(archive, members, limits)
    return members


def _path(archive: str, info: ZipInfo) -> PurePosixPath:
    """Return where the member belongs; backslashes are what some programs write for slashes."""
    name = info.orig_filename.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    leads_out = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    if leads_out or not parts:
        raise _refused(
            archive,
            f"its member {info.orig_filename!r} would be written outside of the folder",
            "Don't use this file; ask for one that was made from plain folders",
        )
    for part in parts:
        if _NO_NAME.search(part) or _DEVICES.fullmatch(part) or part != part.rstrip(". "):
            raise _refused(
                archive,
                f"its member {info.orig_filename!r} has a name that is invalid on some systems",
                "Rename it and make the ZIP again",
            )
        if len(part.encode(errors="replace")) > _LONGEST_PART:
            raise _refused(
                archive,
                f"a name in it is longer than {_LONGEST_PART} bytes: {part[:40]!r}…",
                "Rename it and make the ZIP again",
            )
    return PurePosixPath(*parts)


def _check_kind(archive: str, info: ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(
            archive,
            f"'{info.filename}' is a link or a device, not a file",
            "Put the files themselves into the ZIP",
        )


def _is_junk(path: PurePosixPath) -> bool:
    """Return whether scanning would skip the file, too: .DS_Store, __MACOSX, Thumbs.db."""
    return path.name.lower() in _JUNK or any(part.startswith((".", "__")) for part in path.parts)


def _check_clashes(archive: str, members: list[Member]) -> None:
    """Refuse members whose paths clash on a case-insensitive file system."""
    files = Counter(_same(member.path) for member in members)
    twice, count = files.most_common(1)[0]
    if count > 1:
        raise _refused(
            archive, f"'{twice}' is in it twice, the case of letters apart", "Rename one of the two"
        )
    for member in members:
        for folder in member.path.parents:
            if _same(folder) in files:
                raise _refused(
                    archive, f"'{folder}' is both a file and a folder in it", "Rename one of them"
                )


def _same(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _check_amount(archive: str, members: list[Member], limits: Limits) -> None:
    smaller = "Split it, or unpack it yourself and use the folder"
    if len(members) > limits.files:
        raise _refused(archive, f"it has {len(members)} files, more than {limits.files}", smaller)
    total = sum(member.info.file_size for member in members)
    if total > limits.unpacked_bytes:
        allowed = f"{total / 1e6:.0f} MB unpacked, over {limits.unpacked_bytes / 1e6:.0f} MB"
        raise _refused(
            archive, f"it is {allowed}", "Raise PNEUMO_MAX_DATASET_MB if you trust the file"
        )
    for member in members:
        info = member.info
        if info.file_size > _SMALL and info.file_size > limits.ratio * max(1, info.compress_size):
            raise _refused(
                archive,
                f"'{info.filename}' would grow to more than {limits.ratio} times its size, which "
                "no X-ray does",
                "Don't use this file",
            )


def _refused(archive: str, why: str, remedy: str) -> DatasetError:
    return DatasetError(f"'{archive}' can't be unpacked: {why}. {remedy}.")
