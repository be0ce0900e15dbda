"""Two models on the same X-rays: a scatter plot, and the X-rays behind it beside it."""

import pandas as pd
import streamlit as st

from pneumo_core.app.evaluate.error_images import offer_list, show_images
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.layout import beside
from pneumo_core.app.widgets.mouse import HOW_TO_SELECT, choose_drag
from pneumo_core.app.words import file_stem, x_rays
from pneumo_core.evaluation import Comparison
from pneumo_core.reports.figures import probability_scatter

__all__ = ["show_pair"]

_PICKED, _CHART = "scatter films", "scatter"
_WHICH = "who is correct"


@st.fragment
def show_pair(
    names: tuple[str, str], compared: Comparison, thresholds: tuple[float, float]
) -> None:
    """Show the scatter plot and its X-rays, those predicted differently first."""
    only_admitted()
    table = compared.table
    of, picked = st.session_state.get(_PICKED, (names, None))
    if of != names or _CHART not in st.session_state:  # the chart shows no selection either
        picked = None
    plot, films = beside("scatter")
    with plot:
        drag = choose_drag("scatter mouse", "pan")
        st.plotly_chart(
            probability_scatter(table, names, thresholds, drag=drag),
            key=_CHART,
            on_select=lambda: _lassoed(table, names),
            selection_mode=("points", "box", "lasso"),
            config={"displaylogo": False},
            alt="Probability by the first model against the second's, a point for each X-ray.",
        )
        st.caption(f"{HOW_TO_SELECT[drag]} Dotted lines: the operating points.")
    with films:
        if picked is None:
            chosen = _choose_disagreements(names, compared)
        else:
            chosen = table[table["id"].isin(picked)]
            st.markdown(f"**Selected: {len(chosen):,} of {len(table):,} X-rays**")
            st.button(
                "Clear the selection", icon=":material/close:", on_click=_clear, type="tertiary"
            )
        _list_films(chosen, names)


def _choose_disagreements(names: tuple[str, str], compared: Comparison) -> pd.DataFrame:
    """Ask which of the X-rays predicted differently to show: all, or where one is correct."""
    apart = compared.disagreements
    st.markdown(f"**Predicted differently: {x_rays(len(apart))}**, largest difference first")
    first_correct = apart["first_predicted"] == apart["label"]
    named = {
        "all": f"All ({len(apart)})",
        "first": f"Only {names[0]} correct ({int(first_correct.sum())})",
        "second": f"Only {names[1]} correct ({int((~first_correct).sum())})",
    }
    which = st.segmented_control(
        "X-rays",
        list(named),
        default="all",
        required=True,
        format_func=named.__getitem__,
        key=_WHICH,
        label_visibility="collapsed",
    )
    return {"first": apart[first_correct], "second": apart[~first_correct]}.get(str(which), apart)


def _list_films(chosen: pd.DataFrame, names: tuple[str, str]) -> None:
    if chosen.empty:
        st.info("No X-rays match.")
        return
    films = chosen.rename(columns={"first": "probability", "second": names[1]})
    columns = ["id", "label", "probability", names[1], "subtype", "patient", "split"]
    wrong = ["first_predicted", "second_predicted"]
    shown = films[columns].assign(wrong=pd.Series(_wrong(films[[*wrong, "label"]]), films.index))
    offer_list(
        films[columns].rename(columns={"probability": names[0]}),
        f"{file_stem(names[0])}-{names[1]}.csv",
    )
    show_images(shown, names[0], key="compared", ordered=True, probabilities=[names[1]])


def _wrong(films: pd.DataFrame) -> list[tuple[bool, bool]]:
    """Return for each X-ray whether the first and the second model are wrong."""
    pairs = [films[side] != films["label"] for side in ("first_predicted", "second_predicted")]
    return list(zip(*pairs, strict=True))


def _lassoed(table: pd.DataFrame, names: tuple[str, str]) -> None:
    rows = [
        point["customdata"]
        for point in st.session_state[_CHART]["selection"]["points"]
        if point.get("customdata") is not None
    ]
    rows = [row[0] if isinstance(row, list | tuple) else row for row in rows]
    if rows:
        st.session_state[_PICKED] = (names, frozenset(table["id"].iloc[rows]))


def _clear() -> None:
    st.session_state.pop(_PICKED, None)
