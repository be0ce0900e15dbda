"""Performance metrics of a classifier: pure functions of labels and probabilities.

Throughout: ``labels`` int (N,) of 0 (NORMAL) and 1 (PNEUMONIA), ``probabilities`` float (N,) in
[0, 1] of PNEUMONIA; an X-ray is predicted PNEUMONIA when its probability ≥ the threshold. A rate
over no X-rays is NaN.
"""

from pneumo_core.metrics.agreement import cohens_kappa
from pneumo_core.metrics.calibration import (
    Calibration,
    ReliabilityBin,
    bin_of,
    brier_score,
    expected_calibration_error,
    fit_calibration,
    reliability,
)
from pneumo_core.metrics.evaluation import (
    Evaluation,
    at_threshold,
    auc_estimate,
    brier_estimate,
    ece_estimate,
    evaluate,
    f1_estimate,
    predictive_estimates,
)
from pneumo_core.metrics.formatting import (
    format_interval,
    format_prevalence,
    format_rate,
    format_share,
)
from pneumo_core.metrics.large_samples import MANY_PATIENTS, Draws, NormalDraws, draws_of
from pneumo_core.metrics.multiple import holm
from pneumo_core.metrics.paired import Areas, McNemar, clustered_area, compare_areas, mcnemar
from pneumo_core.metrics.prevalence import (
    CALIBRATED_PREVALENCE,
    adjusted_probability,
    predictive_value_estimates,
)
from pneumo_core.metrics.ranking import (
    Curve,
    area_interval,
    area_under_roc,
    average_precision,
    precision_recall_curve,
    roc_curve,
)
from pneumo_core.metrics.rates import (
    Confusion,
    Estimate,
    confusion,
    predictive_values,
    rate,
    wilson_interval,
)
from pneumo_core.metrics.resampling import Resampling, interval
from pneumo_core.metrics.thresholds import (
    balanced_threshold,
    cost_threshold,
    screening_threshold,
    sensitivity_threshold,
)

__all__ = [
    "CALIBRATED_PREVALENCE",
    "MANY_PATIENTS",
    "Areas",
    "Calibration",
    "Confusion",
    "Curve",
    "Draws",
    "Estimate",
    "Evaluation",
    "McNemar",
    "NormalDraws",
    "ReliabilityBin",
    "Resampling",
    "adjusted_probability",
    "area_interval",
    "area_under_roc",
    "at_threshold",
    "auc_estimate",
    "average_precision",
    "balanced_threshold",
    "bin_of",
    "brier_estimate",
    "brier_score",
    "clustered_area",
    "cohens_kappa",
    "compare_areas",
    "confusion",
    "cost_threshold",
    "draws_of",
    "ece_estimate",
    "evaluate",
    "expected_calibration_error",
    "f1_estimate",
    "fit_calibration",
    "format_interval",
    "format_prevalence",
    "format_rate",
    "format_share",
    "holm",
    "interval",
    "mcnemar",
    "precision_recall_curve",
    "predictive_estimates",
    "predictive_value_estimates",
    "predictive_values",
    "rate",
    "reliability",
    "roc_curve",
    "screening_threshold",
    "sensitivity_threshold",
    "wilson_interval",
]
