"""Inspection of a dataset: its table, its files' headers and its pixels."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import MIN_SIDE
from pneumo_core.datasets import Dataset, PixelStore, open_store
from pneumo_core.datasets.quality.findings import SEVERITIES, Finding, copies_found, find_in_table
from pneumo_core.datasets.quality.near_copies import Copies, group_pairs, look_alikes
from pneumo_core.datasets.quality.overview import (
    Balance,
    Sizes,
    balance_of,
    grey_values,
    image_sizes,
    split_table,
)
from pneumo_core.errors import UnreadableImage

__all__ = ["Inspection", "inspect_dataset"]

_SIDE = 100
"""The size that CNN_94 takes: training it finds the X-rays decoded."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """A dataset's contents and its problems, the most serious first.

    ``greys`` int64 (2, 256): pixels of each label and grey value.
    """

    dataset: Dataset
    sizes: Sizes
    greys: NDArray[np.int64]
    unreadable: dict[str, str]
    findings: tuple[Finding, ...]

    @property
    def balance(self) -> Balance:
        """The balance of the train X-rays, or of all where there are none."""
        train = balance_of(self.dataset, "train")
        return train if train.normal or train.pneumonia else balance_of(self.dataset, "all")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON types; missing numbers are None."""
        return {
            "dataset": self.dataset.name,
            "fingerprint": self.dataset.fingerprint,
            "splits": _records(split_table(self.dataset)),
            "as_found": _records(split_table(self.dataset.as_found())),
            "balance": {
                "ratio": _known(self.balance.ratio),
                "repeat_normals": _known(self.balance.repeated),
                "weights": [_known(each) for each in self.balance.weights],
            },
            "sizes": _records(self.sizes.distinct),
            "unreadable": self.unreadable,
            "findings": [
                {
                    "kind": each.kind,
                    "severity": each.severity,
                    "what": each.what,
                    "means": each.means,
                    "remedy": each.remedy,
                    "films": [list(group) for group in each.groups],
                }
                for each in self.findings
            ],
        }


def inspect_dataset(
    dataset: Dataset,
    *,
    decoding: Progress | None = None,
    comparing: Progress | None = None,
    home: Path | None = None,
) -> Inspection:
    """Inspect a dataset. Decodes its X-rays the first time (see ``open_store``).

    Raises DatasetError when no X-ray can be read or the disk takes no more.
    """
    sizes = image_sizes(dataset)
    store = open_store(dataset, _SIDE, progress=decoding, home=home)
    films = store.readable(dataset.films).sort_values("id")
    once = store.rows(films.drop_duplicates("digest")["id"])
    copies = look_alikes(store.pixels, once, progress=comparing)
    found = [
        *find_in_table(dataset),
        *copies_found(dataset, _alike(films, store, copies), near=True),
        *_blank(films, store, copies),
        *_two_values(dataset, films, store),
        *_unreadable(store),
        *_small(sizes, store),
    ]
    order = list(SEVERITIES)
    found.sort(key=lambda each: order.index(each.severity))
    return Inspection(dataset, sizes, grey_values(dataset, store), store.unreadable, tuple(found))


def _alike(films: pd.DataFrame, store: PixelStore, copies: Copies) -> list[tuple[str, ...]]:
    """Return groups of X-rays that look the same, with their exact copies."""
    return _with_twins(films, store, group_pairs(copies.pairs, len(store.ids)))


def _with_twins(
    films: pd.DataFrame, store: PixelStore, groups: Sequence[Iterable[int]]
) -> list[tuple[str, ...]]:
    """Return the ids of groups of rows, each with its exact copies, in order."""
    named = [[store.ids[row] for row in group] for group in groups]
    concerned = films["id"].isin(list(chain.from_iterable(named)))
    digests = films.loc[concerned].set_index("id")["digest"]
    twins = films[films["digest"].isin(digests)].groupby("digest")["id"].agg(list)
    return [
        tuple(sorted(chain.from_iterable(twins[digests[each]] for each in group)))
        for group in named
    ]


def _blank(films: pd.DataFrame, store: PixelStore, copies: Copies) -> Iterable[Finding]:
    if not len(copies.blank):
        return
    (ids,) = _with_twins(films, store, [copies.blank])
    yield Finding(
        "blank",
        "serious",
        f"{len(ids)} {'X-ray has' if len(ids) == 1 else 'X-rays have'} a single grey value.",
        "The images are blank; their labels can only be memorised.",
        "Delete them, or export them again from their source.",
        tuple((film_id,) for film_id in ids),
    )


_ENDS, _NEAR, _SURE = 0.85, 16, 0.97
"""Share of a small X-ray's pixels near its two ends that makes it worth a look at full size; how
near, in grey values of 255; and the share at full size that leaves no doubt."""
_AT_ONCE = 512


def _two_values(dataset: Dataset, films: pd.DataFrame, store: PixelStore) -> Iterable[Finding]:
    """Find masks and drawings: images of only two grey values."""
    ids = films["id"].tolist()
    rows = store.rows(ids)
    maybe: list[str] = []
    for start in range(0, len(rows), _AT_ONCE):
        small = store.pixels[rows[start : start + _AT_ONCE]]
        share = _share_at_ends(small.reshape(len(small), -1))
        maybe += [ids[start + at] for at in np.flatnonzero(share > _ENDS)]
    sure = [film_id for film_id in maybe if _is_in_two_values(dataset, film_id)]
    if sure:
        n = len(sure)
        yield Finding(
            "two grey values",
            "serious",
            f"{n} {'image has' if n == 1 else 'images have'} only two grey values.",
            "They are masks or drawings, not chest X-rays. They count in the ratio of the labels "
            "and in class weights, and a network learns from them.",
            "Move them out of the class folders, or into a folder named masks, which is left out.",
            tuple((film_id,) for film_id in sure),
        )


def _is_in_two_values(dataset: Dataset, film_id: str) -> bool:
    try:
        pixels = dataset.source.radiograph(film_id).pixels
    except UnreadableImage:  # it vanished since
        return False
    return bool(_share_at_ends(pixels.reshape(1, -1) * np.float32(255))[0] > _SURE)


def _share_at_ends(films: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of the values of each row (N, P) near its lowest or its highest: (N,).

    0 for a row of one value all over.
    """
    values = films.astype(np.float32)
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    near = (values - low <= _NEAR) | (high - values <= _NEAR)
    apart = (high - low)[:, 0] > 4 * _NEAR
    return np.asarray(near.mean(axis=1) * apart, dtype=np.float64)


def _unreadable(store: PixelStore) -> Iterable[Finding]:
    if not store.unreadable:
        return
    n = len(store.unreadable)
    yield Finding(
        "unreadable",
        "careful",
        f"{n} {'X-ray' if n == 1 else 'X-rays'} can't be read.",
        "They are left out of training and of every score, so that counts there are smaller than "
        "here.",
        "See the reason for each; export it again, or delete it.",
        tuple((film_id,) for film_id in store.unreadable),
        store.unreadable,
    )


def _small(sizes: Sizes, store: PixelStore) -> Iterable[Finding]:
    small = [each for each in sizes.smaller_than(MIN_SIDE) if each not in store.unreadable]
    if not small:
        return
    n = len(small)
    yield Finding(
        "small films",
        "note",
        f"{n} {'X-ray has' if n == 1 else 'X-rays have'} a side below {MIN_SIDE} pixels.",
        "A network gets them enlarged, without the fine structure that shows pneumonia. The Read "
        "page refuses X-rays of this size.",
        "Use larger versions if they exist; otherwise don't mix them with full-size X-rays.",
        tuple((film_id,) for film_id in small),
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [{str(name): _known(value) for name, value in row.items()} for row in rows]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
