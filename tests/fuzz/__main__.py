"""Read thousands of damaged files, and write what became of them to ``docs/reliability.md``.

    python -m tests.fuzz --inputs 20000 [--format png ...] [--seed S] [--no-page]

Failures are printed with the number that makes the same bytes again; the exit status is 1 where
there was one.
"""

import argparse
import re
import sys
import time

from tests.fuzz.apart import Outcome, Watched
from tests.fuzz.report import Row, write
from tests.fuzz.seeds import KINDS

_TELL_EVERY_S = 15.0


def main() -> None:
    """Fuzz one format after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="of each format")
    parser.add_argument("--format", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-page", action="store_true", help="leave docs/reliability.md alone")
    given = parser.parse_args()
    rows = []
    for kind in given.format:
        rows.append(_fuzzed(kind, given.inputs, given.seed))
        if not given.no_page:
            write(rows)
    print("\n".join(row.cells() for row in rows), flush=True)
    sys.exit(1 if any(row.failures for row in rows) else 0)


def _fuzzed(kind: str, count: int, seed: int) -> Row:
    row, sentences, began, told = Row(kind, seed=seed), set(), time.monotonic(), 0.0
    watched = Watched(seed)
    for number in range(count):
        _count(row, watched.outcome(kind, number), sentences)
        now = time.monotonic() - began
        if now - told > _TELL_EVERY_S:
            told = now
            left = now / row.inputs * (count - row.inputs)
            print(
                f"{kind}: {row.inputs} of {count}, {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
    watched.close()
    row.sentences = len(sentences)
    return row


def _count(row: Row, outcome: Outcome, sentences: set[str]) -> None:
    row.inputs += 1
    row.slowest = max(row.slowest, outcome.seconds)
    row.most_mb = max(row.most_mb, outcome.mb)
    if outcome.crash:
        row.failures += 1
        print(
            f"FAILURE {row.format} {outcome.number} ({outcome.mutation}): {outcome.crash}",
            flush=True,
        )
    elif outcome.sentence:
        row.refused += 1
        sentences.add(re.sub(r"'[^']*'|\d[\d.,]*", "…", outcome.sentence))
    else:
        row.read += 1


if __name__ == "__main__":
    main()
