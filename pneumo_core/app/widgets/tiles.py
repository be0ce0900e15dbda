"""Some X-rays at a time: picture, label, each model's probability; a click enlarges one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan
from typing import Any

import streamlit as st

from pneumo_core.app.words import plain
from pneumo_core.datasets import LABELS
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import UNLABELLED
from pneumo_core.metrics import format_rate

__all__ = ["PER_PAGE", "Tile", "enlarge", "restart_grid", "show_grid"]

PER_PAGE = 6
_NUMBERS = {6: "six", 12: "twelve"}
_STYLE = """<style>
[class*="st-key-tiles-"] { flex-wrap: nowrap; }
[class*="st-key-tile-"] { position: relative; min-width: 0; }
[class*="st-key-tile-"] [data-testid="stImage"] img {
  width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; border-radius: 4px; }
/* The button lies over the picture, so that a click on the picture enlarges it. */
[class*="st-key-tile-"] [data-testid="stElementContainer"]:has([data-testid="stButton"]) {
  position: absolute; inset: 0 0 auto 0; aspect-ratio: 1; height: auto; z-index: 1; }
[class*="st-key-tile-"] [data-testid="stButton"], [class*="st-key-tile-"] button {
  width: 100%; height: 100%; }
[class*="st-key-tile-"] button { background: transparent; border-color: transparent;
  cursor: zoom-in; }
[class*="st-key-tile-"] button:hover { border-color: #0b5c8a; }
[class*="st-key-tile-"] button:focus-visible { outline: 3px solid #0b5c8a; }
@media (max-width: 640px) {
  [class*="st-key-tiles-"] { flex-wrap: wrap; }
  [class*="st-key-tile-"] { flex: 1 1 30%; }
}
[class*="st-key-tile-"] button p { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.film-line { font-size: 0.8rem; line-height: 1.35; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.film-name { font-size: 0.72rem; line-height: 1.25; overflow-wrap: anywhere; opacity: 0.8;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.film-wide { font-size: 0.8rem; line-height: 1.6; overflow-wrap: anywhere; }
[class*="st-key-large-"] [data-testid="stImage"] img {
  max-height: 47vh; object-fit: contain; background: #000; border-radius: 4px; }
.film-chip { border-radius: 3px; color: #fff; font-size: 0.7rem; font-weight: 600;
  padding: 0.05rem 0.35rem; white-space: nowrap; }
</style>"""
_COLOURS = {0: "#0b5c8a", 1: "#b35900"}
_ERROR = "#c8102e"


@dataclass(frozen=True)
class Tile:
    """An X-ray of the grid: id, label or ``UNLABELLED``, lines below it.

    ``probabilities``: pairs of a model's name, "" if only one is shown, and its probability.
    ``error``: what is wrong with the prediction, such as "missed"; "" if nothing is. ``wrong``:
    with several models, whether each of them is wrong.
    """

    id: str
    label: int
    probabilities: tuple[tuple[str, float], ...] = ()
    error: str = ""
    note: str = ""
    wrong: tuple[bool, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def said(self) -> tuple[str, ...]:
        """A line for each model's probability, with a mark for right or wrong, and the note."""
        marks = [" ✗" if each else " ✓" for each in self.wrong] or [""] * len(self.probabilities)
        told = [
            f"{who or 'P'} {format_rate(p)}{mark}"
            for (who, p), mark in zip(self.probabilities, marks, strict=True)
            if not isnan(p)
        ]
        return (*told, *([self.note] if self.note else []))


def show_grid(
    tiles: Sequence[Tile],
    picture: Callable[[str], bytes],
    *,
    key: str,
    link: Callable[[str], None],
    columns: int = 3,
    per_page: int = PER_PAGE,
) -> str | None:
    """Show some X-rays at a time, or the one that was clicked, large; return the large one's id.

    ``picture`` gives an X-ray's picture by its id, or raises PneumoError; ``link`` draws a link to
    the page that reads it. ``per_page``: 6 or 12.
    """
    st.html(_STYLE)
    large = st.session_state.get(f"large {key}")
    places = {tile.id: number for number, tile in enumerate(tiles)}
    if len(tiles) == 1:
        large = tiles[0].id
    if large in places:
        _show_large(tiles, places[large], picture, key, link)
        return str(large)
    first = _first(len(tiles), key, per_page)
    for row in range(first, min(first + per_page, len(tiles)), columns):
        boxes = st.container(horizontal=True, gap="small", key=f"tiles-{row - first}-{key}")
        for number in range(row, row + columns):
            with boxes.container(width="stretch", gap=None, key=f"tile-{number - first}-{key}"):
                if number < min(first + per_page, len(tiles)):
                    _show_tile(tiles[number], picture, key)
    _show_pager(first, len(tiles), key, per_page)
    return None


def enlarge(key: str, film_id: str | None) -> None:
    """Show this X-ray large in the grid of that key; None shows the grid again."""
    st.session_state[f"large {key}"] = film_id


def restart_grid(key: str, of: object) -> None:
    """Go back to the first page of the grid if ``of``, which identifies its content, changed."""
    if st.session_state.get(f"grid of {key}") != of:
        st.session_state[f"grid of {key}"] = of
        st.session_state[f"page of {key}"] = 0
        enlarge(key, None)


def _first(count: int, key: str, per_page: int) -> int:
    """Return the number of the first tile on the page in view."""
    page: int = st.session_state.get(f"page of {key}", 0)
    return min(page, max(0, count - 1) // per_page) * per_page


def _show_tile(tile: Tile, picture: Callable[[str], bytes], key: str) -> None:
    try:
        drawn = picture(tile.id)
    except PneumoError as error:
        st.caption(plain(str(error)))
        st.html(_lines(tile))
        return
    st.image(drawn, width="stretch", alt=f"{tile.id}: {_words(tile)}")
    st.button(
        f"Enlarge {plain(tile.name)}",
        key=f"enlarge {key} {tile.id}",
        on_click=enlarge,
        args=(key, tile.id),
        width="stretch",
    )
    st.html(_lines(tile))


def _words(tile: Tile) -> str:
    label = LABELS[tile.label] if tile.label != UNLABELLED else "no label"
    return ", ".join(filter(None, (label, tile.error, *tile.said)))


def _lines(tile: Tile) -> str:
    """Return short lines: the chips of label and error, the probabilities, and the name."""
    said = (_chips(tile), *map(escape, tile.said))
    lines = "".join(f'<div class="film-line">{each}</div>' for each in said if each)
    return f'{lines}<div class="film-name" title="{escape(tile.id)}">{escape(tile.name)}</div>'


def _one_line(tile: Tile) -> str:
    """Return the same on one line, which wraps only where it must."""
    said = " · ".join(map(escape, (*tile.said, tile.name)))
    return f'<div class="film-wide" title="{escape(tile.id)}">{_chips(tile)} {said}</div>'


def _chips(tile: Tile) -> str:
    chips = ""
    if tile.label != UNLABELLED:
        chips = _chip(LABELS[tile.label], _COLOURS[tile.label])
    if tile.error:
        chips += " " + _chip(tile.error, _ERROR)
    return chips


def _chip(text: str, colour: str) -> str:
    return f'<span class="film-chip" style="background:{colour}">{escape(text)}</span>'


def _show_pager(first: int, count: int, key: str, per_page: int) -> None:
    st.caption("Click an X-ray to enlarge it.")
    if count <= per_page:
        return
    page, some = first // per_page, _NUMBERS[per_page]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _step(f"Previous {some}", "chevron_left", key, page == 0, _turn_to, page - 1)
        st.caption(f"{first + 1} to {min(first + per_page, count)} of {count:,}", width="content")
        last = first + per_page >= count
        _step(f"Next {some}", "chevron_right", key, last, _turn_to, page + 1)


def _step(
    label: str, icon: str, key: str, last: bool, go: Callable[[str, Any], None], to: object
) -> None:
    """Show a button that changes what the grid of that key shows; ``last``: it is disabled."""
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label} {key}",
        type="tertiary",
        on_click=go,
        args=(key, to),
        disabled=last,
    )


def _turn_to(key: str, page: int) -> None:
    st.session_state[f"page of {key}"] = page


def _show_large(
    tiles: Sequence[Tile],
    number: int,
    picture: Callable[[str], bytes],
    key: str,
    link: Callable[[str], None],
) -> None:
    """Show one X-ray large with its neighbours in the list one click away."""
    tile = tiles[number]
    if len(tiles) > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            before, after = tiles[max(0, number - 1)].id, tiles[min(len(tiles), number + 2) - 1].id
            _step("All", "grid_view", key, False, enlarge, None)
            _step("Previous", "chevron_left", key, number == 0, enlarge, before)
            st.caption(f"{number + 1} of {len(tiles):,}", width="content")
            _step("Next", "chevron_right", key, number == len(tiles) - 1, enlarge, after)
    try:
        drawn = picture(tile.id)
    except PneumoError as error:
        st.caption(plain(str(error)))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(_one_line(tile), width="content")
        link(tile.id)
    with st.container(key=f"large-{key}"):
        st.image(drawn, width="stretch", alt=f"{tile.id}: {_words(tile)}")
