"""A tab that was closed leaves nothing behind, also where nobody comes after it."""

import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Browser, expect

from tests.app.test_pages import film
from tests.browser.conftest import start_app, stop, upload

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

KEPT_S = 120
"""How long Streamlit keeps the session of a closed tab."""


def is_served(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError as refused:
        assert refused.code == 404
        return False
    return True


def test_the_last_visitors_film_is_gone_with_their_session(
    checkpoints: Path, tmp_path: Path, browser: Browser
) -> None:
    server, address = start_app(checkpoints, tmp_path)
    try:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/read")
        (tmp_path / "mine.png").write_bytes(film(512))
        expect(page.get_by_text("No X-rays yet")).to_be_visible(timeout=60_000)
        upload(page, tmp_path / "mine.png")
        shown = page.get_by_role("img", name="The X-ray", exact=True)
        expect(shown).to_be_visible(timeout=60_000)
        picture = page.evaluate("element => element.src", shown.element_handle())
        assert is_served(picture)
        context.close()
        closed = time.monotonic()
        while is_served(picture) and time.monotonic() < closed + 2 * KEPT_S:
            time.sleep(2)
        took = time.monotonic() - closed
        assert took < KEPT_S + 75, "nobody else came, and the X-ray stays on the server"
    finally:
        stop(server)
