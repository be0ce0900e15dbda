"""No name becomes a formula in a spreadsheet."""

from pathlib import Path

import pandas as pd
import pytest

import pneumo_core.app
from pneumo_core.core.spreadsheets import spreadsheet_csv, without_formula, without_formulas


@pytest.mark.parametrize("start", "=+-@\t\r＝＋－＠")
def test_a_text_that_begins_a_formula_gets_an_apostrophe(start: str) -> None:
    assert without_formula(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("cell", ["a=1", "", "IM-0001.jpeg", -1.5, None, True])
def test_any_other_cell_stays(cell: object) -> None:
    assert without_formula(cell) == cell


def test_numbers_and_dates_of_a_table_stay() -> None:
    when = pd.to_datetime(["2026-01-01"], utc=True)
    table = pd.DataFrame({"id": ["-1"], "score": [-1.0], "n": [-1], "when": when})
    safe = without_formulas(table)
    assert safe["id"].tolist() == ["'-1"]
    pd.testing.assert_frame_equal(safe.drop(columns="id"), table.drop(columns="id"))


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_texts_of_every_kind(dtype: str) -> None:
    table = pd.DataFrame({"id": pd.Series(["=1", "a", "a"], dtype=dtype)})
    assert without_formulas(table)["id"].tolist() == ["'=1", "a", "a"]


def test_a_file_has_a_byte_order_mark_and_no_formula() -> None:
    table = pd.DataFrame({"who": ["=1+1", "Müller"], "n": [-1, 2]})
    assert spreadsheet_csv(table).decode("utf-8") == "\ufeffwho,n\n'=1+1,-1\nMüller,2\n"


def test_no_page_writes_a_csv_file_in_another_way() -> None:
    files = sorted(Path(str(pneumo_core.app.__file__)).parent.rglob("*.py"))
    assert not [file.name for file in files if ".to_csv(" in file.read_text("utf-8")]
