"""Exports of every kind of source against dciodvfy, which knows what the standard demands."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
)

from pneumo_core.reports import Overlay, to_dicom
from tests.imaging.images import RAMP12, dataset, encoded, written
from tests.reports.conftest import COLOURS, Make, heat_map
from tests.reports.headers import PATIENT, request

DCIODVFY = shutil.which("dciodvfy")
CLASSES = {
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "SC": SecondaryCaptureImageStorage,
}
MANY = 24

BODY_PARTS = ("CHEST", "LUNG", None, "RIB", "TORAX", "HAND", "THORAX", "", "ABDOMEN", "chest")
SIDES: tuple[dict[str, str], ...] = (
    {},
    {"Laterality": "R"},
    {"ImageLaterality": "L"},
    {"Laterality": ""},
    {"ImageLaterality": "U"},
    {"Laterality": "L", "ImageLaterality": "R"},
    {"Laterality": "B"},
)
VIEWS: tuple[dict[str, Any], ...] = (
    {"ViewPosition": "PA", "PatientOrientation": ["L", "F"]},
    {"ViewPosition": "AP", "PatientOrientation": ["L", "FR"]},
    {},
    {"ViewPosition": "", "PatientOrientation": ""},
    {"ViewPosition": "ANTEROPOSTERIOR"},
)
LOSSES: tuple[dict[str, Any], ...] = (
    {},
    {"LossyImageCompression": "00"},
    {"LossyImageCompression": "01"},
    {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": "12.3456",
        "LossyImageCompressionMethod": "ISO_10918_1",
    },
    {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": ["5", "10"],
        "LossyImageCompressionMethod": ["ISO_10918_1", "ISO_15444_1"],
    },
    {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["5", "10"]},
    {"LossyImageCompression": "01", "LossyImageCompressionMethod": "SOMETHING"},
)
SPACINGS: tuple[dict[str, Any], ...] = (
    {"PixelSpacing": ["0.14", "0.14"]},
    {"ImagerPixelSpacing": ["0.2", "0.2"]},
    {},
)
STUDIES: tuple[dict[str, Any], ...] = (
    PATIENT,
    {"PatientID": "ID-4711", "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1"},
    {},
    {"PatientName": "", "PatientID": "", "PatientBirthDate": "", "StudyDate": "20250102"},
    {
        "PatientName": "Müller^Jürgen",
        "PatientID": "Ä-1",
        "SpecificCharacterSet": "ISO_IR 100",
        "StudyDescription": "Thorax p.a.",
        "PatientIdentityRemoved": "NO",
    },
)
ZONES: tuple[dict[str, str], ...] = (
    {"TimezoneOffsetFromUTC": "+0100"},
    {},
    {"TimezoneOffsetFromUTC": "-0330"},
    {"TimezoneOffsetFromUTC": "CET"},
)
BURNED: tuple[dict[str, str], ...] = ({"BurnedInAnnotation": "NO"}, {})
LOOKS = (COLOURS, None, Overlay(heat_map(), contour=True), Overlay(heat_map(), peaks=(6.0,)))
WORDS = ((), ("The patient is 62 years old – take care.",))


def headers() -> Iterator[dict[str, Any]]:
    """Tags in mixtures, so that each value of each meets different ones of the others."""
    for number in range(MANY):
        part = BODY_PARTS[number % len(BODY_PARTS)]
        tags: dict[str, Any] = {} if part is None else {"BodyPartExamined": part}
        for turn, choices in enumerate((SIDES, VIEWS, LOSSES, SPACINGS, STUDIES, ZONES, BURNED)):
            tags |= choices[(number * (turn + 1) + number // 7) % len(choices)]
        if number % 3:
            tags["RequestAttributesSequence"] = [request()]
        yield tags


def pictures(kind: str) -> Iterator[bytes]:
    """Files of one format: sizes, shapes, depths, colours and qualities."""
    for number in range(MANY):
        shape = (64 + 16 * (number % 5), 64 + 8 * (number % 7))
        grey = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
        image = Image.fromarray(grey)
        if kind == "JPEG":
            options = {"quality": 20 + 3 * number, "progressive": number % 2 == 0}
            yield encoded(image.convert("RGB") if number % 3 == 0 else image, kind, **options)
        elif number % 3 == 0:
            yield encoded(Image.fromarray(grey.astype(np.uint16) * 16), kind)
        else:
            yield encoded(image.convert(("L", "RGB", "LA", "1")[number % 4]), kind)


def sources(kind: str) -> Iterator[bytes]:
    """24 files of one kind of source."""
    if kind not in CLASSES:
        yield from pictures(kind)
        return
    for tags in headers():
        made = dataset(RAMP12, BitsStored=12, HighBit=11, Modality=kind.replace("SC", "OT"), **tags)
        made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = CLASSES[kind]
        yield written(made)


@pytest.mark.slow
@pytest.mark.skipif(not DCIODVFY, reason="dciodvfy is missing: apt-get install dicom3tools")
@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
@pytest.mark.parametrize("deidentify", [True, False], ids=["de-identified", "identified"])
@pytest.mark.parametrize("kind", ["CR", "DX", "SC", "PNG", "JPEG"])
def test_no_export_has_an_error(make: Make, tmp_path: Path, kind: str, deidentify: bool) -> None:
    errors = {}
    files = list(sources(kind))
    assert len(files) == MANY
    for number, source in enumerate(files):
        read = {} if number % 6 else {"status": "refused", "probability": None}
        result = make(
            source,
            name=f"film{number}",
            deidentify=deidentify,
            overlay=LOOKS[number % len(LOOKS)],
            warnings=WORDS[number % 2],
            **read,
        )
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(to_dicom(result, source))
        errors[number] = complaints(path)
    assert not {number: told for number, told in errors.items() if told}


def complaints(path: Path) -> list[str]:
    """Lines of dciodvfy that say "Error"; it must have known what it was given."""
    done = subprocess.run(
        [str(DCIODVFY), str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    assert "SCImage" in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.skipif(not DCIODVFY, reason="dciodvfy is missing: apt-get install dicom3tools")
def test_the_validator_would_notice(make: Make, tmp_path: Path) -> None:
    """What was wrong once: no Laterality, and no body part that explains why."""
    from io import BytesIO

    import pydicom

    made = pydicom.dcmread(BytesIO(to_dicom(make())))
    del made.BodyPartExamined
    made.save_as(tmp_path / "bad.dcm")
    (line,) = complaints(tmp_path / "bad.dcm")
    assert "Laterality" in line
