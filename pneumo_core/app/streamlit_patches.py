"""Parts of Streamlit that are its own: where one has changed, a feature is lost, never the page."""

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

__all__ = ["address_of", "guarded"]

_log = logging.getLogger(__name__)
_told: set[str] = set()
"""What was said to be lost, so that the log gets each line once."""


@contextmanager
def guarded(lost: str) -> Iterator[None]:
    """Go on where a part of Streamlit isn't as Pneumo knows it, and tell the log what is lost."""
    try:
        yield
    # Whatever has become of it: a name that is gone, other arguments, another kind of thing.
    except Exception as error:  # noqa: BLE001
        if lost not in _told:
            _told.add(lost)
            _log.warning(
                "A part of Streamlit %s is not as Pneumo knows it (%s: %s), so %s.",
                st.__version__,
                type(error).__name__,
                error,
                lost,
            )


def address_of(picture: bytes, kind: str) -> str:
    """Where the browser finds a picture: by its contents, so that it fetches each one once.

    "" without a browser, in a bare run or a test.
    """
    served: list[str] = []
    with guarded("pictures travel within the page, which is slower"):
        served.append(_served(picture, kind))
    within = f"data:{kind};base64,"
    return served[0] if served else within + base64.b64encode(picture).decode()


def _served(picture: bytes, kind: str) -> str:
    from streamlit import runtime
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx() is None or not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(picture, kind, f"viewer/{kind}")
