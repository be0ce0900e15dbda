"""Many things at once, in order, and never far ahead."""

import threading
import time
from collections.abc import Iterator

import pytest

from pneumo_core.core.parallel import each_of, in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def slow_if_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number * number

    assert list(in_order(slow_if_even, range(40), threads)) == [n * n for n in range(40)]


def test_items_are_taken_only_a_few_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(abs, items(), 2)
    next(results)
    assert len(taken) <= 5
    results.close()
    assert len(taken) <= 5


def test_an_error_is_raised_in_its_place_and_ends_the_work() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return 1 // (3 - number)

    results = in_order(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(begun) < 20


def test_work_is_done_at_once() -> None:
    both = threading.Barrier(2, timeout=20)
    assert len(list(in_order(lambda _: both.wait(), range(2), 2))) == 2


def test_each_of_counts_in_pieces_and_keeps_the_order() -> None:
    seen: list[tuple[int, int]] = []
    found = each_of(abs, range(-300, 0), lambda done, total: seen.append((done, total)))
    assert found == list(range(300, 0, -1))
    assert seen == [(256, 300), (300, 300)]


def test_each_of_raises_what_the_work_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        each_of(lambda number: 1 // number, [1, 0, 2])
