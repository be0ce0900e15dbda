"""Studying many films: a checkpoint on a dataset."""

from pneumo_core.analysis.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset
from pneumo_core.analysis.robustness import CHANGES, ChangedFilms, robustness
from pneumo_core.runtime import dataset_for

__all__ = [
    "CHANGES",
    "ChangedFilms",
    "DatasetEvaluation",
    "dataset_for",
    "evaluate_dataset",
    "robustness",
    "score_dataset",
]
