"""``python -m benchmarks.gateway_throughput``: X-rays a minute from C-STORE to the PACS.

Starts Orthanc and the gateway on this machine, waits for the first result, sends films of 7 MB over
two associations, and waits until each has its secondary capture in the PACS. Prints the rate, the
processor time of each film, and the gateway's memory every hundred films. Needs Debian's orthanc,
orthanc-dicomweb and dcmtk, and the right to make a network namespace.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.uid import generate_uid

from benchmarks.gateway_service import Service, machine_load
from pneumo_core.gateway import Queue
from tests.gateway.parts import Orthanc, chest, film, free_port, own_network, saved, wait_for

_SIDE = 1870
"""Pixels of two bytes on each side: 7 MB."""
_BATCH, _AHEAD = 10, 60
_CONFIG = """
folder = "{folder}"
[dicom]
port = {port}
[http]
port = {http}
[reading]
ages = [0, 120]
[[destination]]
name = "pacs"
dicom = "{pacs}"
results = ["sc"]
"""


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder, own_network():
        return _run(Path(folder), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=240)
    parser.add_argument("--side", type=int, default=_SIDE, help="pixels on each side")
    parser.add_argument("--data", type=Path, help="folder of chest X-rays; default: a sample")
    return parser.parse_args()


def _run(folder: Path, options: argparse.Namespace) -> int:
    os.environ["PNEUMO_HOME"] = str(folder / "home")
    pixels = _pixels(options)
    pacs, port, http = Orthanc(folder / "orthanc"), free_port(), free_port()
    config = folder / "gateway.toml"
    text = _CONFIG.format(folder=folder / "gateway", port=port, http=http, pacs=pacs.address)
    config.write_text(text)
    pacs.start()
    prepared = _prepare(saved(film(pixels[0]), folder / "prepare.dcm"))
    print(f"The first reading with this model took {prepared:.1f} s: its graphs are made once.")
    service = Service(config, folder / "gateway.log")
    print(f"{pixels[0].nbytes / 1e6:.1f} MB an X-ray; {machine_load()}.", flush=True)
    first = _first_answer(service, folder, port, pixels[0])
    cpu = service.cpu_seconds()
    print(
        f"First result {first:.1f} s after the start; {cpu:.1f} s of processor time so far.",
        flush=True,
    )
    queue = Queue(folder / "gateway")
    began, cpu = time.monotonic(), service.cpu_seconds()
    _send_all(folder, port, pixels, options.films, queue, service)
    total = options.films + 1
    wait_for("results", lambda: _sent(queue) >= total, 3600)
    seconds, used = time.monotonic() - began, service.cpu_seconds() - cpu
    stored = len(pacs.instances())
    print(
        f"{options.films} X-rays in {seconds:.0f} s: {options.films / seconds * 60:.0f} a minute; "
        f"{used / options.films:.2f} s of processor time an X-ray; {machine_load()}."
    )
    states = dict(map(tuple, queue.rows("SELECT state, count(*) FROM films GROUP BY 1")))
    print(f"{stored} results in the PACS; states {states}.")
    queue.close()
    service.stop()
    pacs.stop()
    return 0 if stored == total else 1


def _pixels(options: argparse.Namespace) -> list[np.ndarray]:
    """Ten chest X-rays uint16 of the wanted size, with noise as a detector has."""
    paths = sorted(options.data.rglob("*.jp*g"))[:10] if options.data else []
    if not paths:
        return [chest(options.side, number) for number in range(10)]
    return [_enlarged(path, options.side, number) for number, path in enumerate(paths)]


def _enlarged(path: Path, side: int, number: int) -> np.ndarray:
    grey = Image.open(path).convert("L").resize((side, side), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(number).normal(0, 4, (side, side))
    return np.clip(np.asarray(grey) * 16.0 + noise, 0, 4095).astype(np.uint16)


def _prepare(path: Path) -> float:
    """Read one X-ray by the command line, which makes and caches the model's ONNX graphs."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pneumo_core", "predict", str(path)]
    subprocess.run(command, capture_output=True, check=False)
    return time.monotonic() - began


def _first_answer(service: Service, folder: Path, port: int, pixels: np.ndarray) -> float:
    """Return the seconds from the start until the first result is in the PACS."""
    path = saved(film(pixels), folder / "first.dcm")
    began = time.monotonic()
    service.start()
    while _store(port, [path]):
        time.sleep(0.1)
    queue = Queue(folder / "gateway")
    wait_for("the first result", lambda: _sent(queue) == 1, 600)
    queue.close()
    return time.monotonic() - began


def _store(port: int, paths: list[Path]) -> int:
    command = ["storescu", "-aec", "PNEUMO", "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def _sent(queue: Queue) -> int:
    return int(queue.one("SELECT count(*) FROM films WHERE state IN ('sent', 'refused', 'failed')"))


def _send_all(
    folder: Path, port: int, pixels: list[np.ndarray], films: int, queue: Queue, service: Service
) -> None:
    """Send by two senders in batches, not too far ahead of the reader, to spare the disk."""
    numbers = iter(range(films))
    lock, memory = threading.Lock(), []

    def batch() -> list[int]:
        with lock:
            return [number for _, number in zip(range(_BATCH), numbers, strict=False)]

    def send() -> None:
        while mine := batch():
            paths = [_written(folder, pixels[each % len(pixels)], each) for each in mine]
            while _store(port, paths):
                time.sleep(0.5)
            for each in paths:
                each.unlink()
            while queue.waiting() > _AHEAD:
                time.sleep(0.2)
            with lock:
                if _sent(queue) // 100 >= len(memory):
                    memory.append(service.memory_mb())
                    print(f"  after {_sent(queue)} X-rays: {memory[-1]:.0f} MB", flush=True)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _written(folder: Path, pixels: np.ndarray, number: int) -> Path:
    kind = "DX" if number % 2 else "CR"
    made = film(pixels, kind=kind, number=number, SeriesInstanceUID=generate_uid())
    return saved(made, folder / f"{number}.dcm")


if __name__ == "__main__":
    sys.exit(main())
