"""Further properties of X-rays, from a CSV file."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from pneumo_core.core.text import x_rays
from pneumo_core.errors import DatasetError
from pneumo_core.evaluation.shortcuts.measure import Measured
from pneumo_core.evaluation.shortcuts.properties import PROPERTIES, Property

__all__ = ["FurtherProperties", "read_properties", "with_properties"]

_NAMES = ("id", "path", "file", "name")
"""Columns that may name the X-ray, the first that is there."""
_NO_PROPERTY = {*_NAMES, "label", "split", "patient", "subtype", "digest", "probability", "wrong"}
"""Columns that are never properties: they name or label an X-ray, or say how it was read."""
_MEANING = {*_NO_PROPERTY, "width", "height", *PROPERTIES}
_HELP = (
    "Name a CSV file with a row for each X-ray, a column id (its path in the dataset) and columns "
    "of numbers"
)


@dataclass(frozen=True, eq=False)
class FurtherProperties:
    """Properties from a file.

    ``table`` has a row per X-ray: ``id`` and a float64 column for each of ``properties``, NaN where
    the file has no value. ``note`` says how many X-rays have no row, "" if none.
    """

    table: pd.DataFrame
    properties: tuple[Property, ...]
    note: str


def read_properties(file: Path, ids: pd.Series) -> FurtherProperties:
    """Read properties from a CSV file with a row for each X-ray of a dataset.

    X-rays are found by the column id, path, file or name: their path within the dataset or, if none
    is found so, their file's name without its extension, where that is unique. Each column of
    numbers becomes a property. Columns ``width`` and ``height`` give width / height and the number
    of pixels, and a column with the key of one of ``PROPERTIES`` gives that one.

    Args:
        file: the CSV file, in UTF-8.
        ids: the ids of the dataset's X-rays.

    Raises:
        DatasetError: it can't be read, has none of these X-rays, or no column of numbers.
    """
    cells = _read(file)
    found = _rows_of(ids, _names(cells, file), file)
    columns = _columns(cells)
    if not columns:
        raise DatasetError(f"'{file}' has no column of numbers, so there is no property. {_HELP}.")
    rows = found.fillna(-1).astype(int).to_numpy()
    table = pd.DataFrame({"id": ids}).assign(**{k: _taken(c, rows) for k, c in columns.items()})
    missing = int(found.isna().sum())
    verb = "has" if missing == 1 else "have"
    note = f"{missing:,} of {x_rays(len(found))} {verb} no row in {file.name}." if missing else ""
    return FurtherProperties(table, tuple(_property(key, file) for key in columns), note)


def with_properties(measured: Measured, further: FurtherProperties) -> Measured:
    """Return measured properties with further ones, which replace those of the same key."""
    given = {each.key: each for each in further.properties}
    others = measured.table.drop(columns=list(given), errors="ignore")
    return replace(
        measured,
        table=others.merge(further.table, on="id", how="left"),
        properties=tuple(({each.key: each for each in measured.properties} | given).values()),
        notes=(*measured.notes, *([further.note] if further.note else [])),
    )


def _read(file: Path) -> pd.DataFrame:
    """Return the file's cells as text, empty where nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                file, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig"
            )
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise DatasetError(f"'{file}' can't be read: {_reason(error)}. {_HELP}.") from error
    return table.rename(columns=_column_name)


def _column_name(written: str) -> str:
    """Return a column's name: those with a meaning of their own in lower case."""
    name = str(written).strip()
    return name.lower() if name.lower() in _MEANING else name


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or "it can't be opened").lower()
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    if isinstance(error, pd.errors.EmptyDataError):
        return "it is empty"
    return "its rows do not fit its header"


def _names(table: pd.DataFrame, file: Path) -> pd.Series:
    """Return the name of each row's X-ray."""
    column = next((each for each in _NAMES if each in table), None)
    if column is None:
        raise DatasetError(f"'{file}' has no column that names the X-rays. {_HELP}.")
    names = table[column].str.strip().str.replace("\\", "/", regex=False)
    repeated = names[names.duplicated() & (names != "")]
    if not repeated.empty:
        twice = repeated.iloc[0]
        raise DatasetError(f"'{file}' has the X-ray '{twice}' twice. Keep one row for each X-ray.")
    return names


def _rows_of(ids: pd.Series, names: pd.Series, file: Path) -> pd.Series:
    """Return the number of each X-ray's row, NaN if it has none."""
    for ours, theirs in ((ids, names), (_only_once(ids), _only_once(names))):
        row_of = {name: row for row, name in enumerate(theirs) if name}
        found = ours.map(row_of)
        if found.notna().any():
            return found
    raise DatasetError(
        f"'{file}' names none of these X-rays: it has '{next(iter(names), '')}', the dataset "
        f"'{ids.iloc[0]}'. Write each X-ray's path in the dataset, or its file's name if no other "
        "has it."
    )


def _only_once(names: pd.Series) -> pd.Series:
    """Return the files' names without extensions, "" for those that several have."""
    stems = names.map(lambda name: PurePosixPath(name).stem)
    return stems.where(~stems.duplicated(keep=False), "")


def _columns(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of numbers by the key of their property."""
    texts = {str(c): table[c] for c in table if c not in _NO_PROPERTY}
    numbers = {c: column for c, text in texts.items() if (column := _numbers(text)) is not None}
    width, height = numbers.get("width"), numbers.get("height")
    if width is None or height is None:
        return numbers
    others = {c: column for c, column in numbers.items() if c not in ("width", "height")}
    return others | _sizes(width.where(width > 0), height.where(height > 0), others)


def _sizes(
    width: pd.Series, height: pd.Series, given: Mapping[str, pd.Series]
) -> dict[str, pd.Series]:
    """Return proportions and size; what the file gives itself goes first."""
    found = {"width_over_height": width / height, "pixels": width * height}
    return {k: given[k].fillna(column) if k in given else column for k, column in found.items()}


def _numbers(text: pd.Series) -> pd.Series | None:
    """Return a column as float64, NaN for empty cells; None if it isn't one of finite numbers."""
    column = pd.to_numeric(text.str.strip(), errors="coerce").astype(np.float64)
    finite = np.isfinite(column)
    written = text.str.strip() != ""
    return column if finite.any() and (finite == written).all() else None


def _taken(column: pd.Series, rows: np.ndarray) -> np.ndarray:
    """Return a column's values at ``rows``, NaN for -1."""
    return np.where(rows < 0, np.nan, column.to_numpy(np.float64)[rows])


def _property(key: str, file: Path) -> Property:
    known = PROPERTIES.get(key)
    if known is not None:
        return replace(known, means=f"{known.means} Taken from {file.name}.")
    return Property(
        key=key,
        title=key,
        noun=key,
        text=lambda value: f"{value:.4g}",
        means=f"From {file.name}.",
        remedy="Find out why it differs, and get X-rays of both labels for which it does not.",
    )
