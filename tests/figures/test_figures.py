"""Plots: what they say in words."""

import pytest

from pneumo_core.figures import probability_bar


@pytest.mark.parametrize("threshold", [0.01, 0.5, 0.99])
def test_the_bar_names_the_operating_point_within_its_edges(threshold: float) -> None:
    figure = probability_bar(0.3, threshold, "balanced")
    (label,) = figure.layout.annotations
    assert "balanced" in label.text
    assert f"{threshold:.3f}" in label.text
    assert label.xanchor == {0.01: "left", 0.5: "center", 0.99: "right"}[threshold]
