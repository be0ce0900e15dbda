"""Compare generated DICOM films with three independent decoders; write the table.

    python -m tests.decoders --count 2000 --seed 0 [--no-page]

The table goes to ``docs/reliability.md``. The exit status is 1 where a grey value differs by more
than rounding.
"""

import argparse
import sys
from pathlib import Path

from tests.decoders.compared import Compared, compared
from tests.decoders.theirs import DCMTK

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_DECODERS = ("pydicom", "DCMTK", "GDCM")
_BEGIN, _END = "<!-- decoders -->", "<!-- /decoders -->"


def main() -> None:
    """Compare, print what differs, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-page", action="store_true", help="leave docs/reliability.md alone")
    given = parser.parse_args()
    if DCMTK is None:
        print("DCMTK is not installed: compared with pydicom and GDCM only", file=sys.stderr)
    found = [compared(given.seed, number) for number in range(given.count)]
    wrong = [each for each in found if each.off]
    for each in wrong:
        print(f"FAILURE {each.number} ({each.kind}): {each.difference}")
    table = "\n".join(_table(found, given.seed))
    print(table)
    if not given.no_page:
        before, _, rest = PAGE.read_text().partition(_BEGIN)
        PAGE.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}")
    sys.exit(1 if wrong else 0)


def _table(found: list[Compared], seed: int) -> list[str]:
    """The lines of the page: what was compared with whom, and how it came out."""
    alone = sum(not each.refused and not each.difference for each in found)
    two = sum(len(each.difference or {}) > 1 for each in found)
    head = [
        f"{len(found):,} films, seed {seed}; {two:,} compared with two decoders or three, "
        f"{alone:,} with none.",
        "",
        "| VOI | films | refused | full range instead | "
        + " | ".join(f"{name}: agree / compared | largest difference" for name in _DECODERS)
        + " | off by more than rounding |",
        "|---" + "|--:" * (4 + 2 * len(_DECODERS)) + "|",
    ]
    groups = sorted({each.voi for each in found})
    rows = [_row(voi, [each for each in found if each.voi == voi]) for voi in groups]
    return [*head, *rows, _row("all", found)]


def _row(voi: str, films: list[Compared]) -> str:
    cells = [voi, f"{len(films):,}", str(sum(bool(each.refused) for each in films))]
    cells.append(str(sum(each.fell_back for each in films)))
    for name in _DECODERS:
        known = [each for each in films if name in (each.difference or {})]
        agree = sum(name not in each.off for each in known)
        largest = max(((each.difference or {})[name] for each in known), default=0.0)
        cells += [f"{agree:,} / {len(known):,}", f"{largest:.5f}" if known else "–"]
    return "| " + " | ".join([*cells, str(sum(bool(each.off) for each in films))]) + " |"


if __name__ == "__main__":
    main()
