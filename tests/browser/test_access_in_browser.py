"""Signing in with a provider on this machine: what each visitor gets, also past the pages."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus

from pneumo_core.app.page import MENU, RESEARCH_LINE
from tests.browser.conftest import (
    DESKTOP,
    PHONE,
    QUICK,
    WAIT,
    free_port,
    overflow,
    serious,
    settled,
    start_app,
    stop,
)
from tests.browser.intruder import heard
from tests.conftest import draw_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PEOPLE = {
    "ann": {"email": "ann@x.org", "email_verified": True},
    "bob": {"email": "bob@x.org", "email_verified": True},
    "eve": {"email": "ann@x.org", "email_verified": False},
}
"""An analyst, a reader, and somebody who claims the analyst's address."""

SECRETS = """
[auth]
redirect_uri = "http://localhost:{port}/oauth2callback"
cookie_secret = "{secret}"
client_id = "pneumo"
client_secret = "of no use here"
server_metadata_url = "{provider}/.well-known/openid-configuration"

[roles]
analyst = ["ann@x.org"]
reader = ["*@x.org"]
"""
_STREAMLITS = ("Skip to main content", "login")
"""What Streamlit itself puts on every page, and an icon's name in the icons' font."""

PATHS = ["/" if file == "streamlit_app.py" else f"/{Path(file).stem}" for file, _, _ in MENU]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID Connect provider that asks nobody for a password."""
    port = free_port()
    people = [json.dumps({"sub": name} | claims) for name, claims in PEOPLE.items()]
    options = [option for each in people for option in ("--user-claims", each)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*command, *options], stdout=quiet, stderr=quiet)
    address = f"http://localhost:{port}"
    for _ in range(150):
        try:
            urllib.request.urlopen(f"{address}/jwks", timeout=1).close()
            break
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    else:
        stop(server)
        pytest.fail("the provider did not start")
    yield address
    stop(server)


@pytest.fixture(scope="module")
def secrets_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration") / "secrets.toml"


@pytest.fixture(scope="module")
def guarded(
    provider: str,
    checkpoints: Path,
    secrets_file: Path,
    cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of an app where people have to sign in."""
    home = tmp_path_factory.mktemp("home")
    films = draw_folder(home / "hidden-films", {"train": 12, "test": 4})
    port = free_port()
    secrets_file.write_text(SECRETS.format(port=port, provider=provider, secret=uuid.uuid4().hex))
    server, _ = start_app(
        checkpoints,
        home,
        port=port,
        PNEUMO_DATA=str(films),
        PNEUMO_CACHE=str(cache),
        STREAMLIT_SECRETS_FILES=str(secrets_file),
        **QUICK,
    )
    yield f"http://localhost:{port}"
    stop(server)


@pytest.fixture
def secrets(guarded: str, secrets_file: Path) -> Iterator[Path]:
    """The file that says who may what, put back afterwards."""
    before = secrets_file.read_text()
    yield secrets_file
    secrets_file.write_text(before)
    time.sleep(1)  # it is looked at five times a second


@pytest.fixture
def visitor(tab: Page) -> Page:
    """Somebody whom neither the app nor the provider knows."""
    tab.goto("about:blank")
    tab.context.clear_cookies()
    return tab


def sign_in(tab: Page, app: str, name: str) -> None:
    tab.goto(app)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name=name, exact=True).first.click()
    tab.wait_for_url(re.compile(re.escape(app)))


def _links(tab: Page) -> list[str]:
    shown = [each.inner_text().strip() for each in tab.get_by_role("link").all()]
    return [each for each in shown if each not in _STREAMLITS]


def words(tab: Page) -> str:
    settled(tab)
    return tab.locator("body").inner_text()


LINKS = ["/read?sample=chest&look=1", "/evaluate?checkpoint=cnn_94", "/data?dataset=films"]


@pytest.mark.parametrize(
    "paths", [["/", *LINKS], pytest.param(PATHS, marks=pytest.mark.thorough)], ids=["links", "all"]
)
def test_without_signing_in_a_page_is_a_sign_in_screen(
    visitor: Page, guarded: str, paths: list[str]
) -> None:
    """What the server sends for every page is looked at below, without a browser."""
    for path in paths:
        visitor.goto(guarded + path)
        visitor.get_by_role("button", name="Sign in").wait_for()
        shown = [line for line in words(visitor).splitlines() if line.strip(" \u200b")]
        shown = [line for line in shown if line not in _STREAMLITS]
        assert shown == ["Pneumo", "Sign in", RESEARCH_LINE], path
        assert visitor.title() == "Sign in · Pneumo"
        assert "hidden-films" not in visitor.content()
        assert _links(visitor) == []
    assert overflow(visitor) <= 0
    assert not serious(visitor)
    visitor.set_viewport_size(PHONE)
    settled(visitor)
    assert overflow(visitor) <= 0
    visitor.set_viewport_size(DESKTOP)


def test_a_reader_reads_and_trains_nothing_and_signing_out_ends_it(
    visitor: Page, guarded: str
) -> None:
    sign_in(visitor, guarded, "bob")
    expect(visitor.get_by_text("bob@x.org, reader")).to_be_visible()
    visitor.goto(f"{guarded}/read?sample=chest")
    expect(visitor.get_by_role("heading", name="pneumonia").first).to_be_visible()
    visitor.goto(f"{guarded}/train")
    expect(visitor.get_by_text("Only an analyst may start runs")).to_be_visible()
    expect(visitor.get_by_role("button", name="Start training")).to_be_disabled()
    visitor.get_by_role("button", name="Sign out").click()
    visitor.get_by_role("button", name="End session").click()  # the provider's own page
    visitor.get_by_role("button", name="Sign in").wait_for()
    for path in ("/", "/read", "/log"):
        visitor.goto(guarded + path)
        visitor.get_by_role("button", name="Sign in").wait_for()
        assert "bob" not in words(visitor)


def test_an_analyst_trains(visitor: Page, guarded: str) -> None:
    sign_in(visitor, guarded, "ann")
    visitor.goto(f"{guarded}/train")
    expect(visitor.get_by_text("ann@x.org, analyst")).to_be_visible()
    visitor.get_by_label("Epochs", exact=True).fill("300")
    visitor.get_by_label("Epochs", exact=True).press("Enter")
    expect(visitor.get_by_text("300 epochs.")).to_be_visible()
    visitor.get_by_role("button", name="Start training").click()
    cancel = visitor.get_by_role("button", name="Cancel", exact=True)
    cancel.click()
    expect(visitor.get_by_text("cancelled").first).to_be_visible(timeout=3 * WAIT)


def test_an_address_that_is_not_verified_is_nobodys(visitor: Page, guarded: str) -> None:
    sign_in(visitor, guarded, "eve")
    expect(visitor.get_by_text("not allowed on this server")).to_be_visible()
    assert _links(visitor) == []


def test_a_role_that_is_given_counts_without_a_restart(
    visitor: Page, guarded: str, secrets: Path
) -> None:
    sign_in(visitor, guarded, "bob")
    visitor.get_by_text("bob@x.org, reader").wait_for()
    secrets.write_text(secrets.read_text().replace("ann@x.org", "bob@x.org"))
    open_until(visitor, f"{guarded}/train", "bob@x.org, analyst")
    secrets.write_text("[auth")
    open_until(visitor, guarded, "nobody can sign in")
    assert "Train" not in words(visitor)


def open_until(visitor: Page, address: str, told: str) -> None:
    """Open a page again and again, a minute long, until it says so."""
    end = time.monotonic() + WAIT / 1000
    while time.monotonic() < end:
        visitor.wait_for_timeout(1500)
        visitor.goto(address)
        visitor.get_by_text(RESEARCH_LINE).or_(visitor.get_by_text(told)).first.wait_for()
        if told in words(visitor):
            return
    pytest.fail(f"{address} does not say {told!r}")


def answer(url: str, *, method: str = "GET", data: bytes | None = None, **headers: str) -> int:
    """The status that a server without a browser gets there."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as given:
            return int(given.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_who_has_no_session_gets_and_leaves_nothing(guarded: str) -> None:
    place = f"{guarded}/_stcore/upload_file/{uuid.uuid4()}/{uuid.uuid4()}"
    part = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\nx\r\n--b--\r\n'
    )
    sent = {"Content-Type": "multipart/form-data; boundary=b"}
    assert answer(place, method="PUT", data=part, **sent) == 403
    with urllib.request.urlopen(f"{guarded}/_stcore/health", timeout=10) as health:
        cookie = health.headers["Set-Cookie"].split(";")[0]
    sent |= {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
    assert answer(place, method="PUT", data=part, **sent) == 400  # the token is right, it is known
    for name in ("x.png", f"{'0' * 56}.png", "..%2f..%2fcard.json"):
        assert answer(f"{guarded}/media/{name}") in (400, 404)
    asked = {"Content-Type": "application/json"}
    assert answer(f"{guarded}/_stcore/agent/interact", method="POST", data=b"{}", **asked) >= 400


@pytest.mark.parametrize("path", ["metrics", "host-config", "agent/openapi.json"])
def test_what_streamlit_tells_everybody_names_nothing_of_ours(guarded: str, path: str) -> None:
    with urllib.request.urlopen(f"{guarded}/_stcore/{path}", timeout=10) as given:
        told = given.read().decode()
    assert not [each for each in ("hidden-films", "cnn_94", "@x.org") if each in told]


def test_a_cookie_that_somebody_made_up_signs_nobody_in(visitor: Page, guarded: str) -> None:
    claims = {"email": "ann@x.org", "is_logged_in": True, "origin": guarded, "provider": "default"}
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    forged = create_signed_value("another secret", "_streamlit_user", json.dumps(claims)).decode()
    for value in (forged, json.dumps(claims), "x"):
        visitor.context.add_cookies([{"name": "_streamlit_user", "value": value, "url": guarded}])
        visitor.goto(f"{guarded}/train")
        visitor.get_by_role("button", name="Sign in").wait_for()
        assert "ann" not in words(visitor)


def test_who_talks_to_the_server_past_its_pages_hears_of_nothing(guarded: str) -> None:
    hidden = (b"hidden-films", b"NORMAL", b"cnn_94", b"Read X-rays", b"ann@x.org", b"Who")
    for page in (path.strip("/") for path in PATHS):
        pressed = ("$$ID-0-start", "$$ID-0-cancel all") if page == "train" else ()
        told = heard(guarded, page, origin=guarded, pressed=pressed)
        assert b"Sign in" in told
        assert not [each for each in hidden if each in told], page


def test_another_sites_page_is_not_listened_to(guarded: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        heard(guarded, "read", origin="http://elsewhere.example")
