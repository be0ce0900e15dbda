"""Behind a proxy with TLS, set up as docs/operations.md says; where that proxy is installed."""

import os
import re
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import WAIT, start_app, stop, upload
from tests.browser.test_access_in_browser import SECRETS, provider
from tests.gateway.parts import free_port
from tests.test_operations import block

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["provider"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: no proxy is tried")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "pneumo.pem", folder / "pneumo.key"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout"
    subprocess.run([*command.split(), key, "-out", pem], check=True, capture_output=True)
    return pem, key


def nginx(folder: Path, port: int, behind: int, pem: Path, key: Path) -> list[str]:
    server = block("A proxy with TLS", "nginx")
    for written, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/pneumo.pem", str(pem)),
        ("/etc/ssl/pneumo.key", str(key)),
        ("127.0.0.1:8501", f"127.0.0.1:{behind}"),
    ):
        assert written in server
        server = server.replace(written, here)
    own = "".join(
        f"{kind}_temp_path {folder};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = (
        "" if os.geteuid() else "user root;\n"
    )  # or its workers are nobody, and folder isn't theirs
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}pid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{own}{server}}}\n"
    )
    return ["nginx", "-e", "stderr", "-g", "daemon off;", "-c", str(config)]


def caddy(folder: Path, port: int, behind: int, pem: Path, key: Path) -> list[str]:
    site = block("A proxy with TLS", "caddy")
    assert "pneumo.example.org {" in site
    site = site.replace("pneumo.example.org {", f"https://localhost:{port} {{\n tls {pem} {key}")
    site = site.replace("127.0.0.1:8501", f"127.0.0.1:{behind}")
    config = folder / "Caddyfile"
    config.write_text("{\nadmin off\nauto_https disable_redirects\n}\n" + site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(
    request: pytest.FixtureRequest,
    provider: str,
    certificate: tuple[Path, Path],
    checkpoints: Path,
    tmp_path: Path,
) -> Iterator[str]:
    name = request.param.__name__
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed: the proxy is not tried")
    port, behind = free_port(), free_port()
    secrets = tmp_path / "secrets.toml"
    told = SECRETS.format(port=port, provider=provider, secret=uuid.uuid4().hex)
    secrets.write_text(told.replace(f"http://localhost:{port}", f"https://localhost:{port}"))
    server, _ = start_app(checkpoints, tmp_path, port=behind, STREAMLIT_SECRETS_FILES=str(secrets))
    with (tmp_path / "proxy.log").open("wb") as log:
        command = request.param(tmp_path, port, behind, *certificate)
        proxy = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(50):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    else:
        stop(proxy)
        stop(server)
        pytest.fail(f"{name} did not start: {(tmp_path / 'proxy.log').read_text()}")
    yield f"https://localhost:{port}"
    stop(proxy)
    stop(server)


def test_signing_in_and_a_large_film_go_through_the_proxy(
    browser: Browser, proxied: str, tmp_path: Path
) -> None:
    film = tmp_path / "large.png"
    grey = np.random.default_rng(0).integers(0, 255, (1600, 1600), np.uint8)
    Image.fromarray(grey).save(film)
    assert film.stat().st_size > 2_000_000  # nginx's own limit is 1 MB
    context = browser.new_context(ignore_https_errors=True)
    tab = context.new_page()
    tab.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    tab.goto(proxied)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="bob", exact=True).first.click()
    tab.wait_for_url(re.compile(re.escape(proxied)))
    expect(tab.get_by_text("bob@x.org, reader")).to_be_visible()
    tab.goto(f"{proxied}/read")
    tab.get_by_text("bob@x.org, reader").wait_for()
    tab.locator("input[type=file]").wait_for(state="attached")
    upload(tab, film)
    expect(tab.get_by_text("Probability of pneumonia").first).to_be_visible()
    context.close()
