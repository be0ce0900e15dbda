"""Evaluation of a checkpoint on a whole dataset: one score per X-ray, and the metrics."""

from dataclasses import dataclass, field

import pandas as pd

from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.inference import open_runtime
from pneumo_core.metrics import Evaluation, evaluate

__all__ = ["DatasetEvaluation", "evaluate_dataset", "score_dataset"]


@dataclass(frozen=True)
class DatasetEvaluation:
    """The result of a checkpoint at one operating point on one split.

    ``unreadable`` maps the ids of excluded X-rays to the reason, ``remarks`` those of X-rays that
    the model may not have seen as it should to a key of ``lungs.remarks.REMARKS``. ``scores`` is
    the table of ``score_dataset``.
    """

    model: str
    split: str
    operating_point: OperatingPoint
    figures: Evaluation
    unreadable: dict[str, str]
    scores: pd.DataFrame = field(repr=False, compare=False)
    remarks: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the metrics as ``pneumo evaluate --json`` prints them.

        ``intervals``: of each metric, the ends of its 95 % interval.
        """
        figures = self.figures
        metrics = ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece")
        return {
            "model": self.model,
            "split": self.split,
            "n": figures.n,
            "auc": figures.auc.value,
            "accuracy": figures.accuracy.value,
            "sensitivity": figures.sensitivity.value,
            "specificity": figures.specificity.value,
            "f1": figures.f1.value,
            "ece": figures.ece.value,
            "threshold": figures.threshold,
            "operating_point": self.operating_point.name,
            "confusion": figures.confusion.as_rows(),
            "remarks": self.remarks,
            "intervals": {
                name: [getattr(figures, name).low, getattr(figures, name).high] for name in metrics
            },
        }


def score_dataset(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    decoding: Progress | None = None,
    scoring: Progress | None = None,
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """Return the scores of the dataset's readable X-rays, the reasons for the others, and remarks.

    See ``DatasetEvaluation``. Columns: id, patient, split, label, subtype, probability. Decoded
    X-rays are cached for each dataset; a split counts as a dataset of its own. Raises DatasetError
    or CheckpointError.
    """
    runtime = open_runtime(checkpoint)
    store = runtime.open_store(dataset, decoding)
    films = store.readable(dataset.films)
    outputs = runtime.run_store(store, films["id"].tolist(), scoring)
    columns = films[["id", "patient", "split", "label", "subtype"]]
    scores = columns.assign(probability=runtime.calibrated(outputs.margins))
    return scores, store.unreadable, store.remarks


def evaluate_dataset(
    checkpoint: Checkpoint,
    dataset: Dataset,
    split: str,
    *,
    operating_point: str | None = None,
    decoding: Progress | None = None,
    scoring: Progress | None = None,
) -> DatasetEvaluation:
    """Score one split ("all" for every X-ray) and evaluate it at an operating point.

    Raises DatasetError, CheckpointError or UnknownName.
    """
    point = checkpoint.card.operating_point(operating_point)
    chosen = dataset.split(split)
    scores, unreadable, remarks = score_dataset(
        checkpoint, chosen, decoding=decoding, scoring=scoring
    )
    figures = evaluate(
        scores["label"], scores["probability"], point.threshold, groups=scores["patient"]
    )
    return DatasetEvaluation(checkpoint.name, split, point, figures, unreadable, scores, remarks)
