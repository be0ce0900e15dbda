"""What a browser asked for reaches it, however often its page is drawn again meanwhile."""

from importlib.util import find_spec, module_from_spec

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pneumo_core.dashboard.housekeeping import keep_answers


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
