"""The PDF of a result as DICOM: Encapsulated PDF (PS3.3 A.45.1)."""

from io import BytesIO
from pathlib import Path

from pneumo_core.reports._source_image import source_image
from pneumo_core.reports.pdf import to_pdf
from pneumo_core.reports.result import Result

__all__ = ["to_dicom_pdf"]

_SERIES = 9403
_PATIENT = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate"),
    *("PatientSex", "PatientAge", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "StudyDescription", "PatientIdentityRemoved"),
    *("DeidentificationMethod", "LongitudinalTemporalInformationModified"),
)


def to_dicom_pdf(result: Result, source: bytes | Path) -> bytes:
    """Return ``to_pdf`` of the result, in the patient's study, as a DICOM file.

    De-identified in a study of its own. The same result of an X-ray always gets the same UIDs.

    Raises PneumoError where ``to_pdf`` does, and for an X-ray that is not DICOM or is damaged.
    """
    from pydicom.uid import EncapsulatedPDFStorage

    from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom
    from pneumo_core.reports._header import told_as_damaged

    page = to_pdf(result)
    with lenient_pydicom():
        image, uids = source_image(result, source, "pdf")
        with told_as_damaged(result):
            document = _document(result, image, page)
            document.SOPClassUID, document.SOPInstanceUID = EncapsulatedPDFStorage, uids.instance
            document.SeriesInstanceUID = uids.series
            document.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
            document.file_meta.MediaStorageSOPInstanceUID = uids.instance
            file = BytesIO()
            document.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _document(result: Result, image, page: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    document = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    for keyword in _PATIENT:
        if keyword in image:
            document[keyword] = image[keyword]
    read = Dataset()
    read.ReferencedSOPClassUID, read.ReferencedSOPInstanceUID = (
        image.SOPClassUID,
        image.SOPInstanceUID,
    )
    for keyword, value in _told(result, page).items():
        setattr(document, keyword, value)
    document.ConceptNameCodeSequence = []
    document.SourceInstanceSequence = [read]
    return document


def _told(result: Result, page: bytes) -> dict[str, object]:
    """Return the document's attributes, in ASCII for any character set."""
    date, moment = result.created.strftime("%Y%m%d"), result.created.strftime("%H%M%S")
    return {
        "Modality": "DOC",
        "SeriesNumber": _SERIES,
        "SeriesDescription": f"Pneumo {result.reading.model}"[:40] + ", research use only",
        "InstanceNumber": 1,
        "Manufacturer": "Pneumo",
        "ManufacturerModelName": result.reading.model[:64],
        "SoftwareVersions": [result.software, result.reading.version],
        "ConversionType": "WSD",
        "BurnedInAnnotation": "NO" if result.deidentified else "YES",
        "DocumentTitle": "Chest X-ray reading",
        "MIMETypeOfEncapsulatedDocument": "application/pdf",
        "InstanceCreationDate": date,
        "InstanceCreationTime": moment,
        "ContentDate": date,
        "ContentTime": moment,
        "AcquisitionDateTime": "",
        "EncapsulatedDocumentLength": len(page),
        "EncapsulatedDocument": page + b"\0" * (len(page) % 2),
    }
