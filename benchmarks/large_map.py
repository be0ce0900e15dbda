"""How soon a map of a million X-rays follows the mouse, in a real browser.

    python -m benchmarks.large_map [--points 1000000] [--tries 10]

A made-up map is zoomed by the wheel, moved, and drawn around. Told are the medians from the last
move of the mouse to the answer on the page: the number of X-rays in view, or selected. Needs
playwright and a Chromium.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page

from benchmarks.embedding_page import app, browser
from benchmarks.report import machine
from pneumo_core.embeddings import Features, Projection, map_as_parquet

_PLOT = ".st-key-saved-map-of-films .js-plotly-plot"
_CLUSTERS = 12


def main() -> None:
    """Measure, and print a line for each act."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--tries", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "maps").mkdir()
        (Path(home) / "maps" / "many.parquet").write_bytes(_made_up(given.points))
        with app(PNEUMO_HOME=home) as address, browser() as page:
            started = time.perf_counter()
            page.goto(f"{address}/embeddings?view=saved")
            page.locator(f"{_PLOT} .main-svg").first.wait_for()
            print(f"{machine()}; {given.points:,} X-rays")
            print(f"page opened for the first time: {time.perf_counter() - started:.1f} s")
            page.wait_for_timeout(3000)
            for name, act in _acts(page).items():
                seconds = [act() for _ in range(given.tries)]
                slowest = max(seconds)
                print(f"{name}: {statistics.median(seconds):.2f} s, at most {slowest:.2f} s")


def _acts(page: Page) -> dict[str, Callable[[], float]]:
    box = page.locator(_PLOT).bounding_box()
    if box is None:
        raise RuntimeError("there is no map")
    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"]

    sides = itertools.cycle((1, -1))

    def zoom() -> float:
        page.mouse.move(x, y)
        return _until_new(page, "in view", lambda: page.mouse.wheel(0, -400))

    def pan() -> float:
        page.get_by_role("radio", name="Clicking").click()
        page.wait_for_timeout(1500)
        side = next(sides)  # there and back, so that there is something to draw around
        _drag(page, [(x, y), (x + 60 * side, y + 30 * side)])
        return _until_new(page, "in view", page.mouse.up)

    def lasso() -> float:
        page.get_by_role("radio", name="Drawing").click()
        page.wait_for_timeout(1500)
        side = 40 + 60 * np.random.default_rng(int(time.time() * 1e3)).random()
        corners = [(-side, -side), (side, -side), (side, side), (-side, side), (-side, -side)]
        _drag(page, [(x + across, y + down) for across, down in corners])
        return _until_new(page, "Selected:", page.mouse.up)

    return {"zoom": zoom, "pan": pan, "lasso": lasso}


def _drag(page: Page, corners: list[tuple[float, float]]) -> None:
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)


def _until_new(page: Page, words: str, act: Callable[[], None]) -> float:
    """Seconds from an act until the text with these words is another one."""
    text = page.get_by_text(words).first
    before = text.text_content() if text.count() else ""
    started = time.perf_counter()
    act()
    while time.perf_counter() - started < 60:
        if text.count() and text.text_content() != before:
            seconds = time.perf_counter() - started
            page.wait_for_timeout(1000)
            return seconds
        page.wait_for_timeout(10)
    raise RuntimeError(f"no answer: '{words}'")


def _made_up(n: int) -> bytes:
    random = np.random.default_rng(0)
    cluster = random.integers(0, _CLUSTERS, n)
    spread = random.uniform(0.3, 1.5, (_CLUSTERS, 1))[cluster]
    centres = random.normal(0, 6, (_CLUSTERS, 2))[cluster]
    points = (centres + spread * random.normal(size=(n, 2))).astype(np.float32)
    label = (cluster > _CLUSTERS // 3).astype(int)
    table = pd.DataFrame(
        {
            "id": [f"site{row % 7}/film-{row:07d}.png" for row in range(n)],
            "patient": [f"patient-{row // 3}" for row in range(n)],
            "split": "test",
            "label": label,
            "subtype": "",
            "probability": np.clip(0.8 * label + random.normal(0, 0.25, n), 0, 1),
        }
    )
    features = Features(table, points, "penultimate", "made-up", "1", {})
    return map_as_parquet(features, Projection("tsne", points, (), lambda other: other))


if __name__ == "__main__":
    main()
