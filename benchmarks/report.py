"""``docs/performance.md``: the table, and what it was measured on."""

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.films import where
from benchmarks.row import Row, Spread
from pneumo_core.core.settings import cores

__all__ = ["Measured", "conditions", "machine", "told", "write"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
NOTES = PAGE.with_name("performance_notes.md")
"""Text by hand that follows the table: what was tried where a goal is not met."""
_LIBRARIES = ("torch", "onnxruntime", "torchvision", "captum", "pillow", "numpy", "scikit-learn")
_BUSY = (
    "**Other work ran on the machine meanwhile** (load {load:.1f} before it began): the figures "
    "are too large, and ratios are rough. Measure again on an idle one."
)
_TITLES = {
    "one_film": "One X-ray of original size",
    "many_films": "Many X-rays",
    "training": "Training",
    "maps": "Maps",
    "pages": "Pages",
    "growth": "How cost grows",
}


@dataclass(frozen=True)
class Measured:
    """A group of rows, the peak memory of the process that measured it, and when that was.

    ``conditions``: the day, and whether other work ran on the machine, in words.
    """

    group: str
    peak_mb: float
    rows: tuple[Row, ...]
    conditions: str

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Measured":
        rows = []
        for row in kept["rows"]:
            spreads = {k: Spread(**row[k]) for k in ("ours", "peer", "floor") if row[k]}
            rows.append(Row(**{**row, **spreads}))
        return cls(kept["group"], kept["peak_mb"], tuple(rows), kept.get("conditions", ""))


def write(measured: list[Measured], *, quick: bool) -> None:
    """Write the groups into the page; what was not measured now stays as it was."""
    flags = " --quick" if quick else ""
    sections = _sections(PAGE) | {_TITLES[each.group]: told(each) for each in measured}
    parts = [
        "# How fast",
        f"Measured by `python -m benchmarks{flags}`, last on {datetime.now(UTC):%Y-%m-%d} "
        f"on {machine()}, on {where()}. {versions()}.",
        "Medians of runs in turn, in one process; quickest and slowest in brackets. Peer: what "
        "people use today for the same result. Floor: what the machine can do. A goal is met (✓) "
        "or not (✗). Networks' graphs were written before.",
        *(sections[title] for title in _TITLES.values() if title in sections),
        *([NOTES.read_text().strip()] if NOTES.is_file() else []),
    ]
    PAGE.write_text("\n\n".join(parts) + "\n")


def _sections(page: Path) -> dict[str, str]:
    """Return a page's sections by title, headings included."""
    text = page.read_text() if page.is_file() else ""
    parts = [f"## {part.strip()}" for part in f"\n{text}".split("\n## ")[1:]]
    return {part.partition("\n")[0].removeprefix("## "): part for part in parts}


def told(measured: Measured) -> str:
    """A group as a Markdown table."""
    lines = [
        f"## {_TITLES[measured.group]}",
        "",
        "| what | Pneumo | peer | floor | goal | |",
        "|---|---|---|---|---|---|",
    ]
    for row in measured.rows:
        goals = "; ".join(f"{goal} {'✓' if met else '✗'}" for goal, met in row.goals)
        ratio = f"{row.peer.median / row.ours.median:.2f} × the peer" if row.peer else ""
        cells = (_cell(row.ours, row.unit), _cell(row.peer, row.unit), _cell(row.floor, row.unit))
        lines.append(f"| {row.name} | {' | '.join(cells)} | {goals or ratio} | {row.note} |")
    memory = f"Peak memory of the process: {measured.peak_mb:,.0f} MB."
    return "\n".join([*lines, "", f"{memory} {measured.conditions}".strip()])


def conditions(load: float) -> str:
    """The day in words, and whether the machine was busy.

    ``load``: processes that wanted a core before the measuring began.
    """
    day = f"Measured on {datetime.now(UTC):%Y-%m-%d}."
    return f"{day} {_BUSY.format(load=load)}" if load > cores() / 2 else day


def machine() -> str:
    """Cores, processor and memory, in words."""
    model, memory = platform.processor() or platform.machine(), ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        total = Path("/proc/meminfo").read_text().split()[1]
        memory = f", {int(total) / 1e6:.0f} GB of memory"
    except (OSError, StopIteration):
        pass
    return f"{cores()} cores of {model}{memory}"


def versions() -> str:
    """Python and the libraries that decide the times."""
    found = [f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES]
    return f"Python {platform.python_version()}, " + ", ".join(found)


def _cell(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return ""
    digits = 0 if spread.median >= 100 else 1 if spread.median >= 10 else 2
    if spread.low == spread.high:
        return f"{spread.median:,.{digits}f} {unit}"
    return (
        f"{spread.median:,.{digits}f} ({spread.low:,.{digits}f}–{spread.high:,.{digits}f}) {unit}"
    )
