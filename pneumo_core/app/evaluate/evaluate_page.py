"""The Evaluate page put together: threshold, matrix, figures, curves, X-rays."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.evaluate import cell_selection as chosen
from pneumo_core.app.evaluate.cell_selection import CELL_NAMES, CELL_WORDS, Selection
from pneumo_core.app.evaluate.details import offer_downloads, show_doubts, show_slices
from pneumo_core.app.evaluate.error_images import offer_list, show_images
from pneumo_core.app.evaluate.score_cache import scores_for, study_of
from pneumo_core.app.evaluate.shortcut_quartiles import show_shortcuts
from pneumo_core.app.evaluate.threshold_slider import choose_threshold
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.layout import beside
from pneumo_core.app.words import file_stem, x_rays
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import LABELS
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import Scores, Study, point_on, worst_first
from pneumo_core.metrics import Curve, Evaluation, bin_of, format_rate
from pneumo_core.reports.figures import (
    BARS,
    confusion_matrix,
    in_corner,
    precision_recall,
    probability_histogram,
    receiver_operating_characteristic,
    reliability_diagram,
)
from pneumo_core.reports.figures import SERIES as COLOURS

__all__ = ["show_evaluation"]

_BY_NAME = "cell by name"
_WHOLE = "whole roc"
_BARE = {"displayModeBar": False}


def show_evaluation(checkpoint: Checkpoint, scores: Scores) -> None:
    """Show everything below the choice of model and X-rays."""
    if not scores.classes:
        st.warning(
            "None of these X-rays has a label, so nothing can be evaluated. They are listed below, "
            "the most suspicious first. Add a column `label` (0 NORMAL, 1 PNEUMONIA).",
            icon=":material/label_off:",
        )
        show_images(scores.table, checkpoint.name, key="unlabelled")
        return
    study = study_of(scores)
    chosen.follow_link()
    _show(checkpoint, study)


@st.fragment
def _show(checkpoint: Checkpoint, study: Study) -> None:
    """Draw as a fragment, so that the threshold and selections do not rerun the page."""
    only_admitted()
    _say_what_is_special(study)
    threshold = choose_threshold(checkpoint, study, _validation(checkpoint))
    figures = study.at(threshold)
    predictions = study.predictions(threshold)
    selection = chosen.current(predictions)
    charts, films = beside("picked")
    with charts:
        matrix, numbers = st.columns(2, gap="medium")
        with matrix:
            _show_matrix(figures, selection)
        with numbers:
            _show_numbers(study, figures)
        _show_charts(study, figures, selection)
    with films:
        _choose_by_name(figures, selection)
        _show_selected(checkpoint, predictions, selection, threshold)
    show_slices(study, threshold)
    show_shortcuts(study, threshold)
    show_doubts(study, checkpoint)
    offer_downloads(study, checkpoint, threshold)


def _show_selected(
    checkpoint: Checkpoint, predictions: pd.DataFrame, selection: Selection | None, threshold: float
) -> None:
    """Show the selected X-rays, or say how to select some."""
    if selection is None:
        st.info(
            "Click a cell of the matrix, a bar or a point of a curve, or choose above: its X-rays "
            "appear here, the worst errors first.",
            icon=":material/touch_app:",
        )
        return
    inside = predictions[predictions["id"].isin(selection.ids)]
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="title-selected"
    ):
        told = f"**{selection.words}**: {x_rays(len(inside))}, worst errors first"
        st.markdown(told, width="stretch")
        file = f"{file_stem(checkpoint.name)}-{selection.cell or 'selected'}.csv"
        offer_list(worst_first(inside), file)
        st.button(
            "Clear",
            icon=":material/close:",
            type="tertiary",
            help="Clear the selection",
            on_click=_clear,
        )
    default = checkpoint.card.operating_point().threshold
    other = None if threshold == default else threshold
    show_images(inside, checkpoint.name, key="selected", threshold=other)


def _validation(checkpoint: Checkpoint) -> Study | None:
    """Return the study of the stored validation scores; None without them."""
    if "val" not in checkpoint.card.evaluation:
        return None
    try:
        scores = scores_for(checkpoint, "val")
    except PneumoError:
        return None
    return study_of(scores) if scores else None


def _say_what_is_special(study: Study) -> None:
    unlabelled = len(study.scores.table) - len(study.table)
    if unlabelled:
        st.caption(f"Left out of all figures: {x_rays(unlabelled)} without a label.")
    if not study.both_classes:
        (only,) = study.scores.classes
        rate = "specificity" if only == 0 else "sensitivity"
        st.info(
            f"Every X-ray is {LABELS[only]}: only {rate} can be computed; metrics that need both "
            "classes are not available.",
            icon=":material/info:",
        )
    if len(study.table) < 30:
        st.info(
            f"Only {x_rays(len(study.table))}: rely on the intervals, not on the figures.",
            icon=":material/info:",
        )


def _show_matrix(figures: Evaluation, selection: Selection | None) -> None:
    st.plotly_chart(
        confusion_matrix(figures.confusion, selection.cell if selection else None),
        key="matrix",
        on_select=_cell_clicked,
        selection_mode="points",
        config=_BARE,
        alt="Confusion matrix. The same cells can be chosen by name beside it.",
    )


def _cell_clicked() -> None:
    if (data := _clicked("matrix")) is not None:
        _choose_cell(str(data[0]))


def _choose_cell(cell: str) -> None:
    chosen.choose(Selection(frozenset(), CELL_WORDS[cell], cell))
    st.session_state[_BY_NAME] = cell


def _show_numbers(study: Study, figures: Evaluation) -> None:
    percent = st.slider(
        "Prevalence, for PPV and NPV",
        1,
        99,
        round(100 * min(0.99, max(0.01, float(study.labels.mean())))),
        format="%d %%",
        key="evaluate prevalence",
        help="Share of your X-rays that show pneumonia. Starts at the share in these.",
    )
    ppv, npv = study.predictive_values(figures.threshold, percent / 100)
    rows = (
        ("Sensitivity", figures.sensitivity),
        ("Specificity", figures.specificity),
        (f"PPV\u00a0at\u00a0{percent}\u00a0%", ppv),
        (f"NPV\u00a0at\u00a0{percent}\u00a0%", npv),
        ("F1", figures.f1),
        ("Accuracy", figures.accuracy),
        ("AUC", figures.auc),
        ("Calibration error (ECE)", figures.ece),
        ("Brier score", study.brier),
    )
    lines = "\n".join(f"| {name} | {value} |" for name, value in rows)
    st.markdown(f"| {x_rays(figures.n)} | value (95 % interval) |\n|:--|:--|\n{lines}")


def _show_histogram(study: Study, threshold: float, selection: Selection | None) -> None:
    among = study.rows_of(selection.ids) if selection else None
    st.plotly_chart(
        probability_histogram(study.labels, study.probabilities, threshold, chosen=among),
        key="histogram",
        on_select=lambda: _bin_clicked(study),
        selection_mode="points",
        config=_BARE,
        alt="X-rays by probability, PNEUMONIA above and NORMAL below the line, errors in red.",
    )


def _bin_clicked(study: Study) -> None:
    if (data := _clicked("histogram")) is None:
        return
    label, number = int(data[0]), int(data[1])
    inside = (bin_of(study.probabilities, BARS) == number) & (study.labels == label)
    low, high = number / BARS, (number + 1) / BARS
    told = f"{LABELS[label]} with a probability from {low:.2f} to {high:.2f}"
    _choose_rows(study, inside, told)


def _choose_rows(study: Study, rows: NDArray[np.bool_], words: str) -> None:
    chosen.choose(Selection(frozenset(study.table.loc[rows, "id"]), words))
    st.session_state[_BY_NAME] = None


def _show_charts(study: Study, figures: Evaluation, selection: Selection | None) -> None:
    """Show histogram, ROC, precision-recall and calibration, two in a row."""
    threshold = figures.threshold
    picked = study.probabilities[study.rows_of(selection.ids if selection else ())]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Probabilities**, errors in red")
        _show_histogram(study, threshold, selection)
    if study.roc is None or study.precision_recall is None:
        return
    with right:
        _show_roc(study, study.roc, figures, picked)
    left, right = st.columns(2, gap="medium")
    with left:
        _show_precision_recall(study, study.precision_recall, threshold, picked)
    with right:
        st.markdown(f"**Calibration error (ECE)** {figures.ece}")
        st.plotly_chart(
            reliability_diagram(study.reliability),
            key="reliability",
            config=_BARE,
            alt="Reliability diagram: share of pneumonia by mean probability.",
        )


def _show_roc(study: Study, curve: Curve, figures: Evaluation, picked: NDArray[np.float64]) -> None:
    st.markdown(f"**ROC**, AUC {figures.auc}")
    point = point_on(curve, figures.threshold)
    zoomed = in_corner([point])
    corner = zoomed and not st.session_state.get(_WHOLE, False)
    st.plotly_chart(
        receiver_operating_characteristic(
            [("", COLOURS[0], curve, point)],
            curve.at(picked),
            study.ids_at(curve),
            corner=corner,
        ),
        key="roc",
        on_select=lambda: _curve_clicked("roc", study),
        selection_mode="points",
        config=_BARE,
        alt="ROC curve with the threshold in use as a diamond.",
    )
    if zoomed:
        st.toggle("Whole ROC curve", key=_WHOLE, help="Off: its upper left corner, enlarged.")


def _show_precision_recall(
    study: Study, curve: Curve, threshold: float, picked: NDArray[np.float64]
) -> None:
    average = format_rate(study.average_precision)
    st.markdown(f"**Precision and recall**, average precision {average}")
    st.plotly_chart(
        precision_recall(
            curve,
            float(study.labels.mean()),
            point_on(curve, threshold),
            curve.at(picked),
            study.ids_at(curve),
        ),
        key="precision recall",
        on_select=lambda: _curve_clicked("precision recall", study),
        selection_mode="points",
        config=_BARE,
        alt="Precision by recall with the threshold in use as a diamond.",
    )


def _curve_clicked(key: str, study: Study) -> None:
    """Select the X-rays with the probability of the clicked point."""
    if (data := _clicked(key)) is None or not data[0]:
        return
    p = study.probabilities[study.rows_of([str(data[0])])]
    if len(p):
        _choose_rows(study, study.probabilities == p[0], f"Probability {format_rate(p[0])}")


def _clicked(key: str) -> list[Any] | None:
    """Return the custom data of the clicked mark; None if a selection ended."""
    points = st.session_state[key]["selection"]["points"]
    data = points[0].get("customdata") if points else None
    if data is None:
        return None
    return list(data) if isinstance(data, list | tuple) else [data]


def _choose_by_name(figures: Evaluation, selection: Selection | None) -> None:
    """Offer the cells by name, also for keyboard users."""
    counts = figures.confusion
    st.session_state.setdefault(_BY_NAME, selection.cell or None if selection else None)
    st.segmented_control(
        "X-rays of a cell",
        list(CELL_WORDS),
        format_func=lambda cell: f"{CELL_NAMES[cell]} ({getattr(counts, cell)})",
        key=_BY_NAME,
        on_change=_named,
        label_visibility="collapsed",
    )


def _named() -> None:
    cell = st.session_state[_BY_NAME]
    chosen.choose(Selection(frozenset(), CELL_WORDS[cell], cell) if cell else None)


def _clear() -> None:
    chosen.forget_selection()
    st.session_state[_BY_NAME] = None
