"""A running app, a browser, and what tests of any page do in one.

Starting the app and exporting networks takes longer than most tests, so that nearly all share one
server, ``app``: its models are small, and its dataset has 40 drawn X-rays.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.models import build_network
from tests.conftest import BROWSERS, draw_film, film_name, shared_folder
from tests.gateway.parts import free_port

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
    filter(None, map(shutil.which, BROWSERS)), ""
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WAIT = 60_000
UNTRAINED = "untrained"
TRAINED = ("cnn_94", "cnn_v2")
_AT_ONCE = """(() => {
    const still = new CSSStyleSheet();
    still.replaceSync(`*, ::before, ::after {
        transition-duration: 0s !important; transition-delay: 0s !important;
        animation-duration: 1ms !important; animation-delay: 0s !important;
        animation-iteration-count: 1 !important; }`);
    document.adoptedStyleSheets.push(still);
})()"""
"""Nothing fades in, and no spinner turns: without a graphics card each picture of it costs time.

Transitions take no time at all. One of a millisecond on every element would begin with each change
of any style: most of the time that a page with charts takes.
"""
QUICK = {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "false"}
"""Settings of a server for tests that aren't about memory.

Streamlit collects garbage after each script run, which stops all threads of a server that has
imported torch for a quarter of a second.
"""


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


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all servers may share: exported networks. Written whole, so other workers may, too."""
    place = shared_folder(tmp_path_factory) / "browser-cache"
    place.mkdir(exist_ok=True)
    return place


@pytest.fixture(scope="session")
def checkpoints(checkpoints_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``untrained``, a CNN_94 whose maps aren't empty for either label."""
    other = load_checkpoint("cnn_94", checkpoints_root)
    root = tmp_path_factory.mktemp("checkpoints")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        weights = build_network("cnn_94").state_dict()
    parts = {"scores": other.scores, "features": other.features, "history": other.history}
    save_checkpoint(replace(other.card, name=UNTRAINED), weights, root=root, **parts)
    return root


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 40 drawn X-rays, 20 of each label, and a copy of one: it is in two splits."""
    folder = tmp_path_factory.mktemp("data") / "films"
    for split, numbers in (("train", range(14)), ("test", range(14, 20))):
        for label, name in enumerate(("NORMAL", "PNEUMONIA")):
            place = folder / split / name
            place.mkdir(parents=True)
            for k in numbers:
                Image.fromarray(draw_film(label, side=96, seed=k)).save(place / film_name(label, k))
    shutil.copy(folder / "train/NORMAL" / film_name(0, 0), folder / "test/NORMAL/IM-0900-0001.png")
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of ``app``."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def app(checkpoints: Path, films: Path, home: Path, cache: Path) -> Iterator[str]:
    """The address of a running app: ``untrained``, two small models of ours, and a dataset."""
    for name in TRAINED:
        shutil.copytree(ROOT / "checkpoints" / name, checkpoints / name)
    places = {"PNEUMO_DATA": str(films), "PNEUMO_CACHE": str(cache)}
    server, address = start_app(checkpoints, home, **places, **QUICK)
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
    shared.add_init_script(_AT_ONCE)
    shared.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def tab(context: BrowserContext) -> Page:
    """A tab for a whole module: in a new one Streamlit's and Plotly's scripts are compiled anew."""
    return context.new_page()


@pytest.fixture(params=[DESKTOP], ids=["desktop"])
def page(tab: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab that fails the test when anything is wrong in its console or leaves this machine.

    Each ``goto`` begins a session of its own.
    """
    wrong: list[str] = []
    missing: list[str] = []
    heard = {
        "console": lambda line: _note(line, wrong, missing),
        "pageerror": lambda error: wrong.append(str(error)),
        "request": lambda sent: wrong.append(sent.url) if _leaves(sent.url) else None,
    }
    tab.goto("about:blank")
    tab.set_viewport_size(request.param)
    for event, note in heard.items():
        tab.on(event, note)
    yield tab
    shown = tab.evaluate("[...document.images].map(each => each.src)")
    for event, note in heard.items():
        tab.remove_listener(event, note)
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
    page.wait_for_function(_STILL, polling=50)


_DIGEST = """async image => {
    const served = await fetch(image.src, {cache: "force-cache"});
    if (!served.ok) throw new Error(`${served.status} for ${image.src}`);
    const digest = await crypto.subtle.digest("SHA-256", await served.arrayBuffer());
    return [...new Uint8Array(digest)].map(each => each.toString(16).padStart(2, "0")).join("");
}"""


def picture(page: Page, name: str) -> str:
    """SHA-256 of the picture that the browser shows under that name, once it has loaded.

    The browser itself fetches it. Playwright's own client gets ECONNRESET where it reuses a
    connection just as the server closes it for being idle; a browser then opens another one.
    """
    image = page.get_by_role("img", name=name, exact=True)
    image.wait_for()
    handle = image.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)
    return str(page.evaluate(_DIGEST, handle))


def address_of(image: Locator) -> str:
    return str(image.get_attribute("src"))


def overflow(page: Page) -> int:
    """Pixels that the page is wider than its window, once charts have followed a change of size."""
    wide = 0
    for _ in range(40):
        wide = int(page.evaluate(_OVERFLOW))
        if wide <= 0:
            break
        page.wait_for_timeout(250)
    return wide


_OVERFLOW = """Math.max(...[document.documentElement,
    ...document.querySelectorAll("[data-testid=stMain]")].map(each =>
        each.scrollWidth - each.clientWidth))"""


_FADED_IN = """() => !document.querySelector("[data-stale=true]") && document.getAnimations()
    .every(each => each.playState !== "running" || each.effect.getTiming().iterations === Infinity)
"""


def serious(page: Page) -> set[str]:
    """What axe finds serious on a page each time it looks; half drawn, a page is pale."""
    from axe_playwright_python.sync_playwright import Axe

    found: set[str] = set()
    for again in range(3):
        settled(page)
        if again:
            page.wait_for_timeout(1000)
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
