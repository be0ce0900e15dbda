"""Choose X-rays, layer and projection; results are shared by all sessions."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.linked_choice import choose_linked, choose_toggle
from pneumo_core.app.widgets.model_choice import DATASET, dataset_sources
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import (
    PENULTIMATE,
    PIXELS,
    PROJECTIONS,
    Features,
    Projection,
    feature_layers,
    features_of,
    installed_projections,
    layer_title,
    project,
    shipped_features,
)
from pneumo_core.inference import dataset_for

__all__ = ["Drawing", "choose_drawing", "choose_layer", "features_from", "map_of", "pixels_of"]

_QUICK = 1500
"""Above this number of X-rays, t-SNE waits for a button."""


@dataclass(frozen=True)
class Drawing:
    """Settings of a projection."""

    method: str
    dimensions: int = 2
    perplexity: float = 40.0
    iterations: int = 500
    seed: int = 0


def choose_layer(
    checkpoint: Checkpoint, films: DeltaGenerator, which: DeltaGenerator
) -> tuple[str, str]:
    """Ask for X-rays and layer in two boxes; return the source and the layer's name."""
    source = choose_linked(films, "X-rays", "films", _sources(checkpoint), key="mapped films")
    if not source.startswith(DATASET):
        which.selectbox(
            "Layer",
            [PENULTIMATE],
            format_func=layer_title,
            key="only layer",
            help="Only this layer's features are stored with a model. For others choose X-rays of "
            "the dataset.",
        )
        return source, PENULTIMATE
    layers = _layers(checkpoint.name, checkpoint.card.version)
    named = {layer: layer_title(layer) for layer in layers}
    return source, choose_linked(which, "Layer", "layer", named, key="mapped layer")


def features_from(checkpoint: Checkpoint, source: str, layer: str) -> Features:
    """Return features stored with the model, or computed from the dataset. Raises Cancelled."""
    if not source.startswith(DATASET):
        return shipped_features(checkpoint, source)
    return _computed(checkpoint, source.removeprefix(DATASET), layer)


def pixels_of(checkpoint: Checkpoint, source: str) -> Features | None:
    """Return the same X-rays as pixels; None without image files. Raises Cancelled."""
    if not source.startswith(DATASET):
        return None
    return _computed(checkpoint, source.removeprefix(DATASET), PIXELS)


def choose_drawing() -> Drawing:
    """Ask for the projection and its settings; query parameter ``map``."""
    ways = installed_projections()
    method = choose_linked(st.container(width=110), "Map", "map", ways, key="map")
    if method == "pca":
        dimensions = 3 if choose_toggle("3-D", "3d", key="three") else 2
        return Drawing(method, dimensions)
    perplexity = st.number_input(
        "Perplexity" if method == "tsne" else "Neighbours",
        5,
        200,
        40,
        5,
        key="perplexity",
        width=120,
        help="Roughly the number of neighbours that each X-ray keeps close.",
    )
    iterations = 500
    if method == "tsne":
        iterations = st.number_input(
            "Iterations",
            250,
            5000,
            500,
            250,
            key="iterations",
            width=120,
            help="After 250 that spread the points. Stops earlier when the map has converged.",
        )
    seed = st.number_input("Seed", 0, 9999, 0, key="map seed", width=110)
    return Drawing(method, 2, float(perplexity), int(iterations), int(seed))


def map_of(features: Features, drawing: Drawing) -> Projection:
    """Return the map, cached or computed with a bar. Raises Cancelled, PneumoError."""
    title = f"Draw {PROJECTIONS[drawing.method]} of {len(features.table):,} X-rays"
    title += f" ({layer_title(features.layer)})"
    quick = drawing.method == "pca" or len(features.table) <= _QUICK

    def compute(report: Report) -> Projection:
        return project(
            features.values,
            drawing.method,
            dimensions=drawing.dimensions,
            perplexity=drawing.perplexity,
            iterations=drawing.iterations,
            seed=drawing.seed,
            progress=report(PROJECTIONS[drawing.method]),
        )

    where = (features.key, drawing)
    return cancellable_once(cached_for_all, "maps", where, title, compute, most=24, at_once=quick)


def _sources(checkpoint: Checkpoint) -> dict[str, str]:
    counts = checkpoint.featured["split"].value_counts()
    sources = {"all": f"Stored with the model: {len(checkpoint.featured)}"}
    for split, name in (("test", "Test X-rays"), ("val", "Validation X-rays")):
        if split in counts:
            sources[split] = f"{name} stored with the model: {counts[split]}"
    return sources | dataset_sources(checkpoint)


def _computed(checkpoint: Checkpoint, split: str, layer: str) -> Features:
    data = dataset_in_use()
    if data is None:
        raise Cancelled("The dataset is no longer set. Set PNEUMO_DATA and restart Pneumo.")

    def compute(report: Report) -> Features:
        films = dataset_for(checkpoint, data).split(split)
        return features_of(
            checkpoint,
            films,
            layer,
            decoding=report("Decoding X-rays"),
            looking=report("Computing features"),
        )

    return cancellable_once(
        cached_for_all,
        "features",
        (checkpoint.name, checkpoint.card.version, split, layer, dataset_key(data)),
        f"Compute features of {split} X-rays ({layer_title(layer)})",
        compute,
        most=4,
    )


@st.cache_resource(max_entries=8, show_spinner="Opening the model to list its layers")
def _layers(checkpoint: str, version: str) -> tuple[str, ...]:
    from pneumo_core.checkpoints import load_checkpoint

    return feature_layers(load_checkpoint(checkpoint))
