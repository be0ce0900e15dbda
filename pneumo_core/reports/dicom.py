"""The overlay as DICOM: a Secondary Capture image (PS3.3 A.8.1), by highdicom."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pneumo_core.reports.overlays import film_under_heat, with_legend
from pneumo_core.reports.result import RESEARCH_USE, Overlay, Result
from pneumo_core.reports.words import (
    checkpoint_words,
    heat_words,
    point_words,
    scale_words,
    verdict_words,
)

if TYPE_CHECKING:
    from highdicom.sc import SCImage
    from pydicom.dataset import Dataset

__all__ = ["to_dicom"]

_SERIES = 9400  # far from the numbers that a modality gives its own series
_METHOD = (
    "Header dropped but orientation and burned-in flag; UIDs are new",
    "Pixels are not searched for burned-in text",
)


def to_dicom(result: Result, source: bytes | Path | None = None) -> bytes:
    """The film under its heat map, with its legend, as a DICOM file (8-bit RGB, uncompressed).

    De-identified (the default of ``result_of``): a study of its own. ``source`` is not opened; of
    the film's header only the orientation and the history of lossy compression are told on. The
    patient is called by the film's id, no study or birth date is given, every UID is new and
    leads back to nothing, Patient Identity Removed is YES. Its dates are those of its making.

    Otherwise, for a DICOM film: a new series in the patient's own study, with the source's Patient
    and Study modules and a reference to the image that was read. For any other film a new study
    without a patient's name.

    Pixel Spacing is left out: nobody should measure in an overlay.

    Args:
        source: the file that was read; needed for a DICOM film that is not to be de-identified.

    Raises:
        PneumoError: the picture may show the patient's name (``result.withheld``), the header is
            damaged, or the source can't be read any more.
        ValueError: the source is missing or another film.
    """
    from pneumo_core.reports._header import header_of, quieten

    quieten()
    header = None
    if not result.deidentified and result.radiograph.facts.format == "DICOM":
        if source is None:
            raise ValueError("the patient's own study needs the source that was read")
        header = header_of(result, source)
    image = _capture(result)
    _describe(image, result)
    if header is not None:
        _file_under(image, header, result)
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _capture(result: Result) -> "SCImage":
    """The image in a study of its own, of nobody."""
    from highdicom.sc import SCImage
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    orientation = result.radiograph.facts.orientation
    unknown = ("L", "F")  # highdicom wants one; emptied below
    image = SCImage(
        np.ascontiguousarray(with_legend(film_under_heat(result), result)),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=generate_uid(prefix=None),
        series_instance_uid=generate_uid(prefix=None),
        series_number=_SERIES,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer="Pneumo",
        patient_orientation=unknown,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    image.PatientOrientation = list(orientation or ())
    image.SpecificCharacterSet = "ISO_IR 192"
    if result.deidentified:
        image.PatientID = f"pneumo-{result.film_id}"
        image.PatientName = "De-identified"
        image.PatientIdentityRemoved = "YES"
        image.DeidentificationMethod = list(_METHOD)
        image.LongitudinalTemporalInformationModified = "REMOVED"
    return image


def _describe(image: "Dataset", result: Result) -> None:
    """What the picture is, who made it, when, and of which quality. ASCII, for any charset."""
    reading, facts = result.reading, result.radiograph.facts
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ConversionType = "WSD"
    image.ManufacturerModelName = reading.model
    image.SoftwareVersions = [result.software, f"{reading.model[:55]} {reading.version}"]
    image.SeriesDescription = f"Pneumo {reading.model}"[:40] + ", research use only"
    image.DerivationDescription = (
        f"{heat_words(result.overlay)} ({_drawn(result.overlay)}), by {checkpoint_words(result)}"
    )[:1024]
    image.ImageComments = ". ".join(_comments(result))
    if facts.burned_in_text is not None:
        image.BurnedInAnnotation = "YES" if facts.burned_in_text else "NO"
    if _was_lossy(result):
        image.LossyImageCompression = "01"
    for what in ("InstanceCreation", "Content"):
        setattr(image, f"{what}Date", result.created.strftime("%Y%m%d"))
        setattr(image, f"{what}Time", result.created.strftime("%H%M%S"))
    image.DateOfSecondaryCapture = image.ContentDate
    image.TimeOfSecondaryCapture = image.ContentTime


def _comments(result: Result) -> list[str]:
    """Sentences without full stops. De-identified there are no reasons and warnings among them:
    they tell the patient's age, and repeat words of the header."""
    reading = result.reading
    told = () if result.deidentified else (*reading.reasons, *reading.warnings)
    all_told = (verdict_words(result), point_words(result), *told, RESEARCH_USE)
    return [_ascii(sentence).rstrip(".") for sentence in all_told]


def _drawn(look: Overlay | None) -> str:
    if look is None:
        return "no heat map"
    if look.contour or not look.heat.found:
        return scale_words(look)
    return f"opacity {look.opacity:.2f}, full colour is {scale_words(look)}"


def _file_under(image: "SCImage", header: "Dataset", result: Result) -> None:
    """Put the image into the study of the source, as a picture derived from it."""
    from highdicom.sr.coding import CodedConcept
    from pydicom.dataset import Dataset
    from pydicom.sr.codedict import codes
    from pydicom.uid import SecondaryCaptureImageStorage

    from pneumo_core.reports._header import told_as_damaged

    read, study = Dataset(), image.StudyInstanceUID
    read.ReferencedSOPClassUID = header.get("SOPClassUID")
    read.ReferencedSOPInstanceUID = header.get("SOPInstanceUID")
    purpose = CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    read.PurposeOfReferenceCodeSequence = [purpose]
    # highdicom copies the modules that the header's own class has: one that we know.
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.setdefault("SOPInstanceUID", "")
    with told_as_damaged(result):
        image.copy_patient_and_study_information(header)
        for _ in image.iterall():  # parses what lies in sequences, in the source's own encoding
            pass
    _take_charset(image, header)
    if not image.StudyInstanceUID:
        image.StudyInstanceUID = study
    if read.ReferencedSOPClassUID and read.ReferencedSOPInstanceUID:
        image.SourceImageSequence = [read]


def _take_charset(image: "SCImage", header: "Dataset") -> None:
    """The source's text keeps the source's letters; ours is ASCII and fits any."""
    if "SpecificCharacterSet" in header:
        image.SpecificCharacterSet = header.SpecificCharacterSet
    else:
        del image.SpecificCharacterSet


def _was_lossy(result: Result) -> bool:
    """Whether the film was compressed with loss, as far as its format tells."""
    from pydicom.uid import HTJ2K, JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

    lossy = (HTJ2K, JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
    facts = result.radiograph.facts
    return facts.format == "JPEG" or facts.transfer_syntax in {each.name for each in lossy}


def _ascii(text: str) -> str:
    return text.replace("×", "x").replace("–", "-").encode("ascii", "replace").decode()
