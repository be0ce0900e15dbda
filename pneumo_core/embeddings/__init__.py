"""Embeddings: features of many X-rays, and maps of them."""

from pneumo_core.embeddings.density import View, count_points, points_inside
from pneumo_core.embeddings.epoch_maps import MOST_EPOCHS, EpochMaps, align, map_epochs, mean_step
from pneumo_core.embeddings.features import (
    LAST_MAPS,
    PENULTIMATE,
    PIXELS,
    Features,
    feature_layers,
    features_of,
    image_features,
    input_of_layer,
    layer_title,
    shipped_features,
)
from pneumo_core.embeddings.neighbours import OUTCOMES, Neighbours, nearest, with_outcome
from pneumo_core.embeddings.projection import (
    MIN_IMAGES,
    PROJECTIONS,
    Merit,
    Projection,
    as_table,
    installed_projections,
    merit,
    project,
)
from pneumo_core.embeddings.saved_maps import (
    SavedMap,
    map_as_parquet,
    maps_folder,
    read_map,
    saved_maps,
)
from pneumo_core.embeddings.similar import Similar, TrainingImages, open_training_images

__all__ = [
    "LAST_MAPS",
    "MIN_IMAGES",
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
    "SavedMap",
    "Similar",
    "TrainingImages",
    "View",
    "align",
    "as_table",
    "count_points",
    "feature_layers",
    "features_of",
    "image_features",
    "input_of_layer",
    "installed_projections",
    "layer_title",
    "map_as_parquet",
    "map_epochs",
    "maps_folder",
    "mean_step",
    "merit",
    "nearest",
    "open_training_images",
    "points_inside",
    "project",
    "read_map",
    "saved_maps",
    "shipped_features",
    "with_outcome",
]
