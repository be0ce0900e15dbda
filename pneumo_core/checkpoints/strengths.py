"""What each of several models is best at, by its figures on the same X-rays."""

from collections import Counter
from collections.abc import Callable, Sequence

from pneumo_core.checkpoints.checkpoint import Checkpoint
from pneumo_core.metrics import Evaluation

__all__ = ["best_for"]

_FIGURES: tuple[tuple[str, Callable[[Evaluation], float]], ...] = (
    ("highest AUC", lambda figures: figures.auc.value),
    ("fewest missed", lambda figures: figures.sensitivity.value),
    ("fewest false alarms", lambda figures: figures.specificity.value),
)


def best_for(checkpoints: Sequence[Checkpoint]) -> dict[str, tuple[str, ...]]:
    """Return what each checkpoint is best at, by its name; () for nothing.

    Only checkpoints with test figures on the same number of X-rays are compared, those that most
    checkpoints have. Ties count for every checkpoint that shares the best value.
    """
    test = {each.name: each.card.evaluation.get("test") for each in checkpoints}
    counts = Counter(figures.n for figures in test.values() if figures)
    if not counts or max(counts.values()) < 2:
        return {each.name: () for each in checkpoints}
    n = counts.most_common(1)[0][0]
    compared = {name: figures for name, figures in test.items() if figures and figures.n == n}
    best = {title: max(map(value, compared.values())) for title, value in _FIGURES}
    return {
        each.name: tuple(
            title
            for title, value in _FIGURES
            if each.name in compared and value(compared[each.name]) == best[title]
        )
        for each in checkpoints
    }
