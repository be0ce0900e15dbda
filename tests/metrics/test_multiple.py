"""Holm's correction by hand."""

import numpy as np
import pytest

from pneumo_core.metrics import holm


def test_the_smallest_p_counts_for_all_tests_the_next_for_one_less() -> None:
    """0.01 x 4, 0.02 x 3, then 0.03 x 2 = 0.06 and 0.04 x 1, which may not get smaller."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_nothing_is_above_one_and_an_unknown_p_is_not_counted() -> None:
    found = holm([0.7, np.nan, 0.02])
    assert found[[0, 2]] == pytest.approx([0.7, 0.04])
    assert np.isnan(found[1])
    assert len(holm([])) == 0
