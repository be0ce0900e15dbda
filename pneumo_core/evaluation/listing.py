"""Lists of predictions for people: labels and errors in words."""

import pandas as pd

from pneumo_core.datasets import LABELS
from pneumo_core.evaluation.scores import UNLABELLED

__all__ = ["in_words", "label_names"]

_RESULTS = {"fn": "missed", "fp": "false alarm", "tp": "correct", "tn": "correct"}


def in_words(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the table with labels by name, and its cell of the confusion matrix as ``result``.

    ``predictions``: with ``label``, and as in ``Study.predictions`` with ``predicted`` and
    ``cell`` if there are any. A label that is not known is empty.
    """
    written = predictions.assign(label=label_names(predictions["label"]))
    if "predicted" in predictions:
        written = written.assign(predicted=label_names(predictions["predicted"]))
    if "cell" in predictions:
        written = written.assign(cell=predictions["cell"].map(_RESULTS))
    return written.rename(columns={"cell": "result"})


def label_names(labels: pd.Series) -> list[str]:
    """Return the names of labels 0 and 1; "" for ``UNLABELLED``."""
    return [LABELS[each] if each != UNLABELLED else "" for each in labels]
