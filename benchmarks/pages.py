"""What someone in a browser waits for.

    python -m benchmarks --only pages

A headless Chromium opens the shipped app. A page is usable once its script has ended.
"""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.films import original_films
from benchmarks.read_page import reading_rows
from benchmarks.row import Row, Spread

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERDICT = re.compile("Signs of pneumonia|Uncertain|Not read")
MAIN = "[data-testid=stMain]"
ROOT = Path(__file__).resolve().parents[1]


def rows(home: Path, *, quick: bool) -> list[Row]:
    """Start of the server, what a reader waits for, pages, a slider, an X-ray."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS, settled, start_app, stop

    repeats = 2 if quick else 6
    films = original_films(home)[:6]
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        sent: list[int] = []
        page.on(
            "websocket", lambda socket: socket.on("framereceived", lambda f: sent.append(len(f)))
        )

        def timed(work: Callable[[], object], *, seen: str = "") -> float:
            """Until the script has ended, and before it what is ``seen`` has changed."""
            before = page.locator(seen).all_inner_texts() if seen else []
            started = time.perf_counter()
            work()
            while seen and page.locator(seen).all_inner_texts() == before:
                time.sleep(0.005)
            settled(page)
            return time.perf_counter() - started

        started = time.perf_counter()
        server, address = start_app(ROOT / "checkpoints", Path(own))
        try:
            page.goto(address)
            settled(page)
            first = time.perf_counter() - started
            page.set_viewport_size({"width": 1440, "height": 900})
            reading = reading_rows(page, address, films, settled, repeats=repeats)
            taken: dict[str, list[float]] = {}
            largest: dict[str, int] = {}
            for place in ("", "read", "evaluate", "compare", "embeddings"):
                for _ in range(repeats + 1):
                    sent.clear()
                    seconds = timed(lambda place=place: page.goto(f"{address}/{place}"))
                    taken.setdefault(f"open '{place or 'home'}'", []).append(seconds)
                    largest[f"open '{place or 'home'}'"] = sum(sent)
            page.goto(f"{address}/evaluate?checkpoint=cnn_94")
            settled(page)
            slider = page.get_by_role("slider").first
            slider.focus()
            for _ in range(repeats + 1):
                seconds = timed(lambda: page.keyboard.press("ArrowRight"), seen=MAIN)
                taken.setdefault("move the threshold", []).append(seconds)
            taken["upload and read an X-ray"] = [
                _upload(page, address, films[0], settled) for _ in range(repeats + 1)
            ]
        finally:
            stop(server)
            browser.close()
    return [*_told(first, taken, largest), *reading]


def _upload(page: "Page", address: str, film: Path, settled: Callable[["Page"], None]) -> float:
    """Return the seconds from an upload to the result."""
    page.goto(f"{address}/read")
    settled(page)
    upload = page.locator("input[type=file]").first
    started = time.perf_counter()
    upload.set_input_files(film)
    page.get_by_text(VERDICT).first.wait_for()
    return time.perf_counter() - started


def _told(first: float, taken: dict[str, list[float]], largest: dict[str, int]) -> list[Row]:
    """The first visit to a page stands in its note."""
    found = [
        Row(name="start of the server to a usable home page", unit="s", ours=Spread.of([first]))
    ]
    for name, values in taken.items():
        note = f"first time {values[0]:.2f} s"
        if name in largest:
            note += f"; {largest[name] / 1e6:.2f} MB sent"
        found.append(Row(name=name, unit="s", ours=Spread.of(values[1:]), note=note))
    return found
