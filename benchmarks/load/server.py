"""The server as the README starts it, and how much memory it holds. Linux."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.apart import free_port

__all__ = ["Server", "running"]

ROOT = Path(__file__).resolve().parents[2]
_WRONG = re.compile(r"Traceback|Exception|\bERROR\b|CRITICAL")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, its log."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def memory_mb(self) -> float:
        """What the server and the processes below it hold in memory (RSS), in MB."""
        return sum(_resident(process) for process in _tree(self.process.pid)) / 1e6

    def wrong_lines(self) -> list[str]:
        """Lines of the log that tell of an error."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if _WRONG.search(line)]


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """``streamlit run streamlit_app.py`` on a free port, with a home of its own."""
    port = free_port()
    log = home / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=ROOT,
            env=os.environ | {"PNEUMO_HOME": str(home)},
            stdout=file,
            stderr=file,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server) -> None:
    while True:
        if server.process.poll() is not None:
            raise SystemExit(f"The server did not start:\n{server.log.read_text()}")
        try:
            urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=5).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
        else:
            return


def _tree(top: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        parents.setdefault(parent, []).append(int(folder.name))
    found = [top]
    for process in found:
        found += parents.get(process, [])
    return found


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
