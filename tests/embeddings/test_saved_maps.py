"""Maps are read back as they were; what is no map is a sentence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.embeddings import Features, map_as_parquet, project, read_map
from pneumo_core.errors import PneumoError

VALUES = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
TABLE = pd.DataFrame({"id": [f"{n}.png" for n in range(30)], "patient": "p", "label": 1})


def test_a_map_comes_back_with_what_was_mapped(tmp_path: Path) -> None:
    features = Features(TABLE, VALUES, "penultimate", "cnn_94", "abc", {})
    drawn = project(VALUES, "pca")
    file = tmp_path / "map.parquet"
    file.write_bytes(map_as_parquet(features, drawn))
    found = read_map(file)
    assert np.array_equal(found.points, drawn.points)
    assert found.table["id"].tolist() == TABLE["id"].tolist()
    assert (found.method, found.layer, found.model, found.version) == (
        *("pca", "penultimate", "cnn_94", "abc"),
    )


def test_a_map_that_another_program_wrote_needs_ids_and_places_only(tmp_path: Path) -> None:
    file = tmp_path / "map.parquet"
    pd.DataFrame({"id": ["a", "b"], "x": [0.0, 1.0], "y": [2, 3]}).to_parquet(file)
    found = read_map(file)
    assert found.points.tolist() == [[0, 2], [1, 3]]
    assert found.table["label"].tolist() == [-1, -1]
    assert found.method == ""


@pytest.mark.parametrize(
    "columns",
    [{"x": [0.0], "y": [1.0]}, {"id": ["a"], "x": [0.0]}, {"id": ["a"], "x": [0.0], "y": [np.nan]},
     {"id": ["a"], "x": [0.0], "y": [0.0], "z": [0.0]}, {"id": ["a"], "x": ["left"], "y": ["b"]}],
)  # fmt: skip
def test_what_is_no_map_is_a_sentence(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    file = tmp_path / "map.parquet"
    pd.DataFrame(columns).to_parquet(file)
    with pytest.raises(PneumoError, match=r"map.parquet' is not a map of two dimensions"):
        read_map(file)
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(PneumoError, match="is not a map"):
        read_map(file)
