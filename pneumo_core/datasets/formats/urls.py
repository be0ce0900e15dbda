"""Datasets behind URLs: a table of their X-rays on this machine.

The X-rays stay where they are and are fetched when they are decoded.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from pneumo_core.core.files import write_whole
from pneumo_core.core.remote import fetch, is_url, list_urls, without_secrets
from pneumo_core.core.settings import settings
from pneumo_core.datasets.formats.manifest import (
    AS_LISTED,
    HEAD,
    column_names,
    manifest_encoding,
    table_rows,
)
from pneumo_core.datasets.formats.names import CLASS_NAMES, SPLIT_NAMES, patients_of
from pneumo_core.errors import DatasetError

__all__ = ["dataset_url", "table_of"]

_ARCHIVES = (".zip", ".tar")
_TABLES = (".csv", ".tsv")
_IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm", "")
_COLUMNS = ("id", "path", "split", "label", "patient", AS_LISTED)


def dataset_url(text: str) -> str | None:
    """Return a dataset's URL, also one that was taken for a path ("s3:/bucket"); None for others.

    A drive's letter is no protocol.
    """
    found = re.fullmatch(r"([a-z][a-z0-9+]+):/{1,2}([^/].*)", text, re.DOTALL)
    return f"{found[1]}://{found[2]}" if found else None


def table_of(url: str) -> Path:
    """Return a manifest on this machine of the X-rays of a manifest, archive or folder by URL.

    It lies in PNEUMO_CACHE, readable by its owner alone: a signed URL in it is a credential. Raises
    DatasetError or MissingExtra.
    """
    shown = without_secrets(url)
    path = PurePosixPath(shown)
    content = _manifest(url) if path.suffix.lower() in _TABLES else _listing(url)
    key = hashlib.sha256(url.encode()).hexdigest()[:24]
    place = settings().cache / "remote" / key / f"{path.stem or 'dataset'}.csv"
    write_whole(place, content.encode(), mode=0o600, error=DatasetError)
    return place


def _manifest(url: str) -> str:
    """Return a manifest's text with every path in full, and an id for each that has none."""
    name = PurePosixPath(without_secrets(url)).name
    try:
        content = fetch(url, settings().max_upload_bytes)
        text = content.decode(manifest_encoding(content[:HEAD]))
        rows = [row for row in table_rows(io.StringIO(text.lstrip("\r\n"), newline="")) if any(row)]
    except FileNotFoundError as error:
        raise DatasetError(f"There is no '{without_secrets(url)}'. Check the address.") from error
    except (OSError, UnicodeError, csv.Error) as error:
        raise DatasetError(f"'{name}' can't be read as CSV ({error}). Check it.") from error
    header = column_names(name, rows[0] if rows else (), ("path",), "Give each X-ray a path.")
    at, base = header.index("path"), url.partition("?")[0].rpartition("/")[0]
    added = [AS_LISTED] if "id" in header else [AS_LISTED, "id"]
    whole = [[*header, *added]]
    for row in rows[1:]:
        told = row[at] if len(row) > at else ""
        full = told if is_url(told) or not told else f"{base}/{told.replace(chr(92), '/')}"
        shown = without_secrets(full)
        if full != told:
            shown = shown.removeprefix(without_secrets(f"{base}/"))
        whole.append([*row[:at], full, *row[at + 1 :], *[shown] * len(added)])
    return _as_csv(whole)


def _listing(url: str) -> str:
    """Return a manifest of the X-rays in a folder or archive of splits and classes."""
    archive = PurePosixPath(without_secrets(url)).suffix.lower()
    if archive in _ARCHIVES:
        names = list(list_urls(f"{archive[1:]}://**::{url}"))
    else:
        names = list(list_urls(url))
    found = [each for name in names if (each := _in_layout(name))]
    if not found:
        raise DatasetError(
            f"'{without_secrets(url)}' has no X-rays in a layout that Pneumo supports. Expected "
            "train/NORMAL, train/PNEUMONIA, test/…, or NORMAL and PNEUMONIA directly."
        )
    paths = [PurePosixPath(film_id) for film_id, *_ in found]
    starts = [1 + (path.parts[0].lower() in SPLIT_NAMES) for path in paths]
    labels = [CLASS_NAMES[label.lower()][0] for *_, label in found]
    patients = patients_of(paths, labels, starts)
    rows = [(*each, patient, each[0]) for each, patient in zip(found, patients, strict=True)]
    return _as_csv([_COLUMNS, *rows])


def _in_layout(name: str) -> tuple[str, str, str, str] | None:
    """Return id, URL, split and class of a file below a split or class folder; None for others."""
    parts = without_secrets(name).partition("::")[0].partition("://")[2].split("/")
    if PurePosixPath(parts[-1]).suffix.lower() not in _IMAGES:
        return None
    for at, part in enumerate(parts[:-2]):
        if part.lower() in SPLIT_NAMES and parts[at + 1].lower() in CLASS_NAMES:
            return "/".join(parts[at:]), name, SPLIT_NAMES[part.lower()], parts[at + 1]
    for at, part in enumerate(parts[:-1]):
        if part.lower() in CLASS_NAMES:
            return "/".join(parts[at:]), name, "train", part
    return None


def _as_csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
