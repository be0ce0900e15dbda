"""Findings about a dataset: the problem, its meaning, a remedy, and the X-rays.

Findings that a table of X-rays tells are here; those that need pixels join them in ``inspect``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

import pandas as pd

from pneumo_core.datasets import LABELS, MIN_VALIDATION, PNEUMONIA, Dataset, LeftAside, placeholders
from pneumo_core.datasets.formats.names import MAX_OF_PATIENT
from pneumo_core.datasets.quality.overview import Balance, balance_of
from pneumo_core.metrics import rate

__all__ = ["KINDS", "SEVERITIES", "Finding", "Severity", "copies_found", "find_in_table"]

Severity: TypeAlias = Literal["serious", "careful", "note"]

SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {
        "serious": "Training and scores can't be trusted until it is fixed",
        "careful": "Decide whether it matters to you",
        "note": "Good to know",
    }
)
"""Severities of a finding, the most serious first."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "one class": "X-rays of one label only",
        "copies across splits": "The same image in two splits",
        "copies with both labels": "The same image with both labels",
        "copies": "The same image more than once",
        "near-copies across splits": "Nearly the same image in two splits",
        "near-copies with both labels": "Nearly the same image with both labels",
        "near-copies": "Nearly the same image more than once",
        "placeholder": "One image of many patients",
        "blank": "Blank X-rays",
        "two grey values": "Images of two grey values",
        "unreadable": "X-rays that can't be read",
        "patients across splits": "Patients in two splits",
        "patients unknown": "Patients unknown from the file names",
        "small validation": "Validation split too small",
        "no test": "No test X-rays",
        "small films": "Very small X-rays",
        "broken links": "Broken links",
        "left out": "Files left out",
    }
)
"""Every kind of finding, with its title."""


@dataclass(frozen=True)
class Finding:
    """One problem of a dataset.

    ``kind``: one of ``KINDS``; ``what`` was found, what it ``means``, the ``remedy``: sentences.
    ``groups``: ids of the X-rays concerned, grouped. ``remarks``: notes on single X-rays, by
    id.
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
            "Keep each image in one split, preferably the test split.",
        ),
        "copies with both labels": (
            "serious",
            "there under both labels",
            "One of the two labels is wrong. Training can't learn from them, and one of them "
            "always counts as an error.",
            "Look at them and delete the copy with the wrong label, or both if in doubt.",
        ),
        "copies": (
            "note",
            "there more than once, in one split and under one label",
            "Each copy is counted again, in training and in scores, so intervals are too narrow.",
            "Delete all but one. A few copies among thousands matter little.",
        ),
    }
)


def _copies(kind: str, groups: tuple[tuple[str, ...], ...], *, near: bool) -> Finding:
    severity, where, means, remedy = _COPIES[kind]
    films = sum(map(len, groups))
    if near:
        what = (
            f"{_count(len(groups), 'picture')} {where} as near-copies, {films} X-rays together: "
            "compressed, resized or brightened versions of one X-ray."
        )
        remedy = f"Look at each pair first: the comparison is of images, not of patients. {remedy}"
        return Finding(f"near-{kind}", severity, what, means, remedy, groups)
    what = f"{_count(len(groups), 'picture')} {where}, {films} X-rays together, byte for byte."
    return Finding(kind, severity, what, means, remedy, groups)


def _one_class(dataset: Dataset) -> Iterable[Finding]:
    whole = balance_of(dataset, "all")
    if not whole.normal or not whole.pneumonia:
        only = LABELS[PNEUMONIA] if whole.pneumonia else LABELS[0]
        yield Finding(
            "one class",
            "serious",
            f"Every X-ray is labelled {only}.",
            "A network can't be trained on one label, and AUC can't be computed.",
            "Add X-rays of the other label in a folder named NORMAL or PNEUMONIA.",
        )
        return
    for split, films in dataset.films.groupby("split", sort=False):
        if films["label"].nunique() == 1:
            yield Finding(
                "one class",
                "careful",
                f"Every {split} X-ray is labelled {LABELS[films['label'].iloc[0]]}.",
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
        f"{_count(len(groups), 'patient name')} in two splits, {len(shared)} X-rays together.",
        "If these are the same people, a network may recognise them, and scores are "
        "optimistic. Two hospitals may also use the same patient numbers.",
        "Ask where the data come from. If they are the same, keep all X-rays of a patient in "
        "one split; if not, add a prefix to the names of one split.",
        groups,
    )


def _placeholders(films: pd.DataFrame, digests: set[str]) -> Iterable[Finding]:
    if not digests:
        return
    its = films[films["digest"].isin(digests)]
    groups = tuple(tuple(ids) for _, ids in its.groupby("digest", sort=False)["id"])
    pictures = "the same image" if len(groups) == 1 else f"{len(groups)} images in common"
    yield Finding(
        "placeholder",
        "serious",
        f"{len(its)} X-rays of {its['patient'].nunique()} patients have {pictures}, byte for byte.",
        "It is a placeholder for a missing X-ray. A network learns its label all the same, and "
        "every score counts it. It does not link patients when a validation split is cut.",
        "Delete these files.",
        groups,
    )


def _unknown_patients(films: pd.DataFrame) -> Iterable[Finding]:
    own = films["patient"] == films["id"].str.replace(r"\.[^./]*$", "", regex=True)
    own |= films["patient"] == films["id"]
    if own.mean() > 0.5:
        yield Finding(
            "patients unknown",
            "note",
            f"The names of {int(own.sum())} X-rays don't identify patients, so each X-ray counts "
            "as a patient of its own.",
            "If a patient has several X-rays, they may be in both train and validation, so scores "
            "are optimistic and their intervals too narrow.",
            "Put the X-rays of each patient into a folder of their own, or add a manifest.csv "
            "with a column patient.",
        )
    sizes = films.groupby("patient")["id"].size()
    for patient, n in sizes[sizes > MAX_OF_PATIENT].items():
        yield Finding(
            "patients unknown",
            "serious" if n > len(films) / 4 else "careful",
            f"{n} X-rays count as those of one patient, '{patient}', by their names.",
            "Few patients have so many. If they are several patients, the validation split can't "
            "separate them, and the intervals of every score are wrong.",
            "Put the X-rays of each patient into a folder of their own, or add a manifest.csv "
            "with a column patient.",
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
    what = cut.note if cut else next(iter(own), f"The validation split has only {here} X-rays.")
    if enough:
        remedy = (
            "Nothing, unless you have a better split: one by patient with at least "
            f"{MIN_VALIDATION} X-rays in a folder val is used unchanged."
        )
    else:
        remedy = (
            f"Add at least {MIN_VALIDATION} X-rays, split by patient, in a folder val. "
            "Until then, thresholds and calibration are rough."
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
    """Return a sentence on what so few validation X-rays allow."""
    if not given.normal and not given.pneumonia:
        return (
            "Thresholds, calibration and the best epoch are chosen on validation X-rays. On "
            "training X-rays they would look better than they are."
        )
    n, shown, figure = given.pneumonia, "with pneumonia were found", "sensitivity"
    if not n:
        n, shown, figure = given.normal, "normal ones were passed", "specificity"
    return (
        f"{given.normal + given.pneumonia} validation X-rays are too few: even if all "
        f"{n} {shown}, the {figure} could be as low as {rate(n, n).low:.2f} (95 % interval)."
    )


def _no_test(films: pd.DataFrame) -> Iterable[Finding]:
    if (films["split"] == "test").any():
        return
    yield Finding(
        "no test",
        "note",
        "There is no test split.",
        "A network trained here can't be tested on X-rays that were not used in training.",
        "Put the X-rays of some patients, preferably of another hospital, into a folder test.",
    )


_ASIDE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "datasets": (
            "Those X-rays are not counted on this page and not used in training.",
            "Nothing, if it is a copy of the rest, as in the public archive. Otherwise inspect it "
            "by its own path.",
        ),
        "masks": (
            "A mask shows an outline in two grey values. It is not counted and not used in "
            "training.",
            "Nothing, if these are masks. If they are X-rays, rename them.",
        ),
        "documents": ("They are not counted.", "Nothing, if none of them is an X-ray."),
        "system": (
            "They have thumbnails, deleted files and the like, not X-rays.",
            "Nothing, or delete them.",
        ),
        "links": (
            "The X-rays or folders that they pointed to are not counted and not used in training.",
            "Restore their targets, or delete them.",
        ),
    }
)
"""Meaning and remedy of each kind of file that is left out."""


def _left_out(dataset: Dataset) -> Iterable[Finding]:
    yield from map(_aside, dataset.left_aside)


def _aside(left: LeftAside) -> Finding:
    means, remedy = _ASIDE[left.kind]
    broken = left.kind == "links"
    kind = "broken links" if broken else "left out"
    return Finding(kind, "careful" if broken else "note", left.sentence, means, remedy)


def _count(n: int, thing: str) -> str:
    return f"1 {thing} is" if n == 1 else f"{n} {thing}s are"
