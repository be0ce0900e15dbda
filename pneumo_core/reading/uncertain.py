"""The band of uncertain probabilities around an operating point."""

import math
from collections.abc import Callable

__all__ = ["UNCERTAIN_MARGIN", "band_text", "uncertain_band"]

UNCERTAIN_MARGIN = 0.05
"""Probabilities closer than this to the threshold are uncertain, as are those between the threshold
and 0.5, where the verdict would contradict the probability."""


def uncertain_band(threshold: float) -> tuple[float, float]:
    """Return the uncertain probabilities of a threshold in [0, 1]: from the first end, below the
    second.

    The margin is at most half of the threshold's distance to 0 or 1, so that a low or a high
    threshold leaves room for a clear result on both sides. The ends are rounded outwards to
    hundredths (thousandths near 0 and 1), so that what ``band_text`` says is exactly true.
    """
    margin = min(UNCERTAIN_MARGIN, threshold / 2, (1 - threshold) / 2)
    low, high = min(0.5, threshold - margin), max(0.5, threshold + margin)
    return _rounded(low, math.floor), _rounded(high, math.ceil)


def band_text(low: float, high: float) -> str:
    """Write a band: "between 0.50 and 0.95"; an open one "below 0.50", "0.50 or higher"."""
    if low <= 0:
        return f"below {_hundredths(high)}"
    if high >= 1:
        return f"{_hundredths(low)} or higher"
    return f"between {_hundredths(low)} and {_hundredths(high)}"


def _rounded(end: float, outwards: Callable[[float], int]) -> float:
    steps = 100 if 0.01 <= end <= 0.99 else 1000
    return outwards(round(end * steps, 6)) / steps


def _hundredths(end: float) -> str:
    text = f"{end:.3f}"
    return text[:-1] if text.endswith("0") else text
