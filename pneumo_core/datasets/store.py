"""Cache of decoded X-rays on disk, memory-mapped."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets.dataset import Dataset
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.imaging.radiograph import Radiograph, to_input

__all__ = ["PixelStore", "Preparation", "Squashed", "open_store"]

# Part of the cache key: increase it whenever reading or resizing changes pixels.
_VERSION = 3
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class PixelStore:
    """X-rays of one dataset at one size.

    ``pixels`` uint8 (N, size, size), mapped from disk, read-only, row i is ``ids[i]``;
    ``unreadable`` maps the ids of X-rays that are left out to the reason.
    """

    folder: Path
    pixels: np.ndarray
    ids: tuple[str, ...]
    unreadable: dict[str, str]

    def __reduce__(self) -> "tuple[Callable[[Path], PixelStore], tuple[Path]]":
        """Pickle the file names, not the pixels; another process maps the same files."""
        return _load, (self.folder,)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {film_id: row for row, film_id in enumerate(self.ids)}

    def readable(self, films: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table whose X-rays are in the store, renumbered."""
        return films[~films["id"].isin(list(self.unreadable))].reset_index(drop=True)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """Return the row numbers int64 of these ids. Raises KeyError for one that is missing."""
        return np.array([self._rows[film_id] for film_id in ids], dtype=np.int64)


class Preparation(Protocol):
    """Preparation of an X-ray as a square, uint8 (side, side); ``key`` identifies it."""

    @property
    def side(self) -> int: ...

    @property
    def key(self) -> str: ...

    def __call__(self, radiograph: Radiograph) -> np.ndarray: ...


@dataclass(frozen=True)
class Squashed:
    """A whole X-ray resized to a square."""

    side: int
    key: str = ""

    def __call__(self, radiograph: Radiograph) -> np.ndarray:
        return to_input(radiograph.pixels, self.side)


def open_store(
    dataset: Dataset,
    wanted: int | Preparation,
    *,
    progress: Progress | None = None,
    home: Path | None = None,
) -> PixelStore:
    """Return the dataset's X-rays as squares, decoded in parallel or mapped from the cache.

    ``wanted``: the side of the square in pixels, to resize whole X-rays, or a preparation.
    The store is cached under ``home`` (default: PNEUMO_HOME) by the dataset's fingerprint. X-rays
    that can't be read are left out and named. Raises DatasetError if none can be read, the cache
    can't be written, or it is damaged.
    """
    prepare = Squashed(wanted) if isinstance(wanted, int) else wanted
    kind = f"{prepare.side}-v{_VERSION}" + (f"-{prepare.key}" if prepare.key else "")
    folder = (home or settings().home) / "stores" / f"{dataset.fingerprint}-{kind}"
    if not (folder / "index.json").is_file():
        try:
            _build(dataset, prepare, folder, progress)
        except OSError as error:
            raise DatasetError(
                f"The decoded X-rays can't be saved in '{folder.parent}': {error.strerror}. "
                "Free some space or set PNEUMO_HOME to another folder."
            ) from error
    return _load(folder)


def _load(folder: Path) -> PixelStore:
    try:
        index = json.loads((folder / "index.json").read_text())
        shape = (len(index["ids"]), index["size"], index["size"])
        pixels = np.memmap(folder / "pixels.u8", dtype=np.uint8, mode="r", shape=shape)
        return PixelStore(folder, pixels, tuple(index["ids"]), index["unreadable"])
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"The decoded X-rays in '{folder}' are damaged. Delete this folder and try again."
        ) from error


def _build(dataset: Dataset, prepare: Preparation, folder: Path, progress: Progress | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        ids, unreadable = _decode_all(dataset, prepare, temporary / "pixels.u8", progress)
        if not ids:
            first = next(iter(unreadable.values()), "it is empty")
            raise DatasetError(f"No X-ray of {dataset.name} can be read. The first: {first}")
        index = json.dumps({"size": prepare.side, "ids": ids, "unreadable": unreadable})
        (temporary / "index.json").write_text(index)
        _publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _publish(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        # Another process finished the same store first; the X-rays are the same, so keep its.
        if not (folder / "index.json").is_file():
            raise


def _decode_all(
    dataset: Dataset, prepare: Preparation, path: Path, progress: Progress | None
) -> tuple[list[str], dict[str, str]]:
    """Write one row per readable X-ray to ``path``, in the table's order; name the others.

    It is written, not mapped: on a full disk, writing to a map kills the process.
    """
    all_ids: Sequence[str] = dataset.films["id"].tolist()
    ids: list[str] = []
    unreadable: dict[str, str] = {}

    def decode(film_id: str) -> np.ndarray | UnreadableImage:
        try:
            return prepare(dataset.source.radiograph(film_id))
        except UnreadableImage as error:
            return error

    with path.open("wb") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(all_ids), _AT_ONCE):
            batch = all_ids[start : start + _AT_ONCE]
            for film_id, film in zip(batch, pool.map(decode, batch), strict=True):
                if isinstance(film, UnreadableImage):
                    unreadable[film_id] = str(film)
                else:
                    file.write(np.ascontiguousarray(film).data)
                    ids.append(film_id)
            if progress:
                progress(start + len(batch), len(all_ids))
    return ids, unreadable
