"""Models compared on many X-rays: table, ROC curves, tests, and X-rays where they differ."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pneumo_core.app.compare.pair_choice import choose_pair
from pneumo_core.app.compare.pair_scatter import show_pair
from pneumo_core.app.evaluate.score_cache import study_of
from pneumo_core.app.memory import cached
from pneumo_core.app.widgets.framing_remarks import say_remarks
from pneumo_core.app.words import plain, x_rays
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import (
    PUBLISHED,
    PUBLISHED_HOW,
    Comparison,
    PairTest,
    Published,
    Scores,
    Study,
    compare,
    compare_pairs,
    on_common,
    point_on,
    seed_groups,
    spread_of,
)
from pneumo_core.metrics import Evaluation, format_rate
from pneumo_core.reports.figures import SERIES, in_corner, receiver_operating_characteristic

__all__ = ["show_numbers"]

_FIGURES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "ece": "Calibration error (ECE)",
}
_WHOLE = "whole compared roc"
_MEANINGS = {
    "AUC, first − second (95 % interval)": "Difference of the areas under the ROC curves.",
    "DeLong, p": (
        "Probability of an AUC difference at least this large if both ranked X-rays equally well."
    ),
    "Only first correct": "X-rays that only the first model of the pair predicts correctly.",
    "Only second correct": "X-rays that only the second model of the pair predicts correctly.",
    "McNemar, p": (
        "Probability of counts at least this far apart if both were correct equally often."
    ),
    "Predicted differently": "X-rays that one model calls PNEUMONIA and the other NORMAL.",
}


def show_numbers(checkpoints: Sequence[Checkpoint], scores: Sequence[Scores]) -> None:
    """Show all figures of these models, each at its own default operating point."""
    whose = tuple(each.key for each in scores)
    scores, left_out = cached("common scores", whose, lambda: on_common(scores), most=8)
    if scores[0].table.empty:
        st.warning("No X-ray was scored by all of these models. Choose other models or X-rays.")
        return
    if left_out:
        st.caption(f"Left out: {x_rays(left_out)} that not all of these models scored.")
    studies = [study_of(each) for each in scores]
    thresholds = [each.card.operating_point().threshold for each in checkpoints]
    figures = [study.at(t) for study, t in zip(studies, thresholds, strict=True)]
    lead = st.container()
    _show_table(checkpoints, figures)
    names = [each.name for each in checkpoints]
    who = (tuple(each.key for each in scores), tuple(thresholds))
    try:
        tests = cached("pair tests", who, lambda: compare_pairs(scores, thresholds), most=8)
    except PneumoError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    _show_tests(names, tests)
    first, second = choose_pair(names)
    points = (thresholds[first], thresholds[second])
    pair = (scores[first].key, scores[second].key, points)
    compared = cached(
        "comparisons", pair, lambda: compare(scores[first], scores[second], points), most=8
    )
    test = next(each for each in tests if (each.first, each.second) == (first, second))
    lead.markdown(plain(test.sentence(names)).replace("p = ", "p\u00a0=\u00a0"))
    say_remarks(compared.remarks)
    _say_unreadable(compared)
    show_pair((names[first], names[second]), compared, points)
    _show_curves(checkpoints, studies, thresholds)


def _show_table(checkpoints: Sequence[Checkpoint], figures: Sequence[Evaluation]) -> None:
    of = {each.name: found for each, found in zip(checkpoints, figures, strict=True)}
    rows = [_row(group, of) for group in seed_groups(checkpoints)]
    st.dataframe(
        pd.DataFrame(rows).fillna(""),
        hide_index=True,
        width="stretch",
        alt="Figures of each model with 95 % intervals.",
    )
    st.caption(
        "Each at its own default operating point, with 95 % intervals; several seeds of one "
        "network are one row, mean ± standard deviation."
    )
    with st.popover("Published accuracies", type="tertiary"):
        lines = "\n".join(f"| {each.network} | {_published(each)} |" for each in PUBLISHED)
        st.markdown(f"| Network | Accuracy, as published |\n|:--|:--|\n{lines}")
        st.markdown(PUBLISHED_HOW)


def _published(published: Published) -> str:
    low, high = format_rate(published.low), format_rate(published.high)
    return low if low == high else f"{low} to {high}"


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
    zoomed = in_corner([point for *_, point in drawn])
    corner = zoomed and not st.session_state.get(_WHOLE, False)
    figure = receiver_operating_characteristic(drawn, corner=corner)
    figure.update_layout(height=420, showlegend=False)
    st.markdown("**ROC curves**, operating points as diamonds")
    st.plotly_chart(
        figure,
        key="compared roc",
        config={"displayModeBar": False},
        alt="ROC curves of all chosen models, dashed differently.",
    )
    if zoomed:
        st.toggle("Whole ROC curves", key=_WHOLE, help="Off: the upper left corner, enlarged.")
    dashes = ("———", "– – –", "· · · ·", "– · – ·")
    keys = [
        f"<span style='color:{colour};white-space:nowrap'>{dash}&nbsp;{name}</span>"
        for (name, colour, _, _), dash in zip(drawn, dashes, strict=False)
    ]
    st.html("&emsp;".join(keys))


def _show_tests(names: Sequence[str], tests: Sequence[PairTest]) -> None:
    """Show a row for each pair: both tests, with p corrected for the number of pairs."""
    rows = [_test_row(names, each) for each in tests]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        alt="Each pair of models with the results of DeLong's and McNemar's tests.",
        column_config={
            name: st.column_config.TextColumn(name, help=told) for name, told in _MEANINGS.items()
        },
    )
    several = f" p is corrected for {len(tests)} pairs by Holm's method." if len(tests) > 1 else ""
    st.caption(
        "DeLong (X-rays clustered by patient) tests whether one model ranks X-rays better over all "
        "thresholds, McNemar (exact) whether one is correct more often at these operating points."
        + several
    )


def _test_row(names: Sequence[str], test: PairTest) -> dict[str, str]:
    areas = str(test.areas.difference) if test.areas else ""
    return {
        "Pair": f"{names[test.first]} and {names[test.second]}",
        "AUC, first − second (95 % interval)": areas,
        "DeLong, p": "" if math.isnan(test.areas_p) else format_rate(test.areas_p),
        "Only first correct": str(test.mcnemar.only_first),
        "Only second correct": str(test.mcnemar.only_second),
        "McNemar, p": format_rate(test.calls_p),
        "Predicted differently": f"{test.differ} of {test.n}",
    }


def _say_unreadable(compared: Comparison) -> None:
    if compared.unreadable:
        with st.expander(f"{x_rays(len(compared.unreadable))} could not be read: left out"):
            for reason in compared.unreadable.values():
                st.markdown(f"- {plain(reason)}")
