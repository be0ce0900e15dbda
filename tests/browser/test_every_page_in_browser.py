"""Every page of the menu, with something on it: for screen readers, and with no other address."""

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Page, expect

from pneumo_core.app.page import MENU
from tests.browser.conftest import DESKTOP, PHONE, overflow, serious, settled
from tests.conftest import WHOLE

pytestmark = pytest.mark.browser

PLACES = {
    "Home": "",
    "Read X-rays": "read?sample=chest&checkpoint=cnn_94",
    "Evaluate": "evaluate?checkpoint=cnn_94&cell=fn",
    "Compare": "compare?checkpoints=cnn_94,cnn_v2",
    "Embeddings": "embeddings?checkpoint=cnn_94&map=pca",
    "Data": "data",
    "Train": "train",
}
"""Where each page has something on it; a page that isn't named is opened as it is."""


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
def test_every_page_is_for_everybody(app: str, page: Page, file: str, name: str) -> None:
    """Nothing serious by axe, which an empty Streamlit page has none of; every picture is told.

    That no request leaves this machine is checked by the fixture ``page``. A phone shows the same
    elements in the same colours: axe looks at them once more in the thorough tests only.
    """
    open_full(page, app, file, name)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        if size == DESKTOP or WHOLE:
            assert serious(page) == set()
        settled(page)
        assert overflow(page) == 0
    pictures = page.locator("[data-testid=stMain] img")
    without = [
        picture.get_attribute("src")
        for picture in pictures.all()
        if not (picture.get_attribute("alt") or "").strip()
        and picture.get_attribute("aria-hidden") != "true"
    ]
    assert without == []
    if name == "Read X-rays":
        page.set_viewport_size(DESKTOP)
        settled(page)
        assert_reading_order(page)


def assert_reading_order(page: Page) -> None:
    """The keyboard goes through the reading room as one reads it."""
    page.locator("[data-testid=stMain]").focus()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Home").focus()
    names = ""
    order = ["Read X-rays", "Upload", "Samples", "Export", "Window"]
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
                let at = document.activeElement;
                while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                return (at.getAttribute('aria-label') || at.innerText || at.tagName).trim();
            }"""
        )
        if len(name) < 200:  # the main part holds the focus first: its name is all that it shows
            names += f"{name} | "
        if order[-1] in names:
            break
    at = [match.start() if (match := re.search(word, names)) else -1 for word in order]
    assert -1 not in at, names
    assert at == sorted(at), names
