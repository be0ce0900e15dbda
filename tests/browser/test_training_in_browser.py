"""A run from the button to the reading room, while tabs and servers come and go."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pneumo_core.runs import Run, RunState, control, list_runs
from tests.browser.conftest import PHONE, WAIT, overflow, serious, start_app, stop
from tests.conftest import REAL_DATA

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WHOLE = os.environ.get("PNEUMO_TEST_WHOLE", "")
"""Set it to train on the whole public set instead of on small films: minutes."""


@pytest.fixture
def films(film_folder: Callable[..., Path]) -> Path:
    return Path(REAL_DATA) if WHOLE else film_folder({"train": 60, "test": 5})


@pytest.fixture
def servers(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    """Stops the server there may be, starts another one and gives its address."""
    places = {"PNEUMO_HOME": tmp_path / "home", "PNEUMO_CHECKPOINTS": tmp_path / "checkpoints"}
    for name, place in places.items():
        place.mkdir()
        monkeypatch.setenv(name, str(place))
    running = []

    def restart() -> str:
        while running:
            stop(running.pop())
        server, address = start_app(*reversed(places.values()), PNEUMO_DATA=str(films))
        running.append(server)
        return address

    yield restart
    for run in list_runs()[0]:
        control.cancel(run)
    for server in running:
        stop(server)


def open_train(tab: Page, address: str) -> Page:
    expect.set_options(timeout=2 * WAIT)  # a training shares the machine
    tab.set_default_timeout(2 * WAIT)
    tab.goto(f"{address}/train")
    expect(tab.get_by_role("heading", name="Training runs")).to_be_visible()
    return tab


def start_run(tab: Page, name: str, epochs: int) -> Run:
    before = {run.id for run in list_runs()[0]}
    for label, value in (("Epochs", str(epochs)), ("Model name", name)):
        box = tab.get_by_label(label, exact=True)
        box.fill(value)
        box.press("Enter")
    expect(tab.get_by_text(f"{epochs} epochs.")).to_be_visible()
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_test_id("stToast")).to_contain_text(name)
    return next(run for run in list_runs()[0] if run.id not in before)


_POINTS = """() => {
  const plot = document.querySelector('.js-plotly-plot');
  const line = plot && plot._fullData && plot._fullData[0];
  return line && line.x ? line.x.length : 0;
}"""
"""How many points the line of the training loss has."""


def card(tab: Page, run: Run) -> Locator:
    return tab.locator(f".st-key-run-{run.id}")


@pytest.mark.thorough
def test_a_run_goes_on_without_tab_and_server_and_is_read_with(
    browser: Browser, servers: Callable[[], str]
) -> None:
    tab = open_train(browser.new_page(), servers())
    tab.get_by_label("Batch size", exact=True).fill("16")
    tab.get_by_label("Batch size", exact=True).press("Enter")
    first = start_run(tab, "first", 2 if WHOLE else 40)
    second = start_run(tab, "second", 300)
    expect(card(tab, second)).to_contain_text("queued")
    expect(card(tab, first)).to_contain_text("X-rays a second", timeout=120_000)
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    seen = tab.evaluate(_POINTS)
    tab.wait_for_function(f"seen => ({_POINTS})() > seen", arg=seen, timeout=120_000)
    tab.close()

    tab = open_train(browser.new_page(), servers())
    assert first.status.state in {RunState.RUNNING, RunState.FINISHING, RunState.DONE}
    expect(card(tab, first)).to_contain_text(re.compile("running|finishing|done"))
    expect(card(tab, first)).to_contain_text("done", timeout=600_000)
    expect(card(tab, second)).to_contain_text("running", timeout=120_000)
    expect(card(tab, second)).to_contain_text("X-rays a second", timeout=120_000)
    card(tab, second).get_by_role("button", name="Cancel").click()
    expect(card(tab, second)).to_contain_text("cancelled", timeout=30_000)
    expect(card(tab, second).get_by_role("button", name="Cancel")).to_have_count(0)
    card(tab, second).get_by_role("button", name="Resume").click()
    expect(card(tab, second)).to_contain_text("running", timeout=120_000)
    control.cancel(second)

    card(tab, first).get_by_role("link", name="Read X-rays with it").click()
    expect(tab).to_have_url(re.compile(r"/read\?.*checkpoint=first"))
    expect(tab.get_by_text("Calls")).to_be_visible()
    tab.close()


@pytest.mark.thorough
def test_the_page_is_sound_on_a_phone_and_for_everybody(
    browser: Browser, servers: Callable[[], str], films: Path
) -> None:
    tab = open_train(browser.new_page(viewport=PHONE), servers())
    start_run(tab, "mine", 2)
    expect(tab.get_by_text("best validation AUC")).to_be_visible(timeout=120_000)
    tab.get_by_text("Heat maps and log").click()
    expect(tab.get_by_text("Published as")).to_be_visible(timeout=120_000)
    assert overflow(tab) <= 0
    assert not serious(tab)
    tab.close()
