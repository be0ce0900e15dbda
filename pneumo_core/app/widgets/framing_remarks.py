"""What to know about X-rays of a dataset that a model may not have seen as it should."""

from collections.abc import Mapping

import streamlit as st

from pneumo_core.app.words import plain
from pneumo_core.lungs import framing_sentences

__all__ = ["say_remarks"]


def say_remarks(remarks: Mapping[str, str]) -> None:
    """Show a sentence for each kind of remark, by the X-rays' ids."""
    for sentence in framing_sentences(remarks):
        st.caption(f":material/info: {plain(sentence)}")
