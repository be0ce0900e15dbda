"""Publishing of a trained network: calibrated, with operating points and scores, on disk."""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pydantic
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumo_core.checkpoints import (
    ENSEMBLE,
    SCHEMA_VERSION,
    Card,
    Checkpoint,
    DatasetFacts,
    MemberFacts,
    add_graphs,
    choose_operating_points,
    free_name,
    save_checkpoint,
)
from pneumo_core.checkpoints.weights import as_member, stored_precision
from pneumo_core.core.labels import NORMAL, PNEUMONIA
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import LABELS, MIN_VALIDATION, Dataset, PixelStore
from pneumo_core.gate import fit_familiarity
from pneumo_core.inference import Outputs, Runtime, accelerated
from pneumo_core.lungs import lung_finder
from pneumo_core.metrics import (
    CALIBRATED_PREVALENCE,
    evaluate,
    fit_calibration,
    format_prevalence,
)
from pneumo_core.models import InputFormat, PneumoniaNetwork, build_network, origin_of
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.cross_validation import Fold
from pneumo_core.training.inside_lungs import inside_lungs
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.state import Progressed

__all__ = ["draft_card", "publish", "publish_folds", "seal"]

INTENDED_USE = (
    "Research and teaching: distinguishing pneumonia from normal on frontal chest radiographs. "
    "Not a medical device."
)
_LIBRARIES = (
    "torch",
    "efficientnet-pytorch",
    "timm",
    "kornia",
    "lightning-fabric",
    "numpy",
    "pillow",
)


_SCORES = ("id", "patient", "split", "label", "subtype", "probability")

Floats = NDArray[np.float32]
Stages = Callable[[str, Progress | None], Progress]
"""Factory of progress callbacks labelled with a stage name."""


def publish(
    job: TrainingJob,
    dataset: Dataset,
    store: PixelStore,
    progressed: Progressed,
    *,
    stages: Stages | None = None,
) -> Checkpoint:
    """Publish the best epoch of a run as a checkpoint.

    Temperature and thresholds are fitted on the validation X-rays alone; test X-rays, if any, are
    only scored. A name taken in the meantime gets a number. Raises CheckpointError when it can't be
    written.
    """
    config = job.config
    network, weights = _finish(config, progressed)
    runtime = Runtime.of(network, config.input, mirror=config.mirror)
    history = pd.DataFrame([vars(report) for report in progressed.reports])
    return seal(
        replace(_draft(job, config.model, dataset), best_epoch=progressed.best_epoch),
        runtime,
        weights,
        dataset,
        store,
        history=history,
        overwrite=job.overwrite,
        stages=stages,
    )


def publish_folds(
    job: TrainingJob,
    pool: Dataset,
    store: PixelStore,
    folds: Sequence[Fold],
    *,
    stages: Stages | None = None,
) -> Checkpoint:
    """Publish the mean of the folds' networks as a checkpoint.

    Temperature and thresholds are fitted on the out-of-fold predictions of all training X-rays,
    each by the network that never saw the patient; the scores have them as split "val". Test
    X-rays, if any, are only scored, by the mean of all networks. Raises CheckpointError when it
    can't be written.
    """
    config = job.config
    finished = [_finish(config, fold.progressed) for fold in folds]
    runtimes = [
        accelerated(Runtime.of(network, config.input, mirror=config.mirror))
        for network, _ in finished
    ]
    scoring = stages("Scoring X-rays", None) if stages else None
    unseen = _out_of_fold(runtimes, pool, store, folds, scoring)
    calibration = fit_calibration(unseen["label"], unseen["margin"])
    mean = Runtime(
        tuple(replace(each.members[0], calibration=calibration) for each in runtimes),
        mirror=config.mirror,
    )
    unseen = unseen.assign(split="val", probability=calibration.probabilities(unseen["margin"]))
    test = store.readable(pool.films[pool.films["split"] == "test"])
    outputs = mean.run_store(store, (unseen if test.empty else test)["id"].tolist(), scoring)
    if not test.empty:
        test = test.assign(probability=mean.calibrated(outputs.margins))
    scores = pd.concat([unseen, test])[list(_SCORES)].reset_index(drop=True)
    weights = {}
    for number, (_, each) in enumerate(finished):
        weights.update(as_member(each, number))
    draft = replace(
        _draft(job, ENSEMBLE, pool),
        best_epoch=config.epochs,
        members=tuple(
            MemberFacts(f"fold {n}", "", config.model, config.input, calibration.temperature)
            for n in range(1, len(folds) + 1)
        ),
        inside_lungs=_inside_lungs(
            [(each, fold.held_out) for each, fold in zip(runtimes, folds, strict=True)],
            pool,
            stages,
        ),
        validation=f"out-of-fold predictions of a {len(folds)}-fold cross-validation by patient",
    )
    reports = [
        {"fold": number, **vars(report)}
        for number, fold in enumerate(folds, 1)
        for report in fold.progressed.reports
    ]
    return _save(
        draft,
        mean,
        weights,
        pool,
        scores,
        outputs.features,
        history=pd.DataFrame(reports),
        overwrite=job.overwrite,
        stages=stages,
    )


def _inside_lungs(
    networks: Sequence[tuple[Runtime, Sequence[str]]], dataset: Dataset, stages: Stages | None
) -> Mapping[str, float]:
    """Return the shares for a card, on X-rays of PNEUMONIA unseen by each network."""
    films = dataset.films
    sick = set(films["id"][films["label"] == PNEUMONIA])
    mapping = stages("Measuring heat maps", None) if stages else None
    ill = [(runtime, [each for each in ids if each in sick]) for runtime, ids in networks]
    return inside_lungs([(runtime, ids) for runtime, ids in ill if ids], dataset, mapping)


def _out_of_fold(
    runtimes: Sequence[Runtime],
    pool: Dataset,
    store: PixelStore,
    folds: Sequence[Fold],
    progress: Progress | None,
) -> pd.DataFrame:
    """Return the table of all folds' X-rays with their out-of-fold margins."""
    films = pool.films.set_index("id", drop=False)
    parts = []
    for runtime, fold in zip(runtimes, folds, strict=True):
        ids = list(fold.held_out)
        parts.append(films.loc[ids].assign(margin=runtime.run_store(store, ids, progress).margins))
    return pd.concat(parts).reset_index(drop=True)


def _finish(
    config: TrainingConfig, progressed: Progressed
) -> tuple[PneumoniaNetwork, dict[str, Tensor]]:
    """Return a trained network in eval mode and its weights, both rounded as stored."""
    weights = stored_precision(progressed.best_weights or {})
    with torch.random.fork_rng(devices=[]):  # the initial weights are replaced at once
        network = build_network(config.model, config.input.size)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False), weights


def _draft(job: TrainingJob, model: str, dataset: Dataset) -> Card:
    config = job.config
    draft = draft_card(
        job.name if job.overwrite else free_name(job.name),
        model,
        config.input,
        dataset,
        attribution=job.attribution,
        trained_on=job.trained_on,
    )
    return replace(
        draft,
        training=pydantic.TypeAdapter(TrainingConfig).dump_python(config),
        origin=origin_of(config.model, config.pretrained),
        mirror=config.mirror,
        run=job.id,
    )


def draft_card(
    name: str,
    model: str,
    input_format: InputFormat,
    dataset: Dataset,
    *,
    attribution: str,
    trained_on: str,
) -> Card:
    """Return the card of a checkpoint before calibration and scoring."""
    return Card(
        schema_version=SCHEMA_VERSION,
        name=name,
        model=model,
        input=input_format,
        created=datetime.now(UTC).date().isoformat(),
        training={},
        best_epoch=0,
        dataset=_facts(dataset),
        versions={library: importlib.metadata.version(library) for library in _LIBRARIES},
        temperature=1.0,
        operating_points=(),
        evaluation={},
        intended_use=INTENDED_USE,
        limitations=(),
        attribution=attribution or f"Trained on {dataset.name}; the terms of its X-rays apply.",
        trained_on=trained_on,
        lung_finder=lung_finder().identity if input_format.framing else "",
    )


def seal(
    draft: Card,
    runtime: Runtime,
    weights: Mapping[str, Tensor],
    dataset: Dataset,
    store: PixelStore,
    *,
    history: pd.DataFrame,
    overwrite: bool,
    stages: Stages | None = None,
) -> Checkpoint:
    """Calibrate and choose operating points on validation X-rays, score the test split, and save.

    The gate is fitted on train and validation X-rays, where there are enough.
    """
    runtime = accelerated(runtime)  # final weights: score as in reading
    films = store.readable(dataset.films[dataset.films["split"].isin(["val", "test"])])
    scoring = stages("Scoring X-rays", None) if stages else None
    outputs = runtime.run_store(store, films["id"].tolist(), scoring)
    runtime = _calibrate(runtime, films, outputs)
    scores = films.assign(probability=runtime.calibrated(outputs.margins))[list(_SCORES)]
    seen = films["id"][films["split"] == "val"].tolist()
    return _save(
        replace(draft, inside_lungs=_inside_lungs([(runtime, seen)], dataset, stages)),
        runtime,
        weights,
        dataset,
        scores,
        outputs.features,
        history=history,
        overwrite=overwrite,
        stages=stages,
    )


def _save(  # noqa: PLR0913  every part of a checkpoint
    draft: Card,
    runtime: Runtime,
    weights: Mapping[str, Tensor],
    dataset: Dataset,
    scores: pd.DataFrame,
    features: Floats,
    *,
    history: pd.DataFrame,
    overwrite: bool,
    stages: Stages | None,
) -> Checkpoint:
    """Choose the operating points on the scores of split "val", and save everything.

    ``features`` (M, D) belong to the last M rows of ``scores``.
    """
    val = scores[scores["split"] == "val"]
    points = choose_operating_points(val["label"], val["probability"])
    evaluation = {
        str(split): evaluate(
            rows["label"], rows["probability"], points[0].threshold, rows["patient"]
        )
        for split, rows in scores.groupby("split")
    }
    prevalence = _assumed_prevalence(draft)
    card = replace(
        draft,
        temperature=runtime.calibration.temperature,
        offset=runtime.calibration.offset,
        operating_points=points,
        evaluation=evaluation,
        prevalence=prevalence,
        limitations=_limitations(scores, prevalence),
    )
    looking = stages("Fitting the image check", None) if stages else None
    familiarity = fit_familiarity(runtime, dataset, looking=looking)
    saved = save_checkpoint(
        card,
        weights,
        scores=scores,
        features=features,
        history=history,
        gate=familiarity.arrays() if familiarity else None,
        overwrite=overwrite,
    )
    add_graphs(saved)
    return saved


def _calibrate(runtime: Runtime, films: pd.DataFrame, outputs: Outputs) -> Runtime:
    val = (films["split"] == "val").to_numpy()
    calibration = fit_calibration(films["label"][val], outputs.margins[val])
    return replace(runtime, calibration=calibration)


def _facts(dataset: Dataset) -> DatasetFacts:
    counts = {
        str(split): {str(label): int(n) for label, n in row.items()}
        for split, row in dataset.counts().iterrows()
    }
    return DatasetFacts(dataset.name, dataset.fingerprint, counts, dataset.notes)


def _assumed_prevalence(card: Card) -> float:
    """Return the prevalence that the network learned to assume: no temperature moves it."""
    counts = card.dataset.counts.get("train", {})
    normal, pneumonia = (counts.get(LABELS[label], 0) for label in (NORMAL, PNEUMONIA))
    balance = card.training.get("balance")
    if balance is None:
        return card.prevalence  # an ensemble's, as its members'
    if balance == "weights" or not normal * pneumonia:
        return CALIBRATED_PREVALENCE
    return pneumonia / (pneumonia + normal * (2 if balance == "repeat_normals" else 1))


def _limitations(scores: pd.DataFrame, prevalence: float) -> tuple[str, ...]:
    val, test = (int((scores["split"] == split).sum()) for split in ("val", "test"))
    limitations = ["Expect errors on X-rays unlike the training data (distribution shift)."]
    if val < MIN_VALIDATION:
        limitations.append(
            f"Thresholds and calibration were chosen on only {val} validation X-rays."
        )
    if not test:
        limitations.append("It was never scored on X-rays outside its training data.")
    limitations.append(
        f"Probabilities are calibrated for a prevalence of {format_prevalence(prevalence)}; where "
        "fewer patients have pneumonia they are too high."
    )
    return tuple(limitations)
