"""300 damaged files of each format end in a result or a sentence; ``make fuzz`` tries 20,000."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.apart import LIMIT_MB, LIMIT_S, forget_peak, made, outcomes, peak_mb
from tests.fuzz.report import Row, write
from tests.fuzz.seeds import KINDS, seeds
from tests.fuzz.targets import CHECKPOINTS, use

INPUTS = 300


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_give_a_result_or_a_sentence(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(CHECKPOINTS))
    monkeypatch.setenv("PNEUMO_ENGINE", "torch" if kind == "checkpoint" else "onnxruntime")

    @settings(
        max_examples=INPUTS, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 2**30))
    def holds(number: int) -> None:
        name, data, _ = made(kind, number, 0)
        before, began = forget_peak(), time.process_time()
        use(kind, name, data)
        assert time.process_time() - began < LIMIT_S
        assert peak_mb() - before < LIMIT_MB

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_number_makes_the_same_bytes(kind: str) -> None:
    for number in range(20):
        assert made(kind, number, 3) == made(kind, number, 3)
    whole = set(seeds(kind).values())
    assert any(made(kind, number, 0)[1] not in whole for number in range(5))


@pytest.mark.slow
def test_an_input_that_takes_the_process_down_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUZZ_ABORT_ON", "2")
    found = list(outcomes("manifest", 0, 5))
    assert [outcome.number for outcome in found] == [0, 1, 2, 3, 4]
    assert [outcome.number for outcome in found if outcome.crash] == [2]
    assert "process ended" in found[2].crash


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
