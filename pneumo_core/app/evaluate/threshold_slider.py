"""Threshold slider, with operating points and rules that set it."""

import streamlit as st

from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import Study
from pneumo_core.metrics import cost_threshold, format_rate, sensitivity_threshold

__all__ = ["choose_threshold"]

_KEY, _BEFORE = "evaluate threshold", "threshold before"


def choose_threshold(checkpoint: Checkpoint, study: Study, chosen_on: Study | None) -> float:
    """Show the slider and buttons that set it; query parameter ``threshold``.

    ``chosen_on``: the validation X-rays on which a rule is applied; None: the X-rays being
    evaluated are used, and the page says so.
    """
    whose = f"{checkpoint.name} {checkpoint.card.version}"
    before = st.session_state.get(_BEFORE)
    if before is None or before[0] != whose:
        st.session_state[_KEY] = _start(checkpoint)
    elif _KEY not in st.session_state:  # back from another page
        st.session_state[_KEY] = before[1]
    slider, buttons = st.columns([3, 4], gap="large", vertical_alignment="bottom")
    threshold: float = slider.slider(
        "Threshold: this probability or higher counts as PNEUMONIA",
        0.0,
        1.0,
        step=0.001,
        format="%.3f",
        key=_KEY,
    )
    st.session_state[_BEFORE] = (whose, threshold)
    st.query_params["threshold"] = f"{threshold:.3f}"
    with buttons.container(horizontal=True, gap="small", vertical_alignment="center"):
        for point in checkpoint.card.operating_points:
            st.button(
                f"{point.name.capitalize()} {format_rate(point.threshold)}",
                key=f"point {point.name}",
                help=f"Operating point of {checkpoint.name}: {point.rule}.",
                on_click=_set,
                args=(point.threshold,),
            )
        _offer_rules(
            chosen_on or study,
            "validation X-rays" if chosen_on else "same X-rays that are evaluated",
        )
    return _exact(checkpoint, threshold)


def _offer_rules(study: Study, where: str) -> None:
    if not study.both_classes:
        return
    with st.popover("Sensitivity at least …"):
        wanted = st.number_input("Sensitivity, %", 50.0, 100.0, 99.0, 0.5, key="wanted sensitivity")
        found = sensitivity_threshold(study.labels, study.probabilities, at_least=wanted / 100)
        _offer(found, f"the highest with a sensitivity of at least {wanted:g} % on the {where}")
    with st.popover("Lowest cost …"):
        missed = st.number_input(
            "One missed pneumonia costs as much as … false alarms", 0.1, 1000.0, 10.0, key="missed"
        )
        share = st.number_input("Prevalence, %", 1.0, 99.0, 20.0, 1.0, key="cost prevalence")
        found = cost_threshold(
            study.labels, study.probabilities, missed=missed, prevalence=share / 100
        )
        _offer(found, f"the lowest cost on the {where}")


def _offer(found: float, why: str) -> None:
    st.button(
        f"Set {format_rate(found)}",
        help=f"Threshold {found:.4f}: {plain(why)}.",
        on_click=_set,
        args=(found,),
    )
    st.caption(f"Threshold {format_rate(found)}: {why}.")


def _start(checkpoint: Checkpoint) -> float:
    """Return the threshold in the link, else that of the default operating point."""
    default = checkpoint.card.operating_point().threshold
    try:
        asked = float(st.query_params.get("threshold", default))
    except ValueError:
        return round(default, 3)
    return round(min(1.0, max(0.0, asked)), 3)


def _set(threshold: float) -> None:
    st.session_state[_KEY] = round(threshold, 3)


def _exact(checkpoint: Checkpoint, threshold: float) -> float:
    """Return the exact threshold of an operating point if the slider stands on it."""
    for point in checkpoint.card.operating_points:
        if round(point.threshold, 3) == threshold:
            return point.threshold
    return threshold
