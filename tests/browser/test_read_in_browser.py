"""What only a browser can show of the reading room: the real app, driven by Chromium."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Page, expect
from pydicom.data import get_testdata_file

from pneumo_core.imaging import display_pixels, read_radiograph
from tests.browser.conftest import (
    PHONE,
    UNTRAINED,
    address_of,
    overflow,
    picture,
    serious,
    settled,
    start_app,
    stop,
    upload,
)

pytestmark = pytest.mark.browser

CHEST = f"read?sample=chest&checkpoint={UNTRAINED}"


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample chest as a grey PNG of 482 × 512 pixels."""
    pixels = display_pixels(read_radiograph(dicom("RG1_UNCR.dcm")).pixels, 512)
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray((255 * pixels).round().astype(np.uint8)).save(path)
    return path


def dicom(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(str(path))


def toggle_look(page: Page) -> None:
    settled(page)
    page.get_by_text("Show heat map", exact=True).click()


def test_from_home_to_a_film_and_where_it_looked(app: str, page: Page, film: Path) -> None:
    page.goto(app)
    page.get_by_role("button", name="Read an X-ray").click()
    expect(page.get_by_text("No X-rays yet")).to_be_visible()

    upload(page, film)
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    plain = picture(page, "The X-ray")
    heat = page.locator(".heat")
    expect(heat).to_be_hidden()

    toggle_look(page)
    assert picture(page, "The X-ray under the heat map") == plain, "the X-ray itself stays"
    expect(heat).to_be_visible()
    expect(heat).to_have_css("opacity", "0.5")

    slider = page.get_by_role("slider", name="Opacity of the map")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(heat).to_have_css("opacity", "0.55")

    page.get_by_role("button", name="Options").click()
    page.get_by_role("radio", name="This X-ray").click()  # by probability a faint map has no lines
    page.get_by_role("radio", name="Contour").click()
    expect(heat).to_be_hidden()
    expect(page.locator(".lines path").first).to_be_attached()


def test_the_viewer_and_what_is_taken_away(app: str, page: Page) -> None:
    """The viewer's tools, zoom and tone; then the result with its heat map as PDF and as DICOM."""
    page.goto(f"{app}/{CHEST}&point=screening")
    expect(page.get_by_text("PNEUMONIA at 0.200 or higher")).to_be_visible()
    page.get_by_role("img", name="The X-ray", exact=True).wait_for()
    settled(page)
    assert_tools(page)
    assert_zoom(page)
    assert_tone(page)
    assert_exports(page)


def assert_tools(page: Page) -> None:
    """Window by drag, distance, what lies under the pointer, rotation, keys."""
    image = page.get_by_role("img", name="The X-ray", exact=True)
    stage, probe = page.locator(".stage"), page.locator(".probe")
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(dx: float, dy: float) -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y + dy, steps=4)
        page.mouse.up()

    page.mouse.move(x, y)
    expect(probe).to_have_text(re.compile(r"x 9\d\d, y 9\d\d, grey \d+"))
    page.get_by_role("button", name="Window", exact=True).click()
    drag(60, 0)
    expect(probe).to_have_text("Level 50 %, width 135 %")
    expect(image).not_to_have_css("filter", "invert(0) brightness(1) contrast(1)")
    stage.press("d")
    drag(0, 100)
    expect(probe).to_have_text(re.compile(r"\d+ pixels \(the file gives no pixel size\)"))
    shown = probe.inner_text()
    stage.press("r")
    stage.press("h")
    expect(page.locator(".stage > .layers")).to_have_attribute(
        "style", re.compile("rotate\\(90deg")
    )
    assert probe.inner_text() == shown, "the distance is that of the image"
    stage.press("?")
    expect(page.get_by_text("after a click on the X-ray")).to_be_visible()
    stage.press("?")
    stage.press("0")
    expect(image).to_have_css("filter", "invert(0) brightness(1) contrast(1)")


def assert_zoom(page: Page) -> None:
    told, layers = page.locator(".told"), page.locator(".stage > .layers")
    fit = told.inner_text()
    page.locator(".stage").focus()
    for key in ("+", "+", "ArrowLeft"):
        page.keyboard.press(key)
    expect(told).not_to_have_text(fit, use_inner_text=True)
    moved = layers.get_attribute("style")
    page.keyboard.press("ArrowLeft")
    assert layers.get_attribute("style") != moved
    page.get_by_role("button", name="1:1").click()
    expect(told).to_have_text("100 %")
    page.locator(".stage").press("0")
    expect(told).to_have_text(fit)


def assert_tone(page: Page) -> None:
    as_read = picture(page, "The X-ray")
    image = page.get_by_role("img", name="The X-ray", exact=True)
    page.get_by_role("button", name="Invert").click()
    expect(image).to_have_css("filter", "invert(1) brightness(1) contrast(1)")
    assert picture(page, "The X-ray") == as_read, "the browser inverts"
    address = address_of(image)
    settled(page)
    window = page.get_by_role("combobox", name="Window")
    window.scroll_into_view_if_needed()  # a list that opens while the page scrolls closes again
    window.click()
    page.get_by_role("option", name="Full range").click()
    expect(image).not_to_have_attribute("src", address)
    assert picture(page, "The X-ray") != as_read


def assert_exports(page: Page) -> None:
    toggle_look(page)
    expect(page.locator(".heat")).to_be_visible()
    page.get_by_role("button", name="Export").click()

    def taken(name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(download.value.path()).read_bytes()

    assert taken("PDF").startswith(b"%PDF")
    image = pydicom.dcmread(BytesIO(taken("DICOM")))
    assert image.PatientIdentityRemoved == "YES"
    assert image.pixel_array.shape[2] == 3


WIDE = {"width": 1440, "height": 900}


@pytest.mark.parametrize("count", [12, pytest.param(60, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("page", [WIDE], indirect=True, ids=["1440x900"])
def test_many_films_are_read_without_scrolling(
    app: str, page: Page, film: Path, tmp_path: Path, count: int
) -> None:
    """X-ray, result and next stand in the first screen; each step shows the X-ray it names."""
    paths = []
    for number in range(count):
        pixels = np.asarray(Image.open(film)).copy()
        pixels[:8, : 8 * (number + 1)] = 255
        paths.append(tmp_path / f"{number:02}.png")
        Image.fromarray(pixels).save(paths[-1])
    page.goto(f"{app}/read?checkpoint={UNTRAINED}")
    upload(page, *paths[:1])
    page.get_by_text("Probability of pneumonia").wait_for()
    assert_first_screen(page)
    upload(page, *paths[1:])
    expect(page.get_by_text(f"{count} X-rays: {count} read")).to_be_visible()
    settled(page)
    assert_first_screen(page)
    page.get_by_role("button", name="Filter and order").click()
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="By file name").click()
    page.keyboard.press("Escape")
    seen: dict[str, str] = {}
    settled(page)
    steps = page.locator(".st-key-steps")
    place = re.search(rf"(\d+) of {count}", steps.inner_text())
    assert place
    step = "Shift+ArrowLeft" if int(place[1]) > count // 2 else "Shift+ArrowRight"
    for _ in range(4):
        settled(page)
        name = steps.inner_text()
        seen[picture(page, "The X-ray")] = name
        page.keyboard.press(step)
        expect(steps).not_to_have_text(name, use_inner_text=True)
    assert len(seen) == len(set(seen.values())) == 4, "never a stale picture"
    toggle_look(page)  # the toggle has the focus now; the shortcut works all the same
    settled(page)
    name = steps.inner_text()
    page.keyboard.press(step)
    expect(steps).not_to_have_text(name, use_inner_text=True)


def assert_first_screen(page: Page) -> None:
    places = [page.locator(".stage"), page.locator(".st-key-result h2")]
    next_film = page.get_by_role("button", name="Next")
    for place in [*places, *([next_film] if next_film.count() else [])]:
        box = place.bounding_box()
        assert box is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= WIDE["height"]


def test_a_list_of_files_rows_a_walk_home_and_a_leg(
    app: str, page: Page, film: Path, tmp_path: Path
) -> None:
    """A DICOM file is read, a row opens its X-ray, the list outlives a walk, a leg is refused."""
    (tmp_path / "notes.txt").write_text("not an X-ray")
    page.goto(f"{app}/read?checkpoint={UNTRAINED}")
    expect(page.get_by_text("No X-rays yet")).to_be_visible()
    upload(page, dicom("RG1_J2KR.dcm"))
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    expect(page.get_by_text("DICOM · 1841 × 1955 pixels")).to_be_visible()
    settled(page)
    upload(page, film, tmp_path / "notes.txt")
    expect(page.get_by_text("3 X-rays: 2 read, 1 failed")).to_be_visible()
    settled(page)

    table = page.get_by_test_id("stDataFrame")
    table.click(position={"x": 150, "y": 40 + 44 * 2 + 15})
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()
    table.click(position={"x": 150, "y": 40 + 44 * 1 + 15})
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    table.click(position={"x": 15, "y": 40 + 44 * 2 + 15})
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()
    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()

    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Dataset")).to_be_visible()
    page.get_by_role("button", name="Read an X-ray").click()
    expect(page.get_by_text("3 X-rays: 2 read, 1 failed")).to_be_visible()
    settled(page)

    page.get_by_role("button", name="Samples").click()
    page.get_by_role("button", name="Leg", exact=True).click()
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()
    said = page.get_by_test_id("stAlert").filter(has_text="another body part")
    expect(said.first).to_be_visible()
    expect(page.get_by_text("Probability of pneumonia")).to_have_count(0)


@pytest.mark.thorough
def test_a_deep_link_opened_first_on_a_fresh_server(
    checkpoints: Path, tmp_path: Path, page: Page
) -> None:
    """In the quick tests the shared server may have shown other pages first."""
    server, address = start_app(checkpoints, tmp_path)
    try:
        page.goto(f"{address}/{CHEST}&point=screening")
        expect(page.get_by_text("PNEUMONIA at 0.200 or higher")).to_be_visible()
        expect(page.get_by_role("link", name="Home")).to_be_visible()
        page.goto("about:blank")
    finally:
        stop(server)


@pytest.mark.thorough
@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_scrolls_one_way_only(app: str, page: Page, film: Path) -> None:
    """``test_every_page_in_browser.py`` opens every page at a phone's width in the quick tests."""
    page.goto(app)
    expect(page.get_by_role("heading", name="Dataset")).to_be_visible()
    assert overflow(page) == 0
    page.get_by_role("button", name="Read an X-ray").click()
    expect(page.get_by_text("No X-rays yet")).to_be_visible()
    upload(page, film, dicom("RG1_J2KR.dcm"))
    expect(page.get_by_text("2 X-rays: 2 read")).to_be_visible()
    toggle_look(page)
    expect(page.get_by_text("Grad-CAM").first).to_be_visible()
    assert overflow(page) == 0


def test_the_keyboard_alone_reaches_and_chooses(app: str, page: Page) -> None:
    page.goto(f"{app}/read?checkpoint={UNTRAINED}")
    expect(page.get_by_text("No X-rays yet")).to_be_visible()
    expect(page.get_by_role("button", name="Chest")).to_be_visible()  # its script comes late
    settled(page)
    reached = []
    while "Chest" not in reached and len(reached) < 20:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText").strip())
    assert "Upload" in " ".join(reached)
    assert reached[-1] == "Chest"
    page.keyboard.press("Space")
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()


def test_read_first_asks_by_keyboard_and_answers_after(app: str, page: Page) -> None:
    page.goto(f"{app}/{CHEST}&first=1")
    expect(page.get_by_text("What do you see?")).to_be_visible()
    expect(page.get_by_role("img", name="The X-ray", exact=True)).to_be_visible()
    expect(page.get_by_text("Probability of pneumonia")).to_have_count(0)
    assert not serious(page)
    settled(page)
    page.keyboard.press("Alt+5")
    expect(page.get_by_text("You called it PNEUMONIA after")).to_be_visible()
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    settled(page)
    page.keyboard.press("Alt+a")
    expect(page.get_by_text("You agreed:")).to_be_visible()
    page.goto(f"{app}/log")
    page.get_by_role("tab", name="Reader agreement").click()
    expect(page.get_by_text("beyond chance")).to_be_visible()
    assert not serious(page)
