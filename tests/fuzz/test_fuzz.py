"""Damaged files end in a result or a sentence, 20 to 300 of each common format here."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import WHOLE
from tests.fuzz.apart import Watched, made
from tests.fuzz.report import Row, write
from tests.fuzz.seeds import KINDS, seeds

FEWER = 1 if WHOLE else 6
"""Of the thorough run's inputs, one in six."""
INPUTS = {"png": 150, "jpeg": 150, "tiff": 150, "dicom": 300, "bmp": 50, "webp": 50,
          "manifest": 360, "scores": 60, "npz": 60, "zip": 40, "checkpoint": 20}  # fmt: skip


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """One process for all formats: most of the time is what it takes to begin."""
    process = Watched()
    yield process
    process.close()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_give_a_result_or_a_sentence(kind: str, watched: Watched) -> None:
    read = 0

    @settings(
        max_examples=max(20, INPUTS[kind] // FEWER), deadline=None, derandomize=True, database=None,
        phases=[Phase.generate],  # a smaller number is no simpler input
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 2**30))
    def holds(number: int) -> None:
        nonlocal read
        outcome = watched.outcome(kind, number)
        assert not outcome.crash, outcome
        read += not outcome.sentence

    holds()
    assert read, "nothing got as far as a result"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_number_makes_the_same_bytes(kind: str) -> None:
    for number in range(20):
        assert made(kind, number, 3) == made(kind, number, 3)
    whole = set(seeds(kind).values())
    assert any(made(kind, number, 0)[1] not in whole for number in range(5))


def test_an_input_that_takes_the_process_down_is_found(watched: Watched) -> None:
    found = [watched.outcome("manifest", number, abort=number == 1) for number in range(2)]
    assert [outcome.number for outcome in found] == [0, 1]
    assert [outcome.number for outcome in found if outcome.crash] == [1]
    assert found[1].crash == f"the process ended with {-signal.SIGABRT}"
    assert "bytes" in found[1].mutation


def test_rows_of_a_table_stay_until_they_are_measured_again(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    write([Row("png", inputs=20_000), Row("jpeg", inputs=7)], page)
    page.write_text(page.read_text() + "\n## Faults\n")
    write([Row("png", inputs=5)], page)
    text = page.read_text()
    assert "| png | 5 |" in text
    assert "| jpeg | 7 |" in text
    assert "20,000 |" not in text
    assert text.endswith("## Faults\n")
    assert os.linesep + "## Fuzzing" in text
