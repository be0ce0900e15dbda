"""Evaluate and compare models on a dataset in one call."""

import os

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.datasets import Dataset
from pneumo_core.datasets.load import dataset_path
from pneumo_core.evaluation.compare import Comparison
from pneumo_core.evaluation.compare import compare as compare_scores
from pneumo_core.evaluation.evaluate import DatasetEvaluation, evaluate_dataset
from pneumo_core.evaluation.scores import dataset_scores
from pneumo_core.inference import dataset_for

__all__ = ["compare", "evaluate", "split_of"]

Data = Dataset | str | os.PathLike[str] | None
Model = str | Checkpoint | None


def evaluate(
    model: Model = None,
    data: Data = None,
    *,
    split: str = "test",
    operating_point: str | None = None,
) -> DatasetEvaluation:
    """Evaluate a model on one split of a dataset.

    Args:
        model: name of a model, or a Checkpoint; None for the default.
        data: a Dataset, a folder, manifest or archive, or a dataset's name; None for PNEUMO_DATA.
        split: "train", "val", "test" or "all".
        operating_point: "balanced" or "screening"; None for the model's first.

    Returns:
        ``figures`` with AUC, accuracy, sensitivity, specificity, F1 and calibration error, each
        with its 95 % interval, and ``scores``, a table with one row per X-ray.

    Raises:
        UnknownName: no model, operating point or dataset has this name.
        DatasetError: the dataset can't be used, or has no such split.
    """
    checkpoint = load_checkpoint(model)
    return evaluate_dataset(
        checkpoint, split_of(checkpoint, data, "all"), split, operating_point=operating_point
    )


def compare(first: Model, second: Model, data: Data = None, *, split: str = "test") -> Comparison:
    """Compare two models on the same X-rays, each at its first operating point.

    Args:
        first: name of a model, or a Checkpoint.
        second: the other one.
        data: as for ``evaluate``.
        split: "train", "val", "test" or "all".

    Returns:
        Both evaluations, DeLong's test of the AUCs, McNemar's test of the predictions, and a table
        of the X-rays, those with different predictions first.

    Raises:
        UnknownName: no model or dataset has this name.
        DatasetError: the dataset can't be used, or has no such split.
    """
    checkpoints = [load_checkpoint(each) for each in (first, second)]
    one, other = (dataset_scores(each, split_of(each, data, split)) for each in checkpoints)
    thresholds = [each.card.operating_point().threshold for each in checkpoints]
    return compare_scores(one, other, (thresholds[0], thresholds[1]))


def split_of(checkpoint: Checkpoint, data: Data, split: str) -> Dataset:
    """Return a split of a dataset, with the validation split used when training the model."""
    if isinstance(data, Dataset):
        return data.split(split)
    return dataset_for(checkpoint, dataset_path(data)).split(split)
