"""Models compared on many X-rays: table, ROC curves, tests, and X-rays where they differ."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.evaluate.error_images import show_films
from pneumo_core.app.evaluate.score_cache import study_of
from pneumo_core.app.memory import kept
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.mouse import choose_drag
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import (
    PUBLISHED,
    Comparison,
    Scores,
    Study,
    compare,
    point_on,
    seed_groups,
    spread_of,
)
from pneumo_core.metrics import Evaluation, format_rate
from pneumo_core.reports.figures import (
    SERIES,
    probability_scatter,
    receiver_operating_characteristic,
)

__all__ = ["show_numbers"]

_FIGURES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "ece": "ECE",
}
_PICKED = "scatter films"


def show_numbers(checkpoints: Sequence[Checkpoint], scores: Sequence[Scores]) -> None:
    """Show all figures of these models, each at its own default operating point."""
    studies = [study_of(each) for each in scores]
    thresholds = [each.card.operating_point().threshold for each in checkpoints]
    figures = [study.at(t) for study, t in zip(studies, thresholds, strict=True)]
    _show_table(checkpoints, figures)
    pair = (checkpoints[0], checkpoints[1])
    points = (thresholds[0], thresholds[1])
    who = (scores[0].key, scores[1].key, points)
    try:
        compared = kept("comparisons", who, lambda: compare(scores[0], scores[1], points), most=8)
    except PneumoError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    curves, tests = st.columns([1, 1], gap="large")
    with curves:
        _show_curves(checkpoints, studies, thresholds)
    with tests:
        _show_tests(pair, compared)
    _show_scatter(pair, compared, points)


def _show_table(checkpoints: Sequence[Checkpoint], figures: Sequence[Evaluation]) -> None:
    of = {each.name: found for each, found in zip(checkpoints, figures, strict=True)}
    rows = [_row(group, of) for group in seed_groups(checkpoints)]
    for published in PUBLISHED:
        low, high = format_rate(published.low), format_rate(published.high)
        rows.append(
            {
                "Model": f"{published.network}, as published",
                "Accuracy": low if low == high else f"{low} to {high}",
            }
        )
    table = pd.DataFrame(rows).fillna("")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        alt="Figures of each model with 95 % intervals.",
    )
    st.caption(
        "Each at its own default operating point, with 95 % intervals; several seeds of one "
        "network are one row, mean ± standard deviation. As published: accuracies of the paper "
        "that proposed these networks, on the same 624 test X-rays, selected on the test set "
        "itself (docs/results.md), so they are optimistic."
    )


def _row(group: Sequence[Checkpoint], of: dict[str, Evaluation]) -> dict[str, str]:
    first = group[0]
    if len(group) == 1:
        found = of[first.name]
        told = {title: str(getattr(found, name)) for name, title in _FIGURES.items()}
        point = first.card.operating_point()
        at = f"{point.name} {format_rate(point.threshold)}"
        return {"Model": first.name, "Operating point": at, "X-rays": str(found.n)} | told
    spread = spread_of([of[each.name] for each in group])
    told = {
        title: f"{format_rate(spread[name].mean)} ± {format_rate(spread[name].deviation)}"
        for name, title in _FIGURES.items()
    }
    names = ", ".join(each.name for each in group)
    who = f"{first.card.model}, {len(group)} seeds ({names})"
    return {"Model": who, "X-rays": str(of[first.name].n)} | told


def _show_curves(
    checkpoints: Sequence[Checkpoint], studies: Sequence[Study], thresholds: Sequence[float]
) -> None:
    drawn = [
        (each.name, colour, study.roc, point_on(study.roc, threshold))
        for each, colour, study, threshold in zip(
            checkpoints, SERIES, studies, thresholds, strict=False
        )
        if study.roc is not None
    ]
    if not drawn:
        st.info("A ROC curve needs X-rays of both classes.")
        return
    figure = receiver_operating_characteristic(drawn)
    figure.update_layout(height=420, showlegend=False)
    st.markdown("**ROC curves**, operating points as diamonds")
    st.plotly_chart(
        figure,
        key="compared roc",
        config={"displayModeBar": False},
        alt="ROC curves of all chosen models, dashed differently.",
    )
    dashes = ("———", "– – –", "· · · ·", "– · – ·")
    keys = [
        f"<span style='color:{colour};white-space:nowrap'>{dash}&nbsp;{name}</span>"
        for (name, colour, _, _), dash in zip(drawn, dashes, strict=False)
    ]
    st.html("&emsp;".join(keys))


def _show_tests(pair: tuple[Checkpoint, Checkpoint], compared: Comparison) -> None:
    first, second = (plain(each.name) for each in pair)
    st.markdown(f"**{first}** (the first) **against {second}** (the second)")
    st.markdown(compared.sentence)
    if compared.left_out:
        st.caption(f"{compared.left_out} X-rays scored by only one model are left out.")
    if compared.unreadable:
        with st.expander(f"{len(compared.unreadable)} X-rays could not be read and are left out"):
            for reason in compared.unreadable.values():
                st.markdown(f"- {plain(reason)}")
    rows = [("Correct by the first model only", str(compared.mcnemar.only_first))]
    rows += [("Correct by the second model only", str(compared.mcnemar.only_second))]
    rows += [("McNemar's exact test, p", _p(compared.mcnemar.p))]
    if compared.areas:
        rows += [("AUC, first − second", str(compared.areas.difference))]
        rows += [("DeLong's test, X-rays clustered by patient, p", _p(compared.areas.p))]
    rows += [("X-rays predicted differently", str(len(compared.disagreements)))]
    st.markdown("| test | value |\n|:--|:--|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows))
    st.caption(
        "McNemar tests whether one model is correct more often at these operating points, DeLong "
        "whether one ranks X-rays better over all thresholds. p is not corrected for multiple "
        "comparisons."
    )


def _show_scatter(
    pair: tuple[Checkpoint, Checkpoint], compared: Comparison, thresholds: tuple[float, float]
) -> None:
    names = (pair[0].name, pair[1].name)
    st.subheader("Single X-rays", anchor=False)
    _scatter(names, compared, thresholds)


@st.fragment
def _scatter(names: tuple[str, str], compared: Comparison, thresholds: tuple[float, float]) -> None:
    only_admitted()
    plot, films = st.columns([1, 1], gap="large")
    with plot:
        drag = choose_drag("scatter mouse")
        st.plotly_chart(
            probability_scatter(compared.table, names, thresholds, drag=drag),
            key="scatter",
            on_select=lambda: _lassoed(compared.table),
            selection_mode=("points", "box", "lasso"),
            config={"displaylogo": False},
            alt="Probability by the first model against the second's, a point for each X-ray.",
        )
        st.caption("Draw around X-rays, or click one. Dotted lines: the operating points.")
    picked = st.session_state.get(_PICKED)
    table = compared.table
    chosen = table if picked is None else table[table["id"].isin(picked)]
    pictures = st.container()
    with films:
        if picked is None:
            st.markdown(f"**Predicted differently: {len(compared.disagreements)} X-rays**")
            chosen = compared.disagreements
        else:
            st.markdown(f"**Selected: {len(chosen)} of {len(table)} X-rays**")
            st.button(
                "Clear the selection", icon=":material/close:", on_click=_clear, type="tertiary"
            )
        _list_films(chosen, names, pictures)


def _list_films(chosen: pd.DataFrame, names: tuple[str, str], pictures: DeltaGenerator) -> None:
    if chosen.empty:
        st.info("No X-rays match.")
        return
    films = chosen.rename(columns={"first": "probability", "second": names[1]})
    columns = ["id", "label", "probability", names[1], "subtype", "patient", "split"]
    st.caption(f"Probability: {plain(names[0])}; next to it: {plain(names[1])}.")
    show_films(
        films[columns],
        names[0],
        key="compared",
        ordered=True,
        pictures=pictures,
        probabilities=[names[1]],
    )


def _lassoed(table: pd.DataFrame) -> None:
    rows = [
        point["customdata"]
        for point in st.session_state["scatter"]["selection"]["points"]
        if point.get("customdata") is not None
    ]
    rows = [row[0] if isinstance(row, list | tuple) else row for row in rows]
    if rows:
        st.session_state[_PICKED] = frozenset(table["id"].iloc[rows])


def _p(p: float) -> str:
    return format_rate(p)


def _clear() -> None:
    st.session_state[_PICKED] = None
