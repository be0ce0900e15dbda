"""Which X-rays a batch has: files, folders, patterns, manifests, archives and URLs of them."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import pyarrow as pa  # type: ignore[import-untyped]

from pneumo_core.core.files import printable
from pneumo_core.core.remote import fetch, is_url, list_urls, without_secrets
from pneumo_core.core.settings import settings
from pneumo_core.datasets import files_below
from pneumo_core.datasets.formats.manifest import (
    HEAD,
    LABEL_WORDS,
    column_names,
    manifest_encoding,
    table_rows,
)
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.imaging.inputs import ImageInput

__all__ = ["ITEMS", "list_items", "open_source"]

ITEMS = pa.schema(
    [
        ("file", pa.string()),
        ("id", pa.string()),
        ("patient", pa.string()),
        ("split", pa.string()),
        ("label", pa.int8()),
    ]
)
"""Columns of a batch's X-rays. All but ``file`` are null unless a manifest gives them."""

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_MANIFESTS = (".csv", ".tsv")
_ARCHIVES = (".zip", ".tar")
_HELP = "A manifest has a column path, and may have id, patient, split and label."

Item = dict[str, Any]


def list_items(sources: Iterable[str]) -> Iterator[Item]:
    """Yield an item for each X-ray of the sources, in order, each file once.

    A source is a file, a folder, a pattern such as ``films/*.dcm``, a manifest (.csv or .tsv), an
    archive (.zip or .tar), or a URL of one of these (see ``core.remote``). Raises DatasetError.
    """
    sources, seen = list(sources), dict[str, int | None]()
    unique = len(sources) == 1 and not _is_manifest(sources[0])  # such a listing has no file twice
    for source in sources:
        for item in _items(source):
            if not unique:
                label = item.get("label")
                if item["file"] in seen:
                    _refuse_other_label(source, item, seen[item["file"]])
                    continue
                seen[item["file"]] = label
            yield item


def _refuse_other_label(source: str, item: Item, before: int | None) -> None:
    label = item.get("label")
    if label is not None and before is not None and label != before:
        raise DatasetError(
            f"'{printable(source)}' gives '{printable(item['id'])}' two labels, {before} and "
            f"{label}. Keep one row for each file."
        )


def open_source(file: str) -> ImageInput:
    """Return what ``read_radiograph`` takes for an item's file: a path, or a URL's bytes.

    Raises UnreadableImage for a URL that can't be fetched.
    """
    if not is_url(file):
        return _on_disk(file)
    name = PurePosixPath(without_secrets(file).partition("::")[0]).name
    try:
        return fetch(file, settings().max_file_bytes)
    except FileNotFoundError as error:
        raise UnreadableImage(name, "the file does not exist", "Check the address") from error
    except OSError as error:
        raise UnreadableImage(
            name, f"it can't be fetched: {error}", "Check the address and the connection"
        ) from error


def _items(source: str) -> Iterator[Item]:
    if _is_manifest(source):
        yield from _listed(source)
        return
    for file in _files(source):
        yield {"file": printable(file)}


def _on_disk(file: str) -> Path:
    """Return the path that is shown so: bytes that are not UTF-8 were replaced, as in a table.

    Raises UnreadableImage where two files look the same.
    """
    path = Path(file)
    if _REPLACED not in file or path.exists():
        return path
    places = [Path(path.anchor)]
    for part in path.relative_to(path.anchor).parts:
        places = [
            place / name
            for place in places
            for name in ([part] if _REPLACED not in part else _names_shown_as(part, place))
        ]
    if len(places) > 1:
        raise UnreadableImage(
            path.name, "its name is not UTF-8, and another file's looks the same", "Rename one"
        )
    return places[0] if places else path


def _names_shown_as(shown: str, folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [each.name for each in folder.iterdir() if printable(each.name) == shown]


def _files(source: str) -> Iterator[str]:
    path = Path(source)
    if is_url(source):
        yield from _inside(source)
    elif path.is_dir():
        yield from map(str, _some(files_below(path), source))
    elif path.suffix.lower() in _ARCHIVES and path.is_file():
        yield from list_urls(f"{path.suffix[1:].lower()}://**::file://{path.resolve()}")
    elif any(sign in source for sign in "*?[") and not path.exists():
        root = Path(path.anchor) if path.anchor else Path()
        pattern = str(path.relative_to(path.anchor)) if path.anchor else source
        found = sorted(each for each in root.glob(pattern) if each.is_file())
        yield from map(str, _some(found, source))
    else:
        yield source


def _inside(url: str) -> Iterator[str]:
    """Yield the files of a URL; those inside it where it is an archive."""
    ending = PurePosixPath(url).suffix.lower()
    if ending in _ARCHIVES and "::" not in url:
        yield from list_urls(f"{ending[1:]}://**::{url}")
    else:
        yield from list_urls(url)


def _some(files: Iterable[Path], source: str) -> Iterator[Path]:
    empty = True
    for file in files:
        empty = False
        yield file
    if empty:
        raise DatasetError(f"'{printable(source)}' contains no files. Give X-rays, or a folder.")


# --- manifests ----------------------------------------------------------------------------------


def _is_manifest(source: str) -> bool:
    return source.lower().endswith(_MANIFESTS)


def _listed(manifest: str) -> Iterator[Item]:
    """Yield the rows of a manifest; what a path leads to is looked at when it is read."""
    base = manifest.rpartition("/")[0] if is_url(manifest) else str(Path(manifest).parent)
    rows, files = _rows(manifest), dict[str, int]()  # hash of the file by id
    _, header = next(rows, (0, []))
    names = column_names(printable(manifest), header, ("path",), _HELP)
    for number, row in rows:
        if len(row) != len(names):
            raise DatasetError(
                f"Row {number} of '{printable(manifest)}' does not have as many columns as "
                "its header. Correct it; put a path that contains the separator in quotes."
            )
        cells = dict(zip(names, row, strict=True))
        told = cells["path"] if is_url(cells["path"]) else cells["path"].replace("\\", "/")
        if not told:
            raise DatasetError(
                f"Row {number} of '{printable(manifest)}' has no path. Give one, or delete the row."
            )
        item_id, file = cells.get("id") or told, printable(_place(base, told))
        if files.setdefault(item_id, hash(file)) != hash(file):
            raise DatasetError(
                f"'{printable(manifest)}' has the id '{item_id}' more than once. Give every X-ray "
                "an id of its own."
            )
        yield {
            "file": file,
            "id": item_id,
            "patient": cells.get("patient") or None,
            "split": cells.get("split") or None,
            "label": _label(manifest, number, cells.get("label", "")),
        }
    if not files:
        raise DatasetError(f"'{printable(manifest)}' lists no X-rays. {_HELP}")


def _rows(manifest: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells) of the rows that are not empty, from disk as they are needed."""
    try:
        with _text(manifest) as text:
            for number, row in enumerate(table_rows(text), 1):
                if any(row):
                    yield number, row
    except (OSError, UnicodeError, csv.Error) as error:
        raise DatasetError(
            f"'{printable(manifest)}' can't be read as CSV ({error}). Save it as CSV in "
            f"UTF-8. {_HELP}"
        ) from error


def _text(manifest: str) -> TextIO:
    if is_url(manifest):
        content = fetch(manifest, settings().max_upload_bytes)
        return io.StringIO(content.decode(manifest_encoding(content[:HEAD])), newline="")
    with Path(manifest).open("rb") as file:
        encoding = manifest_encoding(file.read(HEAD))
    return Path(manifest).open(encoding=encoding, newline="")


def _place(base: str, told: str) -> str:
    if is_url(told) or Path(told).is_absolute():
        return told
    return f"{base}/{told}" if is_url(base) else str(Path(base) / told)


def _label(manifest: str, number: int, told: str) -> int | None:
    if told and told.lower() not in LABEL_WORDS:
        raise DatasetError(
            f"Row {number} of '{printable(manifest)}': the label '{told}' is not known. Use 0 or "
            "NORMAL, 1 or PNEUMONIA, BACTERIA, VIRUS, or leave it empty."
        )
    return LABEL_WORDS[told.lower()][0] if told else None
