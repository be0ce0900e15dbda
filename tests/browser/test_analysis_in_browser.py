"""What only a browser can show of the pages for analysts: clicks on plots, a lasso, how long."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Locator, Page, expect

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.evaluation import compare, shipped_scores
from pneumo_core.metrics import confusion
from tests.browser.conftest import ROOT, settled, start_app, stop

pytestmark = pytest.mark.browser

NAMES = ("cnn_94", "cnn_v2")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app in a fresh clone: the shipped checkpoints, no dataset."""
    server, address = start_app(ROOT / "checkpoints", tmp_path_factory.mktemp("home"))
    yield address
    stop(server)


def plot(page: Page, name: str) -> Locator:
    """A chart once it is drawn."""
    chart = page.locator(f".st-key-{name} .js-plotly-plot")
    chart.locator(".main-svg").first.wait_for()
    return chart


def click_cell(page: Page, number: int) -> None:
    """Click a cell of the matrix: tn, fp, fn, tp are 0 to 3."""
    bars = plot(page, "matrix").locator(".barlayer .trace .point path")
    box = bars.nth(number).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_clicked_cell_lists_its_films(shipped: str, page: Page) -> None:
    page.goto(f"{shipped}/evaluate?checkpoint=cnn_94")
    checkpoint = load_checkpoint("cnn_94", ROOT / "checkpoints")
    films = shipped_scores(checkpoint, "test").table
    threshold = checkpoint.card.operating_point().threshold
    counts = confusion(films["label"], films["probability"], threshold)
    click_cell(page, 2)
    told = f"Missed: pneumonia predicted as NORMAL: {counts.fn} X-rays, worst errors first"
    expect(page.get_by_text(told)).to_be_visible()
    expect(page).to_have_url(re.compile("cell=fn"))
    expect(page.get_by_text("The image files are not on this machine")).to_be_visible()
    settled(page)

    click_cell(page, 1)
    told = f"False alarms: normal predicted as PNEUMONIA: {counts.fp} X-rays, worst errors first"
    expect(page.get_by_text(told)).to_be_visible()


@pytest.fixture
def scored(
    checkpoints: Path, film_folder: Callable[..., Path], tmp_path: Path
) -> Iterator[tuple[str, int]]:
    """An app with forty X-rays at hand, and how many of each label there are."""
    folder = film_folder({"train": 1, "test": 20})
    server, address = start_app(checkpoints, tmp_path, PNEUMO_DATA=str(folder))
    yield address, 20
    stop(server)


@pytest.mark.parametrize("page", [{"width": 1440, "height": 900}], indirect=True, ids=["laptop"])
def test_the_films_of_a_clicked_cell_are_seen_without_scrolling(
    scored: tuple[str, int], page: Page
) -> None:
    address, count = scored
    page.goto(f"{address}/evaluate?films=dataset%20test&threshold=0")  # all count as PNEUMONIA
    page.get_by_role("button", name="Score test X-rays with cnn_94").click()
    click_cell(page, 1)
    told = f"False alarms: normal predicted as PNEUMONIA: {count} X-rays"
    expect(page.get_by_text(told)).to_be_in_viewport()
    pictures = page.locator(".st-key-beside-picked img")
    expect(pictures).to_have_count(6)
    for number in range(6):
        expect(pictures.nth(number)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Enlarge").first.click()
    expect(pictures).to_have_count(1)
    expect(page.get_by_role("link", name="Open on the Read page")).to_be_visible()


def test_the_page_follows_the_slider_at_once(shipped: str, page: Page) -> None:
    page.goto(f"{shipped}/evaluate?checkpoint=cnn_94&threshold=0.5&cell=fp")
    films = shipped_scores(load_checkpoint("cnn_94", ROOT / "checkpoints"), "test").table
    slider = page.get_by_role("slider", name="Threshold: this probability or higher")
    settled(page)
    slider.focus()
    for step in range(1, 4):
        page.keyboard.press("ArrowRight")
        counts = confusion(films["label"], films["probability"], 0.5 + step / 1000)
        shown = page.get_by_text(f"False alarms: normal predicted as PNEUMONIA: {counts.fp} X-rays")
        expect(shown).to_be_visible()
    named = page.get_by_role("radio", name=f"Missed ({counts.fn})")
    expect(named).to_be_visible()
    expect(page).to_have_url(re.compile("threshold=0.503"))


def test_a_lasso_selects_exactly_the_films_inside(shipped: str, page: Page) -> None:
    page.goto(f"{shipped}/compare?checkpoints={','.join(NAMES)}")
    first, second = (load_checkpoint(name, ROOT / "checkpoints") for name in NAMES)
    scores = [shipped_scores(each, "test") for each in (first, second)]
    table = compare(scores[0], scores[1], (0.5, 0.5)).table
    chart = plot(page, "scatter")
    chart.scroll_into_view_if_needed()
    settled(page)
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


def test_reports_and_figures_are_taken_away(shipped: str, page: Page) -> None:
    page.goto(f"{shipped}/evaluate?checkpoint=cnn_v2")
    page.get_by_text("Export", exact=True).click()

    def taken(name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(download.value.path()).read_bytes()

    assert taken("Report, PDF").startswith(b"%PDF")
    assert taken("Scores, CSV").startswith(b"id,patient,split,label")
    assert taken("PNG").startswith(b"\x89PNG")
    assert b"showSendToCloud" in taken("HTML")


def test_twenty_thousand_films_make_a_page(shipped: str, page: Page, tmp_path: Path) -> None:
    rows = (f"film-{n},{n % 2},{(n * 7919 % 1000) / 1000}" for n in range(20_000))
    (tmp_path / "scores.csv").write_text("\n".join(["id,label,probability", *rows]))
    page.goto(f"{shipped}/evaluate?films=file")
    page.locator("input[type=file]").set_input_files(str(tmp_path / "scores.csv"))
    expect(page.get_by_text("20000 X-rays")).to_be_visible()
    started = time.monotonic()
    click_cell(page, 3)
    expect(page.get_by_text("Correct: pneumonia predicted as PNEUMONIA: ")).to_be_visible()
    assert time.monotonic() - started < 15, "no stall"
