"""Training runs as a table, and the settings in which they differ."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pydantic

from pneumo_core.runs.run import Run
from pneumo_core.training import EpochReport, TrainingConfig

__all__ = ["runs_table", "settings_apart"]

_CONFIG = pydantic.TypeAdapter(TrainingConfig)


def runs_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Return a row for each run, in this order: id, name, state, settings, best epoch's figures.

    Sensitivity and specificity are at 0.5. Figures of a run without a finished epoch are NaN.
    """
    return pd.DataFrame([_row(run) for run in runs])


def settings_apart(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the settings that differ between runs: a row for each, a column for each run.

    Values are text. The dataset counts as a setting; of augmentation each part does.
    """
    given = [_settings(run) for run in runs]
    names = list(dict.fromkeys(name for each in given for name in each))
    rows = {name: [str(each.get(name, "")) for each in given] for name in names}
    apart = {name: values for name, values in rows.items() if len(set(values)) > 1}
    columns = [f"{run.name} ({run.id[-4:]})" for run in runs]
    return pd.DataFrame.from_dict(apart, orient="index", columns=columns)


def _row(run: Run) -> dict[str, Any]:
    history, status = run.history, run.status
    best = max(history, key=_area, default=None)
    return {
        "id": run.id,
        "Name": run.name,
        "State": str(status.state),
        "Architecture": run.config.model,
        "Validation AUC": best.val_auc if best else float("nan"),
        "Sensitivity": best.val_sensitivity if best else float("nan"),
        "Specificity": best.val_specificity if best else float("nan"),
        "Epochs": f"{len(history)} of {run.config.all_epochs}",
        "Learning rate": run.config.learning_rate,
        "Batch size": run.config.batch_size,
        "Seed": run.config.seed,
        "Dataset": run.data.name,
        "Minutes": round(sum(each.seconds for each in history) / 60, 1),
        "Started (UTC)": status.queued,
    }


def _area(report: EpochReport) -> float:
    """Return the validation AUC; an unknown one is the lowest."""
    return -1.0 if math.isnan(report.val_auc) else report.val_auc


def _settings(run: Run) -> dict[str, Any]:
    values: dict[str, Any] = _CONFIG.dump_python(run.config)
    augmentation = values.pop("augmentation")
    parts = {f"augmentation_{name}": value for name, value in augmentation.items()}
    return {"dataset": run.data.name, **values, **parts}
