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
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, rankdata
from scipy.stats.distributions import rv_frozen

__all__ = [
    "Calibration",
    "Confusion",
    "Estimate",
    "Evaluation",
    "area_under_roc",
    "bootstrap_interval",
    "confusion",
    "evaluate",
    "expected_calibration_error",
    "fit_calibration",
    "predictive_values",
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
class Calibration:
    """What makes a probability of a margin: sigmoid(margin / temperature + offset)."""

    temperature: float = 1.0
    offset: float = 0.0

    def probabilities(self, margins: ArrayLike) -> NDArray[np.float32]:
        """P(pneumonia) float32 in [0, 1] of margins float (N,)."""
        scaled = np.asarray(margins, dtype=np.float64) / self.temperature + self.offset
        return np.asarray(expit(scaled), dtype=np.float32)


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


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """Positive and negative predictive value where ``prevalence`` of the films are PNEUMONIA.

    Bayes' theorem (Altman and Bland 1994, doi 10.1136/bmj.309.6947.102). All in [0, 1]; NaN where
    no film would be called so.
    """
    rates = (sensitivity, specificity, prevalence)
    if not all(math.isnan(each) or 0 <= each <= 1 for each in rates):
        raise ValueError(f"sensitivity, specificity and prevalence lie in [0, 1], not {rates}")
    tp, fn = sensitivity * prevalence, (1 - sensitivity) * prevalence
    tn, fp = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    return _ratio(tp, tp + fp), _ratio(tn, tn + fn)


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
    """The threshold with the highest sensitivity + specificity - 1 (Youden 1950,
    doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3), from smooth curves.

    Each class's logits are taken for normal (Schisterman and Perkins 2007,
    doi 10.1080/03610910701212181): where few validation films are called wrongly, the raw index is
    a staircase whose highest step two or three films decide. Raises ValueError when only one class
    is there.
    """
    truth, p = _two_classes(labels, probabilities)
    logits = logit(np.clip(p, 1e-6, 1 - 1e-6))
    normal, ill = (_normal_curve(logits[truth == label]) for label in (0, 1))
    low, high = sorted((normal.mean(), ill.mean()))
    between = np.linspace(low, high, 2001)
    return float(expit(between[np.argmax(ill.sf(between) + normal.cdf(between))]))


def sensitivity_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, at_least: float = 0.99
) -> float:
    """The highest threshold whose sensitivity is still ``at_least``."""
    truth, p = _two_classes(labels, probabilities)
    positive = np.sort(p[truth == 1])[::-1]
    needed = math.ceil(at_least * len(positive) - 1e-9)
    return float(positive[max(needed, 1) - 1])


def fit_calibration(labels: ArrayLike, margins: ArrayLike) -> Calibration:
    """The calibration of ``margins`` that fits the labels best, both classes weighing the same.

    ``margins`` float (N,) are logit(PNEUMONIA) - logit(NORMAL). The probabilities are those of a
    place where every other film shows PNEUMONIA: how common it is where films were collected says
    nothing of where one is read. Platt scaling by least cross-entropy, with his targets, which keep
    a perfect separation finite (Platt 1999, Probabilistic outputs for support vector machines). The
    temperature is kept in [0.05, 20], the offset in [-10, 10]. Raises ValueError when only one
    class is there.
    """
    margin = np.asarray(margins, dtype=np.float64)
    truth, _ = _two_classes(labels, expit(margin))
    positives = int(truth.sum())
    negatives = len(truth) - positives
    target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(truth == 1, 0.5 / positives, 0.5 / negatives)

    def cross_entropy(parameters: Floats) -> float:
        log_temperature, offset = parameters
        scaled = margin / math.exp(log_temperature) + offset
        return float(np.sum(weight * (np.logaddexp(0.0, scaled) - target * scaled)))

    bounds = [(math.log(0.05), math.log(20)), (-10, 10)]
    found = minimize(cross_entropy, np.zeros(2), bounds=bounds, method="L-BFGS-B")
    return Calibration(temperature=float(math.exp(found.x[0])), offset=float(found.x[1]))


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


def _normal_curve(logits: Floats) -> rv_frozen:
    # A class whose films all score alike still has a curve.
    return norm(logits.mean(), max(float(logits.std()), 1e-3))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
