"""Which films are mapped, by which layer, and how; computed once for everybody on this server."""

from dataclasses import dataclass

import streamlit as st

from pneumo_core.app.memory import shared
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.model_choice import DATASET, choose_linked, dataset_sources
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
    project,
    shipped_features,
)
from pneumo_core.inference import dataset_for

__all__ = ["Drawing", "choose_drawing", "choose_features", "map_of", "pixels_of"]

_QUICK = 1500
"""Films that t-SNE maps in a few seconds; more wait for a button."""


@dataclass(frozen=True)
class Drawing:
    """How a map is drawn."""

    method: str
    dimensions: int = 2
    perplexity: float = 40.0
    iterations: int = 500
    seed: int = 0


def choose_features(checkpoint: Checkpoint) -> tuple[Features, str]:
    """Select boxes for films and layer; the features, and the source's word. Raises Cancelled."""
    sources = _sources(checkpoint)
    films, which = st.columns([3, 2])
    source = choose_linked(films, "Films", "films", sources, key="mapped films")
    if not source.startswith(DATASET):
        which.selectbox(
            "Layer",
            [PENULTIMATE],
            key="only layer",
            help="Only this layer's features come with a checkpoint. Set PNEUMO_DATA for others.",
        )
        return shipped_features(checkpoint, source), source
    layers = _layers(checkpoint.name, checkpoint.card.version)
    named = dict(zip(layers, layers, strict=True))
    layer = choose_linked(which, "Layer", "layer", named, key="mapped layer")
    return _computed(checkpoint, source.removeprefix(DATASET), layer), source


def pixels_of(checkpoint: Checkpoint, source: str) -> Features | None:
    """The same films as pixels; None where only features are at hand. Raises Cancelled."""
    if not source.startswith(DATASET):
        return None
    return _computed(checkpoint, source.removeprefix(DATASET), PIXELS)


def choose_drawing() -> Drawing:
    """Select boxes for the method and its settings; the query carries the method."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = choose_linked(st.container(width=140), "Map", "map", PROJECTIONS, key="map")
        dimensions = 2
        if method == "pca":
            dimensions = 3 if st.toggle("3-D", key="three") else 2
            return Drawing(method, dimensions)
        perplexity = st.number_input(
            "Perplexity" if method == "tsne" else "Neighbours",
            5,
            200,
            40,
            5,
            key="perplexity",
            width=130,
            help="About how many neighbours a film keeps close.",
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
                width=130,
                help="The most: a map that has settled is not drawn on.",
            )
        seed = st.number_input("Seed", 0, 9999, 0, key="map seed", width=110)
    return Drawing(method, dimensions, float(perplexity), int(iterations), int(seed))


def map_of(features: Features, drawing: Drawing) -> Projection:
    """The map, from the shelf or drawn now with a bar. Raises Cancelled, PneumoError."""
    title = f"Draw {PROJECTIONS[drawing.method]} of {len(features.table)} films"
    title += f" ({features.layer})"
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
    return cancellable_once(shared, "maps", where, title, compute, most=24, at_once=quick)


def _sources(checkpoint: Checkpoint) -> dict[str, str]:
    counts = checkpoint.scores["split"].value_counts()
    sources = {"all": f"Films it comes with: {len(checkpoint.scores)}"}
    for split, name in (("test", "Test films"), ("val", "Validation films")):
        if split in counts:
            sources[split] = f"{name} it comes with: {counts[split]}"
    return sources | dataset_sources()


def _computed(checkpoint: Checkpoint, split: str, layer: str) -> Features:
    data = dataset_in_use()
    if data is None:
        raise Cancelled("The dataset is not set any more. Set PNEUMO_DATA and start Pneumo again.")

    def compute(report: Report) -> Features:
        films = dataset_for(checkpoint, data).split(split)
        return features_of(
            checkpoint,
            films,
            layer,
            decoding=report("Decoding films"),
            looking=report("Looking at films"),
        )

    return cancellable_once(
        shared,
        "features",
        (checkpoint.name, checkpoint.card.version, split, layer, dataset_key(data)),
        f"Look at {split} films ({layer})",
        compute,
        most=4,
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _layers(checkpoint: str, version: str) -> tuple[str, ...]:
    from pneumo_core.checkpoints import load_checkpoint

    return feature_layers(load_checkpoint(checkpoint))
