"""A running app, a browser, and what tests of any page do in one."""

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
from pathlib import Path
from urllib.parse import urljoin

import pytest
import torch

from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.models import build_network

pytest.importorskip("playwright", reason="Playwright is not installed: no browser is tested")
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(
    checkpoints: Path, home: Path, *, port: int = 0, **settings: str
) -> tuple[subprocess.Popen[bytes], str]:
    """The app on a free port, and its address, once it answers."""
    port = port or free_port()
    own = {"PNEUMO_CHECKPOINTS": str(checkpoints), "PNEUMO_HOME": str(home), "OMP_NUM_THREADS": "1"}
    own |= settings
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


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What the tabs of a module share: Streamlit's scripts are fetched and compiled once."""
    shared = browser.new_context()
    yield shared
    shared.close()


@pytest.fixture(params=[DESKTOP], ids=["desktop"])
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab that fails the test when anything is wrong in its console or leaves this machine."""
    tab = context.new_page()
    tab.set_viewport_size(request.param)
    tab.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    wrong: list[str] = []
    missing: list[str] = []
    tab.on("console", lambda line: _note(line, wrong, missing))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda sent: wrong.append(sent.url) if _leaves(sent.url) else None)
    yield tab
    shown = [] if tab.is_closed() else tab.evaluate("[...document.images].map(each => each.src)")
    tab.close()
    assert not wrong
    assert not set(missing) & set(shown)


def _note(line: ConsoleMessage, wrong: list[str], missing: list[str]) -> None:
    """Note an error; that Streamlit looks for its server below the page's path first is none.

    A picture that is missing is wrong where the page still shows it: one that was replaced while
    it was on its way is gone from the server, too.
    """
    address = line.location["url"]
    if line.type == "error" and "/_stcore/" not in address:
        if "/media/" in address:
            missing.append(address)
        else:
            wrong.append(line.text)


def _leaves(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def upload(page: Page, *paths: Path) -> None:
    page.locator("input[type=file]").set_input_files([str(path) for path in paths])


_STILL = """() => {
    const still = document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
    if (!still) delete window.stillSince;
    else window.stillSince ??= performance.now();
    return still && performance.now() - window.stillSince > 150;
}"""


def settled(page: Page) -> None:
    """Wait until no script runs, nor begins to: a click takes a moment to reach the server."""
    page.evaluate("delete window.stillSince")
    page.wait_for_function(_STILL)


def picture(page: Page, name: str) -> str:
    """Digest of the picture that the browser shows under that name, once it has loaded."""
    image = page.get_by_role("img", name=name, exact=True)
    image.wait_for()
    handle = image.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)
    return hashlib.sha256(page.request.get(urljoin(page.url, address_of(image))).body()).hexdigest()


def address_of(image: Locator) -> str:
    return str(image.get_attribute("src"))


def overflow(page: Page) -> int:
    return int(
        page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll("
            "'[data-testid=stMain]')].map(each => each.scrollWidth - each.clientWidth))"
        )
    )


_FADED_IN = """() => !document.querySelector("[data-stale=true]") && document.getAnimations()
    .every(each => each.playState !== "running" || each.effect.getTiming().iterations === Infinity)
"""


def serious(page: Page) -> set[str]:
    """What axe finds serious on a page each time it looks; half faded in, a page is pale."""
    from axe_playwright_python.sync_playwright import Axe

    found: set[str] = set()
    for again in range(3):
        settled(page)
        page.wait_for_timeout(1000)  # what is to fade in has begun to
        page.wait_for_function(_FADED_IN)
        seen = {
            f"{each['id']}: {node['target']}"
            for each in Axe().run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        }
        found = found & seen if again else seen
        if not found:
            break
    return found
