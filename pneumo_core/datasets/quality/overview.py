"""Counts and measurements of a dataset."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.parallel import each_of
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA, SPLITS, Dataset, PixelStore
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import image_size

__all__ = ["Balance", "Sizes", "balance_of", "grey_values", "image_sizes", "split_table"]

_AT_ONCE = 1024


@dataclass(frozen=True)
class Balance:
    """Number of X-rays of each label, and how training balances them."""

    normal: int
    pneumonia: int

    @property
    def ratio(self) -> float:
        """X-rays of PNEUMONIA for one NORMAL; NaN without a normal X-ray."""
        return self.pneumonia / self.normal if self.normal else float("nan")

    @property
    def repeated(self) -> float:
        """The ratio with every normal X-ray a second time, as in the paper."""
        return self.ratio / 2

    @property
    def weights(self) -> tuple[float, float]:
        """Weights of NORMAL and PNEUMONIA in the loss that make both classes weigh the same.

        A class without X-rays has none: NaN.
        """
        both = self.normal + self.pneumonia
        normal, pneumonia = (
            both / (2 * n) if n else float("nan") for n in (self.normal, self.pneumonia)
        )
        return normal, pneumonia

    @property
    def share(self) -> float:
        """Accuracy of calling every X-ray PNEUMONIA; NaN without X-rays."""
        both = self.normal + self.pneumonia
        return self.pneumonia / both if both else float("nan")

    @property
    def words(self) -> str:
        """The meaning of the ratio and how training handles it, in sentences."""
        if not self.normal or not self.pneumonia:
            return "All its X-rays have one label: there is nothing to balance."
        if 0.8 <= self.ratio <= 1.25:
            return f"{self.ratio:.2f} X-rays of PNEUMONIA for one NORMAL: the labels are balanced."
        normal, pneumonia = self.weights
        return (
            f"{self.ratio:.2f} X-rays of PNEUMONIA for one NORMAL: predicting PNEUMONIA for all is "
            f"right for {100 * self.share:.0f} % of them. Class weights ({normal:.2f} for NORMAL, "
            f"{pneumonia:.2f} for PNEUMONIA) balance them to 1.00; repeating every normal X-ray, "
            f"as in the paper, gives {self.repeated:.2f}."
        )


def balance_of(dataset: Dataset, split: str) -> Balance:
    """Return the balance of a split ("all" for every X-ray); a missing split has zeros."""
    films = dataset.films if split == "all" else dataset.films[dataset.films["split"] == split]
    counts = films["label"].value_counts()
    return Balance(int(counts.get(NORMAL, 0)), int(counts.get(PNEUMONIA, 0)))


def split_table(dataset: Dataset) -> pd.DataFrame:
    """Return a row for each split that has X-rays, and "all": split, X-rays, NORMAL, PNEUMONIA,
    ratio, patients, and a column for each subtype that occurs but normal ("of no subtype" for
    none).
    """
    films = dataset.films
    subtypes = sorted(set(films.loc[films["label"] == PNEUMONIA, "subtype"]))
    rows = []
    for name in (*SPLITS, "all"):
        here = films if name == "all" else films[films["split"] == name]
        if here.empty:
            continue
        balance = balance_of(dataset, name)
        row: dict[str, object] = {
            "split": name,
            "films": len(here),
            "NORMAL": balance.normal,
            "PNEUMONIA": balance.pneumonia,
            "ratio": balance.ratio,
            "patients": here["patient"].nunique(),
        }
        ill = here.loc[here["label"] == PNEUMONIA, "subtype"]
        row |= {each or "of no subtype": int((ill == each).sum()) for each in subtypes}
        rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Sizes:
    """Sizes of the X-rays, from their headers.

    ``table``: id, width, height; X-rays whose header can't be read are missing.
    """

    table: pd.DataFrame

    @cached_property
    def distinct(self) -> pd.DataFrame:
        """A row for each size: width, height, X-rays, the most frequent first."""
        counts = Counter(zip(self.table["width"], self.table["height"], strict=True))
        rows = [(w, h, n) for (w, h), n in counts.most_common()]
        return pd.DataFrame(rows, columns=["width", "height", "films"])

    def smaller_than(self, side: int) -> list[str]:
        """Return the ids of X-rays with a side below it."""
        small = self.table[["width", "height"]].min(axis=1) < side
        return [str(film_id) for film_id in self.table.loc[small, "id"]]

    @property
    def words(self) -> str:
        """How large they are, in a sentence."""
        if self.table.empty:
            return "The size of no X-ray is known."
        if len(self.distinct) == 1:
            width, height, films = self.distinct.iloc[0]
            return f"All {films:,} X-rays are {width} × {height} pixels."
        wide, high = self.table["width"], self.table["height"]
        return (
            f"{len(self.table):,} X-rays in {len(self.distinct):,} sizes: {wide.min()} to "
            f"{wide.max()} pixels wide (half of them up to {wide.median():.0f}), {high.min()} to "
            f"{high.max()} high (half up to {high.median():.0f})."
        )


def image_sizes(dataset: Dataset) -> Sizes:
    """Return the size of every X-ray. Headers are read only; X-rays of an archive are in memory
    anyway."""
    films = dataset.films
    if films["path"].is_unique:
        found = each_of(_size_of_file, films["path"].tolist())
    else:
        found = [_size_in_archive(dataset, film_id) for film_id in films["id"]]
    rows = [(film_id, *size) for film_id, size in zip(films["id"], found, strict=True) if size]
    return Sizes(pd.DataFrame(rows, columns=["id", "width", "height"]))


def grey_values(dataset: Dataset, store: PixelStore) -> NDArray[np.int64]:
    """Count the input pixels of each label and grey value: int64 (2, 256)."""
    films = store.readable(dataset.films)
    counts = np.zeros((len(LABELS), 256), np.int64)
    for label in (NORMAL, PNEUMONIA):
        rows = np.sort(store.rows(films.loc[films["label"] == label, "id"]))
        for start in range(0, len(rows), _AT_ONCE):
            pixels = store.pixels[rows[start : start + _AT_ONCE]]
            counts[label] += np.bincount(pixels.ravel(), minlength=256)
    return counts


def _size_of_file(path: str) -> tuple[int, int] | None:
    try:
        return image_size(Path(path))
    except UnreadableImage:
        return None


def _size_in_archive(dataset: Dataset, film_id: str) -> tuple[int, int] | None:
    try:
        facts = dataset.source.radiograph(film_id).facts
    except UnreadableImage:
        return None
    return facts.width, facts.height
