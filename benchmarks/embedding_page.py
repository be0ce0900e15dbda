"""What the embeddings page takes in a real browser.

    python benchmarks/embedding_page.py page [--model NAME] [--films SOURCE] [--cold]
    python benchmarks/embedding_page.py points [--points N]

``page``: from the click on a link to the plot being drawn, once everything is kept, and with
``--cold`` first everything from nothing: films decoded and looked at, t-SNE, with what the bars
said on the way. The dataset is the one that PNEUMO_DATA names; what is kept lies in PNEUMO_HOME.
``points``: a checkpoint that comes with N made-up films; how long the browser stands still at most
while the map is moved and films are drawn around, and when the selection is told.
Needs playwright and a Chromium.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import torch
from playwright.sync_api import Page, sync_playwright

from benchmarks.apart import free_port
from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.models import build_network

ROOT = Path(__file__).parents[1]
CHROMIUM = os.environ.get("PNEUMO_CHROMIUM") or shutil.which("chromium") or "chromium-browser"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PLOT = ".st-key-map-of-films .js-plotly-plot"
LONG = 3_600_000
WATCH = """() => {
    window.longest = 0; let last = performance.now();
    const tick = () => { const now = performance.now();
        window.longest = Math.max(window.longest, now - last); last = now;
        requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
}"""

CENTRE = """plot => {
    const {xaxis: h, yaxis: v} = plot._fullLayout, box = plot.getBoundingClientRect();
    const middle = of => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)];
    const {x, y} = plot._fullData[0];
    return [box.left + h._offset + h.c2p(middle(x)), box.top + v._offset + v.c2p(middle(y))];
}"""
"""Where the first trace's films lie thickest, in the window."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("page", "points"))
    parser.add_argument("--model", default="pneumo")
    parser.add_argument("--films", default="dataset all")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--points", type=int, default=50_000)
    parser.add_argument("--picture", type=Path, help="where to leave a picture of the page")
    given = parser.parse_args()
    if given.what == "page":
        with app() as address, browser() as page:
            link = f"{address}/embeddings?checkpoint={given.model}&films={quote(given.films)}"
            if given.cold:
                cold(page, link)
            warm(page, address, link)
            if given.picture:
                page.screenshot(path=given.picture, full_page=True)
    else:
        with tempfile.TemporaryDirectory() as folder:
            made_up(Path(folder) / "checkpoints", given.points)
            own = {"PNEUMO_CHECKPOINTS": f"{folder}/checkpoints", "PNEUMO_HOME": folder}
            with app(**own) as address, browser() as page:
                points(page, f"{address}/embeddings?films=test&map=pca")


def cold(page: Page, link: str) -> None:
    """Press every button that starts work; tell how the bars moved."""
    page.goto(link)
    started = time.perf_counter()
    while not page.locator(f"{PLOT} .main-svg").count():
        start = page.locator("button[kind=primary]").first
        if start.count() and not page.locator("[data-testid=stProgress]").count():
            name = start.inner_text()
            start.click()
            print(f"{time.perf_counter() - started:7.1f} s  pressed '{name}'", flush=True)
            page.wait_for_timeout(3000)
        bar = page.locator("[data-testid=stProgress]")
        if bar.count():
            said = bar.first.inner_text().replace("\n", " ")
            print(f"{time.perf_counter() - started:7.1f} s  {said}", flush=True)
        page.wait_for_timeout(5000)
    print(f"cold: {time.perf_counter() - started:.1f} s from the page to its plot", flush=True)


def warm(page: Page, address: str, link: str, runs: int = 5) -> None:
    """From the call of the address to the drawn plot; once more for what the server keeps."""
    took = []
    for _ in range(runs):
        page.goto(address)
        page.wait_for_timeout(1500)
        started = time.perf_counter()
        page.goto(link)
        page.locator(f"{PLOT} .main-svg").first.wait_for()
        page.wait_for_function(f"document.querySelector('{PLOT}').calcdata !== undefined")
        took.append(time.perf_counter() - started)
    said = ", ".join(f"{each:.2f}" for each in took)
    print(f"warm: median {np.median(took):.2f} s ({said}) from the address to the plot", flush=True)


def points(page: Page, link: str) -> None:
    """Zoom, move and draw around films, while each frame's time is taken."""
    page.goto(link)
    plot = page.locator(PLOT)
    plot.locator(".main-svg").first.wait_for()
    settled(page)
    page.wait_for_timeout(2000)
    plot.scroll_into_view_if_needed()
    page.evaluate(WATCH)
    x, y = plot.evaluate(CENTRE)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(1500)
    stalled(page, "zoomed with the wheel")
    for half in (12, 40, 120):
        page.mouse.move(x - half, y - half)
        page.wait_for_timeout(500)
        stalled(page)
        page.mouse.down()
        for dx, dy in ((half, -half), (half, half), (-half, half), (-half, -half)):
            page.mouse.move(x + dx, y + dy, steps=12)
        stalled(page, f"drawn a lasso of {2 * half} pixels")
        before = page.get_by_role("heading", name="Selected:")
        was = before.inner_text() if before.count() else ""
        started = time.perf_counter()
        page.mouse.up()
        page.wait_for_function(
            "was => [...document.querySelectorAll('h3')].some("
            "h => h.innerText.startsWith('Selected:') && h.innerText !== was)",
            arg=was,
            timeout=120_000,
        )
        told = time.perf_counter() - started
        settled(page)
        selection = page.get_by_role("heading", name="Selected:").inner_text()
        print(f"   {selection}: told after {told:.2f} s")
        stalled(page, "selected")
    page.get_by_text("Click and move").click()
    settled(page)
    page.wait_for_timeout(2000)
    stalled(page, "changed the mouse to moving")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y + 60, steps=20)
    page.mouse.up()
    page.wait_for_timeout(1000)
    stalled(page, "moved the map")


def stalled(page: Page, what: str = "") -> None:
    """Print the longest time without a frame since it was last asked."""
    longest = page.evaluate("() => { const l = window.longest; window.longest = 0; return l; }")
    if what:
        print(f"   {what}: longest frame {longest / 1000:.2f} s", flush=True)


def settled(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def made_up(root: Path, n: int) -> None:
    """A checkpoint that comes with so many films, in two clouds."""
    model = load_checkpoint("cnn_94", ROOT / "checkpoints")
    random = np.random.default_rng(0)
    label = random.integers(0, 2, n)
    scores = pd.DataFrame(
        {
            "id": [f"test/film-{row}.png" for row in range(n)],
            "patient": [f"p{row // 3}" for row in range(n)],
            "split": "test",
            "label": label,
            "subtype": "",
            "probability": random.uniform(0, 1, n).astype(np.float32),
        }
    )
    features = (random.normal(size=(n, 8)) + 3 * label[:, np.newaxis]).astype(np.float32)
    with torch.random.fork_rng(devices=[]):
        weights = build_network("cnn_94").state_dict()
    card = replace(model.card, name="many")
    save_checkpoint(
        card, weights, scores=scores, features=features, history=model.history, root=root
    )


@contextmanager
def app(**settings: str) -> Iterator[str]:
    """The app on a free port: its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={port}"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def browser() -> Iterator[Page]:
    """A tab that waits long."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(LONG)
        yield page
        chromium.close()


if __name__ == "__main__":
    main()
