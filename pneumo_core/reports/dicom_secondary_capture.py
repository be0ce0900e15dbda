"""The overlay as DICOM: a Secondary Capture image (PS3.3 A.8.1), by highdicom."""

import re
from datetime import timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pneumo_core.imaging import MANUFACTURER
from pneumo_core.reports._body_part import body_part_of, laterality_of
from pneumo_core.reports._pseudonym import pseudonym
from pneumo_core.reports._uids import Uids, uids_of
from pneumo_core.reports.overlays import LONGEST, image_under_map, with_legend
from pneumo_core.reports.result import (
    RESEARCH_USE,
    Overlay,
    Result,
    digest_of,
    refuse_named_image,
)
from pneumo_core.reports.words import (
    ascii_text,
    checkpoint_words,
    heat_warning,
    heat_words,
    point_words,
    scale_words,
    verdict_words,
)

if TYPE_CHECKING:
    from highdicom.sc import SCImage
    from pydicom.dataset import Dataset

__all__ = ["deidentify", "numbers", "pseudonym_of", "to_dicom"]

_SERIES = 9400  # far from the numbers that a modality gives its own series
_METHOD = (
    "Header dropped but body part, side, orientation, lossy history",
    "Burned-in flag passed on; PatientID is a keyed pseudonym",
    "Pixels are not searched for burned-in text",
)
_OFFSET = re.compile(r"([+-])(\d\d)([0-5]\d)")


def to_dicom(
    result: Result, source: bytes | Path | None = None, *, longest: int = LONGEST
) -> bytes:
    """Return the X-ray under its heat map, with its legend, as a DICOM file (8-bit RGB, JPEG-LS
    lossless).

    De-identified (the default of ``result_of``): a study of its own. Of the X-ray's header only
    body part, side, orientation, burned-in flag and history of lossy compression are copied. The
    patient gets a pseudonym (``_pseudonym``): of the patient's ID where ``source`` is
    given and has one, else of the X-ray. No study or birth date is given, and Patient Identity
    Removed is YES. Its dates are those of its making.

    Otherwise, for a DICOM X-ray: a new series in the patient's own study, with the source's
    Patient and Study modules, request, time zone, and a reference to the image that was read. For
    any other X-ray a new study without a patient's name.

    The same result of the same X-ray always gets the same UIDs, so that an archive that is sent it
    twice keeps it once. Pixel Spacing is left out, so that no distances are measured on an overlay.

    Args:
        result: what to export.
        source: the file that was read; needed for a DICOM X-ray that is not to be de-identified.
        longest: the most pixels on a side of the X-ray in it.

    Raises:
        PneumoError: the picture may show the patient's name (``result.withheld``), the header is
            damaged, the source can't be read any more, or the key of pseudonyms can't be stored.
        ValueError: the source is missing or another X-ray.
    """
    from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom

    with lenient_pydicom():
        return _file(result, source, longest)


def _file(result: Result, source: bytes | Path | None, longest: int) -> bytes:
    from pneumo_core.reports._header import header_of

    refuse_named_image(result)
    header = None
    if not result.deidentified and result.radiograph.facts.format == "DICOM":
        if source is None:
            raise ValueError("the patient's own study needs the source that was read")
        header = header_of(result, source)
    patient = pseudonym_of(result, source) if result.deidentified else ""
    image = _capture(result, uids_of(result, patient, header), longest)
    if result.deidentified:
        deidentify(image, patient)
    _describe(image, result)
    _date(image, result, header)
    if header is not None:
        _file_under(image, header, result)
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def pseudonym_of(result: Result, source: bytes | Path | None) -> str:
    """Return the patient's pseudonym if the source has a patient ID, else the X-ray's."""
    from pneumo_core.reports._header import patient_of

    dicom = result.radiograph.facts.format == "DICOM"
    patient = patient_of(result, source) if dicom and source is not None else None
    if patient is not None:
        return pseudonym("patient", *patient)
    return pseudonym("film", digest_of(result.radiograph))


def _capture(result: Result, uids: Uids, longest: int) -> "SCImage":
    """Create the image in a new study without a patient."""
    from highdicom.sc import SCImage
    from pydicom.uid import JPEGLSLossless

    orientation = _orientation(result)
    unknown = ("L", "F")  # highdicom wants one; emptied below
    image = SCImage(
        np.ascontiguousarray(with_legend(image_under_map(result, longest), result)),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=uids.study,
        series_instance_uid=uids.series,
        series_number=_SERIES,
        sop_instance_uid=uids.instance,
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_orientation=unknown,
        transfer_syntax_uid=JPEGLSLossless,
    )
    image.PatientOrientation = list(orientation or ())
    image.SpecificCharacterSet = "ISO_IR 192"
    return image


def _orientation(result: Result) -> tuple[str, str] | None:
    """Return where rows and columns point to; None if the header contradicts the picture.

    A rotated X-ray is upright now; an orientation in the header described it before the rotation.
    """
    orientation = result.radiograph.facts.orientation
    if result.reading.rotated and orientation and not orientation[1].startswith("F"):
        return None
    return orientation


def deidentify(image: "Dataset", patient: str) -> None:
    """Replace the patient's identity by a pseudonym, and record the method used."""
    image.PatientID = patient
    image.PatientName = "De-identified"
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = list(_METHOD)
    image.LongitudinalTemporalInformationModified = "REMOVED"


def _describe(image: "Dataset", result: Result) -> None:
    """Describe the image, its origin and quality, in ASCII for any character set."""
    reading, facts = result.reading, result.radiograph.facts
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ConversionType = "WSD"
    image.ContentQualification = "RESEARCH"
    image.ManufacturerModelName = reading.model
    image.SoftwareVersions = [result.software, f"{reading.model[:55]} {reading.version}"]
    image.SeriesDescription = f"Pneumo {reading.model}"[:40] + ", research use only"
    rotated = f", rotated by {90 * reading.rotated} degrees to the left" if reading.rotated else ""
    image.DerivationDescription = (
        f"{heat_words(result.overlay)} ({_drawn(result.overlay)}), by {checkpoint_words(result)}"
        f"{rotated}"
    )[:1024]
    image.ImageComments = ". ".join(_comments(result))
    body_part, side = body_part_of(result), laterality_of(result)
    if body_part is not None:
        image.BodyPartExamined = body_part
    if side is not None:
        image.Laterality = side
    if facts.burned_in_text is not None:
        image.BurnedInAnnotation = "YES" if facts.burned_in_text else "NO"
    _tell_losses(image, result)


def _tell_losses(image: "Dataset", result: Result) -> None:
    """Record lossy compression; methods and ratios only if all are known."""
    steps = result.radiograph.facts.lossy
    if not steps:
        return
    image.LossyImageCompression = "01"
    ratios = [str(step.ratio) for step in steps if step.ratio is not None]
    methods = [step.method for step in steps if step.method is not None]
    if len(ratios) == len(steps):
        image.LossyImageCompressionRatio = ratios
        if len(methods) == len(steps):
            image.LossyImageCompressionMethod = methods


def _date(image: "Dataset", result: Result, header: "Dataset | None") -> None:
    """Set dates and times, in the source's time zone if it has one."""
    zone = _zone(header) if header is not None else None
    moment = result.created.astimezone(zone) if zone else result.created
    for what in ("InstanceCreation", "Content"):
        setattr(image, f"{what}Date", moment.strftime("%Y%m%d"))
        setattr(image, f"{what}Time", moment.strftime("%H%M%S"))
    image.DateOfSecondaryCapture = image.ContentDate
    image.TimeOfSecondaryCapture = image.ContentTime
    if zone or (header is None and not result.deidentified):  # else the study's zone is unknown
        image.TimezoneOffsetFromUTC = moment.strftime("%z")[:5]


def _zone(header: "Dataset") -> timezone | None:
    """Return the source's time zone; None if it is missing or invalid."""
    match = _OFFSET.fullmatch(str(header.get("TimezoneOffsetFromUTC") or "").strip())
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    offset = -offset if match[1] == "-" else offset
    return timezone(offset) if timedelta(hours=-12) <= offset <= timedelta(hours=14) else None


def _comments(result: Result) -> list[str]:
    """Return comments without full stops, then numbers for programs: ``name=value``.

    De-identified comments have no reasons and warnings, because these give the patient's age and
    repeat words of the header. A Secondary Capture has no element for a measured value, and
    private ones would be dropped on the way.
    """
    reading = result.reading
    told = () if result.deidentified else (*reading.reasons, *reading.warnings)
    outside = heat_warning(result.overlay)
    all_told = (verdict_words(result), point_words(result), *told, outside, RESEARCH_USE)
    return [
        *(ascii_text(sentence).rstrip(".") for sentence in all_told if sentence),
        ascii_text(numbers(result)),
    ]


def numbers(result: Result) -> str:
    """Return the numbers for programs: ``name=value``, separated by "; "."""
    reading = result.reading
    told: dict[str, object] = {"status": reading.status}
    if reading.probability is not None:
        predicted = int(reading.probability >= reading.threshold)
        told |= {"probability": reading.probability, "predicted": predicted}
    told |= {"threshold": reading.threshold, "operating_point": reading.operating_point}
    if reading.rotated:
        told |= {"rotated_left_degrees": 90 * reading.rotated}
    share = result.overlay.heat.share_inside_lungs if result.overlay else None
    if share is not None:
        told |= {"inside_lungs": round(share, 4)}
    told |= {"model": reading.model, "version": reading.version}
    return "; ".join(f"{name}={value}" for name, value in told.items())


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
    # highdicom copies the modules that the header's own class has: known ones only.
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.setdefault("SOPInstanceUID", "")
    with told_as_damaged(result):
        image.copy_patient_and_study_information(header)
        if "RequestAttributesSequence" in header:
            image.add(header["RequestAttributesSequence"])
        for _ in image.iterall():  # parses the sequences, in the source's own encoding
            pass
    _take_charset(image, header)
    if not image.StudyInstanceUID:
        image.StudyInstanceUID = study
    if read.ReferencedSOPClassUID and read.ReferencedSOPInstanceUID:
        image.SourceImageSequence = [read]


def _take_charset(image: "SCImage", header: "Dataset") -> None:
    """Use the source's character set; our own text is ASCII and fits any."""
    if "SpecificCharacterSet" in header:
        image.SpecificCharacterSet = header.SpecificCharacterSet
    else:
        del image.SpecificCharacterSet
