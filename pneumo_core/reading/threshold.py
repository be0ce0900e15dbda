"""A threshold of the reader's own, and what it would have given on the validation films."""

from pneumo_core.card import OperatingPoint
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.metrics import confusion, rate

__all__ = ["CUSTOM", "custom_point"]

CUSTOM = "custom"
"""Name of an operating point that no card holds."""


def custom_point(checkpoint: Checkpoint, threshold: float) -> OperatingPoint:
    """The operating point at a threshold in [0, 1], with its rates on the validation films.

    Sensitivity and specificity come from the checkpoint's own scores, with Wilson's intervals; NaN
    where it has no such films. Raises CheckpointError when the scores can't be read, ValueError
    for another threshold.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is {threshold}, not in [0, 1]")
    scores = checkpoint.scores
    films = scores[scores["split"] == "val"]
    counts = confusion(films["label"], films["probability"], threshold)
    return OperatingPoint(
        name=CUSTOM,
        threshold=threshold,
        rule="set by the reader",
        chosen_on="val",
        sensitivity=rate(counts.tp, counts.tp + counts.fn),
        specificity=rate(counts.tn, counts.tn + counts.fp),
    )
