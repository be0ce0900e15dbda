"""A validation split, cut from train by patient where a dataset has none to choose on."""

import hashlib
import re
from collections import Counter
from typing import Literal, TypeAlias

import pandas as pd

from pneumo_core.data.dataset import Cut, Dataset

__all__ = ["MIN_VALIDATION", "ValidationCut", "ensure_validation", "with_twins"]

MIN_VALIDATION = 100
"""Fewer validation films than this can't choose a threshold."""

_HOW = {
    "late": "the highest numbers of each series",
    "early": "the lowest numbers of each series",
    "random": "in hashed order",
}

ValidationCut: TypeAlias = Literal["late", "early", "random"]


def ensure_validation(
    dataset: Dataset, *, cut: ValidationCut = "late", fraction: float = 0.12, seed: int = 0
) -> Dataset:
    """The dataset with a validation split of at least ``MIN_VALIDATION`` films, where it can be.

    A smaller one joins train, and ``fraction`` of the train films is cut anew, per class and
    series of patient numbers: ``late`` takes the highest numbers (numbers grow with time, so this
    validation resembles tomorrow's films), ``early`` the lowest (the public test split begins
    before its train split), ``random`` takes patients in the order of a seeded hash, and so do the
    others with all series that are too short to give their share. No patient and no identical
    picture is on both sides. The same films always give the same cut. A dataset
    without train films is returned as it is, and a class of one patient stays in train.
    """
    films = dataset.films
    given = int((films["split"] == "val").sum())
    pool = films["split"].isin(["train", "val"])
    if given >= MIN_VALIDATION or not (films["split"] == "train").any():
        return dataset
    chosen = _choose(films[pool], cut=cut, fraction=fraction, seed=seed)
    in_validation = pool & films["patient"].isin(chosen)
    split = films["split"].mask(pool, "train").mask(in_validation, "val")
    moved = films.loc[split != films["split"], ["id", "split"]]
    note = _note(given, int(in_validation.sum()), cut)
    made = Cut(given, dict(zip(moved["id"], moved["split"], strict=True)), note)
    return dataset.with_cut(films.assign(split=split), made)


def _choose(films: pd.DataFrame, *, cut: str, fraction: float, seed: int) -> set[str]:
    patients = films.groupby("patient", sort=True).agg(label=("label", "first"), n=("id", "size"))
    keys = {patient: _key(str(patient), cut, seed) for patient in patients.index}
    lengths = Counter((patients.at[patient, "label"], key[0]) for patient, key in keys.items())
    for patient, (series, _) in keys.items():
        if lengths[patients.at[patient, "label"], series] * fraction < 1:
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
    """(series, rank): the highest ranks of a series go to validation."""
    numbered = re.fullmatch(r"(.*?)(\d+)", patient)
    if cut != "random" and numbered:
        number = int(numbered[2])
        return numbered[1], number if cut == "late" else -number
    digest = hashlib.sha256(f"{seed}/{patient}".encode()).digest()
    return "", int.from_bytes(digest[:7])


def with_twins(films: pd.DataFrame, chosen: set[str]) -> set[str]:
    """Add every patient who shares an identical picture with a chosen one."""
    while True:
        pictures = films.loc[films["patient"].isin(chosen), "digest"]
        grown = set(films.loc[films["digest"].isin(pictures), "patient"]) | chosen
        if grown == chosen:
            return chosen
        chosen = grown


def _note(given: int, taken: int, cut: str) -> str:
    had = f"had only {given} films" if given else "was missing"
    return (
        f"The validation split {had}: {taken} films were cut from train by patient ({_HOW[cut]})."
    )
