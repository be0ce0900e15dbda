"""A dataset: one table of films, and where their pixels come from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import pandas as pd

from pneumo_core.data.radiograph import Radiograph
from pneumo_core.errors import DatasetError

__all__ = ["COLUMNS", "LABELS", "NORMAL", "PNEUMONIA", "SPLITS", "Dataset", "FilmSource"]

NORMAL = 0
PNEUMONIA = 1
LABELS = ("NORMAL", "PNEUMONIA")
"""Names of the labels 0 and 1."""

SPLITS = ("train", "val", "test")
COLUMNS = ("id", "path", "split", "label", "subtype", "patient", "digest")


class FilmSource(Protocol):
    """Where a dataset's films are decoded from."""

    def radiograph(self, film_id: str) -> Radiograph:
        """One film. Raises UnreadableFilm."""
        ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of films.

    ``films`` has one row per film: ``id`` (unique, the same on every machine), ``path``,
    ``split`` (train, val, test), ``label`` (0 NORMAL, 1 PNEUMONIA), ``subtype`` (bacteria, virus,
    normal or empty), ``patient`` and ``digest`` (BLAKE2 of the film's bytes). ``notes`` say in
    sentences what was done to the table on the way.
    """

    name: str
    films: pd.DataFrame
    source: FilmSource
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.films)

    @cached_property
    def fingerprint(self) -> str:
        """24 hex digits of SHA-256 over every film's id, split, label and bytes; any order."""
        columns = self.films[["id", "split", "label", "digest"]].sort_values("id")
        lines = columns.astype(str).agg("\t".join, axis=1)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]

    def counts(self) -> pd.DataFrame:
        """Films per split (rows) and label name (columns), zeros included."""
        table = pd.crosstab(self.films["split"], self.films["label"])
        table = table.reindex(index=SPLITS, columns=(NORMAL, PNEUMONIA), fill_value=0)
        table.columns = pd.Index(LABELS)
        return table

    def split(self, name: str) -> "Dataset":
        """The films of one split ("all" for every film). Raises DatasetError when it has none."""
        if name == "all":
            return self
        chosen = self.films[self.films["split"] == name]
        if chosen.empty:
            there = ", ".join(f"{s} ({n})" for s, n in self.films["split"].value_counts().items())
            raise DatasetError(
                f"{self.name} has no films in split '{name}'. It has: {there}. "
                "Choose one of these, or 'all'."
            )
        return replace(self, films=chosen.reset_index(drop=True))

    def findings(self) -> tuple[str, ...]:
        """What is wrong with the table: a sentence each, with what it means."""
        films, found = self.films, []
        counts = films["label"].value_counts()
        if len(counts) == 1:
            only = LABELS[int(counts.index[0])]
            found.append(f"Every film is {only}: nothing can be trained or told apart on it.")
        twins = films[films["digest"].duplicated(keep=False)].groupby("digest")
        if len(twins):
            found.append(f"{len(twins)} pictures are there more than once: they count double.")
        if crossing := int((twins["split"].nunique() > 1).sum()):
            found.append(f"{crossing} pictures are in two splits: scores on them promise too much.")
        if doubted := int((twins["label"].nunique() > 1).sum()):
            found.append(f"{doubted} pictures carry both labels: one of the two is wrong.")
        shared = int((films.groupby("patient")["split"].nunique() > 1).sum())
        if shared:
            found.append(
                f"{shared} patient names are in two splits: if these are the same people, scores "
                "on them promise too much."
            )
        return tuple(found)

    def with_films(self, films: pd.DataFrame, *notes: str) -> "Dataset":
        """The same dataset over another table, with notes added."""
        return replace(self, films=films.reset_index(drop=True), notes=(*self.notes, *notes))

    def select(self, ids: Sequence[str]) -> "Dataset":
        """The films of these ids, in this order. Raises KeyError for an id that is not here."""
        return replace(self, films=self.films.set_index("id").loc[list(ids)].reset_index())
