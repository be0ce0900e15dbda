"""The image that a result speaks of, as other DICOM objects refer to it."""

from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_core.errors import PneumoError
from pneumo_core.reports._header import header_of
from pneumo_core.reports._uids import Uids, deidentified_uid, uids_of
from pneumo_core.reports.dicom_secondary_capture import deidentify, pseudonym_of
from pneumo_core.reports.result import Result

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["MODEL_SERIAL", "source_image"]

MODEL_SERIAL = "1"
"""Device Serial Number, which some modules demand and software does not have."""

_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_KEPT = (
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PresentationLUTShape"),
    "BitsStored",
)


def source_image(result: Result, source: bytes | Path, kind: str) -> "tuple[Dataset, Uids]":
    """Return the header of the image that was read, and the UIDs of a result of it.

    If de-identified, it has a pseudonym and UIDs derived from the original ones, as a de-identified
    copy would have, and nothing else of the header.

    Raises PneumoError for an X-ray that is not DICOM, has no UIDs, or has a damaged header.
    """
    if result.radiograph.facts.format != "DICOM":
        raise PneumoError(
            f"{result.film} is not DICOM, so no report can refer to it. Export a PDF instead."
        )
    header = header_of(result, source)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if not header.get(keyword):
            raise PneumoError(f"{result.film} has no {keyword}, so no report can refer to it.")
    if result.deidentified:
        patient = pseudonym_of(result, source)
        return _nobodys(header, patient, uids_of(result, patient, None, kind))
    for keyword in _EMPTY:
        header.setdefault(keyword, "")
    return header, uids_of(result, "", header, kind)


def _nobodys(header: "Dataset", patient: str, uids: Uids) -> "tuple[Dataset, Uids]":
    from pydicom.dataset import Dataset

    image = Dataset()
    for keyword in _KEPT:
        if keyword in header:
            image[keyword] = header[keyword]
    image.SOPClassUID, image.StudyInstanceUID = header.SOPClassUID, uids.study
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        setattr(image, keyword, deidentified_uid(str(header.get(keyword)), patient))
    image.Modality = header.get("Modality", "")
    image.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _EMPTY:
        setattr(image, keyword, "")
    deidentify(image, patient)
    image.PatientName = f"{image.PatientName}^"  # one component, and meant to be
    return image, uids
