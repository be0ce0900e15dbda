"""Prepare a server for its first X-ray while its first visitor looks at a page.

The first result would otherwise wait for imports and for every network to be opened.
"""

import contextlib
import threading
from functools import cache
from importlib import import_module

from pneumo_core.app.streamlit_patches import guarded
from pneumo_core.errors import PneumoError

__all__ = ["prepare", "warm_up"]

_LATE = "the first X-ray after the start waits some seconds longer"


@cache
def warm_up() -> None:
    """Start the preparation in the background, once per server; none in a bare run or a test.

    Call it after a page: they would take each other's time.
    """
    with guarded(_LATE):
        from streamlit import runtime

        if runtime.exists():
            threading.Thread(target=prepare, name="warm-up", daemon=True).start()


def prepare() -> None:
    """Import the Read page, open the models that read by default, and read a sample.

    What fails here is skipped: the page that needs it says why.
    """
    with guarded(_LATE):
        import_module("pneumo_core.app.reading_room.reading_page")
        _open_models()
        import_module("pneumo_core.explanations.compute")


def _open_models() -> None:
    from pneumo_core.app.reading_room.cached_readings import reader_of
    from pneumo_core.checkpoints import SHIPPED, list_checkpoints
    from pneumo_core.imaging import read_radiograph
    from pneumo_core.reading import samples

    found, _ = list_checkpoints()
    chests = [read_radiograph(each.path) for each in samples() if each.title == "Chest"]
    for checkpoint in [*found[:1], *(each for each in found[1:] if each.name in SHIPPED)]:
        with contextlib.suppress(PneumoError):
            reader = reader_of(checkpoint)
            for chest in chests:
                reader.read(chest)
