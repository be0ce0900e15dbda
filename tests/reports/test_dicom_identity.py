"""Who an export belongs to, and that the same one is the same."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError
from pneumo_core.gate import refusals
from pneumo_core.imaging import LossyStep, read_radiograph
from pneumo_core.reports import Overlay, Result, to_dicom, to_png
from pneumo_core.reports._pseudonym import KEY_FILE, pseudonym
from tests.imaging.images import RAMP12, dicom, encoded
from tests.reports.conftest import MOSTLY_OUTSIDE, NO_LUNGS, Make, film, heat_map
from tests.reports.headers import PATIENT, request


def opened(result: Result, source: bytes | None = None) -> Dataset:
    return pydicom.dcmread(BytesIO(to_dicom(result, source)))


def uids(made: Dataset) -> tuple[str, str, str]:
    return made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID


def x_ray(pixels: np.ndarray = RAMP12, **tags: Any) -> bytes:
    return dicom(pixels, BitsStored=12, HighBit=11, **tags)


# --- the same result, the same UIDs ------------------------------------------------------------


@pytest.mark.parametrize("deidentify", [True, False])
def test_the_same_result_exported_twice_has_the_same_uids(make: Make, deidentify: bool) -> None:
    source = x_ray(**PATIENT)
    results = [make(source, name="x.dcm", deidentify=deidentify) for _ in range(2)]
    later = replace(results[1], created=results[1].created.replace(year=2031))
    first, again = (uids(opened(each, source)) for each in (results[0], later))
    assert first == again
    assert len(set(first)) == 3
    assert first[1].startswith("2.25.")


def test_another_result_has_other_uids_and_of_one_film_the_same_study(make: Make) -> None:
    first = uids(opened(make()))
    heat = heat_map(method="layer_cam")
    for other in (
        make(overlay=None),
        make(overlay=Overlay(heat)),
        make(overlay=Overlay(heat_map(), opacity=0.51)),
        make(overlay=Overlay(heat_map(), contour=True)),
        make(overlay=Overlay(heat_map(), peaks=(3.0,))),
        replace(make(), reading=replace(make().reading, threshold=0.4)),
        replace(make(), reading=replace(make().reading, operating_point="screening")),
        replace(make(), reading=replace(make().reading, version="00000000")),
    ):
        study, series, instance = uids(opened(other))
        assert study == first[0]
        assert series != first[1]
        assert instance != first[2]
    assert not set(uids(opened(make(film(97))))) & set(first)
    assert not set(uids(opened(make(deidentify=False)))) & set(first)


def test_the_last_digit_of_a_probability_changes_no_uid(make: Make) -> None:
    close = [make(probability=each) for each in (0.9304999, 0.9305001)]
    assert uids(opened(close[0])) == uids(opened(close[1]))


def test_the_same_pixels_in_two_patients_studies_are_two_images(make: Make) -> None:
    one = x_ray(**PATIENT)
    other = x_ray(**PATIENT | {"PatientID": "ID-2", "StudyInstanceUID": "1.2.3"})
    for deidentify in (True, False):
        first, second = (
            uids(opened(make(each, name="x.dcm", deidentify=deidentify), each))
            for each in (one, other)
        )
        assert not set(first) & set(second)


@pytest.mark.parametrize("lost", [128, 132], ids=["preamble", "preamble and prefix"])
def test_a_file_that_lost_its_preamble_keeps_its_patient(make: Make, lost: int) -> None:
    source = x_ray(**PATIENT)[lost:]
    image = opened(make(source, name="x.dcm", deidentify=False), source)
    assert image.PatientID == PATIENT["PatientID"]


# --- patients without a name -------------------------------------------------------------------


def test_a_de_identified_patient_keeps_one_id_and_gives_nothing_away(make: Make) -> None:
    same = [
        x_ray(PatientID="ID-4711", PatientName="A^B"),
        x_ray(RAMP12[::-1].copy(), PatientID="ID-4711 "),
        x_ray(PatientID="ID-4712"),
        x_ray(PatientID="ID-4711", IssuerOfPatientID="Another hospital"),
    ]
    ids = [opened(make(each, name="x.dcm"), each).PatientID for each in same]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(len(each) == len("pneumo-") + 32 <= 64 for each in ids)


def test_without_a_patients_id_the_film_is_the_patient(make: Make) -> None:
    bare, other = x_ray(), x_ray(RAMP12[::-1].copy(), PatientID=" ")
    ids = {opened(make(each, name="x.dcm"), each).PatientID for each in (bare, other)}
    ids |= {opened(make()).PatientID}
    assert len(ids) == 3
    assert opened(make(bare, name="x.dcm")).PatientID in ids, "the source adds nothing"


def test_a_pseudonym_is_never_made_of_another_films_header(make: Make) -> None:
    other = x_ray(RAMP12[::-1].copy(), PatientID="ID-1")
    with pytest.raises(ValueError, match="a different X-ray"):
        to_dicom(make(x_ray(PatientID="ID-2"), name="x.dcm"), other)


def test_pseudonyms_need_the_key_of_this_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    first = pseudonym("patient", "", "ID-4711")
    assert pseudonym("patient", "", "ID-4711") == first
    key = settings().home / KEY_FILE
    assert key.stat().st_mode & 0o077 == 0, "nobody else reads it"
    key.unlink()
    assert pseudonym("patient", "", "ID-4711") != first, "a hash of the ID alone would be guessed"


def test_a_key_that_many_make_at_once_is_one_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: pseudonym("patient"), range(16)))) == 1


def test_a_damaged_key_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = settings().home / KEY_FILE
    key.parent.mkdir(parents=True)
    key.write_bytes(b"short")
    with pytest.raises(PneumoError, match="is damaged: it has 5 bytes instead of 32"):
        pseudonym("patient")
    (tmp_path / "file").touch()
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(PneumoError, match="cannot be read or created: Not a directory"):
        pseudonym("patient")


def test_a_film_that_was_read_inverted_joins_its_study(make: Make) -> None:
    """Its pixels are not those of the file any more."""
    source = x_ray(**PATIENT)
    corrected = read_radiograph(source, name="x.dcm")
    corrected = replace(corrected, pixels=1 - corrected.pixels)
    made = opened(make(corrected, deidentify=False, inverted=True), source)
    assert made.StudyInstanceUID == PATIENT["StudyInstanceUID"]


# --- what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "part", "side"),
    [
        ({}, "CHEST", None),
        ({"BodyPartExamined": "CHEST", "Laterality": "R"}, "CHEST", None),
        ({"BodyPartExamined": "Torax"}, "CHEST", None),
        ({"BodyPartExamined": "chest"}, "CHEST", None),
        ({"BodyPartExamined": "LUNG"}, "LUNG", ""),
        ({"BodyPartExamined": "HAND", "ImageLaterality": "R"}, "HAND", "R"),
        ({"BodyPartExamined": "HAND", "Laterality": "L", "ImageLaterality": "R"}, "HAND", ""),
    ],
)
@pytest.mark.parametrize("deidentify", [True, False])
def test_body_part_and_side(
    make: Make, tags: dict[str, str], part: str, side: str | None, deidentify: bool
) -> None:
    source = x_ray(**tags)
    made = opened(make(source, name="x.dcm", deidentify=deidentify), source)
    assert made.BodyPartExamined == part
    assert made.get("Laterality") == side


def test_what_was_not_read_and_does_not_say_what_it_shows_is_no_chest(make: Make) -> None:
    made = opened(make(status="refused", probability=None))
    assert "BodyPartExamined" not in made
    assert made.Laterality == ""


def test_losses_are_told_on(make: Make) -> None:
    jpeg = encoded((RAMP12 // 16).astype(np.uint8), "JPEG")
    made = opened(make(jpeg, name="x.jpeg"))
    assert made.LossyImageCompression == "01"
    assert made.LossyImageCompressionMethod == "ISO_10918_1"
    assert made.LossyImageCompressionRatio == round(RAMP12.size / len(jpeg), 2)
    twice = film(lossy=(LossyStep("ISO_10918_1", 8.0), LossyStep("ISO_15444_1", 3.5)))
    assert list(opened(make(twice)).LossyImageCompressionRatio) == [8, 3.5]
    unknown = opened(make(film(lossy=(LossyStep("ISO_10918_1"), LossyStep(None, 3.5)))))
    assert unknown.LossyImageCompression == "01"
    assert "LossyImageCompressionRatio" not in unknown


def test_a_film_that_lost_nothing_is_not_called_lossy(make: Make) -> None:
    assert "LossyImageCompression" not in opened(make(x_ray(), name="x.dcm"))


def test_the_request_and_the_time_zone_come_with_the_patient(make: Make) -> None:
    tags = PATIENT | {"TimezoneOffsetFromUTC": "+0530", "RequestAttributesSequence": [request()]}
    source = x_ray(**tags)
    result = make(source, name="x.dcm", deidentify=False)
    made = opened(result, source)
    (asked,) = made.RequestAttributesSequence
    assert (asked.RequestedProcedureID, asked.ScheduledProcedureStepID) == ("RP-1", "SPS-1")
    assert made.TimezoneOffsetFromUTC == "+0530"
    moment = pydicom.valuerep.DT(f"{made.ContentDate}{made.ContentTime}+0530")
    assert moment == result.created, "its own times are told in the zone that it names"
    nobody = opened(make(source, name="x.dcm"), source)
    assert "TimezoneOffsetFromUTC" not in nobody
    assert "RequestAttributesSequence" not in nobody


def test_a_study_that_names_no_zone_is_not_put_into_ours(make: Make) -> None:
    source = x_ray(**PATIENT)
    assert "TimezoneOffsetFromUTC" not in opened(
        make(source, name="x.dcm", deidentify=False), source
    )
    own = make(deidentify=False)
    assert opened(own).TimezoneOffsetFromUTC == own.created.strftime("%z")


def test_programs_find_the_numbers(make: Make) -> None:
    result = make()
    told = opened(result).ImageComments.split(". ")[-1]
    numbers = dict(pair.split("=") for pair in told.split("; "))
    assert float(numbers["probability"]) == result.reading.probability
    assert float(numbers["threshold"]) == result.reading.threshold
    assert (numbers["predicted"], numbers["status"]) == ("1", "read")
    assert (numbers["model"], numbers["operating_point"]) == ("cnn_94", "balanced")
    refused = opened(make(status="refused", probability=None)).ImageComments
    assert "status=refused" in refused
    assert "probability=" not in refused


def test_programs_and_people_find_the_share_inside_the_lungs(make: Make) -> None:
    told = opened(make(overlay=MOSTLY_OUTSIDE)).ImageComments
    assert "; inside_lungs=0.4123; model=" in told
    assert "Only 41 % of the heat map lies inside the lungs. Do not take it as evidence" in told
    told = opened(make(overlay=NO_LUNGS)).ImageComments
    assert "inside_lungs" not in told
    assert "No lungs were found" in told


# --- there and back ----------------------------------------------------------------------------


def test_it_is_compressed_without_loss(make: Make) -> None:
    from PIL import Image

    result = make()
    file = to_dicom(result)
    made = pydicom.dcmread(BytesIO(file))
    assert made.file_meta.TransferSyntaxUID == pydicom.uid.JPEGLSLossless
    drawn = np.asarray(Image.open(BytesIO(to_png(result, legend=True))))
    assert np.array_equal(made.pixel_array, drawn)
    assert len(file) < drawn.nbytes / 2


@pytest.mark.parametrize("deidentify", [True, False])
def test_our_own_export_is_told_when_it_comes_back(make: Make, deidentify: bool) -> None:
    source = x_ray(**PATIENT)
    result = make(source, name="x.dcm", deidentify=deidentify)
    for file in (to_dicom(result, source), to_png(result), to_png(result, legend=True)):
        assert refusals(read_radiograph(file)) == (
            "This is a result that Pneumo exported, not an X-ray. Upload the X-ray itself.",
        )
