"""What only a browser can show of a map: a lasso, a click, colours, how many points it bears."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Locator, Page, expect

from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.embeddings import project, shipped_features
from pneumo_core.imaging import jpeg, read_radiograph
from pneumo_core.models import build_network
from pneumo_core.runs import Run
from tests.browser.conftest import ROOT, UNTRAINED, picture, settled, start_app, stop
from tests.conftest import HISTORY, make_card

pytestmark = pytest.mark.browser


def chart(page: Page) -> Locator:
    """The map once it is drawn."""
    found = page.locator(".st-key-map-of-films .js-plotly-plot")
    found.locator(".main-svg").first.wait_for()
    settled(page)
    found.scroll_into_view_if_needed()
    return found


def places(plot: Locator, points: np.ndarray) -> list[tuple[float, float]]:
    """Where points of the first panel lie in the window."""
    found = plot.evaluate(
        """(plot, points) => {
            const {xaxis: h, yaxis: v} = plot._fullLayout, box = plot.getBoundingClientRect();
            return points.map(([x, y]) =>
                [box.left + h._offset + h.c2p(x), box.top + v._offset + v.c2p(y)]);
        }""",
        np.asarray(points, float).tolist(),
    )
    return [(float(x), float(y)) for x, y in found]


def lasso(page: Page, corners: list[tuple[float, float]]) -> None:
    page.mouse.move(*corners[0])
    page.mouse.down()
    for at in [*corners[1:], corners[0]]:
        page.mouse.move(*at, steps=8)
    page.mouse.up()


def clear_box(at: np.ndarray) -> tuple[float, float, float, float]:
    """A box with many films inside and none near its edges, which a hand can't draw to the pixel.

    ``at`` (N, 2): where the films lie in the window.
    """
    random = np.random.default_rng(0)
    for _ in range(20_000):
        (x0, y0), (x1, y1) = np.sort(random.uniform(at.min(axis=0), at.max(axis=0), (2, 2)), axis=0)
        edges = np.abs(at[:, [0, 0, 1, 1]] - [x0, x1, y0, y1]).min(axis=1)
        inside = ((at > [x0, y0]) & (at < [x1, y1])).all(axis=1)
        near = ((at > [x0 - 3, y0 - 3]) & (at < [x1 + 3, y1 + 3])).all(axis=1)
        if inside.sum() > 20 and not (near & (edges < 2)).any():
            return float(x0), float(y0), float(x1), float(y1)
    raise AssertionError("no box is clear of X-rays")


def test_a_lasso_selects_exactly_the_films_inside_and_outlives_a_colour(
    app: str, page: Page
) -> None:
    checkpoint = load_checkpoint("cnn_94", ROOT / "checkpoints")
    features = shipped_features(checkpoint, "test")
    points = project(features.values, "pca").points
    page.goto(f"{app}/embeddings?checkpoint=cnn_94&films=test&map=pca")
    at = np.array(places(chart(page), points))
    left, top, right, bottom = clear_box(at)
    inside = ((at > [left, top]) & (at < [right, bottom])).all(axis=1)
    lasso(page, [(left, top), (right, top), (right, bottom), (left, bottom)])
    told = page.get_by_role("heading", name=f"Selected: {inside.sum()} of 624 X-rays")
    expect(told).to_be_visible()

    page.get_by_role("combobox", name="Colour").click()
    page.get_by_role("option", name="outcome").click()
    page.wait_for_function(
        "document.querySelector('.st-key-map-of-films .js-plotly-plot')?._fullData?.length > 2"
    )
    expect(told).to_be_visible()
    bright = chart(page).evaluate(
        "plot => plot._fullData.flatMap(trace => [...(trace.selectedpoints || [])]).length"
    )
    assert bright == inside.sum()


def test_a_click_shows_the_films_own_picture(app: str, films: Path, page: Page) -> None:
    """For a film of every trace: the picture under its name is that of its file."""
    count = len(list((films / "test").rglob("*.png")))
    page.goto(f"{app}/embeddings?checkpoint={UNTRAINED}&films=dataset%20test&map=pca")
    page.get_by_role("button", name="Compute features of test X-rays (penultimate layer)").click()
    chart(page)
    page.get_by_role("radio", name="Clicking").click()
    mode = "document.querySelector('.st-key-map-of-films .js-plotly-plot')?._fullLayout?.dragmode"
    page.wait_for_function(f"{mode} === 'pan'")
    plot = chart(page)
    for trace in range(int(plot.evaluate("plot => plot.data.length"))):
        name, x, y = plot.evaluate(
            """(plot, n) => {
                const {text, x, y} = plot._fullData[n];
                return [text[0].split('<br>')[0], x[0], y[0]];
            }""",
            trace,
        )
        page.mouse.move(*places(plot, np.array([[x, y]]))[0])
        page.wait_for_timeout(500)  # it is hovered first, as by a hand
        page.mouse.down()
        page.mouse.up()
        expect(page.get_by_role("heading", name=f"Selected: 1 of {count} X-rays")).to_be_visible()
        film = next((films / "test").rglob(name))
        film_id = film.relative_to(films).as_posix()
        shown = page.get_by_role("img", name=film_id).first
        shown.wait_for()
        own = hashlib.sha256(jpeg(read_radiograph(film).pixels)).hexdigest()
        assert picture(page, str(shown.get_attribute("alt"))) == own
        page.get_by_role("button", name="Clear the selection").click()
        expect(page.get_by_role("heading", name="Selected:")).to_have_count(0)
        settled(page)


IN_DATA = """(plot, places) => {
    const {xaxis: h, yaxis: v} = plot._fullLayout, box = plot.getBoundingClientRect();
    return places.map(([x, y]) =>
        [h.p2c(x - box.left - h._offset), v.p2c(y - box.top - v._offset)]);
}"""
"""Where places in the window lie on the first map."""


def made_up() -> tuple[pd.DataFrame, np.ndarray]:
    """Scores and features of 50,000 films."""
    n, random = 50_000, np.random.default_rng(0)
    label = random.integers(0, 2, n)
    scores = pd.DataFrame(
        {
            "id": [f"test/film-{row}.png" for row in range(n)],
            "patient": [f"p{row}" for row in range(n)],
            "split": "test",
            "label": label,
            "subtype": "",
            "probability": random.uniform(0, 1, n).astype(np.float32),
        }
    )
    features = (random.normal(size=(n, 8)) + 3 * label[:, np.newaxis]).astype(np.float32)
    return scores, features


@pytest.fixture
def many(tmp_path: Path) -> Iterator[str]:
    """An app whose checkpoint comes with 50,000 films."""
    scores, features = made_up()
    with torch.random.fork_rng(devices=[]):
        weights = build_network("cnn_94").state_dict()
    card = replace(make_card(), name="many")
    root = tmp_path / "checkpoints"
    save_checkpoint(card, weights, scores=scores, features=features, history=HISTORY, root=root)
    server, address = start_app(root, tmp_path)
    yield address
    stop(server)


STALL = 2000 if os.environ.get("PYTEST_XDIST_WORKER") else 1000
"""Milliseconds; another worker may have half of the machine."""


def longest_stall(page: Page, act: Callable[[], None]) -> float:
    """Milliseconds between two frames while something is done: the least of three tries at most.

    A busy machine stalls a browser now and then, a page that stalls does so each time.
    """
    stalls = []
    for _ in range(3):
        page.evaluate("window.longest = 0")
        act()
        page.wait_for_timeout(800)  # the server has heard of it
        settled(page)
        stalls.append(float(page.evaluate("window.longest")))
        if stalls[-1] < STALL:
            break
    return min(stalls)


def test_a_large_map_gets_points_up_close_and_a_lasso_selects_what_lies_in_it(
    app: str, home: Path, page: Page
) -> None:
    """The server draws the part in view; what is selected is counted here, by its own numbers."""
    points = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    table = pd.DataFrame({"id": [f"film-{n}.png" for n in range(len(points))]})
    (home / "maps").mkdir(exist_ok=True)
    table.assign(x=points[:, 0], y=points[:, 1]).to_parquet(home / "maps" / "large.parquet")
    page.goto(f"{app}/embeddings?view=saved")
    plot = page.locator(".st-key-saved-map-of-films .js-plotly-plot")
    plot.locator(".main-svg").first.wait_for()
    settled(page)
    expect(page.get_by_text("20,000 X-rays of 20,000 in view")).to_be_visible()
    traced = "plot => plot._fullData.map(trace => (trace.x || []).length)"
    assert sum(plot.evaluate(traced)) < 10, "a picture, no points"
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    corners = [(x - 60, y - 60), (x + 60, y - 60), (x + 60, y + 60), (x - 60, y + 60)]
    (left, top), (right, bottom) = plot.evaluate(IN_DATA, [corners[0], corners[2]])
    lasso(page, corners)
    told = page.get_by_role("heading", name="Selected:")
    expect(told).to_be_visible()
    count = int(str(told.text_content()).split()[1].replace(",", ""))
    inside = (points > [left, bottom]).all(axis=1) & (points < [right, top]).all(axis=1)
    assert count == pytest.approx(inside.sum(), rel=0.03), "drawn to the pixel"

    page.mouse.move(x, y)
    for _ in range(8):
        for _ in range(6):
            page.mouse.wheel(0, -400)
        page.wait_for_timeout(400)
        settled(page)
        if sum(plot.evaluate(traced)) > 10:
            break
    names = plot.evaluate("plot => plot._fullData.flatMap(trace => trace.text || []).slice(0, 9)")
    assert names
    assert all(name.startswith("film-") for name in names)
    page.get_by_role("button", name="Whole map").click()
    expect(page.get_by_text("20,000 X-rays of 20,000 in view")).to_be_visible()


@pytest.mark.thorough
def test_fifty_thousand_films_pan_and_select(many: str, page: Page) -> None:
    page.goto(f"{many}/embeddings?films=test&map=pca")
    plot = chart(page)
    page.evaluate(
        """() => {
            window.longest = 0; let last = performance.now();
            const tick = () => { const now = performance.now();
                window.longest = Math.max(window.longest, now - last); last = now;
                requestAnimationFrame(tick); };
            requestAnimationFrame(tick);
        }"""
    )
    box = plot.bounding_box()
    assert box is not None
    x, y = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(x, y)
    assert longest_stall(page, lambda: page.mouse.wheel(0, -300)) < STALL, "zooming stalls"

    def select() -> None:
        lasso(page, [(x - 40, y - 40), (x + 40, y - 40), (x + 40, y + 40), (x - 40, y + 40)])
        started = time.monotonic()
        expect(page.get_by_role("heading", name="Selected:")).to_be_visible()
        assert time.monotonic() - started < 5

    assert longest_stall(page, select) < STALL, "selecting stalls"


def test_a_slider_moves_the_films_from_epoch_to_epoch(
    app: str, home: Path, filmed: Run, page: Page
) -> None:
    """Other places, the same frame, and a selection that stays."""
    shutil.copytree(filmed.folder, home / "runs" / filmed.folder.name)
    page.goto(f"{app}/embeddings?view=training&map=pca")
    page.get_by_role("button", name="Map test X-rays by 3 epochs (PCA)").click()
    plot = page.locator(".st-key-map-of-epochs .js-plotly-plot")
    plot.locator(".slider-grip-rect").wait_for()
    settled(page)
    page.get_by_role("textbox", name="Find by name").fill("IM-0013")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Selected: 2 of 30 X-rays")).to_be_visible()
    settled(page)
    shown = """plot => [plot._fullData[0].x[0], plot._fullLayout.xaxis.range.join(),
        plot._fullData.map(t => (t.selectedpoints || []).length).join()]"""
    plot.locator(".slider-grip-rect").wait_for()
    last = plot.evaluate(shown)
    assert "2" in last[2]
    expect(plot.locator(".slider-label").first).to_contain_text("Epoch 3 · validation AUC")
    plot.locator(".slider-rail-touch-rect").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    rail = plot.locator(".slider-rail-touch-rect").bounding_box()
    assert rail is not None
    page.mouse.click(rail["x"] + 5, rail["y"] + rail["height"] / 2)
    expect(plot.locator(".slider-label").first).to_contain_text("Epoch 1 · validation AUC")
    page.wait_for_function(
        "([plot, x]) => plot._fullData[0].x[0] !== x && !plot._transitioning",
        arg=[plot.element_handle(), last[0]],
    )
    first = plot.evaluate(shown)
    assert first[1:] == last[1:]
