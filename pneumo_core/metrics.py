"""What numbers say of a classifier: pure functions of labels and probabilities.

Throughout: ``labels`` int (N,) of 0 (NORMAL) and 1 (PNEUMONIA), ``probabilities`` float (N,) in
[0, 1] of PNEUMONIA, and a film is called PNEUMONIA when its probability ≥ the threshold.
A rate over no films is NaN.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit
from scipy.stats import binomtest, rankdata
from sklearn.metrics import roc_curve

__all__ = [
    "Confusion",
    "Estimate",
    "Evaluation",
    "area_under_roc",
    "bootstrap_interval",
    "confusion",
    "evaluate",
    "expected_calibration_error",
    "fit_temperature",
    "rate",
    "sensitivity_threshold",
    "wilson_interval",
    "youden_threshold",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Confusion:
    """Counts of films: true and false, negatives (NORMAL) and positives (PNEUMONIA)."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def n(self) -> int:
        """All films."""
        return self.tn + self.fp + self.fn + self.tp

    @property
    def accuracy(self) -> float:
        """Share of all films called rightly."""
        return _ratio(self.tp + self.tn, self.n)

    @property
    def sensitivity(self) -> float:
        """Share of the PNEUMONIA films called PNEUMONIA (recall)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the NORMAL films called NORMAL."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def as_rows(self) -> list[list[int]]:
        """[[tn, fp], [fn, tp]], scikit-learn's order."""
        return [[self.tn, self.fp], [self.fn, self.tp]]


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint on one set of films at one threshold."""

    n: int
    threshold: float
    confusion: Confusion
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    f1: Estimate
    ece: Estimate


def confusion(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> Confusion:
    """Counts at the threshold."""
    truth, p = _checked(labels, probabilities)
    called = p >= threshold
    return Confusion(
        tn=int(np.sum(~called & (truth == 0))),
        fp=int(np.sum(called & (truth == 0))),
        fn=int(np.sum(~called & (truth == 1))),
        tp=int(np.sum(called & (truth == 1))),
    )


def area_under_roc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Area under the ROC curve, in [0, 1]; NaN when only one class is there."""
    truth, p = _checked(labels, probabilities)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    # The Mann-Whitney form: 10 × faster than scikit-learn's, which a bootstrap feels.
    pairs_won = rankdata(p)[truth == 1].sum() - positives * (positives + 1) / 2
    return float(pairs_won / (positives * negatives))


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: int = 15
) -> float:
    """Expected calibration error of P(pneumonia), in [0, 1], over equally wide bins.

    The mean over films of |share of PNEUMONIA in the film's bin - mean probability in that bin|
    (Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602, for the positive class).
    """
    truth, p = _checked(labels, probabilities)
    if not len(p):
        return math.nan
    bin_of = np.minimum((p * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of, weights=truth - p, minlength=bins)
    return float(np.abs(gaps).sum() / len(p))


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    if n == 0:
        return math.nan, math.nan
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def rate(successes: int, n: int) -> Estimate:
    """A rate with Wilson's interval; NaN over no films."""
    return Estimate(_ratio(successes, n), *wilson_interval(successes, n))


def bootstrap_interval(
    metric: Callable[[Ints, Floats], float],
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of a metric, resampling whole groups (patients), not films.

    Films of one patient resemble each other, so resampling films would promise too much
    (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x). NaN draws are left out.
    """
    truth, p = _checked(labels, probabilities)
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    if group_of.shape != truth.shape:
        raise ValueError(f"groups {group_of.shape} must name one for each of {truth.shape} films")
    order = np.argsort(group_of, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group_of))[:-1])
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(repeats):
        picked = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[group] for group in picked])
        draws.append(metric(truth[rows], p[rows]))
    kept = np.array(draws)[~np.isnan(draws)]
    if not len(kept):
        return math.nan, math.nan
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def evaluate(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, groups: ArrayLike
) -> Evaluation:
    """Every figure at the threshold: rates with Wilson's interval, the rest by bootstrap."""
    truth, p = _checked(labels, probabilities)
    counts = confusion(truth, p, threshold)
    positives, negatives = counts.tp + counts.fn, counts.tn + counts.fp

    def resampled(metric: Callable[[Ints, Floats], float]) -> Estimate:
        return Estimate(metric(truth, p), *bootstrap_interval(metric, truth, p, groups))

    return Evaluation(
        n=counts.n,
        threshold=threshold,
        confusion=counts,
        auc=resampled(area_under_roc),
        accuracy=rate(counts.tp + counts.tn, counts.n),
        sensitivity=rate(counts.tp, positives),
        specificity=rate(counts.tn, negatives),
        f1=resampled(lambda labels, p: confusion(labels, p, threshold).f1),
        ece=resampled(expected_calibration_error),
    )


def youden_threshold(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The threshold with the highest sensitivity + specificity - 1 (Youden 1950).

    Among equals the middle of the gap between scores, so that a film near the edge of the
    validation set doesn't tip it. doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3
    """
    truth, p = _two_classes(labels, probabilities)
    false_positive_rate, true_positive_rate, thresholds = roc_curve(
        truth, p, drop_intermediate=False
    )
    # The curve begins with a threshold of infinity, which is no probability.
    best = 1 + int(np.argmax((true_positive_rate - false_positive_rate)[1:]))
    return _midway_below(p, float(thresholds[best]))


def sensitivity_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, at_least: float = 0.99
) -> float:
    """The highest threshold whose sensitivity is still ``at_least``."""
    truth, p = _two_classes(labels, probabilities)
    positive = np.sort(p[truth == 1])[::-1]
    needed = math.ceil(at_least * len(positive) - 1e-9)
    return float(positive[max(needed, 1) - 1])


def fit_temperature(labels: ArrayLike, margins: ArrayLike) -> float:
    """The T > 0 whose sigmoid(margin / T) fits the labels best (least cross-entropy).

    ``margins`` float (N,) are logit(PNEUMONIA) - logit(NORMAL). Guo et al. 2017, arXiv:1706.04599.
    T is kept in [0.05, 20]. Raises ValueError when only one class is there.
    """
    margin = np.asarray(margins, dtype=np.float64)
    truth, _ = _two_classes(labels, expit(margin))
    signed = margin * np.where(truth == 1, 1.0, -1.0)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.mean(np.logaddexp(0.0, -signed / math.exp(log_temperature))))

    found = minimize_scalar(cross_entropy, bounds=(math.log(0.05), math.log(20)), method="bounded")
    return float(math.exp(found.x))


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Ints, Floats]:
    truth = np.asarray(labels, dtype=np.int64)
    p = np.asarray(probabilities, dtype=np.float64)
    if truth.shape != p.shape or truth.ndim != 1:
        raise ValueError(f"labels {truth.shape} and probabilities {p.shape} must be (N,) alike")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("labels must be 0 (NORMAL) or 1 (PNEUMONIA)")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities must lie in [0, 1]")
    return truth, p


def _two_classes(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Ints, Floats]:
    truth, p = _checked(labels, probabilities)
    if len(np.unique(truth)) < 2:
        raise ValueError("a threshold needs films of both classes")
    return truth, p


def _midway_below(p: Floats, threshold: float) -> float:
    lower = p[p < threshold]
    return (threshold + float(lower.max())) / 2 if len(lower) else threshold


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
