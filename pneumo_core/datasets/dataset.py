"""Datasets: a table of X-rays, and the source of their pixels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

import pandas as pd

from pneumo_core.core.labels import LABELS, NORMAL, PNEUMONIA
from pneumo_core.core.text import first_of
from pneumo_core.errors import DatasetError
from pneumo_core.imaging.radiograph import Radiograph

__all__ = [
    "COLUMNS",
    "LABELS",
    "NORMAL",
    "PNEUMONIA",
    "SPLITS",
    "Cut",
    "Dataset",
    "ImageSource",
    "LeftAside",
]

SPLITS = ("train", "val", "test")
COLUMNS = ("id", "path", "split", "label", "subtype", "patient", "digest")


class ImageSource(Protocol):
    """Source that a dataset's X-rays are decoded from."""

    def radiograph(self, film_id: str) -> Radiograph:
        """Decode one X-ray. Raises UnreadableImage."""
        ...


@dataclass(frozen=True)
class Cut:
    """A validation split cut from train.

    ``given``: validation X-rays the dataset came with; ``moved`` maps the ids of the X-rays that
    changed their split to the split they came in; ``note``: what was done, in a sentence.
    """

    given: int
    moved: Mapping[str, str]
    note: str


_ASIDE: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "links": ("broken link is", "broken links are", ""),
        "system": (
            "folder made by a system or a viewer is",
            "folders made by systems and viewers are",
            "",
        ),
        "masks": (
            "file or folder named as a mask is",
            "files or folders named as masks are",
            " An image with two grey values is a mask, not an X-ray.",
        ),
        "documents": ("file that is not an image is", "files that are not images are", ""),
        "datasets": (
            "nested folder with a dataset of its own is",
            "nested folders with datasets of their own are",
            "",
        ),
    }
)
"""Sentence parts for one file of a kind, for several, and a remark."""
_NAMED = 3


@dataclass(frozen=True)
class LeftAside:
    """Files in a dataset's folder that are not part of the dataset.

    ``kind``: broken "links", "system" folders, "masks", "documents", or "datasets" of
    their own; ``paths`` within the dataset's folder, in order.
    """

    kind: str
    paths: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """A sentence on what was left out, with the first names."""
        one, several, more = _ASIDE[self.kind]
        names = first_of([f"'{path}'" for path in self.paths], _NAMED)
        what = f"1 {one}" if len(self.paths) == 1 else f"{len(self.paths):,} {several}"
        return f"{what} left out: {names}.{more}"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of X-rays.

    ``films`` has one row per X-ray: ``id`` (unique, the same on every machine), ``path``,
    ``split`` (train, val, test), ``label`` (0 NORMAL, 1 PNEUMONIA), ``subtype`` (bacteria, virus,
    normal or empty), ``patient`` and ``digest`` (BLAKE2 of the X-ray's bytes). ``notes`` are
    sentences on what was done to the table; ``cut`` describes a validation split that was cut;
    ``left_aside`` lists files that were left out, which ``notes`` mention, too.
    """

    name: str
    films: pd.DataFrame
    source: ImageSource
    notes: tuple[str, ...] = ()
    cut: Cut | None = None
    left_aside: tuple[LeftAside, ...] = ()

    def __len__(self) -> int:
        return len(self.films)

    @cached_property
    def fingerprint(self) -> str:
        """24 hex digits of SHA-256 over every X-ray's id, split, label and bytes; any order."""
        columns = (self.films[name].tolist() for name in ("id", "split", "label", "digest"))
        lines = ("\t".join(map(str, row)) for row in sorted(zip(*columns, strict=True)))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]

    def counts(self) -> pd.DataFrame:
        """Return the X-rays per split (rows) and label name (columns), zeros included."""
        table = pd.crosstab(self.films["split"], self.films["label"])
        table = table.reindex(index=SPLITS, columns=(NORMAL, PNEUMONIA), fill_value=0)
        table.columns = pd.Index(LABELS)
        return table

    def split(self, name: str) -> "Dataset":
        """Return the X-rays of one split ("all" for every X-ray). Raises DatasetError when it has
        none."""
        if name == "all":
            return self
        chosen = self.films[self.films["split"] == name]
        if chosen.empty:
            there = ", ".join(f"{s} ({n})" for s, n in self.films["split"].value_counts().items())
            raise DatasetError(
                f"{self.name} has no X-rays in split '{name}'. It has: {there}. "
                "Choose one of these, or 'all'."
            )
        return replace(self, films=chosen.reset_index(drop=True))

    def as_found(self) -> "Dataset":
        """Return the same X-rays in their original splits."""
        if self.cut is None:
            return self
        films = zip(self.films["id"], self.films["split"], strict=True)
        came_in = [self.cut.moved.get(film_id, split) for film_id, split in films]
        notes = tuple(note for note in self.notes if note != self.cut.note)
        return replace(self, films=self.films.assign(split=came_in), notes=notes, cut=None)

    def pooled(self) -> "Dataset":
        """Return the dataset with its validation X-rays in train, for cross-validation."""
        found = self.as_found()
        return found.with_films(
            found.films.assign(split=found.films["split"].replace("val", "train"))
        )

    def with_films(self, films: pd.DataFrame, *notes: str) -> "Dataset":
        """Return the same dataset over another table, with notes added."""
        return replace(self, films=films.reset_index(drop=True), notes=(*self.notes, *notes))

    def with_cut(self, films: pd.DataFrame, cut: Cut) -> "Dataset":
        """Return the same dataset over a table with another validation split."""
        return replace(self.with_films(films, cut.note), cut=cut)

    def select(self, ids: Sequence[str]) -> "Dataset":
        """Return the X-rays of these ids, in this order. Raises KeyError for an id that is not
        here."""
        return replace(self, films=self.films.set_index("id").loc[list(ids)].reset_index())
