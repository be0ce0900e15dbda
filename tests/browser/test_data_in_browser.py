"""The data page in a browser: from opened to inspected, its films, on a desktop and a phone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Page, expect

from tests.browser.conftest import (
    DESKTOP,
    PHONE,
    overflow,
    picture,
    serious,
    settled,
    start_app,
    stop,
)
from tests.conftest import REAL_DATA, draw_film, film_name

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def with_films(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app over 40 drawn films, one of them in two splits."""
    folder = tmp_path_factory.mktemp("films")
    for split, numbers in (("train", range(14)), ("test", range(14, 20))):
        for label, name in enumerate(("NORMAL", "PNEUMONIA")):
            place = folder / split / name
            place.mkdir(parents=True)
            for k in numbers:
                Image.fromarray(draw_film(label, side=96, seed=k)).save(place / film_name(label, k))
    shutil.copy(folder / "train/NORMAL" / film_name(0, 0), folder / "test/NORMAL/IM-0900-0001.png")
    server, address = start_app(
        checkpoints, tmp_path_factory.mktemp("home"), PNEUMO_DATA=str(folder)
    )
    yield address
    stop(server)


@pytest.mark.parametrize("view", ["findings", "films", "augmentation"])
def test_every_view_fits_and_is_accessible(with_films: str, page: Page, view: str) -> None:
    page.goto(f"{with_films}/data?view={view}")
    page.get_by_role("radio", name="Augmentation").wait_for()
    settled(page)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert serious(page) == set()
        assert overflow(page) == 0


def test_a_finding_leads_to_its_pictures(with_films: str, page: Page) -> None:
    page.goto(f"{with_films}/data")
    page.get_by_text("The same image in two splits").wait_for()
    settled(page)
    page.get_by_text("Show the 2 X-rays").click()
    first = picture(page, f"train/NORMAL/{film_name(0, 0)}: NORMAL, train")
    assert picture(page, "test/NORMAL/IM-0900-0001.png: NORMAL, test") == first
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download this list").click()
    lines = saved.value.path().read_text().splitlines()
    assert len(lines) == 3
    assert lines[0] == "group,id,split,label,subtype,patient"


def test_a_random_film_opens_in_the_reading_room(with_films: str, page: Page) -> None:
    page.goto(f"{with_films}/data?view=films")
    page.get_by_role("button", name="Enlarge").first.click()
    page.get_by_role("link", name="Open on the Read page").click()
    page.get_by_text("Probability of pneumonia").first.wait_for()


def test_another_draw_shows_other_pictures(with_films: str, page: Page) -> None:
    page.goto(f"{with_films}/data?view=augmentation")
    before = picture(page, "Draw 1")
    settled(page)
    drawn = page.get_by_role("img", name="Draw 1", exact=True)
    address = drawn.get_attribute("src") or ""
    page.get_by_role("button", name="Draw again").click()
    expect(drawn).not_to_have_attribute("src", address, timeout=60_000)
    assert picture(page, "Draw 1") != before


@pytest.mark.thorough
@pytest.mark.real_data
@pytest.mark.slow
def test_the_real_films_are_inspected_with_a_bar(
    checkpoints: Path, tmp_path_factory: pytest.TempPathFactory, page: Page
) -> None:
    if not REAL_DATA:
        pytest.skip("PNEUMO_DATA is not set: the real X-rays are not tested")
    home = tmp_path_factory.mktemp("home")
    server, address = start_app(checkpoints, home, PNEUMO_DATA=REAL_DATA)
    try:
        page.goto(f"{address}/data")
        page.get_by_text("Decoding X-rays: ").wait_for()
        page.get_by_role("button", name="Cancel").click()
        start = page.get_by_role("button", name="Inspect")
        start.wait_for()
        settled(page)
        start.click()
        page.get_by_text("30 pictures are there more than once").wait_for(timeout=120_000)
        expect(page.get_by_text("2.89", exact=True).first).to_be_visible()
        page.goto("about:blank")  # or it would ask for the stopped server
    finally:
        stop(server)
