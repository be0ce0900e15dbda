"""Scores tables for tests."""

import numpy as np
import pandas as pd

from pneumo_core.evaluation import Scores


def table(labels: list[int], probabilities: list[float], **columns: list) -> pd.DataFrame:
    """A film for each label, each of a patient of its own, named by its row."""
    n = len(labels)
    return pd.DataFrame(
        {
            "id": [f"test/film-{row}.png" for row in range(n)],
            "patient": [f"p{row}" for row in range(n)],
            "split": "test",
            "label": labels,
            "subtype": ["virus" if label else "normal" for label in labels],
            "probability": np.array(probabilities, np.float32),
        }
    ).assign(**columns)


def scores(labels: list[int], probabilities: list[float], **columns: list) -> Scores:
    """The table as somebody's scores of test films."""
    return Scores(table(labels, probabilities, **columns), "test films", "cnn_94", "0a0b0c0d")
