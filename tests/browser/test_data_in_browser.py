"""The data page in a browser: from opened to inspected, its films, on a desktop and a phone."""

from pathlib import Path

import pytest

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
from tests.conftest import REAL_DATA, WHOLE, film_name

pytestmark = pytest.mark.browser


def assert_fits_and_is_accessible(page: Page) -> None:
    settled(page)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        settled(page)
        assert overflow(page) == 0
        if size == DESKTOP or WHOLE:
            assert serious(page) == set()


def test_a_finding_leads_to_its_pictures(app: str, page: Page) -> None:
    page.goto(f"{app}/data?view=findings")
    page.get_by_text("The same image in two splits").wait_for()
    assert_fits_and_is_accessible(page)
    page.get_by_text("Show the 2 X-rays").click()
    first = picture(page, f"train/NORMAL/{film_name(0, 0)}: NORMAL, train")
    assert picture(page, "test/NORMAL/IM-0900-0001.png: NORMAL, test") == first
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download this list").click()
    lines = saved.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[0] == "group,id,split,label,subtype,patient"


def test_another_draw_shows_other_pictures_and_a_film_opens_in_the_reading_room(
    app: str, page: Page
) -> None:
    page.goto(f"{app}/data?view=augmentation")
    before = picture(page, "Draw 1")
    assert_fits_and_is_accessible(page)
    drawn = page.get_by_role("img", name="Draw 1", exact=True)
    address = drawn.get_attribute("src") or ""
    page.get_by_role("button", name="Draw again").click()
    expect(drawn).not_to_have_attribute("src", address)
    assert picture(page, "Draw 1") != before

    page.goto(f"{app}/data?view=films")
    enlarge = page.get_by_role("button", name="Enlarge").first
    enlarge.wait_for()
    assert_fits_and_is_accessible(page)
    enlarge.click()
    page.get_by_role("link", name="Open on the Read page").click()
    page.get_by_role("img", name="The X-ray", exact=True).wait_for()
    expect(page.locator(".st-key-result h2")).to_be_visible()  # refused: it is no chest


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
