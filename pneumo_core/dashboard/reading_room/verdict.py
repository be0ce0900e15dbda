"""What was said of one film: in words first, then the number, then who said so."""

from collections.abc import Sequence

import streamlit as st

from pneumo_core.card import OperatingPoint
from pneumo_core.dashboard.reading_room.worklist import Item
from pneumo_core.dashboard.words import agreement_text, percent_text, plain
from pneumo_core.data import LABELS, PNEUMONIA
from pneumo_core.figures import probability_bar
from pneumo_core.metrics import predictive_values
from pneumo_core.reading import Reading

__all__ = ["show_meaning", "show_opinions", "show_probability", "show_verdict"]

_ICONS = {
    "Likely": ":material/report:",
    "Unlikely": ":material/check_circle:",
    "Not read": ":material/block:",
}


def show_verdict(item: Item) -> None:
    """The verdict in words; why, where it wasn't read; what to be careful about, where it was."""
    reading = item.reading
    if reading is None:
        st.header("Waiting to be read", anchor=False, icon=":material/hourglass_empty:")
        return
    st.header(reading.verdict, anchor=False, icon=_ICONS.get(item.group, ":material/help:"))
    for reason in reading.reasons:
        st.warning(plain(reason), icon=":material/error:")
    for warning in reading.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def show_probability(reading: Reading) -> None:
    """The calibrated probability beside the operating point, and which checkpoint said so."""
    if reading.probability is None:
        return
    st.markdown(f"Probability of pneumonia **{reading.probability:.3f}**, calibrated")
    st.plotly_chart(
        probability_bar(reading.probability, reading.threshold, reading.operating_point),
        config={"staticPlot": True},
        alt=f"Probability {reading.probability:.3f} on a bar from 0 to 1; the operating point "
        f"{reading.operating_point} lies at {reading.threshold:.3f}.",
        key="probability",
    )
    st.caption(
        f"Said by checkpoint {plain(reading.model)}, version {reading.version}, at its operating "
        f"point {plain(reading.operating_point)}: {reading.threshold:.3f} and above is called "
        f"{LABELS[PNEUMONIA]}."
    )


def show_opinions(opinions: Sequence[Reading]) -> None:
    """Each checkpoint's verdict and probability in one strip, and whether they agree."""
    read = [each for each in opinions if each.probability is not None]
    if len(read) < 2:
        return
    disagree = len({each.label for each in read}) > 1
    told = plain(agreement_text(read))
    st.markdown(f":material/{'call_split' if disagree else 'handshake'}: {told}")
    with st.container(horizontal=True, gap="small"):
        for each in read:
            with st.container(border=True, width=150, gap=None):
                st.caption(plain(each.model))
                st.markdown(f"**{each.probability:.3f}**")
                st.caption(_short(each))
    st.caption("Each at its own default operating point.")


def show_meaning(point: OperatingPoint) -> None:
    """What a verdict is worth where pneumonia is as common as the reader says."""
    percent = st.slider(
        "Prevalence: films with pneumonia among those you read",
        1,
        99,
        20,
        format="%d %%",
        key="prevalence",
    )
    sensitivity, specificity = point.sensitivity.value, point.specificity.value
    positive, negative = predictive_values(sensitivity, specificity, percent / 100)
    left, right = st.columns(2)
    left.metric("PPV", percent_text(positive), help="Of films called PNEUMONIA, how many have it.")
    right.metric("NPV", percent_text(negative), help="Of films called NORMAL, how many have none.")
    st.caption(
        f"From sensitivity {percent_text(sensitivity)} and specificity "
        f"{percent_text(specificity)} on validation films at {plain(point.name)}. "
        "On films from elsewhere both may be lower."
    )


def _short(reading: Reading) -> str:
    """The verdict in a word or two, beside the threshold."""
    word = reading.verdict.removeprefix("Signs of pneumonia ").split(":")[0]
    return f"{word.capitalize()} (≥ {reading.threshold:.2f})"
