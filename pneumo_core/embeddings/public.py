"""Map the X-rays of a dataset in one call."""

import pandas as pd

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.embeddings.features import PENULTIMATE, features_of
from pneumo_core.embeddings.projection import as_table, project
from pneumo_core.evaluation.public import Data, Model, split_of

__all__ = ["embed"]


def embed(
    model: Model = None,
    data: Data = None,
    *,
    split: str = "test",
    layer: str = PENULTIMATE,
    method: str = "tsne",
    dimensions: int = 2,
    seed: int = 0,
) -> pd.DataFrame:
    """Map the X-rays of a dataset by the features of a model's layer.

    Args:
        model: name of a model, or a Checkpoint; None for the default.
        data: a Dataset, a folder, manifest or archive, or a dataset's name; None for PNEUMO_DATA.
        split: "train", "val", "test" or "all".
        layer: "penultimate", "pixels", "last maps", or the name of a convolution.
        method: "pca", "tsne" or, if it is installed, "umap".
        dimensions: 2 or 3.
        seed: the same seed gives the same map.

    Returns:
        One row per X-ray: id, patient, split, label, subtype, x, y (and z).

    Raises:
        UnknownName: no model, layer or dataset has this name.
        PneumoError: the X-rays are too few or too alike for a map.
    """
    checkpoint = load_checkpoint(model)
    features = features_of(checkpoint, split_of(checkpoint, data, split), layer)
    return as_table(features, project(features.values, method, dimensions=dimensions, seed=seed))
