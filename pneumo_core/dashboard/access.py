"""Who is at this page."""

import streamlit as st

from pneumo_core.access import ANYONE, Person

__all__ = ["person"]


def person() -> Person:
    """Who is signed in in this session; ANYONE where nobody has to."""
    if not st.user.get("is_logged_in"):
        return ANYONE
    return Person(str(st.user.get("email") or st.user.get("sub")), "reader")
