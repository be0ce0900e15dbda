"""Which films are mapped, by which layer, and how; computed once for everybody on this server."""

from dataclasses import dataclass

import streamlit as st

from pneumo_core.analysis import (
    LEAST_FILMS,
    PENULTIMATE,
    PIXELS,
    PROJECTIONS,
    Features,
    Projection,
    dataset_for,
    feature_layers,
    features_of,
    project,
    shipped_features,
)
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.progress import Cancelled, Report, cancellable
from pneumo_core.settings import settings

__all__ = ["Drawing", "choose_drawing", "choose_features", "map_of", "pixels_of"]

_QUICK = 1500
"""Films that t-SNE maps in a few seconds; more wait for a button."""


@dataclass(frozen=True)
class Drawing:
    """How a map is drawn."""

    method: str
    dimensions: int = 2
    perplexity: float = 40.0
    seed: int = 0


def choose_features(checkpoint: Checkpoint) -> tuple[Features, str]:
    """Select boxes for films and layer; the features, and the source's word. Raises Cancelled."""
    sources = _sources(checkpoint)
    asked = st.query_params.get("films")
    start = list(sources).index(asked) if asked in sources else 0
    films, which = st.columns([3, 2])
    source = films.selectbox(
        "Films", list(sources), start, format_func=sources.__getitem__, key="mapped films"
    )
    st.query_params["films"] = source
    if not source.startswith("dataset "):
        which.selectbox(
            "Layer",
            [PENULTIMATE],
            key="only layer",
            help="Only this layer's features come with a checkpoint. Set PNEUMO_DATA for others.",
        )
        return shipped_features(checkpoint, source), source
    layers = _layers(checkpoint.name, checkpoint.card.version)
    layer = _choose_layer(which, list(layers))
    return _computed(checkpoint, source.removeprefix("dataset "), layer), source


def pixels_of(checkpoint: Checkpoint, source: str) -> Features | None:
    """The same films as pixels; None where only features are at hand. Raises Cancelled."""
    if not source.startswith("dataset "):
        return None
    return _computed(checkpoint, source.removeprefix("dataset "), PIXELS)


def choose_drawing() -> Drawing:
    """Select boxes for the method and its settings; the query carries the method."""
    asked = st.query_params.get("map")
    names = list(PROJECTIONS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox(
            "Map",
            names,
            names.index(asked) if asked in names else 0,
            format_func=PROJECTIONS.__getitem__,
            key="map",
            width=140,
        )
        st.query_params["map"] = method
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
        seed = st.number_input("Seed", 0, 9999, 0, key="map seed", width=110)
    return Drawing(method, dimensions, float(perplexity), int(seed))


def map_of(features: Features, drawing: Drawing) -> Projection:
    """The map, from the shelf or drawn now with a bar. Raises Cancelled, PneumoError."""
    if len(features.table) < LEAST_FILMS:
        raise Cancelled(
            f"{len(features.table)} films make no map. Choose at least {LEAST_FILMS}, better "
            "hundreds."
        )
    key = f"{features.key} {drawing}"
    shelf = _shelf()
    if key not in shelf:
        title = f"Draw {PROJECTIONS[drawing.method]} of {len(features.table)} films"
        title += f" ({features.layer})"

        def compute(report: Report) -> Projection:
            return project(
                features.values,
                drawing.method,
                dimensions=drawing.dimensions,
                perplexity=drawing.perplexity,
                seed=drawing.seed,
                progress=report(PROJECTIONS[drawing.method]),
            )

        quick = drawing.method == "pca" or len(features.table) <= _QUICK
        shelf[key] = cancellable(title, compute, at_once=quick)
    return shelf[key]


def _sources(checkpoint: Checkpoint) -> dict[str, str]:
    counts = checkpoint.scores["split"].value_counts()
    sources = {"all": f"Films it comes with: {len(checkpoint.scores)}"}
    for split, name in (("test", "Test films"), ("val", "Validation films")):
        if split in counts:
            sources[split] = f"{name} it comes with: {counts[split]}"
    data = settings().data
    if data is not None:
        for split in ("test", "val", "train", "all"):
            words = "every film" if split == "all" else f"{split} films"
            sources[f"dataset {split}"] = f"{data.name}: {words}"
    return sources


def _choose_layer(place: "st.delta_generator.DeltaGenerator", layers: list[str]) -> str:
    asked = st.query_params.get("layer")
    start = layers.index(asked) if asked in layers else 0
    layer: str = place.selectbox("Layer", layers, start, key="mapped layer")
    st.query_params["layer"] = layer
    return layer


def _computed(checkpoint: Checkpoint, split: str, layer: str) -> Features:
    key = f"{checkpoint.name} {checkpoint.card.version} {split} {layer} {settings().data}"
    shelf = _feature_shelf()
    if key not in shelf:
        data = settings().data
        assert data is not None  # noqa: S101 - the source was offered because it is set

        def compute(report: Report) -> Features:
            films = dataset_for(checkpoint, data).split(split)
            return features_of(
                checkpoint,
                films,
                layer,
                decoding=report("Decoding films"),
                looking=report("Looking at films"),
            )

        shelf[key] = cancellable(f"Look at {split} films ({layer})", compute)
    return shelf[key]


@st.cache_resource(max_entries=8, show_spinner=False)
def _layers(checkpoint: str, version: str) -> tuple[str, ...]:
    from pneumo_core.checkpoints import load_checkpoint

    return feature_layers(load_checkpoint(checkpoint))


@st.cache_resource
def _shelf() -> dict[str, Projection]:
    """Shared by all sessions: maps of films that are nobody's uploads."""
    return {}


@st.cache_resource
def _feature_shelf() -> dict[str, Features]:
    return {}
