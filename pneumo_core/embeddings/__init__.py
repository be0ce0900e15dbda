"""Embeddings: features of many X-rays, and maps of them."""

from pneumo_core.embeddings.epoch_maps import MOST_EPOCHS, EpochMaps, aligned, map_epochs, moved
from pneumo_core.embeddings.features import (
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
from pneumo_core.embeddings.neighbours import OUTCOMES, Neighbours, nearest, with_outcome
from pneumo_core.embeddings.projection import (
    LEAST_FILMS,
    PROJECTIONS,
    Merit,
    Projection,
    as_table,
    installed_projections,
    merit,
    project,
)
from pneumo_core.embeddings.similar import Similar, TrainingFilms, open_training_films

__all__ = [
    "LAST_MAPS",
    "LEAST_FILMS",
    "MOST_EPOCHS",
    "OUTCOMES",
    "PENULTIMATE",
    "PIXELS",
    "PROJECTIONS",
    "EpochMaps",
    "Features",
    "Merit",
    "Neighbours",
    "Projection",
    "Similar",
    "TrainingFilms",
    "aligned",
    "as_table",
    "feature_layers",
    "features_of",
    "film_features",
    "input_of_layer",
    "installed_projections",
    "map_epochs",
    "merit",
    "moved",
    "nearest",
    "open_training_films",
    "project",
    "shipped_features",
    "with_outcome",
]
