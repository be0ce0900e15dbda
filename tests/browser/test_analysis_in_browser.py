"""What only a browser can show of the pages for analysts: clicks on plots, a lasso, how long."""

import re
import time
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Locator, Page, expect

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.evaluation import compare, shipped_scores
from pneumo_core.metrics import confusion
from tests.browser.conftest import ROOT, TRAINED, UNTRAINED, settled

pytestmark = pytest.mark.browser


def plot(page: Page, name: str) -> Locator:
    """A chart once it is drawn."""
    chart = page.locator(f".st-key-{name} .js-plotly-plot")
    chart.locator(".main-svg").first.wait_for()
    drawn = "chart => chart._fullLayout?._plots?.xy"
    page.wait_for_function(drawn, arg=chart.element_handle(), polling=50)
    return chart


_UNCOVERED = """image => {
    const box = image.getBoundingClientRect(), inset = 5;
    const corners = [[box.left + inset, box.top + inset], [box.right - inset, box.bottom - inset]];
    return corners.filter(at => document.elementFromPoint(...at) !== image);
}"""
"""The corners at which a picture is not seen: outside the window, or below something."""


def click_cell(page: Page, number: int) -> None:
    """Click a cell of the matrix: tn, fp, fn, tp are 0 to 3."""
    bars = plot(page, "matrix").locator(".barlayer .trace .point path")
    box = bars.nth(number).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_clicked_cell_the_slider_and_what_is_taken_away(app: str, page: Page) -> None:
    page.goto(f"{app}/evaluate?checkpoint=cnn_94&threshold=0.5")
    films = shipped_scores(load_checkpoint("cnn_94", ROOT / "checkpoints"), "test").table
    counts = confusion(films["label"], films["probability"], 0.5)
    click_cell(page, 2)
    told = f"Missed: pneumonia predicted as NORMAL: {counts.fn} X-rays, worst errors first"
    expect(page.get_by_text(told)).to_be_visible()
    expect(page).to_have_url(re.compile("cell=fn"))
    expect(page.get_by_text("not in the dataset in use").first).to_be_visible()
    settled(page)
    click_cell(page, 1)
    told = f"False alarms: normal predicted as PNEUMONIA: {counts.fp} X-rays, worst errors first"
    expect(page.get_by_text(told)).to_be_visible()
    settled(page)

    page.get_by_role("slider", name="Threshold: this probability or higher").focus()
    for step in range(1, 4):
        page.keyboard.press("ArrowRight")
        counts = confusion(films["label"], films["probability"], 0.5 + step / 1000)
        shown = page.get_by_text(f"False alarms: normal predicted as PNEUMONIA: {counts.fp} X-rays")
        expect(shown).to_be_visible()
    named = page.get_by_role("radio", name=f"Missed ({counts.fn})")
    expect(named).to_be_visible()
    expect(page).to_have_url(re.compile("threshold=0.503"))
    settled(page)

    page.get_by_text("Export", exact=True).click()

    def taken(name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(download.value.path()).read_bytes()

    assert taken("Report, PDF").startswith(b"%PDF")
    assert taken(f"Scores of all {len(films)} X-rays, CSV").startswith(b"id,patient,split,label")
    assert taken("PNG").startswith(b"\x89PNG")
    assert b"showSendToCloud" in taken("HTML")


@pytest.mark.parametrize("page", [{"width": 1440, "height": 900}], indirect=True, ids=["laptop"])
def test_the_films_of_a_clicked_cell_are_seen_without_scrolling(
    app: str, films: Path, page: Page
) -> None:
    count = len(list((films / "test/NORMAL").iterdir()))
    link = f"evaluate?checkpoint={UNTRAINED}&films=dataset%20test&threshold=0"
    page.goto(f"{app}/{link}")  # all count as PNEUMONIA
    page.get_by_role("button", name=f"Score test X-rays with {UNTRAINED}").click()
    click_cell(page, 1)
    told = f"False alarms: normal predicted as PNEUMONIA: {count} X-rays"
    expect(page.get_by_text(told)).to_be_in_viewport()
    pictures = page.locator(".st-key-beside-picked img")
    expect(pictures).to_have_count(6)
    for number in range(6):
        expect(pictures.nth(number)).to_be_in_viewport(ratio=1)
    save = page.get_by_role("button", name="Save list")
    expect(save).to_be_in_viewport(ratio=1)
    with page.expect_download() as download:
        save.click()
    table = pd.read_csv(download.value.path())
    columns = [set(table[name]) for name in ("label", "predicted", "result")]
    assert (len(table), columns) == (count, [{"NORMAL"}, {"PNEUMONIA"}, {"false alarm"}])
    page.get_by_role("button", name="Enlarge").first.click()
    expect(pictures).to_have_count(1)
    expect(page.get_by_role("link", name="Open on the Read page")).to_be_visible()
    pictures.hover()
    page.get_by_role("button", name="Fullscreen").click()
    expect(page.get_by_role("button", name="Close fullscreen")).to_be_visible()
    assert page.evaluate(_UNCOVERED, pictures.element_handle()) == []


_DRAWING = """() => {
    const chart = document.querySelector(".st-key-scatter .js-plotly-plot");
    return chart?._fullLayout?.dragmode === "lasso";
}"""
"""Whether the plot lets a lasso be drawn: it is drawn anew some time after the script has ended."""


def test_a_lasso_selects_exactly_the_films_inside(app: str, page: Page) -> None:
    page.goto(f"{app}/compare?checkpoints={','.join(TRAINED)}")
    first, second = (load_checkpoint(name, ROOT / "checkpoints") for name in TRAINED)
    scores = [shipped_scores(each, "test") for each in (first, second)]
    table = compare(scores[0], scores[1], (0.5, 0.5)).table
    plot(page, "scatter")
    page.get_by_role("radio", name="Drawing").click()
    settled(page)
    page.wait_for_function(_DRAWING, polling=50)
    chart = plot(page, "scatter")
    chart.scroll_into_view_if_needed()
    low, high = 0.35, 0.75
    corners = [(low, low), (high, low), (high, high), (low, high), (low, low)]
    places = [_place(chart, x, y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for at in places[1:]:
        page.mouse.move(*at, steps=8)
    page.mouse.up()
    inside = table[table["first"].between(low, high) & table["second"].between(low, high)]
    expect(page.get_by_text(f"Selected: {len(inside)} of {len(table)} X-rays")).to_be_visible()
    page.get_by_role("button", name="Clear the selection").click()
    expect(page.get_by_text("Predicted differently:")).to_be_visible()


def _place(chart: Locator, x: float, y: float) -> tuple[float, float]:
    """Where a point of the plot lies in the window."""
    found = chart.evaluate(
        """(plot, [x, y]) => {
            const {xaxis: h, yaxis: v} = plot._fullLayout, box = plot.getBoundingClientRect();
            return [box.left + h._offset + h.c2p(x), box.top + v._offset + v.c2p(y)];
        }""",
        [x, y],
    )
    return float(found[0]), float(found[1])


@pytest.mark.thorough
@pytest.mark.parametrize("count", [2_000, 20_000])
def test_thousands_of_films_make_a_page(app: str, page: Page, tmp_path: Path, count: int) -> None:
    rows = (f"film-{n},{n % 2},{(n * 7919 % 1000) / 1000}" for n in range(count))
    (tmp_path / "scores.csv").write_text("\n".join(["id,label,probability", *rows]))
    page.goto(f"{app}/evaluate?films=file")
    page.locator("input[type=file]").set_input_files(str(tmp_path / "scores.csv"))
    expect(page.get_by_text(f"{count} X-rays")).to_be_visible()
    plot(page, "matrix")
    settled(page)
    started = time.monotonic()
    click_cell(page, 3)
    expect(page.get_by_text("Found: pneumonia predicted as PNEUMONIA: ")).to_be_visible()
    assert time.monotonic() - started < 15, "no stall"


def test_going_back_takes_one_press_for_each_page(app: str, page: Page) -> None:
    """Query parameters change the page's entry in the browser's history; they add none."""
    page.goto(app)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Embeddings").click()
    expect(page).to_have_url(re.compile("/embeddings\\?check"))
    settled(page)
    page.go_back()
    expect(page).to_have_url(f"{app}/")
