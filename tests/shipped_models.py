"""The models that ship, and what their stored scores say of the 624 test X-rays."""

from pathlib import Path

import pandas as pd

from pneumo_core.checkpoints import Checkpoint, load_checkpoint

SHIPPED = Path(__file__).parents[1] / "checkpoints"


def shipped_model(name: str = "cnn_94") -> Checkpoint:
    return load_checkpoint(name, SHIPPED)


def predicted(name: str, threshold: float | None = None) -> pd.DataFrame:
    """Labels, and whether each test X-ray is called PNEUMONIA, at the default threshold or this."""
    model = shipped_model(name)
    at = model.card.operating_point().threshold if threshold is None else threshold
    scores = model.scores.query("split == 'test'").set_index("id")
    return pd.DataFrame({"label": scores["label"] == 1, "called": scores["probability"] >= at})
