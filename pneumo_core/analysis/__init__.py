"""Studying many films: a checkpoint on a dataset."""

from pneumo_core.analysis.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset

__all__ = ["DatasetEvaluation", "evaluate_dataset", "score_dataset"]
