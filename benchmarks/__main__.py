"""Measure everything and write ``docs/performance.md``.

    python -m benchmarks [--only GROUP ...] [--quick] [--full] [--again]

Each group of rows runs in a process of its own, whose peak memory is told, and is kept under
PNEUMO_HOME: what was measured on this machine with this code is not measured again without --again.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.report import Measured, conditions, told, write
from pneumo_core.core.settings import settings

GROUPS = ("one_film", "many_films", "training", "maps", "pages", "growth")


def main() -> None:
    """Measure what is asked for, in order, and write the page after each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--quick", action="store_true", help="fewer X-rays and repeats")
    parser.add_argument("--full", action="store_true", help="100,000 X-rays too")
    parser.add_argument("--again", action="store_true", help="even if it was measured before")
    parser.add_argument("--child", choices=GROUPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    home = settings().home / "benchmarks"
    home.mkdir(parents=True, exist_ok=True)
    if given.child:
        _measure(given.child, home, quick=given.quick, full=given.full)
        return
    kept = home / ("quick" if given.quick else "whole")
    kept.mkdir(exist_ok=True)
    failed, load = False, os.getloadavg()[0]  # before the first group: each adds to it
    for group in given.only:
        file = kept / f"{group}.json"
        if given.again or not file.is_file():
            failed |= not _apart(group, file, given, load)
        write(_all(kept), quick=given.quick)
    for measured in _all(kept):
        print(told(measured))
    sys.exit(1 if failed else 0)


def _all(kept: Path) -> list[Measured]:
    files = [kept / f"{group}.json" for group in GROUPS]
    return [Measured.of(json.loads(file.read_text())) for file in files if file.is_file()]


def _apart(group: str, file: Path, given: argparse.Namespace, load: float) -> bool:
    """A group in a process of its own, whose result is kept; False where it failed."""
    print(f"measuring {group} ...", file=sys.stderr, flush=True)
    flags = [f"--{name}" for name in ("quick", "full") if getattr(given, name)]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", "--child", group, *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"{group} failed", file=sys.stderr)
        return False
    rows = json.loads(output.strip().splitlines()[-1])
    factor = 1 if sys.platform == "darwin" else 1024
    kept = {"group": group, "peak_mb": used.ru_maxrss * factor / 1e6, "rows": rows}
    file.write_text(json.dumps(kept | {"conditions": conditions(load)}))
    return True


def _measure(group: str, home: Path, *, quick: bool, full: bool) -> None:
    module = importlib.import_module(f"benchmarks.{group}")
    extra = {"full": full} if group == "growth" else {}
    print("\n" + json.dumps([asdict(row) for row in module.rows(home, quick=quick, **extra)]))


if __name__ == "__main__":
    main()
