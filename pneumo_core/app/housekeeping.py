"""A server's chores: films come in, are kept as long as they should and no longer; PyTorch early.

Streamlit 1.67's session of a closed tab is over after two minutes, but it lets go of it only when
another tab closes after that: the last visitor's films would stay until tomorrow's first one
leaves. And whenever anybody's page is done it drops every picture that no page refers to, among
them those of whoever's page is just being drawn again: their browser asks for a film that is gone.
When a page begins to be drawn again it drops what is still to be sent, also the addresses that a
browser waits for to send films to: while a list is being read, some uploads never began. It offers
no way to change any of it, so parts of its own are asked here, each behind a guard.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import streamlit as st

from pneumo_core.app.streamlit_patches import guarded

__all__ = ["keep_answers", "keep_house", "look_after"]

_ANSWERS = {"file_urls_response", "auth_redirect"}
"""Messages that a browser asked for and waits for; a page drawn again doesn't send them again."""

_EVERY_S = 10
_SPARED_S = 40
"""How long a picture that no page refers to is kept; a page is drawn again in less."""
_AFTER_S = 10
"""By now the first page is on the screen, and somebody looks at it."""

_LATE_UPLOADS = "uploads that begin while a list is being read may never begin"
_LATE_PICTURES = "a picture may be missing when another page is drawn"
_LATE_SESSIONS = "the films of a closed tab stay until another tab is closed"


@st.cache_resource(show_spinner=False)
def keep_house() -> None:
    """From now on look every few seconds for what can go; once per server."""
    with guarded(f"{_LATE_UPLOADS}, {_LATE_PICTURES}, and {_LATE_SESSIONS}"):
        from streamlit import runtime

        if runtime.exists():  # a bare run or a test has no sessions
            look_after(runtime.get_instance())


def look_after(server: Any) -> None:
    """Do the chores of a server from now on, those that can be done with this Streamlit."""
    with guarded(_LATE_UPLOADS):
        keep_answers()
    with guarded(_LATE_PICTURES):
        media = server.media_file_mgr
        media._get_inactive_file_ids = _Sparing(media._get_inactive_file_ids)
    with guarded(_LATE_SESSIONS):
        loop = server._get_async_objs().eventloop
        # On its own thread, where sessions are put away, too.
        loop.call_soon_threadsafe(_look, loop, server)
        loop.call_soon_threadsafe(loop.call_later, _AFTER_S, _fetch, loop)


def keep_answers() -> None:
    """Let a page that is drawn again drop what it drew before, not what a browser asked for."""
    from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

    clear = ForwardMsgQueue.clear

    def spare(queue: Any, retain_lifecycle_msgs: bool = False, *others: Any, **named: Any) -> None:
        waiting: list[Any] = []
        with guarded(_LATE_UPLOADS):
            waiting = [each for each in queue._queue if each.WhichOneof("type") in _ANSWERS]
        clear(queue, retain_lifecycle_msgs, *others, **named)
        if retain_lifecycle_msgs:  # else all was sent, or nobody is there any more
            with guarded(_LATE_UPLOADS):
                kept = {id(each) for each in queue._queue}
                queue._queue += [each for each in waiting if id(each) not in kept]

    cast(Any, ForwardMsgQueue).clear = spare


def _fetch(loop: asyncio.AbstractEventLoop) -> None:
    """Import what the first heat map would wait for: PyTorch takes seconds."""
    loop.run_in_executor(None, import_module, "pneumo_core.explanations.compute")


def _look(loop: asyncio.AbstractEventLoop, server: Any) -> None:
    """Let go of what is over, and look again later."""
    closed = 0
    with guarded(_LATE_SESSIONS):
        closed = _let_closed_go(server)
    _forget_answers(all_of_them=closed > 0)
    loop.call_later(_EVERY_S, _look, loop, server)


def _let_closed_go(server: Any) -> int:
    """Let go of the sessions of closed tabs whose time is over; gives how many there were."""
    sessions = server._session_mgr
    with sessions._storage_lock:
        closed = sessions._session_storage._cache.expire()
    for _, kept in closed:
        _let_go(kept.session)
    server.media_file_mgr.remove_orphaned_files()
    return len(closed)


def _let_go(session: Any) -> None:
    """Of all that a session holds: the server itself holds the last one until another one comes."""
    session.shutdown()
    session.session_state.clear()
    session.session_state._new_widget_state.widget_metadata.clear()  # what its buttons would do


def _forget_answers(*, all_of_them: bool) -> None:
    """Let networks forget what films gave, where films were read at all."""
    if engine := sys.modules.get("pneumo_core.inference.onnx_backend"):
        engine.forget_answers(all_of_them=all_of_them)


class _Sparing:
    """The pictures that nobody has referred to for a while. Called under the lock of theirs."""

    def __init__(self, unused: Callable[[], set[str]]) -> None:
        self._unused = unused
        self._since: dict[str, float] = {}

    def __call__(self) -> set[str]:
        now = time.monotonic()
        self._since = {each: self._since.get(each, now) for each in self._unused()}
        return {each for each, since in self._since.items() if now - since > _SPARED_S}
