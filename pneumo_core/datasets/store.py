"""Cache of decoded X-rays on disk, memory-mapped."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets.dataset import Dataset
from pneumo_core.datasets.preparation import Preparation, Squashed
from pneumo_core.datasets.store_build import PIXELS, build
from pneumo_core.datasets.store_index import has_index, read_index
from pneumo_core.errors import DatasetError

__all__ = ["PixelStore", "open_store"]

# Part of the cache key: increase it whenever reading or resizing changes pixels.
_VERSION = 3


@dataclass(frozen=True, eq=False)
class PixelStore:
    """X-rays of one dataset at one size.

    ``pixels`` uint8 (N, size, size), mapped from disk, read-only, row i is ``ids[i]``; ``names``:
    the ids as Arrow strings, on disk too; ``unreadable`` maps the ids of X-rays that are left out
    to the reason; ``remarks``: by id, what the preparation has to say of an X-ray.
    """

    folder: Path
    pixels: np.ndarray
    names: pa.ChunkedArray
    unreadable: dict[str, str]
    remarks: dict[str, str] = field(default_factory=dict)

    def __reduce__(self) -> "tuple[Callable[[Path], PixelStore], tuple[Path]]":
        """Pickle the file names, not the pixels; another process maps the same files."""
        return _load, (self.folder,)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the rows; a million take 180 MB, ``names`` take none."""
        return tuple(self.names.to_pylist())

    def readable(self, films: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table whose X-rays are in the store, renumbered."""
        return films[~films["id"].isin(list(self.unreadable))].reset_index(drop=True)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """Return the row numbers int64 of these ids. Raises KeyError for one that is missing."""
        asked = pa.array(ids, pa.string())
        rows = pc.index_in(asked, self.names)
        if rows.null_count:
            raise KeyError(asked.filter(rows.is_null())[0].as_py())
        return np.asarray(rows.to_numpy(zero_copy_only=False), dtype=np.int64)


def open_store(
    dataset: Dataset,
    wanted: int | Preparation,
    *,
    progress: Progress | None = None,
    home: Path | None = None,
) -> PixelStore:
    """Return the dataset's X-rays as squares, decoded in parallel or mapped from the cache.

    ``wanted``: the side of the square in pixels, to resize whole X-rays, or a preparation.
    The store is cached under ``home`` (default: PNEUMO_HOME) by the dataset's fingerprint; after an
    interruption it goes on with what was decoded before. If another process decodes the same
    X-rays, this one waits for it. X-rays that can't be read are left out and named. Raises
    DatasetError if none can be read, the cache can't be written, or it is damaged.
    """
    prepare = Squashed(wanted) if isinstance(wanted, int) else wanted
    kind = f"{prepare.side}-v{_VERSION}" + (f"-{prepare.key}" if prepare.key else "")
    folder = (home or settings().home) / "stores" / f"{dataset.fingerprint}-{kind}"
    if not has_index(folder):
        try:
            build(dataset, prepare, folder, progress)
        except OSError as error:
            raise DatasetError(
                f"The decoded X-rays can't be saved in '{folder.parent}': {error.strerror}. "
                "Free some space or set PNEUMO_HOME to another folder."
            ) from error
    return _load(folder)


def _load(folder: Path) -> PixelStore:
    try:
        index = read_index(folder)
        shape = (len(index.ids), index.side, index.side)
        pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r", shape=shape)
        return PixelStore(folder, pixels, index.ids, index.unreadable, index.remarks)
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"The decoded X-rays in '{folder}' are damaged. Delete this folder and try again."
        ) from error
