"""``pneumo evaluate --scores`` gives the figures of the scores in a file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.metrics import evaluate

Run = Callable[..., object]


@pytest.fixture
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    label = np.tile([0, 1], 30)
    probability = np.clip(0.3 * label + 0.35 + random.normal(0, 0.2, 60), 0, 1)
    return pd.DataFrame(
        {
            "id": [f"film {number}" for number in range(60)],
            "patient": [f"patient {number // 2}" for number in range(60)],
            "label": label,
            "probability": probability.astype(np.float32),
        }
    )


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_the_figures_are_the_library_s(
    pneumo: Run, table: pd.DataFrame, tmp_path: Path, ending: str
):
    file = tmp_path / f"scores{ending}"
    table.to_parquet(file) if ending == ".parquet" else table.to_csv(file, index=False)
    done = pneumo("evaluate", "--scores", file, "--threshold", "0.5", "--json")
    found = json.loads(done.out)
    figures = evaluate(table["label"], table["probability"], 0.5, table["patient"])
    assert found["auc"]["value"] == pytest.approx(figures.auc.value)
    assert found["f1"]["low"] == pytest.approx(figures.f1.low)
    assert found["n"] == 60


def test_a_batch_is_evaluated_at_its_model_s_operating_point(
    pneumo: Run, film_folder: Callable[..., Path], checkpoint: Checkpoint, tmp_path: Path
):
    films = film_folder({"": 3})
    rows = [f"{path},{path.parent.name}" for path in sorted(films.rglob("*.png"))]
    (tmp_path / "list.csv").write_text("\n".join(["path,label", *rows, "missing.png,0"]))
    out = tmp_path / "out"
    read = pneumo("predict", tmp_path / "list.csv", "--out", out, "--no-gate", "--workers", 1)
    assert "6 read, 0 refused, 1 failed" in read.out
    done = pneumo("evaluate", "--scores", out, "--operating-point", "screening", "--json")
    found = json.loads(done.out)
    assert (found["n"], found["threshold"]) == (6, 0.2)


@pytest.mark.parametrize(
    ("column", "words"),
    [("label", "has no labels"), ("probability", "no column 'probability'")],
)
def test_what_is_missing_is_said(
    pneumo: Run, table: pd.DataFrame, tmp_path: Path, column: str, words: str
):
    table.drop(columns=column).to_parquet(tmp_path / "scores.parquet")
    done = pneumo("evaluate", "--scores", tmp_path / "scores.parquet", "--threshold", "0.5")
    assert done.code == 1
    assert words in done.err


def test_scores_of_nobody_need_a_threshold(pneumo: Run, table: pd.DataFrame, tmp_path: Path):
    table.to_parquet(tmp_path / "scores.parquet")
    done = pneumo("evaluate", "--scores", tmp_path / "scores.parquet")
    assert done.code == 1
    assert "Add --threshold or --model" in done.err
