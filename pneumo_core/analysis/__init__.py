"""Studying many films: a checkpoint on a dataset."""

from pneumo_core.analysis.evaluate import (
    DatasetEvaluation,
    dataset_for,
    evaluate_dataset,
    score_dataset,
)

__all__ = ["DatasetEvaluation", "dataset_for", "evaluate_dataset", "score_dataset"]
