"""Drift: figures worked out by hand, and an alarm that needs both of them."""

import math

import numpy as np
import pytest

from pneumo_core.gateway.config import Drift
from pneumo_core.gateway.drift import by_day_and_device, drift_of, stability_index
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Finished
from tests.gateway.parts import as_bytes, chest, film

EVEN = (np.arange(1000) + 0.5) / 1000


def test_the_same_distribution_has_index_0() -> None:
    assert stability_index(EVEN, EVEN) == pytest.approx(0, abs=1e-9)


def test_the_index_of_a_move_into_one_tenth_by_hand() -> None:
    """All in the highest tenth: 9 bins of (0.0001 - 0.1) ln(0.001), and (1 - 0.1) ln 10."""
    expected = 9 * (0.0001 - 0.1) * math.log(0.001) + 0.9 * math.log(10)
    assert stability_index(EVEN, np.full(100, 0.99)) == pytest.approx(expected)


def test_an_alarm_needs_a_large_difference_and_enough_films() -> None:
    rules = Drift(least=50)
    assert drift_of(EVEN, EVEN**4, rules).alarm
    assert not drift_of(EVEN, EVEN, rules).alarm
    assert not drift_of(EVEN, np.clip(EVEN + 0.02, 0, 1), rules).alarm, "real, but small"
    few = drift_of(EVEN, np.full(49, 0.99), rules)
    assert not few.alarm
    assert "too few" in few.sentence


def test_days_and_devices_are_counted_apart(intake: Intake, queue: Queue) -> None:
    for model in ("Imager 5", "Imager 5", "Portable"):
        intake.take_in(as_bytes(film(chest(64), ManufacturerModelName=model)), "MODALITY")
    first, second, third = queue.next_films(3)
    queue.finish(first, Finished(state="read", probability=0.2))
    queue.finish(second, Finished(state="read", probability=0.4))
    queue.finish(third, Finished(state="refused", reason="a limb"))
    table = by_day_and_device(queue, 2).set_index("device")
    assert table.loc["Acme Imager 5", "films"] == 2
    assert table.loc["Acme Imager 5", "median"] == pytest.approx(0.3)
    assert table.loc["Acme Portable", "refused"] == 1
