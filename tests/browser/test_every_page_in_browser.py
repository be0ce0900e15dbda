"""Every page of the menu, with something on it: for screen readers, and with no other address."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Page, expect

from pneumo_core.app.page import MENU
from tests.browser.conftest import DESKTOP, PHONE, ROOT, overflow, serious, settled, start_app, stop
from tests.conftest import draw_folder

pytestmark = pytest.mark.browser

PLACES = {
    "Home": "",
    "Read X-rays": "read?sample=chest",
    "Evaluate": "evaluate?cell=fn",
    "Compare": "compare",
    "Embeddings": "embeddings?map=pca",
    "Data": "data",
    "Train": "train",
}
"""Where each page has something on it; a page that isn't named is opened as it is."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app with the checkpoints that come with Pneumo, and a dataset."""
    films = draw_folder(tmp_path_factory.mktemp("data") / "films", {"train": 24, "test": 8})
    home = tmp_path_factory.mktemp("home")
    server, address = start_app(ROOT / "checkpoints", home, PNEUMO_DATA=str(films))
    yield address
    stop(server)


def open_full(page: Page, address: str, file: str, name: str) -> None:
    """A page with something on it: a film and where the network looked, the training form."""
    page.goto(f"{address}/{PLACES.get(name, Path(file).stem)}")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    if name == "Read X-rays":
        expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
        page.get_by_text("Show heat map", exact=True).click()
        expect(page.locator(".heat")).to_be_visible()
    closed = page.locator("[data-testid=stMain] details:not([open]) > summary")
    for _ in range(closed.count()):  # an opened one is closed no more
        closed.first.click()
        settled(page)


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, name, _ in MENU])
def test_every_page_is_for_everybody(full: str, page: Page, file: str, name: str) -> None:
    """Nothing serious by axe, which an empty Streamlit page has none of; every picture is told.

    That no request leaves this machine is checked by the fixture ``page``.
    """
    open_full(page, full, file, name)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert serious(page) == set()
        assert overflow(page) == 0
    pictures = page.locator("[data-testid=stMain] img")
    without = [
        picture.get_attribute("src")
        for picture in pictures.all()
        if not (picture.get_attribute("alt") or "").strip()
        and picture.get_attribute("aria-hidden") != "true"
    ]
    assert without == []


def test_the_keyboard_goes_through_the_reading_room_in_reading_order(full: str, page: Page) -> None:
    open_full(page, full, "pages/read.py", "Read X-rays")
    page.locator("[data-testid=stMain]").focus()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Home").focus()
    places: list[tuple[str, float]] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        name, top = page.evaluate(
            """() => {
                let at = document.activeElement;
                while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                const said = at.getAttribute('aria-label') || at.innerText || at.tagName;
                return [said.trim(), at.getBoundingClientRect().top];
            }"""
        )
        places.append((name, top))
    # The main part holds the focus first: its name is everything on the page.
    names = " | ".join(name for name, _ in places if len(name) < 200)
    order = ["Read X-rays", "Upload", "Samples", "Window", "Export"]
    at = [match.start() if (match := re.search(word, names)) else -1 for word in order]
    assert -1 not in at, names
    assert at == sorted(at), names
