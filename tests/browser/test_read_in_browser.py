"""What only a browser can show: the real app on its own server, driven by Chromium."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.models import build_network

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from pydicom.data import get_testdata_file

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("PNEUMO_CHROMIUM", "").strip() or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WAIT = 30_000


def start_app(checkpoints: Path, home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The app on a free port, and its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"PNEUMO_CHECKPOINTS": str(checkpoints), "PNEUMO_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if "PNEUMO" not in name} | own,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
        else:
            return server, address
    server.kill()
    server.wait()
    pytest.fail(f"the app did not start: {(home / 'server.log').read_text()}")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def checkpoints(checkpoints_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CNN_94 whose random weights give maps that aren't empty for either label."""
    other = load_checkpoint("cnn_94", checkpoints_root)
    root = tmp_path_factory.mktemp("checkpoints")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        weights = build_network("cnn_94").state_dict()
    parts = {"scores": other.scores, "features": other.features, "history": other.history}
    save_checkpoint(other.card, weights, root=root, **parts)
    return root


@pytest.fixture(scope="module")
def app(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running app."""
    server, address = start_app(checkpoints, tmp_path_factory.mktemp("home"))
    yield address
    stop(server)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("NO BROWSER TEST RUNS: install chromium, or set PNEUMO_CHROMIUM to one")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[DESKTOP], ids=["desktop"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab that fails the test when anything is wrong in its console or leaves this machine."""
    context = browser.new_context(viewport=request.param)
    tab = context.new_page()
    tab.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    wrong: list[str] = []
    tab.on("console", lambda line: wrong.append(line.text) if _ours(line) else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda sent: wrong.append(sent.url) if _leaves(sent.url) else None)
    yield tab
    context.close()
    assert not wrong


def _ours(line: ConsoleMessage) -> bool:
    """An error, except that Streamlit looks for its server below the page's path first."""
    return line.type == "error" and "/_stcore/" not in line.location["url"]


def _leaves(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey PNG of 600 × 500 pixels."""
    y, x = np.mgrid[:500, :600]
    noise = np.random.default_rng(0).uniform(0, 30, (500, 600))
    pixels = 60 + noise + 120 * np.exp(-((y - 250) ** 2 + (x - 400) ** 2) / 9000)
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def dicom(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(str(path))


def upload(page: Page, *paths: Path) -> None:
    page.locator("input[type=file]").set_input_files([str(path) for path in paths])


def settled(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def picture(page: Page, name: str) -> str:
    """Digest of the picture that the browser shows under that name, once it has loaded."""
    image = page.get_by_role("img", name=name, exact=True)
    image.wait_for()
    handle = image.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)
    return hashlib.sha256(page.request.get(urljoin(page.url, _address(image))).body()).hexdigest()


def _address(image: Locator) -> str:
    return str(image.get_attribute("src"))


def overflow(page: Page) -> int:
    return int(
        page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll("
            "'[data-testid=stMain]')].map(each => each.scrollWidth - each.clientWidth))"
        )
    )


def toggle_look(page: Page) -> None:
    page.get_by_text("Show where it looked", exact=True).click()


def test_from_home_to_a_film_and_where_it_looked(app: str, page: Page, film: Path) -> None:
    page.goto(app)
    page.get_by_role("button", name="Read a film").click()
    expect(page.get_by_text("Nothing to read yet")).to_be_visible()

    upload(page, film)
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    plain = picture(page, "The film")
    heat = page.locator(".heat")
    expect(heat).to_be_hidden()

    toggle_look(page)
    assert picture(page, "The film under the heat map") == plain, "the film itself stays"
    expect(heat).to_be_visible()
    expect(heat).to_have_css("opacity", "0.5")

    slider = page.get_by_role("slider", name="Opacity of the map")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(heat).to_have_css("opacity", "0.55")

    page.get_by_role("radio", name="Contour").click()
    expect(heat).to_be_hidden()
    expect(page.locator(".lines path").first).to_be_attached()


def test_the_film_zooms_moves_and_changes_its_tone(app: str, page: Page) -> None:
    page.goto(f"{app}/read?sample=chest")
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    as_read = picture(page, "The film")
    told, layers = page.locator(".told"), page.locator(".layers")
    fit = told.inner_text()
    page.locator(".stage").focus()
    for key in ("+", "+", "ArrowLeft"):
        page.keyboard.press(key)
    expect(told).not_to_have_text(fit)
    moved = layers.get_attribute("style")
    page.keyboard.press("ArrowLeft")
    assert layers.get_attribute("style") != moved
    page.get_by_role("button", name="1:1").click()
    expect(told).to_have_text("100 %")
    page.keyboard.press("0")
    page.locator(".stage").press("0")
    expect(told).to_have_text(fit)

    image = page.get_by_role("img", name="The film", exact=True)
    page.get_by_text("Invert", exact=True).click()
    expect(image).to_have_css("filter", "invert(1) brightness(1) contrast(1)")
    assert picture(page, "The film") == as_read, "the browser inverts"
    address = _address(image)
    page.get_by_role("combobox", name="Window").click()
    page.get_by_role("option", name="Full range").click()
    expect(image).not_to_have_attribute("src", address)
    assert picture(page, "The film") != as_read


def test_a_dicom_film_is_read_and_a_leg_refused(app: str, page: Page) -> None:
    page.goto(f"{app}/read")
    upload(page, dicom("RG1_J2KR.dcm"))
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    expect(page.get_by_text("DICOM · 1841 × 1955 pixels")).to_be_visible()

    page.get_by_role("button", name="Leg", exact=True).click()
    expect(page.get_by_role("heading", name="Not read")).to_be_visible()
    said = page.get_by_test_id("stAlert").filter(has_text="another body part")
    expect(said.first).to_be_visible()
    expect(page.get_by_text("Probability of pneumonia")).to_have_count(0)


def test_a_row_opens_its_film_and_the_list_outlives_a_walk_home(
    app: str, page: Page, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a film")
    page.goto(f"{app}/read")
    expect(page.get_by_text("Nothing to read yet")).to_be_visible()
    upload(page, film, dicom("RG1_J2KR.dcm"), tmp_path / "notes.txt")
    expect(page.get_by_text("3 films: 2 read, 1 failed")).to_be_visible()
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
    page.get_by_role("button", name="Read a film").click()
    expect(page.get_by_text("3 films: 2 read, 1 failed")).to_be_visible()


def test_the_result_is_taken_away_as_pdf_and_as_dicom(app: str, page: Page) -> None:
    page.goto(f"{app}/read?sample=chest")
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    toggle_look(page)
    expect(page.locator(".heat")).to_be_visible()
    page.get_by_text("Take the result away").click()

    def taken(name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        return Path(download.value.path()).read_bytes()

    assert taken("PDF").startswith(b"%PDF")
    image = pydicom.dcmread(BytesIO(taken("DICOM")))
    assert image.PatientIdentityRemoved == "YES"
    assert image.pixel_array.shape[2] == 3


def test_a_deep_link_opened_first_on_a_fresh_server(
    checkpoints: Path, tmp_path: Path, page: Page
) -> None:
    server, address = start_app(checkpoints, tmp_path)
    try:
        page.goto(f"{address}/read?checkpoint=cnn_94&point=screening&sample=chest")
        expect(page.get_by_text("0.200 and above")).to_be_visible()
        expect(page.get_by_role("link", name="Home")).to_be_visible()
        page.goto("about:blank")
    finally:
        stop(server)


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_scrolls_one_way_only(app: str, page: Page, film: Path) -> None:
    page.goto(app)
    expect(page.get_by_role("heading", name="Dataset")).to_be_visible()
    assert overflow(page) == 0
    page.goto(f"{app}/read?sample=chest")
    upload(page, film, dicom("RG1_J2KR.dcm"))
    expect(page.get_by_text("3 films: 3 read")).to_be_visible()
    toggle_look(page)
    expect(page.get_by_text("Grad-CAM").first).to_be_visible()
    assert overflow(page) == 0


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_alone_reaches_and_chooses(app: str, page: Page, key: str) -> None:
    page.goto(f"{app}/read")
    expect(page.get_by_text("Nothing to read yet")).to_be_visible()
    expect(page.get_by_role("button", name="Chest")).to_be_visible()  # its script comes late
    settled(page)
    reached = []
    while "Chest" not in reached and len(reached) < 20:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText").strip())
    assert "Upload" in " ".join(reached)
    assert reached[-1] == "Chest"
    page.keyboard.press(key)
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()


def test_nothing_serious_for_a_screen_reader(app: str, page: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.goto(f"{app}/read?sample=chest")
    expect(page.get_by_text("Probability of pneumonia")).to_be_visible()
    settled(page)
    page.wait_for_timeout(1000)  # elements fade in; half faded they are pale
    found = Axe().run(page).response["violations"]
    serious = {
        f"{each['id']}: {node['target']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    }
    assert not serious
