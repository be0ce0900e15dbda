"""What may be read and what may not: tags, pixels, and the sentences about them."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_core.gate import refusals, warnings_of
from pneumo_core.imaging import FileFacts, Radiograph, read_radiograph
from pneumo_core.reading import samples

FACTS = FileFacts(format="DICOM", width=256, height=256, bits=12, colour=False, modality="DX")


def film(pixels: np.ndarray | None = None, **facts: object) -> Radiograph:
    """A film of noise, 256 × 256 unless other pixels are given, whose file says ``facts``."""
    if pixels is None:
        pixels = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    height, width = pixels.shape
    told = replace(FACTS, width=width, height=height, **facts)  # type: ignore[arg-type]
    return Radiograph("film", np.ascontiguousarray(pixels, dtype=np.float32), told)


# --- what the file says ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"modality": None},
        {"modality": "CR", "body_part": "CHEST", "view_position": "PA"},
        {"modality": "cr", "body_part": "chest", "view_position": "ap"},
        {"modality": "OT"},
        {"body_part": "PORT CHEST"},
        {"body_part": "THORAX^LUNGS"},
        {"body_part": "", "view_position": ""},
    ],
)
def test_a_frontal_chest_film_may_be_read(facts: dict[str, str]) -> None:
    assert refusals(film(**facts)) == ()


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"modality": "CT"},
            "The file says it is not a radiograph (modality CT). Upload a chest X-ray.",
        ),
        (
            {"modality": "MR"},
            "The file says it is not a radiograph (modality MR). Upload a chest X-ray.",
        ),
        (
            {"body_part": "Knee"},
            "The file says it shows another body part (KNEE). Upload a chest X-ray.",
        ),
        (
            {"view_position": "LL"},
            "The file says it is a lateral view (LL). Upload a frontal one (AP or PA).",
        ),
        (
            {"view_position": "lateral"},
            "The file says it is a lateral view (LATERAL). Upload a frontal one (AP or PA).",
        ),
    ],
)
def test_what_the_file_says_of_itself_is_believed(facts: dict[str, str], sentence: str) -> None:
    assert refusals(film(**facts)) == (sentence,)


def test_every_reason_is_given() -> None:
    reasons = refusals(film(modality="CT", body_part="HEAD", view_position="LAT", colour=True))
    assert len(reasons) == 4


def test_the_sample_chest_passes_and_the_sample_leg_does_not() -> None:
    chest, leg = (read_radiograph(sample.path) for sample in samples())
    assert refusals(chest) == ()
    assert refusals(leg) == (
        "The file says it shows another body part (EXTREMITY). Upload a chest X-ray.",
    )


CHESTS = ["TORAX", "T?RAX", "TÒRAX", "2- TORAX", "PECHO", "POUMON", "BRUST", "TORACE", "HRUDNIK",
          "UNKNOWN", "ANY", "TÓRAX PA", "CHEST_TO_PELVIS", "胸部"]  # fmt: skip


@pytest.mark.parametrize("body_part", CHESTS)
def test_a_chest_in_any_language_is_read_without_a_word(body_part: str) -> None:
    told = film(body_part=body_part)
    assert refusals(told) == ()
    assert warnings_of(told, "") == ()


def test_an_unknown_body_part_is_a_doubt_and_no_refusal() -> None:
    told = film(body_part="Zkx 7")
    assert refusals(told) == ()
    (warning,) = warnings_of(told, "")
    assert "(ZKX 7)" in warning


OTHERS = ["HEAD", "LSPINE", "THORACIC SPINE", "HANDS", "LOWER EXTREMITY", "COLUMNA TORACICA",
          "L-SPINE", "RODILLA", "GENOU DROIT", "Becken"]  # fmt: skip


@pytest.mark.parametrize("body_part", OTHERS)
def test_a_body_part_known_to_be_another_is_refused(body_part: str) -> None:
    (reason,) = refusals(film(body_part=body_part))
    assert f"another body part ({body_part.upper()})" in reason


LATERALS = ["LL", "RL", "LLAT", "RLAT", "LEFT LATERAL", "XTABLE LAT", "Lateral_Left", "L LAT",
            "LATERALE", "PROFIL", "seitlich", "CROSS-TABLE LATERAL"]  # fmt: skip


@pytest.mark.parametrize("view", LATERALS)
def test_a_lateral_view_in_any_spelling_is_refused(view: str) -> None:
    (reason,) = refusals(film(view_position=view))
    assert "lateral view" in reason


@pytest.mark.parametrize("view", ["AP", "PA", "LLD", "RLD", "LEFT LATERAL DECUBITUS", "AP SUPINE"])
def test_a_patient_who_lies_on_the_side_is_seen_from_the_front(view: str) -> None:
    assert refusals(film(view_position=view)) == ()


def test_an_oblique_view_and_what_the_file_had_wrong_are_warnings() -> None:
    told = film(view_position="LAO", warnings=("Bits Stored was wrong.",))
    assert refusals(told) == ()
    first, second = warnings_of(told, "")
    assert first == "Bits Stored was wrong."
    assert "oblique view (LAO)" in second


# --- what the picture shows --------------------------------------------------------------------


def test_a_colour_picture_is_refused() -> None:
    (reason,) = refusals(film(colour=True))
    assert reason.startswith("It is a colour picture")


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_blank_film_is_refused(value: float) -> None:
    (reason,) = refusals(film(np.full((300, 300), value)))
    assert reason.startswith("It is nearly blank")


def test_a_faint_film_is_blank_and_a_weak_one_is_not() -> None:
    # Half of the film is brighter by d: a standard deviation of d / 2, with the limit at 0.02.
    step = np.zeros((100, 100))
    step[:50] = 1
    assert refusals(film(step * 0.038)) != ()
    assert refusals(film(step * 0.042)) == ()


@pytest.mark.parametrize(("shape", "refused"), [((100, 300), False), ((301, 100), True)])
def test_a_strip_is_refused(shape: tuple[int, int], refused: bool) -> None:
    reasons = refusals(film(np.random.default_rng(0).random(shape)))
    assert bool(reasons) == refused
    assert all(reason.startswith("It is a strip of 100 × 301 pixels") for reason in reasons)


# --- warnings ----------------------------------------------------------------------------------


def test_the_age_is_compared_with_the_models_patients() -> None:
    said = (
        "The patient is 18 years old; this model was trained on X-rays of children of 1 to 5 years."
    )
    assert warnings_of(film(age_years=18.0), "children of 1 to 5 years") == (said,)
    assert warnings_of(film(age_years=4.0), "children of 1 to 5 years") == ()


def test_nobody_is_named_to_a_model_that_learned_from_anybody() -> None:
    assert warnings_of(film(age_years=70.0), "") == ()


def test_a_small_film_is_named() -> None:
    noise = np.random.default_rng(0).random((150, 199))
    assert warnings_of(film(noise), "") == (
        "The X-ray is only 199 × 150 pixels; fine signs may be lost.",
    )
    assert warnings_of(film(np.random.default_rng(0).random((150, 200))), "") == ()


@pytest.mark.parametrize("part", ["BRUSTWIRBELSÄULE", "BRUSTBEIN", "BWS", "STERNUM", "T-SPINE"])
def test_bones_that_are_called_after_the_chest_are_other_parts(part: str) -> None:
    (sentence,) = refusals(film(body_part=part))
    assert "another body part" in sentence


def test_an_unknown_modality_is_a_doubt_and_no_refusal() -> None:
    assert refusals(film(modality="RADIOGRAPHY")) == ()
    (warning,) = warnings_of(film(modality="RADIOGRAPHY"), "")
    assert "Unknown modality in the file's tags (RADIOGRAPHY)" in warning


def test_a_view_that_is_called_frontal_and_lateral_is_a_doubt() -> None:
    assert refusals(film(view_position="AP/LAT")) == ()
    (warning,) = warnings_of(film(view_position="AP/LAT"), "")
    assert "names a frontal and a lateral view" in warning
    assert warnings_of(film(view_position="AP LATERAL DECUBITUS"), "") == ()
