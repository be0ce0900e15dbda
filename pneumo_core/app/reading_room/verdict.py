"""The result of one X-ray: in words, as a probability, and its predictive values."""

from collections.abc import Sequence

import streamlit as st

from pneumo_core.app.reading_room.worklist import Item, Worklist
from pneumo_core.app.words import agreement_text, disagree, plain
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.datasets import LABELS, PNEUMONIA
from pneumo_core.imaging.orientation import rotation_text
from pneumo_core.metrics import (
    format_prevalence,
    format_rate,
)
from pneumo_core.reading import Rates, Reading, band_text, rates_of
from pneumo_core.reports.figures import probability_bar

__all__ = ["offer_rotation", "show_opinions", "show_prevalence", "show_probability", "show_verdict"]

_ICONS = {
    "Likely": ":material/report:",
    "Unlikely": ":material/check_circle:",
    "Not read": ":material/block:",
}
_PREVALENCE = "own prevalence"
"""The reader's prevalence in percent, kept while no X-ray is open and in the link."""


def show_verdict(item: Item) -> None:
    """Show the result in words, with warnings, or the reason why the X-ray was not read."""
    reading = item.reading
    if reading is None:
        st.header("Waiting", anchor=False, icon=":material/hourglass_empty:")
        return
    st.header(reading.verdict, anchor=False, icon=_ICONS.get(item.group, ":material/help:"))
    if item.film.label is not None:
        st.markdown(f"Label in the dataset: **{LABELS[item.film.label]}**")
    for reason in reading.reasons:
        st.warning(plain(reason), icon=":material/error:")
    for warning in reading.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def offer_rotation(worklist: Worklist, item: Item) -> None:
    """Offer to rotate an X-ray and read it, or to undo the rotation."""
    film, reading = item.film, item.reading
    if reading is not None and reading.quarters_to_upright:
        quarters = reading.quarters_to_upright
        st.button(
            "Rotate and read",
            type="primary",
            icon=":material/rotate_90_degrees_ccw:",
            help=f"Rotates the X-ray by {rotation_text(quarters)}. The display, the heat map "
            "and the exports use the rotated X-ray.",
            on_click=worklist.rotate,
            args=(film.key, film.quarters + quarters),
        )
    elif film.quarters:
        st.button(
            "Undo rotation",
            type="tertiary",
            icon=":material/undo:",
            on_click=worklist.rotate,
            args=(film.key, 0),
        )


def show_probability(reading: Reading, checkpoint: Checkpoint, point: OperatingPoint) -> None:
    """Show the calibrated probability beside the operating point, and how good the model is."""
    if reading.probability is None:
        return
    probability, threshold = format_rate(reading.probability), format_rate(reading.threshold)
    band = band_text(*reading.uncertain_band)
    assumed = format_prevalence(reading.prevalence)
    st.markdown(
        f"Probability of pneumonia **{plain(probability)}** at a prevalence of {assumed}",
        help=f"Calibrated for a prevalence of {assumed}. At a lower prevalence it is too high: "
        "set your own below.",
    )
    st.plotly_chart(
        probability_bar(
            reading.probability,
            reading.threshold,
            reading.operating_point,
            band=reading.uncertain_band,
        ),
        config={"staticPlot": True},
        alt=f"Probability {probability} on a bar from 0 to 1; the operating point "
        f"{reading.operating_point} lies at {threshold}; the uncertain band is shaded, {band}.",
        key="probability",
    )
    rates = rates_of(checkpoint, point)
    st.caption(
        f"{plain(reading.model)} (version {reading.version}), {plain(reading.operating_point)}: "
        f"{LABELS[PNEUMONIA]} at {threshold} or higher; {band} the result is uncertain. "
        f"On {rates.films}: sensitivity {plain(str(rates.sensitivity))}, "
        f"specificity {plain(str(rates.specificity))}"
    )


def show_prevalence(
    reading: Reading, checkpoint: Checkpoint, point: OperatingPoint
) -> float | None:
    """Ask for the reader's prevalence, and show the predictive values there.

    Returns the prevalence in (0, 1); None if it is not set or the X-ray was not read.
    """
    if reading.probability is None:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        prevalence = _choose_prevalence()
        if prevalence is not None:
            adjusted = format_rate(reading.probability_at(prevalence) or 0.0)
            share = format_prevalence(prevalence)
            st.markdown(f"At {share}: probability **{plain(adjusted)}**", width="content")
    if prevalence is not None:
        _show_predictive_values(rates_of(checkpoint, point), prevalence, reading.prevalence)
    return prevalence


def show_opinions(opinions: Sequence[Reading]) -> None:
    """Show each model's verdict and probability in one strip, and whether they agree."""
    read = [each for each in opinions if each.probability is not None]
    if len(read) < 2:
        return
    icon = "call_split" if disagree(read) else "groups"
    st.markdown(
        f":material/{icon}: {plain(agreement_text(read))}",
        help="P is the probability at the prevalence that the model assumes. Each model at its own "
        "default operating point.",
    )
    rows = "\n".join(
        f"| {plain(each.model)} | **{plain(format_rate(each.probability or 0.0))}** "
        f"| {plain(each.level or '')} |"
        for each in read
    )
    st.markdown(f"| Model | P | Pneumonia |\n|:--|:--|:--|\n{rows}")


def _choose_prevalence() -> float | None:
    """Ask for the prevalence in (0, 1), in step with the query parameter ``prevalence``."""
    if _PREVALENCE not in st.session_state:
        st.session_state[_PREVALENCE] = _asked()
    percent = st.number_input(
        "Your prevalence (%)",
        0.1,
        99.9,
        st.session_state[_PREVALENCE],
        1.0,
        format="%g",
        placeholder="not set",
        key="prevalence",
        width=170,
        help="Of 100 X-rays that you read, how many show pneumonia? Pneumo then also shows the "
        "probability, PPV and NPV at that prevalence.",
    )
    st.session_state[_PREVALENCE] = percent
    if percent is None:
        st.query_params.pop("prevalence", None)
        return None
    st.query_params["prevalence"] = f"{percent:g}"
    return float(percent) / 100


def _asked() -> float | None:
    """Return the prevalence in the link, in percent; None if it is not valid."""
    try:
        percent = float(st.query_params.get("prevalence", ""))
    except ValueError:
        return None
    return percent if 0.1 <= percent <= 99.9 else None


def _show_predictive_values(rates: Rates, prevalence: float, assumed: float) -> None:
    ppv, npv = rates.predictive_values(prevalence)
    rows = (("PPV", ppv), ("NPV", npv))
    lines = "\n".join(f"| {name} | {plain(value.text(percent=True))} |" for name, value in rows)
    share = format_prevalence(prevalence)
    st.markdown(f"| At a prevalence of {share} | value (95 % interval) |\n|:--|:--|\n{lines}")
    told = (
        "PPV: how often PNEUMONIA is correct; NPV: how often NORMAL is. From sensitivity "
        f"{rates.sensitivity} and specificity {rates.specificity} on "
        f"{rates.films}; logit intervals (Mercaldo 2007). {rates.caution} The result above is "
        f"for {format_prevalence(assumed)}."
    )
    st.caption(plain(told))
