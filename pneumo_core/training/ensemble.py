"""Ensembles: one checkpoint with the mean probability of several."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from pneumo_core.checkpoints import ENSEMBLE, Checkpoint, MemberFacts, check_free, load_checkpoint
from pneumo_core.checkpoints.weights import as_member
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.errors import TrainingError
from pneumo_core.inference import Member, Runtime, dataset_for
from pneumo_core.training.publish import draft_card, seal

__all__ = ["make_ensemble"]


def make_ensemble(
    data: Path,
    name: str,
    members: Sequence[str],
    *,
    overwrite: bool = False,
    decoding: Progress | None = None,
) -> Checkpoint:
    """Publish the checkpoints named in ``members`` as the ensemble ``name``.

    Their calibrated probabilities are averaged (Lakshminarayanan et al. 2017, arXiv:1612.01474),
    then calibrated again and given operating points on the validation X-rays, which no member was
    trained on. X-rays are taken in the size of the largest member; the others read them scaled
    down. The ensemble has its own copy of its members' weights. Raises UnknownName,
    CheckpointError, DatasetError, or TrainingError for members that can't be combined.
    """
    check_free(name, overwrite=overwrite)
    parts = [load_checkpoint(member) for member in members]
    _check_alike(parts)
    parts.sort(key=lambda part: -part.card.input.size)  # the gate uses the first one
    first = parts[0].card
    dataset = _common_dataset(data, parts)
    runtime = Runtime(
        tuple(Member(p.networks()[0], p.card.input, p.card.calibration) for p in parts),
        mirror=first.mirror,
    )
    weights = {}
    for number, member in enumerate(runtime.members):
        weights.update(as_member(member.network.state_dict(), number))
    draft = draft_card(
        name,
        ENSEMBLE,
        first.input,
        dataset,
        attribution=first.attribution,
        trained_on=first.trained_on,
    )
    draft = replace(
        draft,
        training={
            "validation": first.training.get("validation", "large"),
            "validation_cut": first.training["validation_cut"],
            "validation_fraction": first.training["validation_fraction"],
        },
        origin="the members' weights",
        mirror=first.mirror,
        prevalence=first.prevalence,
        members=tuple(_facts(part) for part in parts),
    )
    store = runtime.open_store(dataset, decoding)
    history = pd.DataFrame(
        {"member": [p.name for p in parts], "epochs": [p.card.best_epoch for p in parts]}
    )
    return seal(draft, runtime, weights, dataset, store, history=history, overwrite=overwrite)


def _check_alike(parts: Sequence[Checkpoint]) -> None:
    if len({part.name for part in parts}) < max(2, len(parts)):
        raise TrainingError("An ensemble needs at least two different models. Name more.")
    for part in parts:
        if part.card.members:
            raise TrainingError(f"'{part.name}' is already an ensemble. Name its members instead.")
        if part.card.mirror != parts[0].card.mirror:
            raise TrainingError(
                f"Only one of '{part.name}' and '{parts[0].name}' reads mirror images too. "
                "Choose models with the same setting."
            )
        if part.card.prevalence != parts[0].card.prevalence:
            raise TrainingError(
                f"The probabilities of '{part.name}' and '{parts[0].name}' assume another "
                "prevalence each, so their mean has no meaning. Choose models that assume the same."
            )


def _common_dataset(data: Path, parts: Sequence[Checkpoint]) -> Dataset:
    """Return the dataset that all of them were trained on, with its unseen validation split."""
    dataset = dataset_for(parts[0], data)
    for part in parts:
        if part.card.dataset.fingerprint != dataset.fingerprint:
            raise TrainingError(
                f"'{part.name}' was trained on other X-rays or another split than "
                f"'{data}', so it may have seen these X-rays. Use its own training dataset."
            )
    return dataset


def _facts(part: Checkpoint) -> MemberFacts:
    card = part.card
    return MemberFacts(
        part.name, card.version, card.model, card.input, card.temperature, card.offset
    )
