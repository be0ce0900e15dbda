"""Tables: what a spreadsheet and a program read back is what the readings said."""

import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from pneumo_core.reading import Reading
from pneumo_core.reports import Overlay, as_row, to_csv, to_json, worklist_json
from tests.reports.conftest import LEFT, MOSTLY_OUTSIDE, NO_LUNGS, Make, film, heat_map


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def readings(reading: Reading) -> list[Reading]:
    unread = {"probability": None, "predicted": None}
    return [
        reading,
        replace(reading, file="leg.dcm", status="refused", reasons=("A leg.", "Blue."), **unread),
        replace(reading, file="no.txt", status="failed", reasons=("no.txt: text.",), **unread),
    ]


def test_a_worklist_keeps_every_file_in_its_order_with_its_reason(
    readings: list[Reading],
) -> None:
    rows = rows_of(to_csv(readings))
    assert [row["file"] for row in rows] == ["film.png", "leg.dcm", "no.txt"]
    assert [row["status"] for row in rows] == ["read", "refused", "failed"]
    assert rows[1]["reasons"] == "A leg. Blue."
    assert rows[1]["probability"] == rows[1]["predicted"] == ""
    assert rows[1]["assumed_prevalence"] == ""
    assert float(rows[0]["probability"]) == 0.93
    assert rows[0]["verdict"] == "Signs of pneumonia likely"
    assert rows[0]["predicted"] == "1"
    assert rows[0]["assumed_prevalence"] == "0.5"
    assert "label" not in rows[0], "the truth is not known here"


def test_both_worklists_say_the_same(readings: list[Reading]) -> None:
    told = json.loads(worklist_json(readings))
    assert told == [as_row(reading) for reading in readings]
    for row, in_csv in zip(told, rows_of(to_csv(readings)), strict=True):
        assert list(row) == list(in_csv)
        assert in_csv["file"] == row["file"]
        assert in_csv["threshold"] == str(row["threshold"])


@pytest.mark.parametrize(
    "name",
    ["=1+1.png", "+x.png", "-x.png", "@SUM(A1).png", "\t=1.png", "\r=1.png", " =1.png", "=1"],
)
def test_no_file_name_becomes_a_formula(reading: Reading, name: str) -> None:
    (row,) = rows_of(to_csv([replace(reading, file=name)]))
    assert row["file"][0] == "'"
    assert row["file"][1:] == name.strip()


@pytest.mark.parametrize("name", ['a,"b";c.png', "患者.png", "it's.png", "a=b.png"])
def test_other_file_names_survive(reading: Reading, name: str) -> None:
    (row,) = rows_of(to_csv([replace(reading, file=name)]))
    assert row["file"] == name


def test_a_name_that_is_not_unicode_can_still_be_saved(reading: Reading) -> None:
    """A file system may hand out half letters; UTF-8 has none."""
    odd = replace(reading, file="caf\udce9.png")
    assert to_csv([odd]).encode("utf-8-sig")
    assert json.loads(worklist_json([odd]).encode())[0]["file"] == "caf?.png"


def test_an_empty_worklist_is_a_head_and_an_empty_array() -> None:
    assert rows_of(to_csv([])) == []
    assert to_csv([]).startswith("file,status,verdict,probability")
    assert json.loads(worklist_json([])) == []


def test_a_result_says_everything_that_is_needed_to_judge_it(make: Make) -> None:
    result = make(warnings=("Small.",))
    told = json.loads(to_json(result))
    assert told["verdict"] == "Signs of pneumonia likely"
    assert told["file"] == f"X-ray {result.film_id}"
    assert (told["probability"], told["predicted"], told["threshold"]) == (0.93, 1, 0.5)
    assert told["version"] == result.card.version
    assert told["warnings"] == ["Small."]
    assert told["limitations"] == ["It learned nothing."]
    assert told["assumed_prevalence"] == 0.5
    assert told["chosen"] == {"rule": "by hand", "on": "val"}
    assert told["rates"]["on"] == "test"
    assert (told["rates"]["films_with_pneumonia"], told["rates"]["films_without"]) == (100, 50)
    assert told["rates"]["sensitivity"] == {"value": 0.9, "low": 0.8, "high": 0.95}
    assert told["at_prevalence"] is None
    assert told["heat_map"]["method"] == "grad_cam"
    assert told["heat_map"]["evidence_for"] == "PNEUMONIA"
    assert told["created"] == result.created.isoformat()
    assert "Not a medical device" in told["notice"]


def test_json_is_told_how_the_map_was_drawn(make: Make) -> None:
    assert json.loads(to_json(make(overlay=None)))["heat_map"] is None
    lines = Overlay(heat_map(), contour=True, peaks=(6.0,))
    told = json.loads(to_json(make(overlay=lines)))["heat_map"]
    assert (told["drawn"], told["opacity"]) == ("contour", None)
    assert told["scaled_to"] == "several X-rays"
    faint = json.loads(to_json(make(overlay=Overlay(heat_map(), strength=0.25))))["heat_map"]
    assert (faint["scaled_to"], faint["strength"]) == ("probability", 0.25)


def test_json_has_the_share_inside_the_lungs_and_their_box(make: Make) -> None:
    """The box is that of the map where the model, which sees whole X-rays, has none."""
    box = {"top": 0.0, "left": 0.0, "bottom": 1.0, "right": 0.5}
    told = json.loads(to_json(make(overlay=MOSTLY_OUTSIDE)))
    assert told["lungs"] == told["heat_map"]["lungs_box"] == box
    assert told["heat_map"]["inside_lungs"] == 0.4123
    assert told["heat_map"]["lungs_sentence"].startswith("Only 41 % of the heat map lies inside")
    own = replace(LEFT.box, bottom=0.9)
    assert json.loads(to_json(make(overlay=MOSTLY_OUTSIDE, lungs=own)))["lungs"]["bottom"] == 0.9
    assert json.loads(to_json(make(overlay=None)))["lungs"] is None


def test_json_says_where_no_lungs_were_found(make: Make) -> None:
    told = json.loads(to_json(make(overlay=NO_LUNGS)))
    assert (
        told["lungs"] is told["heat_map"]["lungs_box"] is told["heat_map"]["inside_lungs"] is None
    )
    assert told["heat_map"]["lungs_sentence"].startswith("No lungs were found")


def test_json_knows_no_nan(make: Make) -> None:
    """Rates over no films have no figures, and an empty map has no share."""
    empty = Overlay(replace(heat_map(np.zeros((4, 4), np.float32)), inside_lungs=math.nan))
    result = make(overlay=empty)
    assert json.loads(to_json(result))["heat_map"]["inside_lungs"] is None
    nothing = replace(result.rates.sensitivity, value=float("nan"))
    told = to_json(replace(result, rates=replace(result.rates, sensitivity=nothing)))
    assert json.loads(told)["rates"]["sensitivity"]["value"] is None


def test_json_has_what_follows_at_the_reader_s_prevalence(make: Make) -> None:
    """0.93 has odds of 13.286; at 20 % they are 3.321: 0.7686. PPV 0.18 / (0.18 + 0.16)."""
    told = json.loads(to_json(make(prevalence=0.2)))["at_prevalence"]
    assert told["prevalence"] == 0.2
    assert told["probability"] == pytest.approx(0.7686, abs=5e-5)
    assert told["ppv"]["value"] == pytest.approx(0.5294, abs=5e-5)
    assert told["ppv"]["low"] < told["ppv"]["value"] < told["ppv"]["high"] < 1


def test_the_header_of_a_film_leaves_no_words_behind(make: Make) -> None:
    told = to_json(make(film(modality="SECRET1", body_part="SECRET2", view_position="SECRET3")))
    assert "SECRET" not in told


def test_a_warning_that_is_not_unicode_can_still_be_saved(make: Make) -> None:
    told = to_json(make(warnings=("caf\udce9.",))).encode()
    assert json.loads(told)["warnings"] == ["caf?."]
