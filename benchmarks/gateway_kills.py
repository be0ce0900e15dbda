"""``python -m benchmarks.gateway_kills``: no result is lost and none is stored twice.

Sends 200 films by DCMTK's storescu over four associations, while the gateway is killed with -9 ten
times at random and the PACS is down for a third of the time; then counts the results in the PACS.
Needs Debian's orthanc, orthanc-dicomweb and dcmtk, and the right to make a network namespace.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from benchmarks.gateway_service import Service, machine_load
from pneumo_core.gateway import Queue
from tests.gateway.parts import (
    Orthanc,
    chest,
    film,
    free_port,
    own_network,
    saved,
    storescu,
    wait_for,
)

_CONFIG = """
folder = "{folder}"
[dicom]
port = {port}
[http]
port = 0
[reading]
ages = [0, 120]
[[destination]]
name = "pacs"
dicom = "{pacs}"
results = {results}
"""


def main() -> int:
    options = _options()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as folder, own_network():
        return _run(Path(folder), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="folder of chest X-rays; default: a sample")
    parser.add_argument("--results", nargs="+", default=["sc"], choices=["sc", "sr", "gsps", "pdf"])
    parser.add_argument("--minutes", type=float, default=30, help="how long results may take")
    return parser.parse_args()


def _run(folder: Path, options: argparse.Namespace) -> int:
    os.environ["PNEUMO_HOME"] = str(folder / "home")
    films = _films(folder / "films", options)
    port, pacs = free_port(), Orthanc(folder / "orthanc")
    config = folder / "gateway.toml"
    results = "[" + ", ".join(f'"{each}"' for each in options.results) + "]"
    config.write_text(
        _CONFIG.format(folder=folder / "gateway", port=port, pacs=pacs.address, results=results)
    )
    service = Service(config, folder / "gateway.log")
    print(f"Results: {' '.join(options.results)}; {machine_load()}.", flush=True)
    began = time.monotonic()
    pacs.start()
    service.start()
    acknowledged, sent = _senders(films, port)
    chaos = _Chaos(service, pacs, options.kills)
    chaos.start()
    for each in sent:
        each.join()
    print(f"All {len(acknowledged)} X-rays were acknowledged after {_since(began)}.")
    chaos.join()
    print(f"The gateway was killed {chaos.kills} times; the PACS was down {chaos.share:.0%} of it.")
    queue = Queue(folder / "gateway")
    with contextlib.suppress(AssertionError):
        wait_for("results", lambda: _all_sent(queue, len(films)), options.minutes * 60)
    without = _without_outline(queue)
    queue.close()
    if "gsps" in options.results:
        print(f"{len(without)} X-rays have an empty heat map, so no outline (GSPS) was made.")
    print(f"All results had arrived after {_since(began)}.")
    time.sleep(5)  # for a double that comes late
    told = _judge(pacs, acknowledged, options.results, without)
    service.stop()
    pacs.stop()
    if not told:
        print("Every X-ray has exactly one result set in the PACS. None is lost, none is double.")
        return 0
    print(*told, sep="\n")
    print((folder / "gateway.log").read_text()[-4000:])
    return 1


def _films(folder: Path, options: argparse.Namespace) -> list[Path]:
    """X-rays of different patients, in turn CR and DX."""
    folder.mkdir()
    found = sorted(options.data.rglob("*.jp*g"))[: options.films] if options.data else []
    made = []
    for number in range(options.films):
        pixels = _pixels(found[number % len(found)], number) if found else chest(256, number)
        kind = "DX" if number % 2 else "CR"
        made.append(saved(film(pixels, kind=kind, number=number), folder / f"{number:04d}.dcm"))
    return made


def _pixels(path: Path, number: int) -> np.ndarray:
    grey = np.asarray(Image.open(path).convert("L"), dtype=np.float32) * 16
    noise = np.random.default_rng(number).normal(0, 1, grey.shape)
    return np.clip(grey + noise, 0, 4095).astype(np.uint16)


def _senders(films: list[Path], port: int) -> tuple[set[Path], list[threading.Thread]]:
    """Four senders at once, each sending again what was not acknowledged, as a modality does."""
    acknowledged: set[Path] = set()

    def send(mine: list[Path]) -> None:
        for path in mine:
            while storescu([path], port, "-to", "60").returncode:
                time.sleep(0.3)
            acknowledged.add(path)
            time.sleep(random.uniform(0, 0.5))

    threads = [threading.Thread(target=send, args=(films[part::4],)) for part in range(4)]
    for each in threads:
        each.start()
    return acknowledged, threads


class _Chaos(threading.Thread):
    """Kills the gateway at random, and has the PACS down for a third of the time."""

    def __init__(self, service: Service, pacs: Orthanc, kills: int) -> None:
        super().__init__()
        self._service, self._pacs, self._left = service, pacs, kills
        self.kills, self._up, self._down = 0, 0.0, 0.0

    @property
    def share(self) -> float:
        return self._down / max(self._up + self._down, 1e-9)

    def run(self) -> None:
        for each in range(self._left):
            self._for(random.uniform(2, 24), up=each % 3 != 1)
            self._service.kill()
            self.kills += 1
            self._service.start()
        while self._down < (self._up + self._down) / 3:
            self._for(2, up=False)
        self._for(0, up=True)

    def _for(self, seconds: float, *, up: bool) -> None:
        began = time.monotonic()
        if up and self._pacs.process is None:
            self._pacs.start()
        elif not up:
            self._pacs.stop()
        time.sleep(seconds)
        spent = time.monotonic() - began
        if up:
            self._up += spent
        else:
            self._down += spent


def _all_sent(queue: Queue, films: int) -> bool:
    done = "SELECT count(*) FROM films WHERE state IN ('sent', 'refused', 'failed')"
    waiting = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"
    return int(queue.one(done)) >= films and not queue.one(waiting)


def _without_outline(queue: Queue) -> set[str]:
    """Return the studies whose X-ray's own entry says that it has no outline."""
    rows = queue.rows(
        "SELECT DISTINCT study_uid FROM films JOIN events ON events.film = films.number "
        "WHERE events.reason LIKE '%The gsps result can''t be made:%'"
    )
    return {str(row[0]) for row in rows}


def _judge(pacs: Orthanc, sent: set[Path], kinds: list[str], without: set[str]) -> list[str]:
    """Return what is wrong with the results in the PACS, a line each.

    ``without``: the studies that have no outline, and so no presentation state.
    """
    sources: Counter[tuple[str, str]] = Counter()
    for each in pacs.instances():
        result = pydicom.dcmread(BytesIO(pacs.file(each["ID"])), stop_before_pixels=True)
        sources[str(result.StudyInstanceUID), str(result.Modality)] += 1
    modalities = [{"sc": "OT", "sr": "SR", "gsps": "PR", "pdf": "DOC"}[kind] for kind in kinds]
    told = []
    for path in sorted(sent):
        study = str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID)
        for modality in modalities:
            count = sources.pop((study, modality), 0)
            if count != (0 if modality == "PR" and study in without else 1):
                told.append(f"{path.name}: {count} results of modality {modality}")
    return told + [f"a result of an X-ray that was not sent: {each}" for each in sources]


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
