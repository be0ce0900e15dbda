"""What a reader waits for on the page Read X-rays: result, next X-ray, heat map, window, menu."""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.row import Row, Spread

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["reading_rows"]

_VERDICT = """() => [...document.querySelectorAll(".st-key-result h2")]
    .some(each => /Signs of pneumonia|Uncertain|Not read/.test(each.innerText))"""
_VIEWER = """const part = name => { for (const each of document.querySelectorAll("*")) {
    const found = each.shadowRoot?.querySelector(name); if (found) return found; } };"""
"""A part of the viewer, which has a document of its own."""
_HEAT = f"""() => {{ {_VIEWER} const heat = part(".heat");
    return heat && !heat.hidden && heat.complete && heat.naturalWidth > 0; }}"""
_NAMED = f"""before => {{ {_VIEWER} const film = part(".film");
    const steps = document.querySelector(".st-key-steps");
    return steps && steps.innerText !== before && film?.complete && film.naturalWidth > 0; }}"""
_OPENED = """title => document.querySelector("h1")?.innerText === title
    && document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")"""
_COUNT = """() => { window.frames_at = [];
    const note = at => { window.frames_at?.push(at); requestAnimationFrame(note); };
    requestAnimationFrame(note); }"""
_MENU = (("Evaluate", "Evaluate"), ("Log", "Log"), ("Read X-rays", "Read X-rays"))
_DRAG_S = 2.0


def reading_rows(
    page: "Page",
    address: str,
    films: list[Path],
    settled: Callable[["Page"], None],
    *,
    repeats: int,
) -> list[Row]:
    """Return the rows. The server has read no X-ray before: the first result is a cold one."""
    page.goto(f"{address}/read")
    settled(page)
    cold = _read_sample(page)
    warm = []
    for _ in range(repeats):
        settled(page)
        page.get_by_role("button", name="Clear").click()
        page.get_by_text("No X-rays yet").wait_for()
        settled(page)
        warm.append(_read_sample(page))
    settled(page)
    frames = _drag(page)
    page.locator("input[type=file]").set_input_files(films)
    page.get_by_text(f"{len(films) + 1} X-rays: {len(films) + 1} read").wait_for()
    nexts, heats = _walk(page, settled, len(films))
    changes = [_change(page, *place) for _ in range(repeats) for place in _MENU]
    rows = (
        ("sample to its first result, server just started", "s", [cold], 4.0, ""),
        ("sample to its result, warm", "s", warm, 1.5, ""),
        ("next X-ray by keyboard", "s", nexts, 0.5, ""),
        ("heat map of an X-ray, warm", "s", heats[1:], 0.8, f"first time {heats[0]:.2f} s"),
        ("frame while the window is dragged", "ms", frames, 33, "30 frames a second"),
        ("change of page by the menu", "s", changes[len(_MENU) :], 1.0, ""),
    )
    return [
        Row(name=name, unit=unit, ours=Spread.of(values), at_most=most, note=note)
        for name, unit, values, most, note in rows
    ]


def _seconds(page: "Page", act: Callable[[], object], seen: str, given: object = None) -> float:
    started = time.perf_counter()
    act()
    page.wait_for_function(seen, arg=given)
    return time.perf_counter() - started


def _read_sample(page: "Page") -> float:
    return _seconds(page, page.get_by_role("button", name="Chest").click, _VERDICT)


def _walk(
    page: "Page", settled: Callable[["Page"], None], count: int
) -> tuple[list[float], list[float]]:
    """Go through the list by keyboard; return the seconds to each X-ray and to its heat map."""
    nexts, heats = [], []
    toggle = page.get_by_text("Show heat map", exact=True)
    settled(page)
    steps = page.locator(".st-key-steps")
    while f" 1 of {count + 1}" not in steps.inner_text():
        page.keyboard.press("Shift+ArrowLeft")
        settled(page)
    for _ in range(count):
        named = steps.inner_text()
        nexts.append(_seconds(page, lambda: page.keyboard.press("Shift+ArrowRight"), _NAMED, named))
        settled(page)
        heats.append(_seconds(page, toggle.click, _HEAT))
        settled(page)
        toggle.click()
        settled(page)
    return nexts, heats


def _drag(page: "Page") -> list[float]:
    """Drag the window for two seconds; return the milliseconds between frames, by tens."""
    page.get_by_role("button", name="Window", exact=True).click()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_COUNT)
    until = time.perf_counter() + _DRAG_S
    step = 0
    while time.perf_counter() < until:
        step += 1
        page.mouse.move(x + step % 90, y + step % 60)
    at = page.evaluate("() => { const at = window.frames_at; delete window.frames_at; return at; }")
    page.mouse.up()
    gaps = [after - before for before, after in pairwise(at)]
    return [statistics.mean(gaps[row : row + 10]) for row in range(0, len(gaps) - 9, 10)]


def _change(page: "Page", link: str, title: str) -> float:
    menu = page.get_by_test_id("stSidebar").get_by_role("link", name=link, exact=True)
    return _seconds(page, menu.click, _OPENED, title)
