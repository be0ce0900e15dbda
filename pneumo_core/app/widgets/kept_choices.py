"""What a page was showing, restored when it is opened again from the menu.

The links of the menu carry no query parameters, and Streamlit drops the widgets of a page that is
left.
"""

import streamlit as st

__all__ = ["keep_choices", "restore_choices"]

_KEPT = "kept choices"
_PAGE = "page of the kept choices"


def restore_choices(page: str, parameters: tuple[str, ...]) -> None:
    """Set these query parameters as they were, unless a link names any of them."""
    st.session_state[_PAGE] = (page, parameters)
    if not any(each in st.query_params for each in parameters):
        st.query_params.update(st.session_state.get(_KEPT, {}).get(page, {}))


def keep_choices() -> None:
    """Remember the query parameters of the page that is open, for ``restore_choices``.

    A fragment that changes them calls it, too.
    """
    page, parameters = st.session_state.get(_PAGE, ("", ()))
    now = {each: st.query_params[each] for each in parameters if each in st.query_params}
    st.session_state.setdefault(_KEPT, {})[page] = now
