"""Manifests: CSV or TSV tables with one row per X-ray, its label and path."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TextIO

import pandas as pd

from pneumo_core.core.remote import is_url, without_secrets
from pneumo_core.datasets.formats.names import CLASS_NAMES, SPLIT_NAMES, patients_of, subtype_of
from pneumo_core.datasets.remote_images import fetch_image
from pneumo_core.errors import DatasetError
from pneumo_core.imaging.radiograph import Radiograph
from pneumo_core.imaging.read import read_radiograph

__all__ = [
    "AS_LISTED",
    "HEAD",
    "LABEL_WORDS",
    "MANIFEST",
    "ManifestSource",
    "column_names",
    "image_paths",
    "is_manifest",
    "is_manifest_name",
    "manifest_encoding",
    "read_manifest",
    "table_rows",
]

MANIFEST = "manifest.csv"
"""File name of a manifest inside its dataset's folder."""

HEAD = 1024
"""Bytes from which a manifest's encoding is told."""

AS_LISTED = "as listed"
"""Column of a manifest that was fetched: the path as it was before it became a URL."""

LABEL_WORDS = (
    dict.fromkeys(("0", "0.0"), (0, "normal")) | dict.fromkeys(("1", "1.0"), (1, "")) | CLASS_NAMES
)
"""Label and subtype of each word that a manifest may use, in lower case.

A column of numbers with gaps is written as 0.0 and 1.0.
"""

_NEEDED = ("path", "label")
_COLUMNS = (*_NEEDED, "split", "patient", "subtype", "id")
_ENDINGS = (".csv", ".tsv")
_SUBTYPES = ("", "bacteria", "virus", "normal")
_HELP = "A manifest has the columns path and label, and may have split, patient, subtype and id."


@dataclass(frozen=True)
class ManifestSource:
    """Source of X-rays by path."""

    paths: dict[str, str]

    def radiograph(self, film_id: str) -> Radiograph:
        """Decode one X-ray. Raises UnreadableImage, or DatasetError if its URL can't be reached."""
        path = self.paths[film_id]
        if is_url(path):
            name = PurePosixPath(without_secrets(path).partition("::")[0]).name
            return read_radiograph(fetch_image(path), name=name)
        return read_radiograph(Path(path))


def is_manifest_name(path: Path) -> bool:
    """Return whether a file has the extension of a manifest: .csv or .tsv."""
    return path.suffix.lower() in _ENDINGS


def is_manifest(path: Path) -> bool:
    """Return whether a file exists and has the columns of a manifest."""
    try:
        return path.is_file() and _has_columns(path, *_state(path))
    except DatasetError:
        return False


def image_paths(path: Path, *, within: Path | None = None) -> dict[str, str]:
    """Return the path of each X-ray of a manifest by id, cached until the file changes.

    Raises DatasetError, as ``read_manifest``.
    """
    return _film_paths(path, within, *_state(path))


@lru_cache(maxsize=4)
def _film_paths(path: Path, within: Path | None, *_state: int) -> dict[str, str]:
    films = read_manifest(path, within=within)
    return dict(zip(films["id"], films["path"], strict=True))


@lru_cache(maxsize=16)
def _has_columns(path: Path, *_state: int) -> bool:
    return bool(_rows(path))


def _state(path: Path) -> tuple[int, int]:
    """Return a value that changes when a file does."""
    try:
        found = path.stat()
    except OSError as error:
        raise DatasetError(f"'{path}' can't be opened: {error.strerror}. Check it.") from error
    return found.st_mtime_ns, found.st_size


def read_manifest(
    path: Path, *, within: Path | None = None, base: Path | None = None
) -> pd.DataFrame:
    """Return a manifest's X-rays, unread: id, path, split, label, subtype, patient.

    Columns: ``path`` (relative to ``base``, default the CSV's folder, absolute, or a URL) and
    ``label`` (0 or 1, or the name of a class); ``split`` (default train), ``patient``, ``subtype``
    and ``id`` (default the path), which are optional. Separated by commas, semicolons or tabs.
    ``within``: the folder that no path may lead out of. Raises DatasetError.
    """
    base = base or path.parent
    rows = _rows(path)
    films = [_film(path, number, cells, base, within) for number, cells in rows]
    if not films:
        raise DatasetError(f"'{path.name}' lists no X-rays. {_HELP}")
    _check_ids(path, films)
    table = pd.DataFrame(films)
    told = [_listed(cells) for _, cells in rows]
    patients = patients_of(told, table["label"].tolist())
    given = table["patient"]
    return table.assign(patient=given.where(given != "", pd.Series(patients, dtype=given.dtype)))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return (row number, cells by column) of each row that isn't empty."""
    try:
        rows = list(table_rows(io.StringIO(_text(path).lstrip("\r\n"), newline="")))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DatasetError(
            f"'{path.name}' can't be read as CSV ({error}). Save it as CSV in UTF-8. {_HELP}"
        ) from error
    header = column_names(path.name, rows[0] if rows else (), _NEEDED, _HELP)
    body = [(number, row) for number, row in enumerate(rows[1:], 2) if any(row)]
    if uneven := next((number for number, row in body if len(row) != len(header)), None):
        raise DatasetError(
            f"Row {uneven} of '{path.name}' does not have as many columns as its header. "
            "Correct it; put a path that contains the separator in quotes."
        )
    return [(number, dict(zip(header, row, strict=True))) for number, row in body]


def table_rows(text: TextIO) -> Iterator[list[str]]:
    """Yield the rows of a table separated by commas, semicolons or tabs, cells stripped.

    ``text``: opened with ``newline=""``. Raises csv.Error.
    """
    first = text.readline()
    if given := re.fullmatch(r"sep=([,;\t])[\r\n]*", first, re.IGNORECASE):  # Excel's first line
        separator = given[1]
    else:
        separator = max(",;\t", key=re.sub(r'"[^"]*"', "", first).count)
        text.seek(0)
    for row in csv.reader(text, delimiter=separator, strict=True):
        yield [cell.strip() for cell in row]


def manifest_encoding(head: bytes) -> str:
    """Return the encoding of a manifest that begins so: UTF-8, or UTF-16 with a byte order mark.

    Raises UnicodeError for UTF-16 without one, and for UTF-32.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and head[2:4] != b"\0\0":
        return "utf-16"
    if b"\0" in head:
        raise UnicodeError("it holds zero bytes, which neither UTF-8 nor a file name has")
    return "utf-8-sig"


def column_names(name: str, header: Sequence[str], needed: Sequence[str], known: str) -> list[str]:
    """Return a manifest's columns in lower case. Raises DatasetError where one is missing or twice.

    ``known``: a sentence about the columns that it may have.
    """
    names = [column.lower() for column in header]
    if missing := [column for column in needed if column not in names]:
        raise DatasetError(f"'{name}' has no column {' and '.join(missing)}. {known}")
    if twice := [column for column in _COLUMNS if names.count(column) > 1]:
        raise DatasetError(
            f"'{name}' has more than one column {' and '.join(twice)}, so it is not clear "
            "which one to use. Delete or rename the others."
        )
    return names


def _text(path: Path) -> str:
    """Return a file's text. Raises OSError, ValueError."""
    content = path.read_bytes()
    return content.decode(manifest_encoding(content[:HEAD]))


def _film(
    manifest: Path, number: int, cells: dict[str, str], base: Path, within: Path | None
) -> dict[str, object]:
    remote = within is None and is_url(cells["path"])  # a folder's manifest stays in its folder
    told = cells["path"] if remote else cells["path"].replace("\\", "/")
    label, subtype = _label(manifest, number, cells["label"])
    split = cells.get("split", "").lower() or "train"
    if split not in SPLIT_NAMES:
        raise _wrong(manifest, number, f"the split '{cells['split']}'", "train, val or test")
    subtype = cells.get("subtype", "").lower() or subtype or subtype_of(_listed(cells), label)
    if subtype not in _SUBTYPES:
        raise _wrong(manifest, number, f"the subtype '{subtype}'", "bacteria, virus or normal")
    return {
        "id": cells.get("id") or without_secrets(told),
        "path": told if remote else str(_place(manifest, number, told, base, within)),
        "split": SPLIT_NAMES[split],
        "label": label,
        "subtype": subtype,
        "patient": cells.get("patient", ""),
    }


def _listed(cells: dict[str, str]) -> Path:
    """Return the path as it was listed, without what only an address has."""
    listed = cells.get(AS_LISTED) or without_secrets(cells["path"])
    return Path(listed.replace("\\", "/"))


def _label(manifest: Path, number: int, told: str) -> tuple[int, str]:
    if told.lower() not in LABEL_WORDS:
        raise _wrong(
            manifest, number, f"the label '{told}'", "0 or NORMAL, 1 or PNEUMONIA, BACTERIA, VIRUS"
        )
    return LABEL_WORDS[told.lower()]


def _place(manifest: Path, number: int, told: str, base: Path, within: Path | None) -> Path:
    try:
        place = _as_spelled(base / told).resolve()
        there = bool(told) and place.is_file()
    except (OSError, ValueError):
        there = False
    if there and within is not None and not place.is_relative_to(within.resolve()):
        there = False  # the same message, so that it does not reveal which files exist
    if not there:
        where = f"below '{within}'" if within else "exists"
        raise DatasetError(
            f"Row {number} of '{manifest.name}': no X-ray '{without_secrets(told)}' {where}. "
            f"Correct its path; a relative one starts at '{base}'."
        )
    return place


def _as_spelled(path: Path) -> Path:
    """Return the file whose name has this Unicode form, or another one (macOS writes NFD)."""
    if path.exists():
        return path
    forms = (Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD"))
    return next((each for each in forms if each.exists()), path)


def _wrong(manifest: Path, number: int, what: str, known: str) -> DatasetError:
    return DatasetError(f"Row {number} of '{manifest.name}': {what} is not known. Use {known}.")


def _check_ids(manifest: Path, films: list[dict[str, object]]) -> None:
    ids = pd.Series([film["id"] for film in films])
    twice = ids[ids.duplicated()]
    if len(twice):
        raise DatasetError(
            f"'{manifest.name}' has the id '{twice.iloc[0]}' more than once. Give every X-ray "
            "an id of its own, and each path only one row."
        )
    paths = pd.Series([film["path"] for film in films])
    if paths.duplicated().any():
        first = films[int(paths.duplicated().to_numpy().argmax())]
        raise DatasetError(
            f"'{manifest.name}' lists one X-ray more than once: '{first['id']}'. Keep one row for "
            "each file."
        )
