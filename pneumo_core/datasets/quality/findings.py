"""Findings about a dataset: the problem, its meaning, a remedy, and the X-rays.

Findings that a table of X-rays tells are here; those that need pixels join them in ``inspect``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

import pandas as pd

from pneumo_core.datasets import LABELS, MIN_VALIDATION, PNEUMONIA, Dataset, LeftAside, placeholders
from pneumo_core.datasets.quality.overview import Balance, balance_of
from pneumo_core.metrics import rate

__all__ = ["KINDS", "SEVERITIES", "Finding", "Severity", "copies_found", "find_in_table"]

Severity: TypeAlias = Literal["serious", "careful", "note"]

SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {
        "serious": "Training or scores can't be trusted before it is put right",
        "careful": "Decide whether it matters to you",
        "note": "Good to know",
    }
)
"""How much a finding matters, the gravest first."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "one class": "Films of one label only",
        "copies across splits": "The same picture in two splits",
        "copies with both labels": "The same picture with both labels",
        "copies": "The same picture more than once",
        "near-copies across splits": "Nearly the same picture in two splits",
        "near-copies with both labels": "Nearly the same picture with both labels",
        "near-copies": "Nearly the same picture more than once",
        "placeholder": "One picture with many patients",
        "blank": "Blank films",
        "two grey values": "Films in two grey values",
        "unreadable": "Films that can't be read",
        "patients across splits": "Patients in two splits",
        "patients unknown": "Names that don't tell patients",
        "small validation": "A validation split too small to choose on",
        "no test": "No test films",
        "small films": "Very small films",
        "broken links": "Links that lead nowhere",
        "left out": "Left out",
    }
)
"""Every kind of finding, with its title."""


@dataclass(frozen=True)
class Finding:
    """One problem of a dataset.

    ``kind``: one of ``KINDS``; ``what`` was found, what it ``means``, the ``remedy``: sentences.
    ``groups``: ids of the X-rays concerned, those together that belong together. ``remarks``: what
    is to be said of single X-rays, by id.
    """

    kind: str
    severity: Severity
    what: str
    means: str
    remedy: str
    groups: tuple[tuple[str, ...], ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return KINDS[self.kind]

    @property
    def ids(self) -> tuple[str, ...]:
        """All affected X-rays, in the order of the groups."""
        return tuple(film_id for group in self.groups for film_id in group)

    def table(self, dataset: Dataset) -> pd.DataFrame:
        """Return a row for each X-ray concerned: group, id, split, label, subtype, patient, and a
        remark where one is to be made."""
        number = {film: k for k, group in enumerate(self.groups, 1) for film in group}
        films = dataset.select(list(number)).films
        rows = films[["id", "split", "label", "subtype", "patient"]].copy()
        rows["label"] = rows["label"].map(dict(enumerate(LABELS)))
        rows.insert(0, "group", [number[film_id] for film_id in rows["id"]])
        if self.remarks:
            rows["remark"] = rows["id"].map(self.remarks).fillna("")
        return rows


def find_in_table(dataset: Dataset) -> list[Finding]:
    """Return the problems visible in the table alone, without pixels."""
    films = dataset.films
    twins = films[films["digest"].duplicated(keep=False)].groupby("digest", sort=False)["id"]
    with_many = placeholders(films)
    copies = [tuple(ids) for digest, ids in twins if digest not in with_many]
    return [
        *_one_class(dataset),
        *copies_found(dataset, copies),
        *_placeholders(films, with_many),
        *_patients(films),
        *_unknown_patients(films),
        *_validation(dataset),
        *_no_test(films),
        *_left_out(dataset),
    ]


def copies_found(
    dataset: Dataset, groups: Iterable[Sequence[str]], *, near: bool = False
) -> list[Finding]:
    """Return the problems caused by groups of X-rays, by id, with the same image.

    ``near``: the files are not the same, but the pictures look so.
    """
    films = dataset.films.set_index("id")
    by_kind: dict[str, list[tuple[str, ...]]] = {}
    for group in groups:
        rows = films.loc[list(group)]
        split, doubted = rows["split"].nunique() > 1, rows["label"].nunique() > 1
        kinds = ["copies across splits"] * split + ["copies with both labels"] * doubted
        for kind in kinds or ["copies"]:
            by_kind.setdefault(kind, []).append(tuple(group))
    return [_copies(kind, tuple(by_kind[kind]), near=near) for kind in _COPIES if kind in by_kind]


_COPIES: Mapping[str, tuple[Severity, str, str, str]] = MappingProxyType(
    {
        "copies across splits": (
            "serious",
            "there in two splits",
            "Data leakage: test images also occur in training, so the scores are optimistic.",
            "Keep each picture in one split, best in the one that is tested on.",
        ),
        "copies with both labels": (
            "serious",
            "there under both labels",
            "One of the two labels is wrong. Training on both teaches nothing, and one of them "
            "always counts as a mistake.",
            "Look at them and delete the copy with the wrong label; both, where nobody can tell.",
        ),
        "copies": (
            "note",
            "there more than once, in one split and under one label",
            "Each copy counts double: in training, and in scores, whose intervals become "
            "narrower than they should be.",
            "Delete all but one. A few among thousands do little harm.",
        ),
    }
)


def _copies(kind: str, groups: tuple[tuple[str, ...], ...], *, near: bool) -> Finding:
    severity, where, means, remedy = _COPIES[kind]
    films = sum(map(len, groups))
    if near:
        what = (
            f"{_count(len(groups), 'picture')} {where} as near-copies, {films} films together: "
            "compressed, resized or brightened versions of one film."
        )
        remedy = f"Look at each pair first: pictures are compared, not people. {remedy}"
        return Finding(f"near-{kind}", severity, what, means, remedy, groups)
    what = f"{_count(len(groups), 'picture')} {where}, {films} films together, byte for byte."
    return Finding(kind, severity, what, means, remedy, groups)


def _one_class(dataset: Dataset) -> Iterable[Finding]:
    whole = balance_of(dataset, "all")
    if not whole.normal or not whole.pneumonia:
        only = LABELS[PNEUMONIA] if whole.pneumonia else LABELS[0]
        yield Finding(
            "one class",
            "serious",
            f"Every film is labelled {only}.",
            "Nothing can be told apart: no network learns on these films, and no AUC exists.",
            "Add films of the other label in a folder of its name, NORMAL or PNEUMONIA.",
        )
        return
    for split, films in dataset.films.groupby("split", sort=False):
        if films["label"].nunique() == 1:
            yield Finding(
                "one class",
                "careful",
                f"Every {split} film is labelled {LABELS[films['label'].iloc[0]]}.",
                f"AUC, and sensitivity or specificity, cannot be computed on the {split} split.",
                f"Move some patients of the other label into {split}.",
            )


def _patients(films: pd.DataFrame) -> Iterable[Finding]:
    splits = films.groupby("patient")["split"].nunique()
    shared = films[films["patient"].isin(splits.index[splits > 1])]
    if shared.empty:
        return
    groups = tuple(tuple(ids) for _, ids in shared.groupby("patient")["id"])
    yield Finding(
        "patients across splits",
        "careful",
        f"{_count(len(groups), 'patient name')} in two splits, {len(shared)} films together.",
        "If these are the same people, a network may know them again, and scores promise too "
        "much. Two places may also have numbered their patients alike.",
        "Ask whoever numbered them. If they are the same, keep all films of a patient in one "
        "split; if not, give one side's names another beginning.",
        groups,
    )


def _placeholders(films: pd.DataFrame, digests: set[str]) -> Iterable[Finding]:
    if not digests:
        return
    its = films[films["digest"].isin(digests)]
    groups = tuple(tuple(ids) for _, ids in its.groupby("digest", sort=False)["id"])
    pictures = "one picture" if len(groups) == 1 else f"{len(groups)} pictures"
    yield Finding(
        "placeholder",
        "serious",
        f"{len(its)} films of {its['patient'].nunique()} patients hold {pictures}, byte for byte.",
        "It stands where a film is missing: a black picture, or a card. A network is taught a "
        "label by it all the same, and every score counts it. It ties no patients together when a "
        "validation split is cut.",
        "Delete these files.",
        groups,
    )


_MOST_FILMS = 40
"""X-rays that one patient may have; the public set's have up to 31."""


def _unknown_patients(films: pd.DataFrame) -> Iterable[Finding]:
    own = films["patient"] == films["id"].str.replace(r"\.[^./]*$", "", regex=True)
    own |= films["patient"] == films["id"]
    if own.mean() > 0.5:
        yield Finding(
            "patients unknown",
            "note",
            f"The names of {int(own.sum())} films don't tell whose they are, so each counts as a "
            "patient of its own.",
            "If some are of the same patient, these may be in train and validation both, and "
            "scores and their intervals promise too much.",
            "Put the films of each patient into a folder of their own, or give a manifest.csv with "
            "a column patient.",
        )
    sizes = films.groupby("patient")["id"].size()
    for patient, n in sizes[sizes > _MOST_FILMS].items():
        yield Finding(
            "patients unknown",
            "serious" if n > len(films) / 4 else "careful",
            f"{n} films count as those of one patient, '{patient}', by their names.",
            "Hardly anybody has so many. If they are several patients, no validation split can be "
            "cut between them, and the intervals of every score are wrong.",
            "Put the films of each patient into a folder of their own, or give a manifest.csv with "
            "a column patient.",
            (tuple(films.loc[films["patient"] == patient, "id"]),),
        )


def _validation(dataset: Dataset) -> Iterable[Finding]:
    films, cut = dataset.films, dataset.cut
    here = int((films["split"] == "val").sum())
    if here >= MIN_VALIDATION and cut is None:
        return
    if cut is None and not here and not (films["split"] == "train").any():
        return  # X-rays to test alone need none
    enough = here >= MIN_VALIDATION
    own = [note for note in dataset.notes if "own validation split is kept" in note]
    what = cut.note if cut else next(iter(own), f"The validation split holds only {here} films.")
    if enough:
        remedy = (
            "Nothing, unless you have a better split: one by patient with at least "
            f"{MIN_VALIDATION} films in a folder val is used as it is."
        )
    else:
        remedy = (
            f"Add films, at least {MIN_VALIDATION} to choose on, by patient, in a folder val. "
            "Until then take thresholds and calibration as rough."
        )
    yield Finding(
        "small validation",
        "note" if enough else "careful",
        what,
        _too_few(balance_of(dataset.as_found() if enough else dataset, "val")),
        remedy,
        (tuple(films.loc[films["split"] == "val", "id"]),) if here else (),
    )


def _too_few(given: Balance) -> str:
    """Return what can be chosen on so few validation X-rays."""
    if not given.normal and not given.pneumonia:
        return (
            "Thresholds, calibration and the best epoch are chosen on validation films. Chosen on "
            "train films they would look better than they are."
        )
    n, shown, figure = given.pneumonia, "with pneumonia were found", "sensitivity"
    if not n:
        n, shown, figure = given.normal, "normal ones were passed", "specificity"
    return (
        f"On {given.normal + given.pneumonia} validation films nothing can be chosen: even if all "
        f"{n} {shown}, the {figure} could be as low as {rate(n, n).low:.2f} (95 % interval)."
    )


def _no_test(films: pd.DataFrame) -> Iterable[Finding]:
    if (films["split"] == "test").any():
        return
    yield Finding(
        "no test",
        "note",
        "There is no test split.",
        "A network trained here can't be judged on films that played no part in its training.",
        "Put the films of some patients, or better of another place, into a folder test.",
    )


_ASIDE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "datasets": (
            "Those films are in no count on this page, and nothing is trained on them.",
            "Nothing, if it is a copy of the rest, as in the best-known public archive. Otherwise "
            "inspect it by its own path.",
        ),
        "masks": (
            "A mask shows an outline in two grey values. It is in no count, and nothing is trained "
            "on it.",
            "Nothing, if these are masks. If they are films, give them other names.",
        ),
        "documents": ("They are in no count.", "Nothing, if none of them is a film."),
        "system": (
            "They hold thumbnails, deleted files and the like, which are no films.",
            "Nothing, or delete them.",
        ),
        "links": (
            "The films or folders that they stood for are in no count, and nothing is trained on "
            "them.",
            "Restore what they point to, or delete them.",
        ),
    }
)
"""What each kind of thing that is left aside means, and what to do."""


def _left_out(dataset: Dataset) -> Iterable[Finding]:
    yield from map(_aside, dataset.left_aside)


def _aside(left: LeftAside) -> Finding:
    means, remedy = _ASIDE[left.kind]
    broken = left.kind == "links"
    kind = "broken links" if broken else "left out"
    return Finding(kind, "careful" if broken else "note", left.sentence, means, remedy)


def _count(n: int, thing: str) -> str:
    return f"1 {thing} is" if n == 1 else f"{n} {thing}s are"
