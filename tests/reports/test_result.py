"""A result: whose reading it is, and what it is called."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_core import reports
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.errors import PneumoError, UnknownName
from pneumo_core.imaging import Radiograph
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reading
from pneumo_core.reports import Overlay, Result, file_name, result_of, to_dicom, to_pdf, to_png
from tests.reports.conftest import Make, film, heat_map


def test_the_public_names_are_exactly_these() -> None:
    assert set(reports.__all__) == {
        *("RESEARCH_USE", "Kind", "Overlay", "Result", "as_row", "file_name", "result_of"),
        *("EvaluationReport", "report_markdown", "report_pdf"),
        *("to_csv", "to_dicom", "to_json", "to_pdf", "to_png", "worklist_json"),
        *("to_dicom_pdf", "to_presentation_state", "to_structured_report"),
        *("digest_of", "remember_source"),
    }


def test_a_film_keeps_its_id_and_another_film_gets_another(make: Make) -> None:
    first = make(film())
    assert make(film(name="copy.png")).film_id == first.film_id
    pixels = film().pixels.copy()
    pixels[0, 0] = 0.25
    other = Radiograph("film.png", pixels, film().facts)
    assert make(other).film_id != first.film_id
    turned = Radiograph("film.png", film().pixels.reshape(80, 96), film().facts)
    assert make(turned).film_id != first.film_id


def test_by_default_neither_the_result_nor_its_file_is_called_what_the_upload_was(
    make: Make,
) -> None:
    result = make(name="Müller_Hans_1943.dcm")
    assert result.film == f"X-ray {result.film_id}"
    assert file_name(result, "pdf") == f"pneumo-{result.film_id}-cnn_94.pdf"


@pytest.mark.parametrize(
    ("upload", "saved"),
    [
        ("IM-0115-0001.jpeg", "IM-0115-0001-cnn_94.png"),
        ("Müller Hans.v2.dcm", "Müller_Hans_v2-cnn_94.png"),
        ("患者.png", "患者-cnn_94.png"),
        ("a:b*c?.png", "a_b_c-cnn_94.png"),
        ("line\nbreak.png", "line_break-cnn_94.png"),
        ("x" * 300 + ".png", "x" * 60 + "-cnn_94.png"),
        (".hidden", "hidden-cnn_94.png"),
    ],
)
def test_asked_otherwise_the_upload_names_the_file_without_what_file_systems_refuse(
    make: Make, upload: str, saved: str
) -> None:
    assert file_name(make(name=upload, deidentify=False), "png") == saved


def test_a_name_of_nothing_but_punctuation_gives_way_to_the_id(make: Make) -> None:
    result = make(name="???.png", deidentify=False)
    assert file_name(result, "dcm") == f"pneumo-{result.film_id}-cnn_94.dcm"


def test_a_reading_by_other_weights_is_refused(
    make: Make, reading: Reading, checkpoint: Checkpoint
) -> None:
    """Thresholds and figures of one version must not be printed under another's name."""
    with pytest.raises(ValueError, match="not by cnn_94"):
        result_of(replace(reading, version="00000000"), checkpoint, film())
    with pytest.raises(ValueError, match=r"of film\.png, not of other\.png"):
        result_of(reading, checkpoint, film(name="other.png"))


def test_a_point_that_is_not_on_the_card_comes_along(
    reading: Reading, checkpoint: Checkpoint
) -> None:
    there = Estimate(0.8, 0.7, 0.9)
    point = OperatingPoint("custom", 0.7, "by hand", "val", there, there)
    with pytest.raises(UnknownName, match="custom"):
        result_of(reading.at(point), checkpoint, film())
    assert result_of(reading.at(point), checkpoint, film(), point=point).point is point
    with pytest.raises(ValueError, match="not at custom"):
        result_of(reading, checkpoint, film(), point=point)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_an_opacity_out_of_range_is_refused(opacity: float) -> None:
    with pytest.raises(ValueError, match="opacity"):
        Overlay(heat_map(), opacity=opacity)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 20.0])
def test_a_prevalence_lies_between_0_and_1(make: Make, prevalence: float) -> None:
    with pytest.raises(ValueError, match="prevalence"):
        make(prevalence=prevalence)


def test_an_overlay_scaled_to_several_films_is_weaker_than_one_scaled_to_its_own() -> None:
    own, common = Overlay(heat_map()), Overlay(heat_map(), peaks=(6.0,))
    assert np.allclose(common.over((40, 40)), own.over((40, 40)) / 2)


@pytest.mark.parametrize("render", [to_png, to_pdf, to_dicom])
def test_a_picture_that_names_its_patient_is_not_handed_out_as_de_identified(
    make: Make, render: "type"
) -> None:
    withheld = make(film(burned_in_text=True))
    with pytest.raises(PneumoError, match="burned-in text"):
        render(withheld)
    assert withheld.withheld.startswith("X-ray ")
    named: Result = make(film(burned_in_text=True), deidentify=False)
    assert render(named)
    assert not named.withheld
    assert not make(film(burned_in_text=None)).withheld
