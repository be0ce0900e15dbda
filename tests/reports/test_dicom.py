"""DICOM: what pydicom reads back, and what nobody can."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.uid import UID, SecondaryCaptureImageStorage

from pneumo_core.errors import PneumoError
from pneumo_core.reports import Overlay, Result, file_name, to_dicom, to_json, to_pdf, to_png
from tests.imaging.images import RAMP12, dataset, dicom, encoded, written
from tests.reports.conftest import Make, heat_map
from tests.reports.headers import PATIENT


def back(file: bytes) -> Dataset:
    """The file, opened by pydicom, every element parsed and none against the rules."""
    film = pydicom.dcmread(BytesIO(file))
    assert len(film) > 30
    for element in film.iterall():
        pydicom.dataelem.DataElement(
            element.tag, element.VR, element.value, validation_mode=pydicom.config.RAISE
        )
    return film


@pytest.fixture
def source() -> bytes:
    return dicom(RAMP12, BitsStored=12, HighBit=11, **PATIENT)


def test_it_is_a_secondary_capture_with_everything_its_class_demands(make: Make) -> None:
    """Type 1 and 2 attributes of PS3.3 A.8.1 that a still colour picture has."""
    film = back(to_dicom(make()))
    assert film.SOPClassUID == SecondaryCaptureImageStorage
    assert film.file_meta.MediaStorageSOPInstanceUID == film.SOPInstanceUID
    for keyword in (
        *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
        *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
        *("ReferringPhysicianName", "SeriesInstanceUID", "SeriesNumber", "Modality"),
        *("Manufacturer", "ConversionType", "InstanceNumber", "PatientOrientation"),
        *("ContentDate", "ContentTime", "SOPInstanceUID", "SpecificCharacterSet"),
        *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows"),
        *("Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    ):
        assert keyword in film, keyword
    assert list(film.ImageType) == ["DERIVED", "SECONDARY"]
    assert (film.Modality, film.ConversionType) == ("OT", "WSD")
    uids = {film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID}
    assert len(uids) == 3
    assert all(UID(uid).is_valid for uid in uids)


def test_its_picture_is_the_png_with_the_legend(make: Make) -> None:
    from PIL import Image

    result = make(overlay=Overlay(heat_map(), opacity=0.8))
    film = back(to_dicom(result))
    assert film.PhotometricInterpretation == "RGB"
    drawn = np.asarray(Image.open(BytesIO(to_png(result, legend=True))))
    assert np.array_equal(film.pixel_array, drawn)


def test_it_names_the_model_and_what_it_said(make: Make) -> None:
    result = make()
    film = back(to_dicom(result))
    assert film.Manufacturer == "Pneumo"
    assert film.ManufacturerModelName == "cnn_94"
    assert list(film.SoftwareVersions) == [result.software, f"cnn_94 {result.card.version}"]
    assert film.SeriesDescription == "Pneumo cnn_94, research use only"
    assert film.DerivationDescription.startswith("Grad-CAM, evidence for PNEUMONIA (opacity 0.50")
    assert f"model cnn_94 version {result.card.version}" in film.DerivationDescription
    assert "Signs of pneumonia likely, probability 0.930" in film.ImageComments
    assert "Not a medical device" in film.ImageComments
    assert film.ContentDate == result.created.strftime("%Y%m%d")


def test_de_identified_it_belongs_to_nobody_and_leads_back_to_nothing(
    make: Make, source: bytes
) -> None:
    result = make(source, name="Musterfrau.dcm")
    film = back(to_dicom(result, source))
    assert film.PatientIdentityRemoved == "YES"
    assert film.DeidentificationMethod
    assert film.PatientID.startswith("pneumo-")
    assert PATIENT["PatientID"] not in film.PatientID
    assert film.PatientName == "De-identified"
    assert not film.PatientBirthDate
    assert not film.StudyDate
    assert not film.AccessionNumber
    assert film.StudyInstanceUID != PATIENT["StudyInstanceUID"]
    assert "SourceImageSequence" not in film
    assert film.SOPInstanceUID != pydicom.dcmread(BytesIO(source)).SOPInstanceUID
    assert list(film.PatientOrientation) == ["L", "F"], "which side is left is no secret"
    assert film.BurnedInAnnotation == "NO"


def test_de_identified_a_source_that_is_gone_is_no_obstacle(make: Make, source: bytes) -> None:
    assert to_dicom(make(source), Path("/nowhere/at/all.dcm"))


SECRETS = {
    **dict.fromkeys(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"), "SECRET"),
    **{"CS": "SECRET", "AS": "097Y", "DA": "19431231", "DT": "19431231115959"},
    **{"UI": "1.2.3.987654321", "IS": "987654321", "DS": "987654321"},
}
NEEDED = {
    *("SOPClassUID", "PhotometricInterpretation", "SpecificCharacterSet", "NumberOfFrames"),
    *("PresentationLUTShape", "VOILUTFunction", "RescaleSlope", "RescaleIntercept"),
    *("WindowCenter", "WindowWidth", "TransferSyntaxUID", "BurnedInAnnotation"),
    *("PixelSpacing", "ImagerPixelSpacing"),
}


def full_of_secrets() -> bytes:
    """A film whose every text, name, date, number and UID would give its patient away."""
    film = dataset(RAMP12, BitsStored=12, HighBit=11)
    for tag, (vr, multiplicity, _, _, keyword) in DicomDictionary.items():
        if vr in SECRETS and keyword not in NEEDED and tag >> 16 not in (0, 2, 4):
            count = multiplicity.split("-")[0]
            many = int(count) if count.isdigit() else 1
            value: Any = SECRETS[vr]
            if many > 1:
                value = [value] * many
            film.add_new(tag, vr, value)
    block = film.private_block(0x0011, "SECRET CREATOR", create=True)
    block.add_new(0x01, "LO", "SECRET")
    film.PatientName = "SECRET^SECRET"
    other = Dataset()
    other.PatientID = "SECRET"
    film.OtherPatientIDsSequence = [other]
    return written(film)


@pytest.mark.filterwarnings("ignore:.*")
def test_of_a_film_full_of_secrets_nothing_is_left_in_any_rendering(make: Make) -> None:
    source = full_of_secrets()
    assert source.count(b"SECRET") > 1000, "the test would find them"
    result: Result = make(source, name="SECRET.dcm", warnings=("The X-ray is small.",))
    for secret in (b"SECRET", b"987654321", b"19431231", b"097Y"):
        assert secret not in to_dicom(result, source)
        assert secret not in to_png(result)
        assert secret not in to_json(result).encode()
        assert secret not in to_pdf(result)
        assert secret not in file_name(result, "dcm").encode()
    import pypdfium2

    page = pypdfium2.PdfDocument(to_pdf(result))
    words = page[0].get_textpage().get_text_bounded() + str(page.get_metadata_dict())
    assert "SECRET" not in words
    assert "Signs of pneumonia likely" in words


def test_asked_otherwise_it_joins_the_patient_s_own_study(make: Make, source: bytes) -> None:
    film = back(to_dicom(make(source, name="x.dcm", deidentify=False), source))
    for keyword, value in PATIENT.items():
        assert film[keyword].value == value, keyword
    assert film.SeriesInstanceUID != film.StudyInstanceUID
    assert "PatientIdentityRemoved" not in film
    (read,) = film.SourceImageSequence
    original = pydicom.dcmread(BytesIO(source))
    assert read.ReferencedSOPInstanceUID == original.SOPInstanceUID != film.SOPInstanceUID
    assert read.ReferencedSOPClassUID == original.SOPClassUID != film.SOPClassUID


def test_the_source_may_be_a_path(make: Make, source: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(source)
    result = make(source, name="x.dcm", deidentify=False)
    assert back(to_dicom(result, tmp_path / "x.dcm")).PatientID == "ID-4711"


def test_an_overlay_never_lands_in_another_patient_s_study(make: Make, source: bytes) -> None:
    other = dicom(RAMP12[::-1].copy(), BitsStored=12, HighBit=11, **PATIENT)
    result = make(source, name="x.dcm", deidentify=False)
    with pytest.raises(ValueError, match="a different X-ray"):
        to_dicom(result, other)
    with pytest.raises(ValueError, match="needs the source"):
        to_dicom(result)


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("syntax", ["implicit", "big endian", "deflated", "no preamble"])
def test_a_source_of_any_encoding_gives_its_patient(make: Make, syntax: str) -> None:
    """Sequences too, whose items are numbers in the source's byte order."""
    film = dataset(RAMP12, BitsStored=12, **PATIENT)
    item = Dataset()
    item.PatientID, item.ReferencedFrameNumber = "OTHER", 258
    film.OtherPatientIDsSequence = [item]
    film.PatientWeight = "61.5"
    named = {
        "implicit": pydicom.uid.ImplicitVRLittleEndian,
        "big endian": pydicom.uid.ExplicitVRBigEndian,
        "deflated": pydicom.uid.DeflatedExplicitVRLittleEndian,
    }
    if syntax in named:
        film.file_meta.TransferSyntaxUID = named[syntax]
    if syntax == "big endian":
        film.PixelData = RAMP12.astype(">u2").tobytes()
    file = BytesIO()
    pydicom.dcmwrite(file, film, enforce_file_format=True)  # turns the byte order round
    source = file.getvalue()
    source = source[132:] if syntax == "no preamble" else source
    made = back(to_dicom(make(source, name="x.dcm", deidentify=False), source))
    for keyword, value in PATIENT.items():
        assert made[keyword].value == value, keyword
    assert made.PatientWeight == 61.5
    (other,) = made.OtherPatientIDsSequence
    assert (other.PatientID, other.ReferencedFrameNumber) == ("OTHER", 258)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "患者^太郎"),
        ("ISO_IR 144", "Люкceмбypг"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_keep_their_letters(make: Make, charset: Any, name: str) -> None:
    source = dicom(RAMP12, BitsStored=12, SpecificCharacterSet=charset, PatientName=name)
    film = back(to_dicom(make(source, name="x.dcm", deidentify=False), source))
    assert film.PatientName == name


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize(
    "odd",
    [
        {"PatientBirthDate": "unknown"},
        {"PatientSex": "female"},
        {"StudyInstanceUID": "1.02.not.a.uid"},
        {"PatientName": "a=b=c=d=e"},
        {"StudyTime": "25:61"},
        {"PatientID": "x" * 200},
        {"SpecificCharacterSet": "KLINGON"},
    ],
)
def test_a_header_that_breaks_the_rules_is_carried_over_as_it_is(
    make: Make, odd: dict[str, str]
) -> None:
    """Its study must find it again, whatever its values look like."""
    film = dataset(RAMP12, BitsStored=12)
    for keyword, value in (PATIENT | odd).items():
        element = pydicom.dataelem.DataElement(
            keyword, pydicom.datadict.dictionary_VR(keyword), value, validation_mode=0
        )
        film.add(element)
    source = written(film)
    made = pydicom.dcmread(BytesIO(to_dicom(make(source, name="x", deidentify=False), source)))
    original = pydicom.dcmread(BytesIO(source))
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", *odd):
        assert str(made[keyword].value) == str(original[keyword].value)


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("nested", [False, True])
def test_a_damaged_header_is_refused_with_a_way_out(make: Make, nested: bool) -> None:
    """Four bytes that call themselves a double; in a sequence they are parsed late."""
    film = dataset(RAMP12, BitsStored=12, **PATIENT)
    other = Dataset()
    (other if nested else film).PregnancyStatus = [1, 2]
    film.OtherPatientIDsSequence = [other]
    source = written(film).replace(b"\xc0\x21US\x04", b"\xc0\x21FD\x04")
    with pytest.raises(PneumoError, match=r"x\.dcm: its header is damaged.*de-identified"):
        to_dicom(make(source, name="x.dcm", deidentify=False), source)
    assert to_dicom(make(source, name="x.dcm"), source)


def test_without_a_study_of_its_own_a_film_gets_a_new_one(make: Make) -> None:
    bare = dicom(RAMP12, BitsStored=12, PatientID="ID-4711", StudyInstanceUID="")
    film = back(to_dicom(make(bare, name="x.dcm", deidentify=False), bare))
    assert film.PatientID == "ID-4711"
    assert UID(film.StudyInstanceUID).is_valid


def test_a_plain_picture_gets_a_study_of_its_own(make: Make) -> None:
    jpeg = encoded((RAMP12 // 16).astype(np.uint8), "JPEG")
    film = back(to_dicom(make(jpeg, name="x.jpeg", deidentify=False), jpeg))
    assert not film.PatientID
    assert "PatientIdentityRemoved" not in film
    assert film.LossyImageCompression == "01", "what a JPEG lost stays lost"
    assert "BurnedInAnnotation" not in film, "a JPEG does not say"


def test_warnings_and_reasons_travel_only_with_the_patient(make: Make, source: bytes) -> None:
    """They may tell an age, or repeat what the header says."""
    warnings = ("The patient is 62 years old – take care.",)
    nobody = back(to_dicom(make(source, warnings=warnings)))
    assert "62" not in nobody.ImageComments
    result = make(source, name="x.dcm", deidentify=False, warnings=warnings)
    assert "The patient is 62 years old - take care" in back(to_dicom(result, source)).ImageComments
