"""``python -m benchmarks.gateway_http --data DIR``: requests to the HTTP service.

Sends films of 224 pixels by sixteen clients at once, and compares each answer's probability with
that of ``pneumo predict --json`` for the same file. Prints the rate, the largest difference and how
many answers differ by more than 1e-6, as an answer for another film would.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import requests

from benchmarks.gateway_service import Service, machine_load
from tests.gateway.parts import free_port

_local = threading.local()


def main() -> int:
    options = _options()
    paths = sorted(options.data.rglob("*.jp*g"))[: options.requests]
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), paths, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of chest X-rays")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    return parser.parse_args()


def _run(folder: Path, paths: list[Path], options: argparse.Namespace) -> int:
    os.environ["PNEUMO_HOME"] = str(folder / "home")
    port = free_port()
    config = folder / "gateway.toml"
    config.write_text(f'folder = "{folder / "gateway"}"\n[dicom]\nport = 0\n[http]\nport = {port}')
    service = Service(config, folder / "gateway.log")
    service.start()
    url = f"http://127.0.0.1:{port}"
    ready = service.ready_after(url)
    bodies = [(path, path.read_bytes()) for path in paths]
    _ask(url, bodies[0])
    print(f"Ready after {ready:.1f} s; {machine_load()}.", flush=True)
    cpu, began = service.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(options.clients) as pool:
        told = list(pool.map(lambda each: _ask(url, each), bodies))
    seconds, used = time.monotonic() - began, service.cpu_seconds() - cpu
    print(
        f"{len(told)} requests of {options.clients} clients in {seconds:.1f} s: "
        f"{len(told) / seconds * 60:.0f} a minute; {used / len(told) * 1e3:.0f} ms of processor "
        f"time each; {machine_load()}.",
        flush=True,
    )
    service.stop()
    return _compare(told, _predicted(paths))


def _ask(url: str, film: tuple[Path, bytes]) -> dict:
    """One request over this thread's own connection."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    while True:
        answer = _local.session.post(f"{url}/v1/readings", data=film[1], timeout=300)
        if answer.status_code != 503:
            return answer.json()
        time.sleep(0.05)


def _predicted(paths: list[Path]) -> list[dict]:
    """Return the rows of the command line, in the order of the paths."""
    command = [sys.executable, "-m", "pneumo_core", "predict", "--json", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(rows) != len(paths):
        raise SystemExit(f"predict answered {len(rows)} of {len(paths)}: {done.stderr[-500:]}")
    return rows


def _compare(told: list[dict], expected: list[dict]) -> int:
    statuses = sum(a["status"] != b["status"] for a, b in zip(told, expected, strict=True))
    pairs = [
        (a["probability"], b["probability"])
        for a, b in zip(told, expected, strict=True)
        if a["probability"] is not None and b["probability"] is not None
    ]
    gaps = np.array([abs(a - b) for a, b in pairs])
    print(
        f"{len(pairs)} probabilities against predict's: largest difference {gaps.max():.1e}, "
        f"{int((gaps > 1e-6).sum())} above 1e-6, {statuses} other statuses; "
        f"{len({b for _, b in pairs})} different probabilities among them."
    )
    return int(statuses > 0 or bool((gaps > 1e-6).any()))


if __name__ == "__main__":
    sys.exit(main())
