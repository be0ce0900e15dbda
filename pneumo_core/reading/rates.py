"""Sensitivity and specificity of a checkpoint at a threshold, on its own scores."""

from dataclasses import dataclass

from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.errors import CheckpointError
from pneumo_core.metrics import Confusion, Estimate, confusion, predictive_value_estimates, rate

__all__ = ["Rates", "rates_at", "rates_of"]

_SPLITS = {"test": "test X-rays", "val": "validation X-rays"}


@dataclass(frozen=True)
class Rates:
    """Sensitivity and specificity at one threshold, with Wilson's 95 % intervals.

    ``split``: where they were measured: "test", or "val" or another split if the checkpoint has
    no scores of test X-rays of both labels. ``ill`` and ``healthy``: number of X-rays; both 0 if
    there are no scores, and the figures are those of the card.
    """

    split: str
    ill: int
    healthy: int
    sensitivity: Estimate
    specificity: Estimate

    @property
    def films(self) -> str:
        """The X-rays they were measured on: "624 test X-rays", "630 validation X-rays"."""
        name = _SPLITS.get(self.split, f"{self.split} X-rays")
        count = self.ill + self.healthy
        if not count:
            return name
        return f"{count} {name}" if count > 1 else f"{count} {name.removesuffix('s')}"

    @property
    def caution(self) -> str:
        """A caution if they were not measured on test X-rays; empty otherwise."""
        if self.split == "test":
            return ""
        return (
            "There are no test results for this model: the threshold was chosen on these X-rays, "
            "so expect lower rates elsewhere."
        )

    def predictive_values(self, prevalence: float) -> tuple[Estimate, Estimate]:
        """Return PPV and NPV, with intervals, at a prevalence in (0, 1)."""
        rates = (self.sensitivity.value, self.specificity.value)
        return predictive_value_estimates(*rates, prevalence, ill=self.ill, healthy=self.healthy)


def rates_at(checkpoint: Checkpoint, threshold: float) -> Rates | None:
    """Return the rates at a threshold in [0, 1], counted from the checkpoint's own scores.

    They are of the first of the splits test, validation and others that has both labels, else of
    the first that has any X-rays. None without scores. Raises CheckpointError if the scores can't
    be read.
    """
    scores = checkpoint.scores
    splits = {str(split): rows for split, rows in scores.groupby("split") if len(rows)}
    names = sorted(splits, key=lambda name: (_rank(name), name))
    both = [name for name in names if splits[name]["label"].nunique() == 2]
    for name in [*both, *names]:
        films = splits[name]
        return _counted(name, confusion(films["label"], films["probability"], threshold))
    return None


def rates_of(checkpoint: Checkpoint, point: OperatingPoint) -> Rates:
    """Return the rates at an operating point; those of the card where the scores are missing."""
    try:
        found = rates_at(checkpoint, point.threshold)
    except CheckpointError:
        found = None
    if found is not None:
        return found
    tested = checkpoint.card.evaluation.get("test")
    if tested is not None and tested.threshold == point.threshold:
        return _counted("test", tested.confusion)
    return Rates(point.chosen_on, 0, 0, point.sensitivity, point.specificity)


def _rank(split: str) -> int:
    return list(_SPLITS).index(split) if split in _SPLITS else len(_SPLITS)


def _counted(split: str, counts: Confusion) -> Rates:
    ill, healthy = counts.tp + counts.fn, counts.tn + counts.fp
    sensitivity, specificity = rate(counts.tp, ill), rate(counts.tn, healthy)
    return Rates(split, ill, healthy, sensitivity, specificity)
