"""What a browser asked for reaches it, however often its page is drawn again meanwhile."""

import asyncio
import inspect
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.state import SessionState
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pneumo_core.app import housekeeping
from pneumo_core.app import streamlit_patches as streamlit_parts
from pneumo_core.app.garbage import Exemption
from pneumo_core.app.housekeeping import keep_answers, look_after
from pneumo_core.app.streamlit_patches import address_of, guarded


def answer(kind: str) -> ForwardMsg:
    message = ForwardMsg()
    getattr(message, kind).SetInParent()
    return message


def waiting(*kinds: str, of: type[ForwardMsgQueue] = ForwardMsgQueue) -> ForwardMsgQueue:
    queue = of()
    for kind in kinds:
        queue.enqueue(answer(kind))
    return queue


def untouched() -> type[ForwardMsgQueue]:
    """Streamlit's class as it is installed: a test before this one may have kept house."""
    spec = find_spec(ForwardMsgQueue.__module__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[ForwardMsgQueue] = module.ForwardMsgQueue
    return found


def kinds(queue: ForwardMsgQueue) -> list[str | None]:
    return [each.WhichOneof("type") for each in queue._queue]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)  # put back afterwards
    keep_answers()


def test_streamlit_alone_forgets_where_films_are_to_be_sent() -> None:
    """Where this fails, Streamlit has mended it, and ``keep_answers`` can go."""
    queue = waiting("file_urls_response", of=untouched())
    queue.clear(retain_lifecycle_msgs=True)
    assert kinds(queue) == []


@pytest.mark.parametrize("fragments", [None, ["one"]])
@pytest.mark.usefixtures("kept")
def test_a_page_drawn_again_drops_what_it_drew_and_no_answer(fragments: list[str] | None) -> None:
    queue = waiting("file_urls_response", "logo", "auth_redirect", "page_info_changed")
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
    left = kinds(queue)
    for kind in ("file_urls_response", "auth_redirect", "page_info_changed"):
        assert left.count(kind) == 1
    assert ("logo" in left) == (fragments is not None)


@pytest.mark.usefixtures("kept")
def test_what_was_sent_is_not_sent_again() -> None:
    queue = waiting("file_urls_response")
    assert len(queue.flush()) == 1
    assert kinds(queue) == []


# --- Streamlit's own parts -----------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit_parts, "_told", set())


class Loop:
    """An event loop that does at once what is asked of it, and notes what is asked for later."""

    def __init__(self) -> None:
        self.later: list[Any] = []

    def call_soon_threadsafe(self, what: Any, *arguments: Any) -> None:
        what(*arguments)

    def call_later(self, _seconds: float, what: Any, *_arguments: Any) -> None:
        self.later.append(what)


class Session:
    """A session of Streamlit as far as it is let go."""

    id = "one"

    def __init__(self) -> None:
        self.session_state = SessionState()
        self.session_state["film"] = "pixels"
        self.is_shut_down = False

    def shutdown(self) -> None:
        self.is_shut_down = True


@pytest.fixture
def server() -> Iterator[Any]:
    """A server made of Streamlit's own parts, with a session whose time is over."""
    storage = MemorySessionStorage(ttl_seconds=0)
    sessions = WebsocketSessionManager(storage, None, None, None)  # type: ignore[arg-type]
    yield SimpleNamespace(
        media_file_mgr=MediaFileManager(MemoryMediaFileStorage("/media")),
        _session_mgr=sessions,
        _get_async_objs=lambda: SimpleNamespace(eventloop=loop),
    )


loop = Loop()


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log is told, growing."""
    lines: list[str] = []
    monkeypatch.setattr(
        streamlit_parts._log, "warning", lambda line, *given: lines.append(line % given)
    )
    return lines


@pytest.mark.usefixtures("kept")
def test_the_chores_are_done_with_streamlit_as_it_is_installed(
    server: Any, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this fails, Streamlit has changed: see what ``housekeeping`` asks of it."""
    session = Session()
    server._session_mgr._session_storage.save(SessionInfo(None, session))  # type: ignore[arg-type]
    renewed: list[bool] = []
    monkeypatch.setattr(Exemption, "renew", lambda _, *, closed: renewed.append(closed))
    look_after(server)
    assert warned == []
    assert renewed == [True], "garbage of the session is collected"
    assert session.is_shut_down
    assert "film" not in session.session_state
    assert isinstance(server.media_file_mgr._get_inactive_file_ids, housekeeping._Sparing)
    assert ForwardMsgQueue.clear.__module__ == housekeeping.__name__
    assert hasattr(Runtime, "_get_async_objs")
    assert "self._session_mgr" in inspect.getsource(Runtime.__init__)
    assert callable(runtime.exists)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("where", "name", "lost"),
    [
        (None, "media_file_mgr", "an image may be missing"),
        ("media_file_mgr", "_get_inactive_file_ids", "an image may be missing"),
        (None, "_session_mgr", "X-rays of a closed tab stay"),
        (None, "_get_async_objs", "X-rays of a closed tab stay"),
        ("_session_mgr", "_session_storage", "X-rays of a closed tab stay"),
        ("_session_mgr", "_storage_lock", "X-rays of a closed tab stay"),
    ],
)
def test_a_renamed_part_costs_a_feature_and_a_line_in_the_log(
    server: Any, where: str | None, name: str, lost: str, warned: list[str]
) -> None:
    owner = getattr(server, where) if where else server
    renamed = SimpleNamespace(**{key: value for key, value in vars(owner).items() if key != name})
    if where:
        setattr(server, where, renamed)
    else:
        server = renamed
    look_after(server)
    look_after(server)
    told = [line for line in warned if lost in line]
    assert len(told) == 1, "once, however often it is asked"
    assert "changed a private API (AttributeError" in told[0]


def test_a_queue_of_another_kind_is_cleared_as_streamlit_does(
    monkeypatch: pytest.MonkeyPatch, warned: list[str]
) -> None:
    class Queue:
        cleared = 0

        def clear(self, retain_lifecycle_msgs: bool = False, **_new: object) -> None:
            self.cleared += 1

    monkeypatch.setattr("streamlit.runtime.forward_msg_queue.ForwardMsgQueue", Queue)
    keep_answers()
    queue = Queue()
    queue.clear(True, something_new=1)
    assert queue.cleared == 1
    assert "uploads started while a list is being read may hang" in warned[0]


def test_a_method_that_is_gone_stops_no_page(
    server: Any, monkeypatch: pytest.MonkeyPatch, warned: list[str]
) -> None:
    monkeypatch.delattr(ForwardMsgQueue, "clear")
    look_after(server)
    assert "uploads started" in warned[0]


def test_a_picture_finds_another_way(monkeypatch: pytest.MonkeyPatch, warned: list[str]) -> None:
    assert address_of(b"picture", "image/png") == ""  # no browser
    monkeypatch.delattr("streamlit.runtime.scriptrunner.get_script_run_ctx")
    assert address_of(b"picture", "image/png") == "data:image/png;base64,cGljdHVyZQ=="
    assert "images are sent inside the page" in warned[0]


def test_what_is_not_streamlits_fault_goes_on() -> None:
    with pytest.raises(asyncio.CancelledError), guarded("nothing is lost"):
        raise asyncio.CancelledError
