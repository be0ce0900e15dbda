"""The map, its selection, nearest neighbours and quality figures."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.embeddings.hover_pictures import show_on_hover
from pneumo_core.app.embeddings.large_map import MANY, show_large_map
from pneumo_core.app.embeddings.lasso import Chosen, keep_figure, selected_rows, take
from pneumo_core.app.embeddings.map_options import Look, choose_look
from pneumo_core.app.embeddings.selected_images import show_selection
from pneumo_core.app.embeddings.uploaded_image import Placed, choose_own_image, show_own_image
from pneumo_core.app.evaluate.error_images import show_images
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.framing_remarks import say_remarks
from pneumo_core.app.widgets.layout import beside
from pneumo_core.app.widgets.mouse import HOW_TO_SELECT
from pneumo_core.app.words import plain, x_rays
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import (
    MIN_IMAGES,
    PIXELS,
    PROJECTIONS,
    Features,
    Merit,
    Projection,
    layer_title,
    merit,
    nearest,
    with_outcome,
)
from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures import Panel, embedding_map

__all__ = ["Mapped", "show_few", "show_maps"]

Mapped = tuple[Features, Projection]

_CHART = "map of films"
_FEW = 30
"""Show a small-sample warning below this number."""


def show_maps(checkpoint: Checkpoint, maps: Sequence[Mapped], options: DeltaGenerator) -> None:
    """Show one map, or two of the same X-rays side by side, and the selection beside them.

    ``options``: a row that gets the choice of an own X-ray.
    """
    features, projection = maps[-1]
    threshold = checkpoint.card.operating_point().threshold
    films = with_outcome(features.table, threshold)
    _say_what_is_left_out(features)
    own: tuple[NDArray[np.float32], ...] = ()
    if projection.points.shape[1] == 2:
        own = choose_own_image(checkpoint, [each for each, _ in maps], options)
    _explore(checkpoint, maps, films, own)
    _show_merits(maps)


def show_few(checkpoint: Checkpoint, features: Features) -> None:
    """Explain that there are too few X-rays for a map, and list them."""
    _say_what_is_left_out(features)
    st.info(
        f"{len(features.table)} X-rays are too few for a map. Choose at least {MIN_IMAGES}, "
        "ideally hundreds. They are listed below.",
        icon=":material/info:",
    )
    show_images(_with_probability(features.table), checkpoint.name, key="few")


@st.fragment
def _explore(
    checkpoint: Checkpoint,
    maps: Sequence[Mapped],
    films: pd.DataFrame,
    own: tuple[NDArray[np.float32], ...],
) -> None:
    """Draw the map as a fragment, so that a selection does not rerun the page."""
    only_admitted()
    features, projection = maps[-1]
    turning = projection.points.shape[1] == 3
    look = choose_look(films, turning=turning)
    chosen = selected_rows(films, look.found)
    placed = Placed.on(maps, own) if own else None
    charts, panel = beside("map")
    with charts:
        if len(films) > MANY and not turning:
            _show_large(maps, films, look, chosen, placed)
        else:
            _show_points(maps, films, look, chosen, placed)
    with panel:
        if placed:
            show_own_image(placed, features, films, checkpoint.name)
        if chosen is not None:
            film = show_selection(checkpoint.name, features.table, films, chosen)
            if film:
                _show_neighbours(checkpoint, features, film)
        elif not placed and not turning:
            st.info(f"{HOW_TO_SELECT[look.drag]} They appear here.", icon=":material/touch_app:")


def _show_points(
    maps: Sequence[Mapped], films: pd.DataFrame, look: Look, chosen: Chosen, placed: Placed | None
) -> None:
    """Draw every X-ray as a point, on all maps in one plot."""
    turning = maps[-1][1].points.shape[1] == 3
    figure = keep_figure(
        _CHART,
        (
            tuple(_identity(each, at) for each, at in maps),
            look,
            placed.points[-1].tobytes() if placed else b"",
        ),
        lambda: embedding_map(
            [_panel(each, at) for each, at in maps],
            films,
            films[look.by],
            chosen=chosen,
            marked=placed.points if placed else (),
            drag=look.drag,
        ),
    )
    st.plotly_chart(
        figure,
        key=_CHART,
        on_select="ignore" if turning else lambda: take(_CHART, films),
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False, "scrollZoom": True},
        alt="Map of X-rays: neighbours are similar in this layer. Also searchable by name.",
    )
    if turning:
        st.caption("Drag to rotate. Selecting works in two dimensions only.")
    else:
        show_on_hover(_CHART, films)
        st.caption(f"{HOW_TO_SELECT[look.drag]} The wheel zooms.")


def _show_large(
    maps: Sequence[Mapped], films: pd.DataFrame, look: Look, chosen: Chosen, placed: Placed | None
) -> None:
    """Draw each map in a plot of its own, which shows what is in view."""
    for number, (column, (features, at)) in enumerate(
        zip(st.columns(len(maps)), maps, strict=True)
    ):
        with column:
            show_large_map(
                _CHART if number == len(maps) - 1 else f"{_CHART} {number}",
                _identity(features, at),
                _panel(features, at),
                films,
                look,
                chosen,
                placed.points[number] if placed else None,
            )


def _identity(features: Features, projection: Projection) -> Hashable:
    return features.key, projection.method, float(projection.points.sum())


def _panel(features: Features, projection: Projection) -> Panel:
    title = layer_title(features.layer)
    if features.layer != PIXELS:
        title += f" of {features.checkpoint}"
    name = PROJECTIONS[projection.method]
    shares = [f" ({100 * each:.1f} %)" for each in projection.explained]
    axes = tuple(
        f"{name} {n + 1}" + (shares[n] if shares else "") for n in range(projection.points.shape[1])
    )
    return Panel(f"{name}: {title}", projection.points, axes)


def _show_neighbours(checkpoint: Checkpoint, features: Features, film_id: str) -> None:
    row = int(np.flatnonzero((features.table["id"] == film_id).to_numpy())[0])
    near = nearest(features.values, features.values[row], row=row)
    name = plain(film_id.rsplit("/", 1)[-1])
    st.markdown(f"**Nearest to {name}**, by the features: {plain(layer_title(features.layer))}")
    rows = features.table.iloc[near.rows].assign(distance=near.distances.round(3))
    show_images(_with_probability(rows), checkpoint.name, key="near", ordered=True)


def _with_probability(rows: pd.DataFrame) -> pd.DataFrame:
    """Add an empty probability column to features of pixels."""
    return rows if "probability" in rows else rows.assign(probability=float("nan"))


def _show_merits(maps: Sequence[Mapped]) -> None:
    """Show quality figures of each map and of the features behind it."""
    for column, (features, projection) in zip(st.columns(len(maps)), maps, strict=True):
        before, on_map = _merits(features, projection)
        with column:
            title = layer_title(features.layer)
            st.markdown(f"**{plain(title[0].upper() + title[1:])}**")
            st.markdown(_merit_table(before, on_map))
    st.caption(
        "Purity: share of the ten nearest neighbours with the same label. Silhouette: separation "
        "of the labels, from -1 to 1. Trustworthiness: how well neighbours on the map are "
        "neighbours in the features. Distances between distant t-SNE clusters mean little."
    )


def _merits(features: Features, projection: Projection) -> tuple[Merit, Merit]:
    """Return the quality figures of features and map, cached."""
    labels = features.table["label"].to_numpy(np.int64)

    def judge() -> tuple[Merit, Merit]:
        values, points = features.values, projection.points
        return merit(values, labels), merit(points, labels, values)

    key = (features.key, projection.method, float(projection.points.sum()))
    with st.spinner("Computing quality figures"):
        return cached_for_all("merits", key, judge, most=50)


def _merit_table(before: Merit, on_map: Merit) -> str:
    rows = (
        ("10-nearest-neighbour purity", before.purity, on_map.purity),
        ("Silhouette", before.silhouette, on_map.silhouette),
        ("Trustworthiness", float("nan"), on_map.trustworthiness),
    )
    lines = "\n".join(f"| {name} | {_number(a)} | {_number(b)} |" for name, a, b in rows)
    return f"| | in the features | on the map |\n|:--|--:|--:|\n{lines}"


def _number(value: float) -> str:
    return "" if np.isnan(value) else format_rate(value)


def _say_what_is_left_out(features: Features) -> None:
    if features.unreadable:
        with st.expander(f"{x_rays(len(features.unreadable))} could not be read: left out"):
            for reason in features.unreadable.values():
                st.markdown(f"- {plain(reason)}")
    say_remarks(features.remarks)
    if MIN_IMAGES <= len(features.table) < _FEW:
        st.info(f"Only {len(features.table)} X-rays: the map and its figures are unreliable.")
    if features.table["label"].nunique() == 1:
        st.info("All these X-rays have the same label.")
