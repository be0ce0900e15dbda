"""Studying many films: a checkpoint on a dataset."""

from pneumo_core.analysis.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset
from pneumo_core.analysis.robustness import CHANGES, ChangedFilms, robustness
from pneumo_core.analysis.similar import Similar, TrainingFilms, open_training_films
from pneumo_core.runtime import dataset_for

__all__ = [
    "CHANGES",
    "ChangedFilms",
    "DatasetEvaluation",
    "Similar",
    "TrainingFilms",
    "dataset_for",
    "evaluate_dataset",
    "open_training_films",
    "robustness",
    "score_dataset",
]
