"""One person at a browser: uploads, reads, looks, walks about, comes back, leaves."""

import asyncio
import hashlib
import os
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

from playwright.async_api import Browser, ConsoleMessage, Page, WebSocket, expect

from benchmarks.load.films import NAME, TaggedFilm, number_in

__all__ = ["Noted", "Person"]

ROUNDS_A_VISIT = 3
VISITS_IN_VAIN = 2
"""After so many without one whole round a person stays away once the time is over."""
PATIENCE = 1000 * float(os.environ.get("PNEUMO_LOAD_PATIENCE", "300"))
"""Milliseconds after which a step counts as one that never ended."""

_IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
_WRONG = "[data-testid=stException], [data-testid=stAlertContentError]"
_READ = f"""name => {{
    const steps = document.querySelector('.st-key-steps');
    return document.querySelector('{_IDLE}') && steps && steps.innerText.includes(name)
        && !document.querySelector('[data-testid=stProgress]')
        && /Probability of pneumonia|Not read/.test(document.body.innerText);
}}"""
_CHART = f"""key => document.querySelector('{_IDLE}')
    && document.querySelector(`.st-key-${{key}} .js-plotly-plot .main-svg`)"""


@dataclass
class Noted:
    """What all people went through: seconds by step, what was wrong, how much was checked."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    under_way: dict[int, str] = field(default_factory=dict)
    """The step that each person is at."""
    maps: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Digests of the heat maps that were served, by the number of the film."""

    def mixed_up_maps(self) -> list[str]:
        """A film has one map, and no two films have the same."""
        found = [f"film {n} had {len(each)} maps" for n, each in self.maps.items() if len(each) > 1]
        digests = [digest for each in self.maps.values() for digest in each]
        if len(digests) != len(set(digests)):
            found.append("two films had the same map")
        return found


@dataclass
class Person:
    """Somebody with films of their own; ``think`` is how many seconds pass between two steps."""

    number: int
    films: list[TaggedFilm]
    browser: Browser
    address: str
    noted: Noted
    think: tuple[float, float]

    async def stay(self, until: float) -> None:
        """Visit after visit until then (``time.monotonic``), at least one round."""
        chance, rounds = random.Random(self.number), 0
        visits = 0
        while (not rounds and visits < VISITS_IN_VAIN) or time.monotonic() < until:
            visits += 1
            async with self._visit() as visit:
                for _ in range(ROUNDS_A_VISIT):
                    if rounds and time.monotonic() >= until:
                        break
                    await visit.round(self.films[rounds % len(self.films)], chance, self.think)
                    rounds += 1
                    self.noted.counts["rounds"] += 1

    @asynccontextmanager
    async def _visit(self) -> AsyncIterator["_Visit"]:
        context = await self.browser.new_context(viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        visit = _Visit(self, page)
        self.noted.counts["visits"] += 1
        try:
            yield visit
        except Exception as error:  # noqa: BLE001  whatever it was, the others go on
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            step = self.noted.under_way.get(self.number, "come in")
            shown = await _words_of(page)
            self._wrong(f"'{step}' did not end: {told} The page said: {shown}")
        finally:
            await context.close()

    def _wrong(self, what: str) -> None:
        problem = f"person {self.number}: {what}"
        self.noted.problems.append(problem)
        print(problem, file=sys.stderr, flush=True)


async def _words_of(page: Page) -> str:
    """The end of what a page says, to tell what a step waited for."""
    try:
        words = await page.locator("body").inner_text(timeout=5000)
    except Exception as error:  # noqa: BLE001  the page is gone, that is told then
        return f"nothing ({type(error).__name__})"
    return " ".join(words.split())[-300:]


class _Visit:
    """One tab, from opened to closed; everything that reaches it is looked at."""

    def __init__(self, person: Person, page: Page) -> None:
        self.person, self.page, self.noted = person, page, person.noted
        self.missing: set[str] = set()
        self.opened = False
        page.on("pageerror", lambda error: self.wrong(f"script error: {error}"))
        page.on("console", self._console)
        page.on("websocket", self._listen)

    def wrong(self, what: str) -> None:
        self.person._wrong(what)

    async def round(
        self, film: TaggedFilm, chance: random.Random, think: tuple[float, float]
    ) -> None:
        """Everything a person does once."""

        async def pause() -> None:
            await asyncio.sleep(chance.uniform(*think))

        await self._open_reading_room()
        await pause()
        await self._upload(film)
        await pause()
        await self._look(film)
        await pause()
        await self._through_another_window(film)
        await pause()
        await self._evaluate()
        await pause()
        await self._map(chance)
        await pause()
        await self._come_back(film)
        await pause()
        if chance.random() < 0.3:
            async with self._step("clear the list"):
                await self.page.get_by_role("button", name="Clear the list").click()
                await self.page.get_by_text("Nothing to read yet").wait_for()

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[None]:
        """Take a step's time; afterwards no error stands on the page."""
        self.noted.under_way[self.person.number] = name
        started = time.perf_counter()
        yield
        self.noted.seconds[name].append(time.perf_counter() - started)
        for told in await self.page.locator(_WRONG).all_inner_texts():
            self.wrong(f"{name}: the page says '{told}'")
        shown = await self.page.locator("img").evaluate_all("all => all.map(each => each.src)")
        for address in self.missing.intersection(shown):
            self.wrong(f"{name}: a picture is missing: {address}")

    async def _open_reading_room(self) -> None:
        if self.opened:
            return
        async with self._step("open the Read page"):
            await self.page.goto(f"{self.person.address}/read")
            await self.page.get_by_text("Nothing to read yet").wait_for()
            await self._idle()
        self.opened = True

    async def _upload(self, film: TaggedFilm) -> None:
        async with self._step("upload and read an X-ray, by all networks"):
            await self.page.locator("input[type=file]").first.set_input_files(film.path)
            await self._read(film)
        self.noted.counts["films read"] += 1
        await self._check(film)

    async def _look(self, film: TaggedFilm) -> None:
        heat = self.page.locator(".heat")
        toggle = self.page.get_by_text("Show heat map", exact=True)
        async with self._step("show the heat map"):
            await toggle.click()
            await heat.wait_for()
            await self._idle()
        picture = await self._fetch(".heat")
        self.noted.maps[film.number].add(hashlib.sha256(picture).hexdigest())
        self.noted.counts["maps checked"] += 1
        await toggle.click()
        await heat.wait_for(state="hidden")
        await self._idle()

    async def _through_another_window(self, film: TaggedFilm) -> None:
        before = await self.page.locator("img.film").get_attribute("src")
        async with self._step("show it through another window"):
            await self.page.get_by_role("combobox", name="Window").click()
            other = self.page.get_by_role("option", name="Percentiles 1 to 99")
            if await other.get_attribute("aria-selected") == "true":
                other = self.page.get_by_role("option").first
            await other.click()
            shown = self.page.locator("img.film")
            await expect(shown).not_to_have_attribute("src", str(before), timeout=PATIENCE)
            await self._idle()
        await self._check(film)

    async def _evaluate(self) -> None:
        async with self._step("open Evaluate"):
            await self._walk("Evaluate", "matrix")
        slider = self.page.get_by_role("slider", name=re.compile("Threshold")).first
        await slider.focus()
        before = self.page.url
        async with self._step("move the threshold"):
            await self.page.keyboard.press("ArrowRight")
            await self.page.wait_for_function("before => location.href !== before", arg=before)
            await self._idle()

    async def _map(self, chance: random.Random) -> None:
        async with self._step("open Embeddings"):
            await self._walk("Embeddings", "map-of-films")
        async with self._step("colour the map otherwise"):
            await self.page.get_by_role("combobox", name="Colour").click()
            await self.page.get_by_role("option").nth(chance.randrange(1, 4)).click()
            await self._idle()

    async def _come_back(self, film: TaggedFilm) -> None:
        async with self._step("come back to the X-ray"):
            await self._link("Read X-rays")
            await self._read(film)
        await self._check(film)

    async def _walk(self, name: str, chart: str) -> None:
        await self._link(name)
        await self.page.get_by_role("heading", name=name, exact=True).first.wait_for()
        await self.page.wait_for_function(_CHART, arg=chart)

    async def _link(self, name: str) -> None:
        await self.page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()

    async def _read(self, film: TaggedFilm) -> None:
        await self.page.wait_for_function(_READ, arg=film.path.name)

    async def _idle(self) -> None:
        await self.page.locator(_IDLE).wait_for(state="attached")

    async def _check(self, film: TaggedFilm) -> None:
        """The picture and the number on the screen are those of this film."""
        seen = await asyncio.to_thread(number_in, await self._fetch("img.film"))
        self.noted.counts["pictures checked"] += 1
        if seen != film.number:
            self.wrong(f"{film.path.name} was shown as film {seen}")
        words = await self.page.get_by_test_id("stMain").inner_text()
        told = re.search(r"Probability of pneumonia ([01]\.\d{3})", words)
        right = film.probability
        if (told is None) != (right is None) or (
            told and right is not None and abs(float(told[1]) - right) > 0.0011
        ):
            self.wrong(f"{film.path.name}: {told and told[1]} instead of {right}")
        self.noted.counts["probabilities checked"] += 1

    async def _fetch(self, selector: str) -> bytes:
        """The picture that the browser shows there, once it has loaded."""
        image = self.page.locator(selector)
        handle = await image.element_handle()
        await self.page.wait_for_function(
            "image => image.complete && image.naturalWidth > 0", arg=handle
        )
        address = urljoin(self.page.url, str(await image.get_attribute("src")))
        return await (await self.page.request.get(address, max_retries=3)).body()

    def _console(self, line: ConsoleMessage) -> None:
        """Note an error; Streamlit looking for its server below the page's path first is none."""
        address = str(line.location["url"])
        if line.type != "error" or "/_stcore/" in address:
            return
        if "/media/" in address:
            self.missing.add(address)
        else:
            self.wrong(f"console: {line.text}")

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._frame)

    def _frame(self, payload: str | bytes) -> None:
        """No message of the server may name another person's film."""
        text = payload if isinstance(payload, str) else payload.decode("latin-1")
        self.noted.counts["messages checked"] += 1
        self.noted.counts["bytes received"] += len(payload)
        for owner, _ in NAME.findall(text):
            if int(owner) != self.person.number:
                self.wrong(f"a message names a film of person {owner}")
