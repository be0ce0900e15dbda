"""The operating points of a network, chosen on validation X-rays or on a site's own."""

from numpy.typing import ArrayLike

from pneumo_core.checkpoints.card import OperatingPoint
from pneumo_core.metrics import balanced_threshold, screening_threshold

__all__ = ["choose_operating_points"]

_RULES = (
    (
        "balanced",
        "nearest to 0.5 within one standard error of the highest Youden index",
        balanced_threshold,
    ),
    (
        "screening",
        "highest threshold with a sensitivity of at least 0.99, whose 95 % interval begins at "
        "0.985 or higher; at most the balanced one",
        screening_threshold,
    ),
)


def choose_operating_points(
    labels: ArrayLike, probabilities: ArrayLike, *, where: str = ""
) -> tuple[OperatingPoint, ...]:
    """Choose the operating points, the default first.

    ``labels`` (N,) of 0 and 1, ``probabilities`` (N,) in [0, 1]. ``where``: what to add to the
    rules about the X-rays. Raises ValueError unless both classes are present.
    """
    return tuple(
        OperatingPoint.measured(
            name,
            find(labels, probabilities),
            f"{rule}, {where}" if where else rule,
            labels,
            probabilities,
        )
        for name, rule, find in _RULES
    )
