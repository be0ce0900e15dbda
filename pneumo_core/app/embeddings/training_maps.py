"""Maps of the same X-rays for each epoch of a training run."""

import streamlit as st

from pneumo_core.app.embeddings.lasso import keep_figure, selected_rows, take
from pneumo_core.app.embeddings.map_options import choose_look
from pneumo_core.app.embeddings.selected_images import show_selection
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.linked_choice import choose_linked
from pneumo_core.app.widgets.progress import Report, cancellable_once
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import MOST_EPOCHS, PROJECTIONS, EpochMaps, map_epochs, with_outcome
from pneumo_core.reports.figures import epoch_maps
from pneumo_core.runs import Run, kept_epochs, runs_with_epochs

__all__ = ["show_training"]

_CHART = "map of epochs"
_SPLITS = {"test": "Test X-rays", "val": "Validation X-rays", "train": "Training X-rays"}
_NONE = (
    "No training run has saved its epochs. On the page Train, turn on *Keep every epoch* under All "
    "settings (or pass `--keep-epochs` to `pneumo train`)."
)
_MEANING = (
    "Move the slider, or press Play. All maps have the same axes and the X-rays keep their "
    "colours. t-SNE starts each epoch from the previous one, and the maps are aligned, so movement "
    "on the map is movement in the features. Validation AUC is the training run's; purity is the "
    "share of an X-ray's ten nearest neighbours with the same label."
)


def show_training(checkpoint: Checkpoint) -> None:
    """Ask for a run and X-rays, and show their maps. Raises Cancelled until there are any."""
    runs = {run.id: run for run in runs_with_epochs()}
    if not runs:
        st.info(_NONE, icon=":material/movie:")
        st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")
        return
    which, films, how = st.columns([3, 2, 2])
    named = {each: f"{run.name}, {run.config.model}, {each}" for each, run in runs.items()}
    run = runs[choose_linked(which, "Training run", "run", named, key="filmed run")]
    split = choose_linked(films, "X-rays", "films", _SPLITS, key="filmed films")
    ways = {each: PROJECTIONS[each] for each in ("tsne", "pca")}
    method = choose_linked(how, "Map", "map", ways, key="filmed map")
    maps = _maps(run, split, method)
    if maps.unreadable:
        st.caption(f"{len(maps.unreadable)} X-rays could not be read and are left out.")
    _explore(checkpoint, maps)


def _maps(run: Run, split: str, method: str) -> EpochMaps:
    """Return the maps, cached or computed with bars. Raises Cancelled, PneumoError."""
    epochs = kept_epochs(run)

    def compute(report: Report) -> EpochMaps:
        return map_epochs(
            epochs,
            run.dataset().split(split),
            method,
            decoding=report("Decoding X-rays"),
            looking=report("Computing features, epoch by epoch"),
            drawing=report("Drawing maps"),
        )

    shown = min(len(epochs), MOST_EPOCHS)
    name = _SPLITS[split]
    title = f"Map {name[0].lower()}{name[1:]} by {shown} epochs ({PROJECTIONS[method]})"
    key = (run.id, len(epochs), split, method)
    return cancellable_once(cached_for_all, "epoch maps", key, title, compute, most=6)


@st.fragment
def _explore(checkpoint: Checkpoint, maps: EpochMaps) -> None:
    """Draw the maps as a fragment, so that a selection does not rerun the page."""
    only_admitted()
    films = with_outcome(maps.table, 0.5)
    look = choose_look(films)
    chosen = selected_rows(films, look.found)
    name = PROJECTIONS[maps.method]
    axes = [f"{name} {n + 1}" for n in range(2)]
    if maps.explained:
        axes = [f"{each} ({v:.1%})" for each, v in zip(axes, maps.explained, strict=True)]
    figure = keep_figure(
        _CHART,
        (maps.run, maps.epochs, maps.method, len(films), films["id"].iloc[0], look),
        lambda: epoch_maps(
            maps.points,
            maps.figures,
            films,
            films[look.by],
            axes=axes,
            chosen=chosen,
            drag=look.drag,
        ),
    )
    st.plotly_chart(
        figure,
        key=_CHART,
        on_select=lambda: take(_CHART, films),
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False, "scrollZoom": True},
        alt=(
            "Maps of the same X-rays by epoch, moved by a slider. The table below has the same "
            "values."
        ),
    )
    st.caption(_MEANING)
    if chosen is not None:
        show_selection(checkpoint.name, maps.table, films, chosen)
    _show_figures(maps)


def _show_figures(maps: EpochMaps) -> None:
    st.subheader("Epoch by epoch", anchor=False)
    names = {
        "epoch": "Epoch",
        "validation_auc": "Validation AUC",
        "purity": "Purity, features",
        "purity_on_map": "Purity, map",
        "silhouette": "Silhouette, features",
        "silhouette_on_map": "Silhouette, map",
        "trustworthiness": "Trustworthiness",
    }
    st.dataframe(
        with_bounds(maps.figures[list(names)].rename(columns=names), list(names.values())[1:]),
        hide_index=True,
        column_config={"Epoch": st.column_config.NumberColumn(format="%d")},
        alt="Validation AUC and quality figures of features and map, a row for each epoch.",
    )
    st.caption(plain(f"{len(maps.table)} X-rays, run {maps.run}."))
