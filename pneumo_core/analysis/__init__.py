"""Studying many films: a checkpoint on a dataset, or several."""

from pneumo_core.analysis.changes import CHANGES
from pneumo_core.analysis.compare import (
    PUBLISHED,
    Comparison,
    Published,
    Spread,
    compare,
    seed_groups,
    spread_of,
)
from pneumo_core.analysis.epochs import MOST_EPOCHS, EpochMaps, aligned, map_epochs, moved
from pneumo_core.analysis.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset
from pneumo_core.analysis.features import (
    LAST_MAPS,
    PENULTIMATE,
    PIXELS,
    Features,
    feature_layers,
    features_of,
    film_features,
    input_of_layer,
    shipped_features,
)
from pneumo_core.analysis.neighbours import Neighbours, nearest, with_outcome
from pneumo_core.analysis.projection import (
    LEAST_FILMS,
    PROJECTIONS,
    Merit,
    Projection,
    as_table,
    merit,
    project,
)
from pneumo_core.analysis.robustness import ChangedFilms, robustness
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
    "LAST_MAPS",
    "LEAST_FILMS",
    "MOST_EPOCHS",
    "PENULTIMATE",
    "PIXELS",
    "PROJECTIONS",
    "PUBLISHED",
    "SERIES",
    "UNLABELLED",
    "ChangedFilms",
    "Comparison",
    "DatasetEvaluation",
    "EpochMaps",
    "Features",
    "Merit",
    "Neighbours",
    "Projection",
    "Published",
    "Scores",
    "Similar",
    "Slice",
    "Spread",
    "Study",
    "TrainingFilms",
    "aligned",
    "as_table",
    "compare",
    "dataset_for",
    "dataset_scores",
    "evaluate_dataset",
    "feature_layers",
    "features_of",
    "film_features",
    "input_of_layer",
    "label_doubts",
    "map_epochs",
    "merit",
    "moved",
    "nearest",
    "open_training_films",
    "point_on",
    "project",
    "read_scores",
    "robustness",
    "score_dataset",
    "scores_csv",
    "seed_groups",
    "shipped_features",
    "shipped_scores",
    "slice_columns",
    "slices",
    "spread_of",
    "with_outcome",
    "with_series",
    "worst_first",
]
