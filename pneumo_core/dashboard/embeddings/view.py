"""The map on the screen, what was selected on it, and what lies near."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.analysis import (
    PIXELS,
    PROJECTIONS,
    Features,
    Merit,
    Projection,
    merit,
    nearest,
    with_outcome,
)
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.embeddings.own_film import Placed, choose_own_film, show_own_film
from pneumo_core.dashboard.evaluation.films import show_films
from pneumo_core.dashboard.memory import kept
from pneumo_core.dashboard.mouse import choose_drag
from pneumo_core.dashboard.words import plain
from pneumo_core.figures import Panel, embedding_map

__all__ = ["Mapped", "show_maps"]

Mapped = tuple[Features, Projection]

_PICKED = "mapped selection"
_COLOURS = ("label", "called", "outcome", "subtype", "series", "split", "probability")


def show_maps(checkpoint: Checkpoint, maps: Sequence[Mapped]) -> None:
    """One map, or two of the same films beside each other, and everything that can be asked."""
    features, projection = maps[-1]
    threshold = checkpoint.card.operating_point().threshold
    films = with_outcome(features.table, threshold)
    _say_what_is_left_out(features)
    own = None
    if projection.points.shape[1] == 2:
        own = choose_own_film(checkpoint, features)
    _explore(checkpoint, maps, films, own)
    _show_merits(maps)


@st.fragment
def _explore(
    checkpoint: Checkpoint,
    maps: Sequence[Mapped],
    films: pd.DataFrame,
    own: NDArray[np.float32] | None,
) -> None:
    """A fragment: a selection leaves the choices above alone."""
    features, projection = maps[-1]
    by, found, drag = _choose_look(films, turning=projection.points.shape[1] == 3)
    chosen = _selected(films, found)
    placed = None if own is None else Placed.on(maps, own)
    figure = embedding_map(
        [_panel(each, drawn) for each, drawn in maps],
        films,
        films[by],
        chosen=chosen,
        marked=placed.points if placed else (),
        drag=drag,
    )
    turning = projection.points.shape[1] == 3
    st.plotly_chart(
        figure,
        key="map of films",
        on_select="ignore" if turning else lambda: _lassoed(films),
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False, "scrollZoom": True},
        alt="Map of films: near films look alike to this layer. Films can also be found by name.",
    )
    if turning:
        st.caption("Drag to turn. In three dimensions nothing can be selected.")
    else:
        st.caption("Draw around films, click one, or find one by its name.")
    if placed:
        show_own_film(placed, features, films)
    if chosen is not None:
        _show_selection(checkpoint, features, films, chosen)


def _choose_look(films: pd.DataFrame, *, turning: bool) -> tuple[str, str, str]:
    """The column that gives the colour, the text to search films by, what the mouse does."""
    columns = [c for c in _COLOURS if c in films and films[c].nunique() > 1] or ["split"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox("Colour", columns, key="map colour", width=180)
        found = st.text_input("Find by name", placeholder="Part of a film's name", width=240)
        drag = "orbit" if turning else choose_drag("map mouse")
    st.query_params["colour"] = by
    return by, found.strip(), drag


def _selected(films: pd.DataFrame, found: str) -> NDArray[np.bool_] | None:
    """Which films (N,) are selected: by name where one is typed, else by the lasso."""
    if found:
        return films["id"].str.contains(found, case=False, regex=False).to_numpy()
    picked = st.session_state.get(_PICKED)
    if not picked:
        return None
    inside: NDArray[np.bool_] = films["id"].isin(picked).to_numpy()
    return inside if inside.any() else None


def _panel(features: Features, projection: Projection) -> Panel:
    title = "As pixels, before the network" if features.layer == PIXELS else ""
    title = title or f"{features.layer} of {features.checkpoint}"
    name = PROJECTIONS[projection.method]
    axes = tuple(
        f"{name} {n + 1}" + (f" ({projection.explained[n]:.1%})" if projection.explained else "")
        for n in range(projection.points.shape[1])
    )
    return Panel(f"{name}: {title}", projection.points, axes)


def _lassoed(films: pd.DataFrame) -> None:
    rows = []
    for point in st.session_state["map of films"]["selection"]["points"]:
        row = point.get("customdata")
        row = row[0] if isinstance(row, list | tuple) else row
        if row is not None:
            rows.append(int(row))
    if rows:
        st.session_state[_PICKED] = frozenset(films["id"].iloc[rows])


def _show_selection(
    checkpoint: Checkpoint, features: Features, films: pd.DataFrame, chosen: NDArray[np.bool_]
) -> None:
    count = int(chosen.sum())
    st.subheader(f"Selected: {count} of {len(films)} films", anchor=False)
    shares = []
    for column in ("label", "outcome", "subtype"):
        if column in films:
            counts = films.loc[chosen, column].value_counts().to_dict()
            whole = films[column].value_counts().to_dict()
            shares += [f"{word} {n} of {whole[word]}" for word, n in counts.items() if word]
    st.caption(plain(" · ".join(shares)))
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Selection, CSV",
            films[chosen].to_csv(index=False).encode("utf-8-sig"),
            "pneumo-selection.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row per film with its id: a manifest of the selection.",
        )
        st.button("Clear the selection", icon=":material/close:", on_click=_clear, type="tertiary")
    rows = features.table[chosen]
    if "probability" not in rows:
        rows = rows.assign(probability=float("nan"))
    picked = show_films(rows, checkpoint.name, key="mapped")
    if picked or count == 1:
        film = picked or str(rows["id"].iloc[0])
        _show_neighbours(checkpoint, features, film)


def _show_neighbours(checkpoint: Checkpoint, features: Features, film_id: str) -> None:
    row = int(np.flatnonzero((features.table["id"] == film_id).to_numpy())[0])
    near = nearest(features.values, features.values[row], row=row)
    st.markdown(f"**Nearest to {plain(film_id.rsplit('/', 1)[-1])}**, by {plain(features.layer)}")
    rows = features.table.iloc[near.rows].assign(distance=near.distances.round(3))
    if "probability" not in rows:
        rows = rows.assign(probability=float("nan"))
    show_films(rows, checkpoint.name, key="near", ordered=True)


def _show_merits(maps: Sequence[Mapped]) -> None:
    """Figures of merit under each map, and of the features behind it."""
    for column, (features, projection) in zip(st.columns(len(maps)), maps, strict=True):
        before, on_map = _merits(features, projection)
        with column:
            st.markdown(f"**{plain(features.layer)}**")
            st.markdown(_merit_table(before, on_map))
    st.caption(
        "Purity: the share of a film's ten nearest films that have its label. Silhouette: how far "
        "the labels lie apart, from -1 to 1. Trustworthiness: how far neighbours on the map are "
        "neighbours in the features. Distances between far groups of a t-SNE mean little."
    )


def _merits(features: Features, projection: Projection) -> tuple[Merit, Merit]:
    """What the features and the map are worth, judged once."""
    labels = features.table["label"].to_numpy(np.int64)

    def judge() -> tuple[Merit, Merit]:
        values, points = features.values, projection.points
        return merit(values, labels), merit(points, labels, values)

    key = (features.key, projection.method, float(projection.points.sum()))
    with st.spinner("Judging the map"):
        return kept("merits", key, judge)


def _merit_table(before: Merit, on_map: Merit) -> str:
    rows = (
        ("10-nearest-neighbour purity", before.purity, on_map.purity),
        ("Silhouette", before.silhouette, on_map.silhouette),
        ("Trustworthiness", float("nan"), on_map.trustworthiness),
    )
    lines = "\n".join(f"| {name} | {_number(a)} | {_number(b)} |" for name, a, b in rows)
    return f"| | in the features | on the map |\n|:--|--:|--:|\n{lines}"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def _say_what_is_left_out(features: Features) -> None:
    if features.unreadable:
        with st.expander(f"{len(features.unreadable)} films could not be read and are left out"):
            for reason in features.unreadable.values():
                st.markdown(f"- {plain(reason)}")
    if features.table["label"].nunique() == 1:
        st.info("All these films have one label, so nothing can be told apart on the map.")


def _clear() -> None:
    st.session_state[_PICKED] = None
