"""Validation splits: the dataset's own, or one cut from train by patient."""

import hashlib
import re
from collections import Counter
from typing import Literal, TypeAlias

import pandas as pd

from pneumo_core.datasets.dataset import LABELS, NORMAL, PNEUMONIA, Cut, Dataset

__all__ = [
    "MIN_VALIDATION",
    "VALIDATIONS",
    "Validation",
    "ValidationCut",
    "ensure_validation",
    "placeholders",
    "with_twins",
]

MIN_VALIDATION = 100
"""With fewer validation X-rays than this, a threshold is only rough."""

_HOW = {
    "late": "the highest numbers of each series",
    "early": "the lowest numbers of each series",
    "random": "in hashed order",
}
_Z2 = 1.959964**2
_MANY_PATIENTS, _LARGE_SHARE = 4, 0.05

ValidationCut: TypeAlias = Literal["late", "early", "random"]
Validation: TypeAlias = Literal["keep", "late", "early", "random", "large"]

VALIDATIONS = ("keep", "late", "early", "random")
"""Choices: keep the dataset's own validation split, or cut one in one of three ways.

"large" is the rule of older checkpoints and runs: a split of ``MIN_VALIDATION`` X-rays is kept, a
smaller one is replaced.
"""


def ensure_validation(
    dataset: Dataset,
    *,
    validation: Validation = "keep",
    cut: ValidationCut = "late",
    fraction: float = 0.12,
    seed: int = 0,
) -> Dataset:
    """Return the dataset with a validation split, if it can have one.

    Its own split is kept if ``validation`` is "keep" and it has both labels; a note says if it is
    small. Otherwise it joins train, and ``fraction`` of the train X-rays is cut anew,
    per label and series of patient numbers: "late" takes the highest numbers (numbers grow with
    time, so this validation resembles tomorrow's X-rays), "early" the lowest (the public test split
    begins before its train split), "random" takes patients in the order of a seeded hash, and so
    do the others with all series that are too short to give their share. No patient is in both
    splits, nor an identical image, except a placeholder (see ``placeholders``). The same X-rays
    always give the same cut. A dataset without train X-rays is returned as it is, and a label of
    one patient stays in train.

    Args:
        dataset: with its original splits.
        validation: "keep", or how to cut another split whatever is there; "large" keeps a split of
            ``MIN_VALIDATION`` X-rays or more and replaces a smaller one.
        cut: how to cut if ``validation`` doesn't say.
        fraction: share of each label's train X-rays that is cut.
        seed: of the cut "random".
    """
    films = dataset.films
    own = films[films["split"] == "val"]
    if not (films["split"] == "train").any():
        return dataset
    if _is_kept(own, films, validation):
        note = _about_own(own) if validation == "keep" else ""
        return dataset.with_films(films, note) if note else dataset
    if validation != "keep" and validation != "large":  # noqa: PLR1714  mypy narrows no tuple
        cut = validation
    pool = films["split"].isin(["train", "val"])
    chosen = _choose(films[pool], cut=cut, fraction=fraction, seed=seed)
    in_validation = pool & films["patient"].isin(chosen)
    split = films["split"].mask(pool, "train").mask(in_validation, "val")
    moved = films.loc[split != films["split"], ["id", "split"]]
    note = _note(own, int(in_validation.sum()), cut, asked=validation in _HOW)
    made = Cut(len(own), dict(zip(moved["id"], moved["split"], strict=True)), note)
    return dataset.with_cut(films.assign(split=split), made)


def _is_kept(own: pd.DataFrame, films: pd.DataFrame, validation: Validation) -> bool:
    if validation == "large":
        return len(own) >= MIN_VALIDATION
    labels = set(films.loc[films["split"] != "test", "label"])
    enough = set(own["label"]) == labels and (len(labels) > 1 or len(own) >= MIN_VALIDATION)
    return validation == "keep" and enough


def _about_own(own: pd.DataFrame) -> str:
    """Return what is too small in the dataset's own validation split; empty if nothing."""
    normal, ill = (int((own["label"] == label).sum()) for label in (NORMAL, PNEUMONIA))
    if len(own) >= MIN_VALIDATION or not len(own):
        return ""
    return (
        f"The dataset's own validation split is kept, but it is small: {normal} {LABELS[NORMAL]} "
        f"and {ill} {LABELS[PNEUMONIA]} X-rays. Even if all {ill} with pneumonia are found, the "
        f"sensitivity could be as low as {ill / (ill + _Z2):.2f} (95 % interval), so thresholds "
        "and calibration from it are rough."
    )


def _choose(films: pd.DataFrame, *, cut: str, fraction: float, seed: int) -> set[str]:
    patients = films.groupby("patient", sort=True).agg(label=("label", "first"), n=("id", "size"))
    keys = {patient: _key(str(patient), cut, seed) for patient in patients.index}
    labels = dict(zip(patients.index, patients["label"].tolist(), strict=True))
    lengths = Counter((labels[patient], key[0]) for patient, key in keys.items())
    for patient, (series, _) in keys.items():
        if lengths[labels[patient], series] * fraction < 1:
            keys[patient] = _key(str(patient), "random", seed)
    patients["series"] = [series for series, _ in keys.values()]
    patients["rank"] = [rank for _, rank in keys.values()]
    chosen: set[str] = set()
    for _, group in patients.groupby(["label", "series"], sort=True):
        ordered = group.sort_values("rank", ascending=False, kind="stable")
        before = ordered["n"].cumsum() - ordered["n"]
        if len(ordered) > 1:
            chosen |= set(ordered.index[before < fraction * ordered["n"].sum()])
    return with_twins(films, chosen)


def _key(patient: str, cut: str, seed: int) -> tuple[str, int]:
    """Return (series, rank); the highest ranks of a series go to validation."""
    numbered = re.fullmatch(r"(.*?)(\d+)", patient)
    if cut != "random" and numbered:
        number = int(numbered[2])
        return numbered[1], number if cut == "late" else -number
    digest = hashlib.sha256(f"{seed}/{patient}".encode()).digest()
    return "", int.from_bytes(digest[:7])


def with_twins(films: pd.DataFrame, chosen: set[str]) -> set[str]:
    """Return the chosen patients and all who share an identical image with one of them.

    Placeholders don't link patients.
    """
    films = films[~films["digest"].isin(placeholders(films))]
    while True:
        pictures = films.loc[films["patient"].isin(chosen), "digest"]
        grown = set(films.loc[films["digest"].isin(pictures), "patient"]) | chosen
        if grown == chosen:
            return chosen
        chosen = grown


def placeholders(films: pd.DataFrame) -> set[str]:
    """Return the digests of placeholder images: the same image for many patients.

    Such as a black image beside every X-ray, or a card "no image": at least four patients have it,
    and most of them have other images, or it is more than a twentieth of all X-rays. X-rays that
    were merely copied several times are not placeholders.
    """
    patients = films.groupby("digest")["patient"].nunique()
    pictures = films.groupby("patient")["digest"].nunique()
    found = set()
    for digest in patients.index[patients >= _MANY_PATIENTS]:
        its = films[films["digest"] == digest]
        others = pictures[its["patient"].unique()] > 1
        if others.mean() > 0.5 or len(its) > _LARGE_SHARE * len(films):
            found.add(str(digest))
    return found


def _note(own: pd.DataFrame, taken: int, cut: str, *, asked: bool) -> str:
    films = f"{taken} X-rays were cut from train by patient ({_HOW[cut]})."
    if not taken:
        return (
            "No validation split could be cut from train: all X-rays of each label count "
            "as one patient's."
        )
    if own.empty:
        return f"The validation split was missing: {films}"
    if asked:
        return f"The validation split that came with the dataset joined train, as asked: {films}"
    if own["label"].nunique() == 1 and len(own) >= MIN_VALIDATION:
        return f"The validation split had X-rays of one label only: {films}"
    return f"The validation split had only {len(own)} X-rays: {films}"
