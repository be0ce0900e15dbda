"""The browser's history: one entry for each page that was visited."""

from pathlib import Path

from pneumo_core.app.widgets.script import script_component

__all__ = ["keep_one_entry"]

_SCRIPT = Path(__file__).with_name("one_entry.js")


def keep_one_entry() -> None:
    """Let a changed query parameter replace the page's entry instead of adding one."""
    script_component("pneumo_one_entry", _SCRIPT)(key="one entry")
