"""HTML snippets for rich display in notebooks."""

import base64
from collections.abc import Iterable
from html import escape

__all__ = ["html_picture", "html_table"]


def html_table(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return a two-column table with a title; its content is escaped."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"


def html_picture(png: bytes, about: str) -> str:
    """Return an image with its description."""
    data = base64.b64encode(png).decode()
    return f"<img alt='{escape(about)}' title='{escape(about)}' src='data:image/png;base64,{data}'>"
