"""Guard uses of Streamlit's private API: if it has changed, a feature is lost, not the page."""

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

__all__ = ["address_of", "guarded"]

_log = logging.getLogger(__name__)
_told: set[str] = set()
"""Lost features that were logged already."""


@contextmanager
def guarded(lost: str) -> Iterator[None]:
    """Suppress errors from Streamlit's private API, and log which feature is lost."""
    try:
        yield
    # Any change: a missing name, other arguments, another type.
    except Exception as error:  # noqa: BLE001
        if lost not in _told:
            _told.add(lost)
            _log.warning(
                "Streamlit %s changed a private API (%s: %s), so %s.",
                st.__version__,
                type(error).__name__,
                error,
                lost,
            )


def address_of(picture: bytes, kind: str) -> str:
    """Return the address of an image, derived from its contents so that it is fetched once.

    "" without a browser, as in a test.
    """
    served: list[str] = []
    with guarded("images are sent inside the page, which is slower"):
        served.append(_served(picture, kind))
    within = f"data:{kind};base64,"
    return served[0] if served else within + base64.b64encode(picture).decode()


def _served(picture: bytes, kind: str) -> str:
    from streamlit import runtime
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx() is None or not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(picture, kind, f"viewer/{kind}")
