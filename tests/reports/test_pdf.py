"""The page: opened again by a PDF reader of its own."""

from dataclasses import replace

import numpy as np
import pypdfium2
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.imaging import read_radiograph
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Rates, open_reader
from pneumo_core.reports import Overlay, Result, result_of, to_pdf
from tests.conftest import draw_film
from tests.imaging.images import encoded
from tests.reports.conftest import MOSTLY_OUTSIDE, NO_LUNGS, Make, film, heat_map

PICTURE = pypdfium2.raw.FPDF_PAGEOBJ_IMAGE


def opened(result: Result) -> tuple[str, pypdfium2.PdfDocument]:
    """The words of the only page, and the document."""
    document = pypdfium2.PdfDocument(to_pdf(result))
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((595.28, 841.89), abs=0.1)
    return " ".join(document[0].get_textpage().get_text_bounded().split()), document


def test_the_page_says_what_was_said_by_whom_and_how_far_to_trust_it(make: Make) -> None:
    result = make(warnings=("The X-ray is only 80 × 96 pixels; fine signs may be lost.",))
    words, document = opened(result)
    for said in (
        "Signs of pneumonia likely",
        "Probability of pneumonia 0.930 at a prevalence of 50 %",
        "operating point balanced, 0.500; uncertain between 0.45 and 0.55",
        "Measured on 150 test X-rays",
        "0.900 (0.800–0.950)",
        "validation X-rays: by hand",
        "The X-ray is only 80 × 96 pixels",
        f"cnn_94, version {result.card.version}",
        "Limitations. It learned nothing.",
        "children of 1 to 5 years",
        "Grad-CAM, evidence for PNEUMONIA",
        "strongest in this X-ray",
        "Research use only. Not a medical device.",
        f"{result.created:%Y-%m-%d %H:%M}",
        f"X-ray {result.film_id}",
    ):
        assert said in words
    assert words.index("Signs of") < words.index("Probability"), "the verdict comes first"
    assert document.get_metadata_value("Subject") == "Research use only. Not a medical device."


def test_nothing_is_printed_as_certain(make: Make) -> None:
    """A specificity of 162 of 162 films was printed as 1.000, and a PPV as 100.0 %."""
    result = make(probability=1.0, prevalence=0.2)
    perfect = Rates("val", 468, 162, Estimate(0.981, 0.964, 0.99), Estimate(1.0, 0.977, 1.0))
    words, _ = opened(replace(result, rates=perfect))
    assert "Measured on 630 validation X-rays" in words
    assert "There are no test results for this model" in words
    assert "Specificity > 0.999 (0.977–1)" in words
    assert "PPV at 20 % > 99.9 % (" in words
    assert "at your prevalence of 20 %" in words
    for certain in ("1.000", "0.000", "100.0 %"):
        assert certain not in words


def test_film_and_map_stand_side_by_side_in_the_film_s_own_proportion(make: Make) -> None:
    _, document = opened(make(film(90, 120)))
    boxes = [each.get_bounds() for each in document[0].get_objects([PICTURE])]
    tall = sorted(box for box in boxes if box[3] - box[1] > 50)  # the colour bar is low
    (left, low, right, high), (left_2, low_2, right_2, high_2) = tall
    for width, height in ((right - left, high - low), (right_2 - left_2, high_2 - low_2)):
        assert width / height == pytest.approx(120 / 90, rel=0.01)
    assert (low, high) == pytest.approx((low_2, high_2))
    assert 0 < left < right < left_2 < right_2 < 595


def test_without_a_map_there_is_one_picture(make: Make) -> None:
    words, document = opened(make(overlay=None))
    assert len(list(document[0].get_objects([PICTURE]))) == 1
    assert "Grad-CAM" not in words


def test_a_refused_film_gets_its_reason_and_no_number(make: Make) -> None:
    words, _ = opened(
        make(overlay=None, status="refused", probability=None, predicted=None, reasons=("A leg.",))
    )
    assert "Not read A leg." in words
    assert "Probability" not in words


@pytest.mark.parametrize(
    ("upload", "shown"),
    [
        ("Müller–Łukasz.png", "Müller–Łukasz.png"),
        ("Пациент Ω.png", "Пациент Ω.png"),
        ("<b>&amp;</b>.png", "<b>&amp;</b>.png"),
        ("患者.png", "□□.png"),
        ("half\udce9.png", "half?.png"),
    ],
)
def test_no_file_name_breaks_the_page(make: Make, upload: str, shown: str) -> None:
    words, _ = opened(make(name=upload, deidentify=False))
    assert shown in words


def test_a_long_name_and_many_words_still_make_one_page(make: Make) -> None:
    many = tuple(f"Warning {n}: " + "careful, " * 30 for n in range(12))
    result = make(film(2000, 500), name="n" * 200 + ".png", deidentify=False, warnings=many)
    words, _ = opened(result)
    assert "Warning 11" in words
    assert "Limitations" in words


def test_what_is_said_depends_on_how_the_map_is_drawn(make: Make) -> None:
    none = heat_map(np.zeros((4, 4), np.float32))
    assert "No evidence found" in opened(make(overlay=Overlay(none)))[0]
    contour = Overlay(heat_map(), contour=True, peaks=(6.0,))
    assert "three quarters of the strongest of several X-rays" in opened(make(overlay=contour))[0]
    activation = Overlay(heat_map(method="activation"))
    assert "evidence for" not in opened(make(overlay=activation))[0]


def test_a_map_outside_the_lungs_is_warned_of_on_the_page(make: Make) -> None:
    outside = "Only 41 % of the heat map lies inside the lungs. Do not take it as evidence"
    assert outside in opened(make(overlay=MOSTLY_OUTSIDE))[0]
    assert "No lungs were found, so it is not known" in opened(make(overlay=NO_LUNGS))[0]
    many = tuple(f"Warning {n}: " + "careful, " * 30 for n in range(12))
    assert outside in opened(make(film(2000, 900), overlay=MOSTLY_OUTSIDE, warnings=many))[0]


def test_a_point_without_figures_says_so(make: Make) -> None:
    """One chosen on films of one label has no sensitivity, or no specificity."""
    result = make()
    nothing = replace(result.rates.sensitivity, value=float("nan"))
    words, _ = opened(replace(result, rates=replace(result.rates, sensitivity=nothing)))
    assert "Sensitivity not known" in words
    assert "nan" not in words.split()


def test_a_huge_film_makes_a_small_file(make: Make) -> None:
    """4000 x 4000 of noise, the worst there is."""
    noise = np.random.default_rng(0).integers(0, 255, (4000, 4000), dtype=np.uint8)
    radiograph = film(4000, 4000)
    loud = type(radiograph)("film.png", noise.astype(np.float32) / 255, radiograph.facts)
    assert len(to_pdf(make(loud))) < 3_000_000


def test_a_real_reading_becomes_a_page(checkpoint: Checkpoint) -> None:
    """From a file, through the network, to the paper."""
    reader = open_reader("cnn_94", gate=False)
    source = encoded(draw_film(1, side=128), "PNG")
    radiograph = read_radiograph(source, name="drawn.png")
    reading = reader.read(radiograph)
    overlay = Overlay(reader.heat_map(radiograph, 1))
    words, _ = opened(result_of(reading, reader.checkpoint, radiograph, overlay=overlay))
    assert f"Probability of pneumonia {reading.probability:.3f}" in words
