"""A result as a structured report (Enhanced SR, TID 1500), by highdicom."""

import hashlib
from io import BytesIO
from pathlib import Path

from pneumo_core.reports._source_image import source_image
from pneumo_core.reports.dicom_secondary_capture import numbers
from pneumo_core.reports.result import RESEARCH_USE, Result
from pneumo_core.reports.words import (
    ascii_text,
    heat_warning,
    point_words,
    verdict_words,
    warning_words,
)

__all__ = ["to_structured_report"]

_SERIES = 9401
_UID_ROOT = "2.25."
_LONGEST_CODE = 16


def to_structured_report(result: Result, source: bytes | Path) -> bytes:
    """Return the result as an Enhanced SR after TID 1500, as a DICOM file.

    It has the probability of pneumonia as a measurement in [0, 1], the operating point, the finding
    in words, the algorithm's identification, and the image that was read. The same result of the
    same X-ray always gets the same UIDs.

    Args:
        result: of an X-ray that was read.
        source: the DICOM file that was read.

    Raises:
        PneumoError: the X-ray was not read, is not DICOM, or its header is damaged.
    """
    from highdicom.sr import EnhancedSR

    from pneumo_core.errors import PneumoError
    from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom
    from pneumo_core.reports._header import told_as_damaged

    if result.reading.probability is None:
        raise PneumoError(f"{result.film} was not read, so there is nothing to report.")
    with lenient_pydicom():
        image, uids = source_image(result, source, "sr")
        with told_as_damaged(result):
            report = EnhancedSR(
                evidence=[image],
                content=_content(result, image, uids.instance)[0],
                series_instance_uid=uids.series,
                series_number=_SERIES,
                sop_instance_uid=uids.instance,
                instance_number=1,
                manufacturer="Pneumo",
                is_complete=True,
                is_final=False,
                is_verified=False,
            )
            _describe(report, result, image)
            file = BytesIO()
            report.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _describe(report, result: Result, image) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    reading = result.reading
    report.SeriesDescription = f"Pneumo {reading.model}"[:40] + " report, research use only"
    report.ManufacturerModelName = reading.model
    report.SoftwareVersions = [result.software, f"{reading.model[:55]} {reading.version}"]
    if result.deidentified:
        for keyword in ("PatientIdentityRemoved", "DeidentificationMethod"):
            report[keyword] = image[keyword]


def _content(result: Result, image, uid: str):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    from highdicom import sr
    from pydicom.sr.codedict import codes

    reading = result.reading
    algorithm = sr.AlgorithmIdentification(
        name=f"Pneumo {reading.model}",
        version=reading.version or "unknown",
        parameters=[
            f"operating point {reading.operating_point}",
            f"threshold {reading.threshold}",
            numbers(result),
            RESEARCH_USE,
            *(f"warning: {ascii_text(each)}" for each in _warnings(result)),
        ],
        manufacturer="Pneumo",
    )
    context = sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                uid=_device_uid(result),
                name="Pneumo",
                manufacturer_name="Pneumo",
                model_name=reading.model[:64],
            ),
        )
    )
    measurement = sr.Measurement(
        name=_code("probability", "Probability of pneumonia"),
        value=float(reading.probability or 0.0),
        unit=codes.UCUM.NoUnits,
        algorithm_id=algorithm,
    )
    verdict = sr.QualitativeEvaluation(
        name=codes.DCM.Finding if hasattr(codes.DCM, "Finding") else codes.SCT.Finding,
        value=_code(f"signs-{reading.level}", f"Signs of pneumonia {reading.level}"),
    )
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=_device_uid(result, uid), identifier=verdict_words(result)[:1000]
        ),
        finding_type=_sct("233604007", "Pneumonia"),
        finding_sites=[sr.FindingSite(anatomic_location=_sct("39607008", "Lung"))],
        algorithm_id=algorithm,
        measurements=[measurement],
        qualitative_evaluations=[verdict, _point(result)],
        source_images=[
            sr.SourceImageForMeasurementGroup(
                referenced_sop_class_uid=str(image.SOPClassUID),
                referenced_sop_instance_uid=str(image.SOPInstanceUID),
            )
        ],
    )
    return sr.MeasurementReport(
        observation_context=context,
        procedure_reported=_sct("399208008", "Plain chest X-ray"),
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )


def _warnings(result: Result) -> list[str]:
    """Return the reading's warnings, and the heat map's if it has one."""
    return [each for each in (*warning_words(result), heat_warning(result.overlay)) if each]


def _point(result: Result):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from highdicom import sr

    name = result.reading.operating_point
    value = _code(f"point-{name}", point_words(result))
    return sr.QualitativeEvaluation(name=_code("operating-point", "Operating point"), value=value)


def _code(value: str, meaning: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return a private code: "99PNEUMO" is a private scheme (PS3.16, 8.2).

    A value may have 16 characters; of a longer one a digest takes the end's place.
    """
    from highdicom.sr import CodedConcept

    if len(value) > _LONGEST_CODE:
        value = f"{value[:9]}-{hashlib.sha256(value.encode()).hexdigest()[:6]}"
    return CodedConcept(value, "99PNEUMO", meaning[:64])


def _sct(value: str, meaning: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from highdicom.sr import CodedConcept

    return CodedConcept(value, "SCT", meaning)


def _device_uid(result: Result, *more: str) -> str:
    from uuid import NAMESPACE_OID, uuid5

    told = "/".join((result.reading.model, result.reading.version, *more))
    return f"{_UID_ROOT}{uuid5(NAMESPACE_OID, told).int}"
