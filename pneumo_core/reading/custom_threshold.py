"""User-defined thresholds as operating points."""

from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.metrics import rate
from pneumo_core.reading.rates import rates_at

__all__ = ["CUSTOM", "custom_point"]

CUSTOM = "custom"
"""Name of an operating point that is not on the card."""


def custom_point(checkpoint: Checkpoint, threshold: float) -> OperatingPoint:
    """Return the operating point at a threshold in [0, 1], with the rates of ``rates_at``.

    ``chosen_on`` is the split of these rates; NaN where there are no such X-rays. Raises
    CheckpointError when the scores can't be read, ValueError for another threshold.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is {threshold}, not in [0, 1]")
    rates = rates_at(checkpoint, threshold)
    return OperatingPoint(
        name=CUSTOM,
        threshold=threshold,
        rule="set by the reader",
        chosen_on=rates.split if rates else "",
        sensitivity=rates.sensitivity if rates else rate(0, 0),
        specificity=rates.specificity if rates else rate(0, 0),
    )
