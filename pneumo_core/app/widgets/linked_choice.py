"""Choices in step with a query parameter, so that a link shows what its sender saw."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["choose_linked", "choose_segment", "choose_toggle"]


def choose_linked(
    boxes: DeltaGenerator,
    label: str,
    parameter: str,
    options: Mapping[str, str],
    *,
    key: str,
) -> str:
    """Show a select box in step with a query parameter.

    ``options``: label of each choice, by the word used in links.
    """
    asked = st.query_params.get(parameter)
    start = list(options).index(asked) if asked is not None and asked in options else 0
    chosen: str = boxes.selectbox(
        label, list(options), start, format_func=options.__getitem__, key=key
    )
    st.query_params[parameter] = chosen
    return chosen


def choose_segment(label: str, parameter: str, options: Mapping[str, str], *, key: str) -> str:
    """Show a row of buttons, one of them chosen, in step with a query parameter.

    ``options``: label of each choice, by the word used in links.
    """
    asked = st.query_params.get(parameter)
    chosen = st.segmented_control(
        label,
        list(options),
        default=asked if asked in options else next(iter(options)),
        required=True,
        format_func=options.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    st.query_params[parameter] = str(chosen)
    return str(chosen)


def choose_toggle(label: str, parameter: str, *, key: str, **told: Any) -> bool:
    """Show a toggle; the query parameter is "1" while it is on. ``told``: for ``st.toggle``."""
    on: bool = st.toggle(label, st.query_params.get(parameter) == "1", key=key, **told)
    if on:
        st.query_params[parameter] = "1"
    else:
        st.query_params.pop(parameter, None)
    return on
