"""A real PostgreSQL server for the tests of the log, on a socket in a folder of its own."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import find_initdb

_STARTS_WITHIN_S = 60


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's first database; the server goes with the tests."""
    initdb = find_initdb()
    if initdb is None:
        told = "PostgreSQL's initdb is not on this machine: install postgresql"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    user = _user()
    folder = Path(
        tempfile.mkdtemp(prefix="pneumo-pg-")
    )  # pytest's own folders are closed to others
    shutil.chown(folder, user)
    options = ["-D", str(folder / "data"), "-U", "pneumo"]
    made = [initdb, *options, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
    subprocess.run(made, user=user, check=True, capture_output=True, cwd=folder)
    run = [initdb.with_name("postgres"), "-D", folder / "data", "-k", folder, "-F"]
    server = subprocess.Popen(
        [*run, "-c", "listen_addresses="],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"postgresql+psycopg://pneumo@/postgres?host={folder}"
        _wait_until_open(url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # doesn't wait until everybody has left
        server.wait(timeout=30)
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database on that server."""
    name = f"log_{uuid.uuid4().hex}"
    engine = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'audit.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def _user() -> str:
    """Who runs the server: it refuses root."""
    if os.getuid() != 0:
        return getpass.getuser()
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _wait_until_open(url: str) -> None:
    engine = sa.create_engine(url)
    end = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            with engine.connect():
                break
        except sa.exc.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    engine.dispose()
