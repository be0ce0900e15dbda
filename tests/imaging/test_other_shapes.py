"""Where the rows of a DICOM film end, how high its pixels are, and from where it was used."""

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from pneumo_core.gate import refusals, warnings_of
from pneumo_core.imaging import FileFacts, read_radiograph, read_values
from tests.gate.test_rules import film as gate_film
from tests.imaging.images import dataset, encoded, written
from tests.imaging.test_grey_values import (
    FILM,
    GREY,
    WINDOW,
    assert_shows,
    read,
    refusal,
    twelve,
)

EIGHT = (FILM >> 4).astype(np.uint8)

# Rows and Columns.


def test_exchanged_rows_and_columns() -> None:
    film = read(twelve(Rows=FILM.shape[1], Columns=FILM.shape[0], **WINDOW))
    assert_shows(film, GREY, "Rows (0028,0010) and Columns (0028,0011) are exchanged")
    assert (film.facts.height, film.facts.width) == FILM.shape


def test_exchanged_sides_of_a_big_endian_film() -> None:
    film = twelve(Rows=FILM.shape[1], Columns=FILM.shape[0], **WINDOW)
    film.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    film.set_original_encoding(False, False)
    film.PixelData = FILM.byteswap().tobytes()
    assert_shows(read(film), GREY, "are exchanged")


@pytest.mark.parametrize("fewer", [1, 3])
def test_too_few_columns(fewer: int) -> None:
    film = read(twelve(Columns=FILM.shape[1] - fewer, **WINDOW))
    assert_shows(film, GREY, f"Columns (0028,0011) is {FILM.shape[1] - fewer}")


def test_too_few_rows_leave_out_the_last() -> None:
    film = read(twelve(Rows=FILM.shape[0] - 1, **WINDOW))
    assert_shows(film, GREY[:-1], "the rest was ignored")


def test_too_many_rows_or_columns_are_refused_by_name() -> None:
    assert refusal(twelve(Columns=129)) == (
        "its Columns (0028,0011) is 129, but the file has pixels for 128"
    )
    assert "Rows (0028,0010) is 98, but the file has pixels for 96" in refusal(twelve(Rows=98))


def test_noise_and_pictures_of_an_odd_length_are_left_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 4096, FILM.shape).astype(np.uint16)
    assert_shows(read(twelve(noise, **WINDOW)), noise / 4095)
    odd = np.ascontiguousarray(EIGHT[:95, :127])
    assert_shows(read(dataset(odd)), odd / 255)


# Pixels that are not square.


@pytest.mark.parametrize(
    "told",
    [
        {"PixelSpacing": ["0.2", "0.1"]},
        {"ImagerPixelSpacing": ["0.2", "0.1"]},
        {"PixelAspectRatio": ["2", "1"]},
    ],
    ids=lambda told: next(iter(told)),
)
def test_high_pixels_make_a_higher_film(told: dict[str, Any]) -> None:
    squashed = np.repeat(FILM, 2, axis=1)
    film = read(twelve(squashed, **told, **WINDOW))
    assert film.pixels.shape == (192, 256) == (film.facts.height, film.facts.width)
    # Between two rows it is interpolated, and every second column is the same.
    np.testing.assert_allclose(film.pixels[::2, ::2], GREY, atol=0.05)
    assert "not square" in film.facts.warnings[0]
    values = read_values(written(twelve(squashed, **told, **WINDOW)))
    assert values.values.shape == (192, 256)


def test_wide_pixels_make_a_wider_film() -> None:
    film = read(twelve(np.repeat(FILM, 2, axis=0), PixelSpacing=["0.1", "0.2"], **WINDOW))
    assert film.pixels.shape == (192, 256)
    assert film.facts.pixel_spacing_mm == (0.1, 0.1)


def test_padding_of_a_stretched_film_stays_padding() -> None:
    padded = FILM.copy()
    padded[:8] = 0
    film = twelve(padded | 1, PixelPaddingValue=1, PixelAspectRatio=["2", "1"], **WINDOW)
    values = read_values(written(film))
    assert values.padding is not None
    assert values.padding[:16].all()


@pytest.mark.parametrize("ratio", [["1", "1"], ["1.005", "1"], ["0", "1"], ["1"]])
def test_square_or_unknown_pixels_are_left_alone(ratio: list[str]) -> None:
    assert_shows(read(twelve(PixelAspectRatio=ratio, **WINDOW)), GREY)


def test_an_impossible_ratio_is_told_and_left_aside() -> None:
    film = twelve(PixelAspectRatio=["100", "1"], **WINDOW)
    assert_shows(read(film), GREY, "shown as if they were square")


# Windows that leave black and white alone, and 8 bits without one.


@pytest.mark.parametrize("width", [0, 1, 2, -100, 0.5])
def test_a_window_without_shades_gives_way_with_a_warning(width: float) -> None:
    full = (FILM - 0.0) / 4095
    shown = read(twelve(WindowCenter=2048, WindowWidth=width))
    assert_shows(shown, full, "Window Width (0028,1051)", "full range")


def test_a_picture_of_two_values_keeps_its_window() -> None:
    mask = np.where(FILM > 2048, 4095, 0).astype(np.uint16)
    assert_shows(read(twelve(mask, WindowCenter=2048, WindowWidth=1)), mask / 4095)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_8_bits_without_a_window_are_those_of_a_png(photometric: str) -> None:
    dark = (EIGHT * 0.6 + 20).astype(np.uint8)
    stored = dark if photometric == "MONOCHROME2" else 255 - dark
    film = read(dataset(stored, PhotometricInterpretation=photometric))
    assert_shows(film, read_radiograph(encoded(dark, "PNG")).pixels)


def test_8_bits_that_are_nearly_blank_are_shown_over_their_range() -> None:
    faint = (100 + EIGHT / 255 * 4).astype(np.uint8)
    assert_shows(read(dataset(faint)), (faint - 100) / 4)


def test_8_bits_that_are_rescaled_are_shown_over_their_range() -> None:
    film = dataset((EIGHT // 2).astype(np.uint8), RescaleSlope=2, RescaleIntercept=-100)
    assert_shows(read(film), (EIGHT // 2) / (EIGHT // 2).max())


# Views.


def code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


@pytest.mark.parametrize(
    ("value", "meaning", "view"),
    [
        ("399198007", "vue de droite", "RL"),
        ("R-10236", "left lateral", "LL"),
        ("272479007", "postero-anterior", "PA"),
        ("1234", "Left lateral", "Left lateral"),
    ],
)
def test_a_coded_view(value: str, meaning: str, view: str) -> None:
    film = read(twelve(ViewCodeSequence=[code(value, meaning)], **WINDOW))
    assert film.facts.view_position == view
    lateral = view != "PA"
    assert any("lateral view" in reason for reason in refusals(film)) == lateral


def test_a_view_position_comes_before_its_code() -> None:
    film = twelve(ViewPosition="PA", ViewCodeSequence=[code("R-10236", "left lateral")], **WINDOW)
    assert read(film).facts.view_position == "PA"


@pytest.mark.parametrize(
    ("orientation", "words"),
    [
        (("A", "F"), "seen from the side (Patient Orientation A\\F)"),
        (("PL", "F"), "seen from the side"),
        (("R", "F"), "left and right are exchanged"),
        (("L", "F"), ""),
        (None, ""),
    ],
)
def test_an_odd_orientation_is_a_warning(orientation: tuple[str, str] | None, words: str) -> None:
    warnings = " ".join(warnings_of(gate_film(orientation=orientation), ""))
    assert words in warnings
    assert bool(words) == bool(warnings)


def test_the_facts_of_a_film_are_those_of_its_true_shape() -> None:
    facts: FileFacts = read(dataset(EIGHT, **{"PixelAspectRatio": ["1", "2"]})).facts
    assert (facts.width, facts.height, facts.bits) == (256, 96, 8)
