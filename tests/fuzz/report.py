"""The table of a long run in ``docs/reliability.md``."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["PAGE", "Row", "write"]

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_TITLE = """# Reliability

What Pneumo does when something goes wrong, and the command that shows it.
"""
_HEAD = """## Fuzzing

Whole files are damaged (bits, lengths, sizes, order, nesting; with checksums made right again),
then read by the gate and the network as a user's would be. Each must end in a result or in a
sentence, within 10 seconds and 1 GB; every input runs in a process that is watched, so that a codec
which takes it down is found too. What was found once is a test in `tests/fuzz/test_found.py`.

`make fuzz`, or `python -m tests.fuzz --inputs 20000 --format png`; a seed always gives the same
inputs.

| format | inputs | seed | read | refused | sentences | slowest, s | peak, MB | failures |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""
_BEGIN, _END = "<!-- fuzzing -->", "<!-- /fuzzing -->"


@dataclass
class Row:
    """What became of all inputs of a format."""

    format: str
    inputs: int = 0
    seed: int = 0
    read: int = 0
    refused: int = 0
    sentences: int = 0
    slowest: float = 0.0
    most_mb: float = 0.0
    failures: int = 0

    def cells(self) -> str:
        """As a row of the table."""
        values = [
            f"{value:.1f}" if name == "slowest" else f"{value:,.0f}" if name != "format" else value
            for name, value in asdict(self).items()
        ]
        return "| " + " | ".join(values) + " |"


def write(rows: list[Row], page: Path = PAGE) -> None:
    """Put rows in the table; those of other formats stay as they were."""
    text = page.read_text() if page.is_file() else f"{_TITLE}\n{_BEGIN}\n{_END}\n"
    if _BEGIN not in text:
        text += f"\n{_BEGIN}\n{_END}\n"
    before, _, rest = text.partition(_BEGIN)
    old, _, after = rest.partition(_END)
    table = {
        row.split("|")[1].strip(): row for row in re.findall(r"^\| [a-z]+ \| [\d,]+ .*$", old, re.M)
    }
    table |= {row.format: row.cells() for row in rows}
    page.write_text(f"{before}{_BEGIN}\n{_HEAD}" + "\n".join(table.values()) + f"\n{_END}{after}")
