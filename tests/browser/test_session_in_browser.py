"""A whole session with real films and the shipped checkpoints, as a reader would spend it."""

import re
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pypdfium2
import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Page, expect

from tests.bad_inputs import write_bad_inputs
from tests.browser.conftest import ROOT, picture, settled, start_app, stop, upload
from tests.conftest import WHOLE

pytestmark = [pytest.mark.browser, pytest.mark.real_data, pytest.mark.slow]

PATIENCE = 120_000
FILMS = 60 if WHOLE else 4


@pytest.fixture
def shipped(tmp_path: Path, cache: Path) -> Iterator[str]:
    """The address of an app with the checkpoints that come with Pneumo."""
    server, address = start_app(ROOT / "checkpoints", tmp_path, PNEUMO_CACHE=str(cache))
    yield address
    stop(server)


@pytest.fixture
def worklist(real_data: Path, tmp_path: Path) -> list[Path]:
    """Real films, and one of each bad input."""
    folder = tmp_path / "worklist"
    bad = write_bad_inputs(folder)
    for label in ("NORMAL", "PNEUMONIA"):
        for film in sorted((real_data / "train" / label).iterdir())[: FILMS // 2]:
            shutil.copy(film, folder)
    found = sorted(folder.iterdir())
    assert len(found) == FILMS + len(bad)
    return found


def test_real_films_and_every_bad_input(shipped: str, page: Page, worklist: list[Path]) -> None:
    page.goto(f"{shipped}/read?panel=")  # second opinions take as long again
    expect(page.get_by_text("No X-rays yet")).to_be_visible()
    upload(page, *worklist)
    failed = len(worklist) - FILMS
    told = page.get_by_text(re.compile(rf"{len(worklist)} X-rays: \d+ read.* {failed} failed$"))
    expect(told).to_be_visible(timeout=PATIENCE)
    read = int(told.inner_text().split(": ")[1].split(" read")[0])
    assert read >= FILMS - 1, "the gate may refuse one of them"
    expect(page.get_by_test_id("stProgress")).to_have_count(0, timeout=PATIENCE)
    settled(page)
    page.get_by_role("button", name="Filter and order").click()
    for group in ("Likely", "Unlikely", "Not read"):
        expect(page.get_by_role("radio", name=group).first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_test_id("stDataFrame").click(position={"x": 150, "y": 40 + 44 * 2 + 15})
    expect(page.get_by_text(f"3 of {len(worklist)}")).to_be_visible()
    as_read = picture(page, "The X-ray")

    page.get_by_text("Show heat map", exact=True).click()
    expect(page.locator(".heat")).to_be_visible()
    first = page.locator(".heat").get_attribute("src")
    page.get_by_role("button", name="Options").click()
    page.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name="Activation").click()
    page.get_by_role("combobox", name="Layer").click()
    page.get_by_role("option").nth(1).click()
    expect(page.locator(".heat")).not_to_have_attribute("src", str(first))
    page.keyboard.press("Escape")

    film = page.get_by_role("img", name="The X-ray under the heat map", exact=True)
    address = film.get_attribute("src") or ""
    page.get_by_role("combobox", name="Window").click()
    page.get_by_role("option", name="Percentiles 1 to 99").click()
    expect(film).not_to_have_attribute("src", address, timeout=PATIENCE)
    assert picture(page, "The X-ray under the heat map") != as_read

    page.get_by_role("button", name="Export", exact=True).click()
    pdf = pypdfium2.PdfDocument(taken(page, "PDF"))
    words = " ".join(sheet.get_textpage().get_text_range() for sheet in pdf)
    assert "Signs of pneumonia" in words or "Uncertain" in words
    assert "Research use only" in words
    image = pydicom.dcmread(BytesIO(taken(page, "DICOM")))
    assert image.pixel_array.ndim == 3
    assert image.PatientIdentityRemoved == "YES"


def taken(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(download.value.path()).read_bytes()
