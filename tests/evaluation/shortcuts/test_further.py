"""Properties from a CSV file: which X-ray a row is for, what a column means, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.errors import DatasetError
from pneumo_core.evaluation.shortcuts import PROPERTIES, Measured, read_properties, with_properties

IDS = ["test/NORMAL/a.png", "test/NORMAL/b.png", "test/PNEUMONIA/c.png"]


@pytest.fixture
def copies() -> Measured:
    """Three X-rays of 224 x 224 pixels."""
    table = pd.DataFrame({"id": IDS}).assign(**dict.fromkeys(PROPERTIES, 0.5))
    return Measured(table.assign(width_over_height=1.0, pixels=224.0**2), {})


def joined(measured: Measured, tmp_path: Path, *lines: str) -> Measured:
    file = tmp_path / "sizes.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return with_properties(measured, read_properties(file, measured.table["id"]))


def test_sizes_of_the_originals_replace_those_of_the_copies(
    copies: Measured, tmp_path: Path
) -> None:
    lines = [f"{name},{size}" for name, size in zip(IDS, ("20,10", "30,20", "8,8"), strict=True)]
    found = joined(copies, tmp_path, "path,Width,Height", *lines)
    assert list(found.table["width_over_height"]) == [2, 1.5, 1]
    assert list(found.table["pixels"]) == [200, 600, 64]
    assert list(found.table["brightness"]) == [0.5, 0.5, 0.5], "others stay as they were measured"
    of = {each.key: each for each in found.properties}
    assert list(of) == list(PROPERTIES), "width and height are no properties of their own"
    assert of["pixels"].means.endswith("Taken from sizes.csv.")
    assert of["pixels"].remedy == PROPERTIES["pixels"].remedy
    assert copies.table["pixels"].iloc[0] == 224**2, "what was given is as it was"


def test_a_column_for_the_proportions_goes_before_width_and_height(
    copies: Measured, tmp_path: Path
) -> None:
    lines = (f"{IDS[0]},20,10,1.41", f"{IDS[1]},30,20,", f"{IDS[2]},,,0.9")
    found = joined(copies, tmp_path, "id,width,height,width_over_height", *lines).table
    assert list(found["width_over_height"]) == [1.41, 1.5, 0.9]
    assert list(found["pixels"][:2]) == [200, 600]
    assert np.isnan(found["pixels"][2])


def test_other_numbers_are_properties_and_texts_and_labels_are_not(
    copies: Measured, tmp_path: Path
) -> None:
    lines = [f"{name},{k},{k % 2},GE,{k + 0.5}" for k, name in enumerate(IDS)]
    found = joined(copies, tmp_path, "id,age,label,maker,width", *lines)
    new = [each for each in found.properties if each.key not in PROPERTIES]
    assert [(each.key, each.means) for each in new] == [
        ("age", "From sizes.csv."),
        ("width", "From sizes.csv."),
    ]
    assert list(found.table["age"]) == [0, 1, 2]
    assert "label" not in found.table
    assert not found.notes


def test_a_row_is_found_by_its_files_name_where_that_is_unique(
    copies: Measured, tmp_path: Path
) -> None:
    rows = ("other/a.jpeg,1", "other/c.dcm,3", "x/b.jpeg,4", "y/b.jpeg,5")
    found = joined(copies, tmp_path, "file,age", *rows)
    assert list(found.table["age"].fillna(-1)) == [1, -1, 3], "two rows are called b"
    assert found.notes == ("1 of 3 X-rays has no row in sizes.csv.",)
    exact = joined(copies, tmp_path, "file,age", f"{IDS[0]},7", "other/c.dcm,3")
    assert list(exact.table["age"].fillna(-1)) == [7, -1, -1], "paths go before names"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,age\nz.png,1", r"names none of these X-rays: it has 'z\.png', the dataset"),
        (f"id,maker\n{IDS[0]},GE", "has no column of numbers"),
        (f"id,age\n{IDS[0]},4 years", "has no column of numbers"),
        ("age,width\n4,5", "has no column that names the X-rays"),
        (f"id,age\n{IDS[0]},1\n{IDS[0]},2", "'test/NORMAL/a.png' twice. Keep one row"),
        ("", "can't be read: it is empty"),
        (f"id,age\n{IDS[0]},1,2\n", "its rows do not fit its header"),
        (b"id,age\n\xff,1", "it is not text in UTF-8"),
        (None, "can't be read: no such file or directory. Name a CSV file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_a_sentence(
    copies: Measured, tmp_path: Path, text: str | bytes | None, words: str
) -> None:
    file = tmp_path / "sizes.csv"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DatasetError, match=words) as refused:
        read_properties(file, copies.table["id"])
    assert str(refused.value).startswith(f"'{file}' ")
    assert str(refused.value).endswith(".")
