"""Sessions of closed tabs go when their time is over, and with them the films in them.

Streamlit 1.67 keeps such a session for two minutes, but lets go of it only when another tab closes
after that: the last visitor's films would stay until tomorrow's first one leaves. It offers no way
to ask for it, so what is asked here are parts of its own.
"""

import asyncio
import gc
from typing import Any

import streamlit as st
from streamlit import runtime

__all__ = ["keep_house"]

_EVERY_S = 15


@st.cache_resource(show_spinner=False)
def keep_house() -> None:
    """From now on look every few seconds for sessions whose time is over; once per server."""
    if not runtime.exists():
        return  # a bare run or a test has no sessions
    server = runtime.get_instance()
    sessions: Any = server._session_mgr
    loop = server._get_async_objs().eventloop
    # On its own thread, where sessions are put away, too.
    loop.call_soon_threadsafe(_look, loop, sessions)


def _look(loop: asyncio.AbstractEventLoop, sessions: Any) -> None:
    """Let go of what is over, and look again later."""
    with sessions._storage_lock:
        found = bool(sessions._session_storage._cache.expire())
    if found:
        gc.collect()  # a session and its script know each other
    loop.call_later(_EVERY_S, _look, loop, sessions)
