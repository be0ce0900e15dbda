"""Studying many films: a checkpoint on a dataset, or several."""

from pneumo_core.analysis.compare import (
    PUBLISHED,
    Comparison,
    Published,
    Spread,
    compare,
    seed_groups,
    spread_of,
)
from pneumo_core.analysis.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset
from pneumo_core.analysis.robustness import CHANGES, ChangedFilms, robustness
from pneumo_core.analysis.scores import (
    UNLABELLED,
    Scores,
    dataset_scores,
    read_scores,
    scores_csv,
    shipped_scores,
)
from pneumo_core.analysis.similar import Similar, TrainingFilms, open_training_films
from pneumo_core.analysis.slices import (
    SERIES,
    Slice,
    label_doubts,
    slice_columns,
    slices,
    with_series,
)
from pneumo_core.analysis.study import CELL_OF, Study, point_on, worst_first
from pneumo_core.runtime import dataset_for

__all__ = [
    "CELL_OF",
    "CHANGES",
    "PUBLISHED",
    "SERIES",
    "UNLABELLED",
    "ChangedFilms",
    "Comparison",
    "DatasetEvaluation",
    "Published",
    "Scores",
    "Similar",
    "Slice",
    "Spread",
    "Study",
    "TrainingFilms",
    "compare",
    "dataset_for",
    "dataset_scores",
    "evaluate_dataset",
    "label_doubts",
    "open_training_films",
    "point_on",
    "read_scores",
    "robustness",
    "score_dataset",
    "scores_csv",
    "seed_groups",
    "shipped_scores",
    "slice_columns",
    "slices",
    "spread_of",
    "with_series",
    "worst_first",
]
