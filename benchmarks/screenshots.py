"""Take the pictures of the documentation: every page, on a desktop and on a phone.

    python -m benchmarks.screenshots [PAGE ...]

A headless Chromium opens the shipped app with drawn X-rays and the sample X-rays of pydicom-data,
so that no patient is in the documentation, and writes ``docs/images/PAGE-SIZE.jpg``.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.films import original_films

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PLACES = {
    "home": "",
    "read": "read?sample=chest&look=1",
    "read-empty": "read",
    "read-refused": "read?sample=leg",
    "read-first": "read?sample=chest&first=1",
    "read-list": "read",
    "evaluate": "evaluate?cell=fn",
    "compare": "compare",
    "embeddings": "embeddings?map=pca",
    "data": "data",
    "train": "train",
    "gateway": "gateway",
    "log": "log",
}
"""Where each picture is taken, by its name."""


def main() -> None:
    """Open every page at both sizes and write the pictures."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS, settled, start_app, stop
    from tests.conftest import draw_folder

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        home = Path(own)
        films = draw_folder(home / "films", {"train": 24, "test": 8}, side=224)
        server, address = start_app(ROOT / "checkpoints", home, PNEUMO_DATA=str(films))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        uploads = original_films(home)[:6]
        try:
            for size, viewport in SIZES.items():
                context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
                for name, place in PLACES.items():
                    if sys.argv[1:] and name not in sys.argv[1:]:
                        continue
                    page = context.new_page()
                    page.set_default_timeout(120_000)
                    page.goto(f"{address}/{place}")
                    page.get_by_role("heading", level=1).first.wait_for()
                    settled(page)
                    _prepare(page, name, uploads, settled)
                    page.wait_for_timeout(1500)
                    target = IMAGES / f"{name}-{size}.jpg"
                    page.screenshot(path=target, type="jpeg", quality=70)
                    print(target.relative_to(ROOT))
                    page.close()
                context.close()
        finally:
            stop(server)


def _prepare(
    page: "Page", name: str, uploads: list[Path], settled: Callable[["Page"], None]
) -> None:
    """Bring a page into the state that its picture shows."""
    if name == "read":
        page.locator(".heat").wait_for(state="attached")
        page.get_by_role("button", name="Lungs").click()
    elif name == "read-list":
        page.locator("input[type=file]").set_input_files(uploads)
        page.get_by_text(f"{len(uploads)} X-rays: {len(uploads)} read").wait_for()
    elif name in ("evaluate", "compare", "embeddings"):
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
    settled(page)


if __name__ == "__main__":
    main()
