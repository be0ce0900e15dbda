"""Background tasks of the server: free memory of closed sessions, keep uploads and images alive.

Streamlit 1.67 ends the session of a closed tab after two minutes, but frees it only when another
tab closes later, so the last visitor's X-rays could stay overnight. When a script run ends, it
deletes every image that no page refers to, even those of a page that is just being redrawn. And
when a page reruns, it drops messages that are still to be sent, including the upload addresses that
a browser waits for, so uploads could hang while a list is being read. Streamlit has no public API
to change this, so this module patches private ones, each behind a guard.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from pneumo_core.app.garbage import Exemption
from pneumo_core.app.streamlit_patches import guarded

__all__ = ["keep_answers", "keep_house", "look_after"]

_ANSWERS = {"file_urls_response", "auth_redirect"}
"""Messages that a browser waits for and that a rerun would not send again."""

_EVERY_S = 10
_SPARED_S = 40
"""Seconds that an unreferenced image is kept; longer than a rerun takes."""

_LATE_UPLOADS = "uploads started while a list is being read may hang"
_LATE_PICTURES = "an image may be missing while another page is drawn"
_LATE_SESSIONS = "X-rays of a closed tab stay in memory until another tab is closed"


@st.cache_resource(show_spinner=False)
def keep_house() -> None:
    """Start the background tasks, once per server."""
    with guarded(f"{_LATE_UPLOADS}, {_LATE_PICTURES}, and {_LATE_SESSIONS}"):
        from streamlit import runtime

        if runtime.exists():  # a bare run or a test has no sessions
            look_after(runtime.get_instance())


def look_after(server: Any) -> None:
    """Install the background tasks that this Streamlit version supports."""
    with guarded(_LATE_UPLOADS):
        keep_answers()
    with guarded(_LATE_PICTURES):
        media = server.media_file_mgr
        media._get_inactive_file_ids = _Sparing(media._get_inactive_file_ids)
    with guarded(_LATE_SESSIONS):
        loop = server._get_async_objs().eventloop
        # On the thread that also stores sessions.
        loop.call_soon_threadsafe(_look, loop, server, Exemption())


def keep_answers() -> None:
    """Keep messages that a browser waits for when a rerun clears the queue."""
    from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

    clear = ForwardMsgQueue.clear

    def spare(queue: Any, retain_lifecycle_msgs: bool = False, *others: Any, **named: Any) -> None:
        waiting: list[Any] = []
        with guarded(_LATE_UPLOADS):
            waiting = [each for each in queue._queue if each.WhichOneof("type") in _ANSWERS]
        clear(queue, retain_lifecycle_msgs, *others, **named)
        if retain_lifecycle_msgs:  # otherwise all was sent, or the browser is gone
            with guarded(_LATE_UPLOADS):
                kept = {id(each) for each in queue._queue}
                queue._queue += [each for each in waiting if id(each) not in kept]

    cast(Any, ForwardMsgQueue).clear = spare


def _look(loop: asyncio.AbstractEventLoop, server: Any, exemption: Exemption) -> None:
    """Free closed sessions, collect garbage if there is a reason, and schedule the next check."""
    closed = 0
    with guarded(_LATE_SESSIONS):
        closed = _let_closed_go(server)
    _forget_answers(all_of_them=closed > 0)
    exemption.renew(closed=closed > 0)
    loop.call_later(_EVERY_S, _look, loop, server, exemption)


def _let_closed_go(server: Any) -> int:
    """Free expired sessions of closed tabs; return how many."""
    sessions = server._session_mgr
    with sessions._storage_lock:
        closed = sessions._session_storage._cache.expire()
    for _, kept in closed:
        _let_go(kept.session)
    server.media_file_mgr.remove_orphaned_files()
    return len(closed)


def _let_go(session: Any) -> None:
    """Clear a session's state: the server keeps a reference to the last session."""
    session.shutdown()
    session.session_state.clear()
    session.session_state._new_widget_state.widget_metadata.clear()  # callbacks of its widgets


def _forget_answers(*, all_of_them: bool) -> None:
    """Drop cached feature maps, if any X-ray was read."""
    if engine := sys.modules.get("pneumo_core.inference.onnx_backend"):
        engine.forget_answers(all_of_them=all_of_them)


class _Sparing:
    """Return images that have been unreferenced for a while. Called under Streamlit's lock."""

    def __init__(self, unused: Callable[[], set[str]]) -> None:
        self._unused = unused
        self._since: dict[str, float] = {}

    def __call__(self) -> set[str]:
        now = time.monotonic()
        self._since = {each: self._since.get(each, now) for each in self._unused()}
        return {each for each, since in self._since.items() if now - since > _SPARED_S}
