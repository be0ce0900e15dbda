"""A result as FHIR R4: a Bundle of a DiagnosticReport and its Observation."""

from datetime import UTC, datetime
from typing import Any

from pneumo_core.gateway.records import Film
from pneumo_core.metrics import format_prevalence, format_rate

__all__ = ["to_fhir"]

_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_OWN = "urn:pneumo"
_PREVALENCE = "Prevalence of pneumonia that the probability assumes"
_STATUS = {"read": "preliminary", "refused": "cancelled", "failed": "cancelled"}


def to_fhir(reading: dict[str, Any], film: Film | None = None) -> dict[str, Any]:
    """Return a Bundle with a DiagnosticReport, preliminary, since it is not signed, and its
    Observation.

    Args:
        reading: a row as ``pneumo predict --json`` writes it.
        film: the queued X-ray, to add its study and patient.
    """
    report = _common("DiagnosticReport", "report", film) | {
        "status": _STATUS[reading["status"]],
        "code": _concept(_LOINC, "36554-4", "XR Chest Single view"),
        "conclusion": " ".join((_sentence(reading), *reading["reasons"])),
        "result": [{"reference": "#observation"}],
        "contained": [_observation(reading, film)],
    }
    entry = {"fullUrl": "urn:pneumo:report", "resource": report}
    return {"resourceType": "Bundle", "type": "collection", "entry": [entry]}


def _sentence(reading: dict[str, Any]) -> str:
    """Return the verdict, with the probability and the prevalence that it assumes, if read."""
    assumed = reading.get("assumed_prevalence")  # rows of older gateways don't have it
    if reading["probability"] is None or assumed is None:
        return f"{reading['verdict']}."
    probability = format_rate(reading["probability"])
    prevalence = format_prevalence(assumed)
    return f"{reading['verdict']}, probability {probability} at a prevalence of {prevalence}."


def _observation(reading: dict[str, Any], film: Film | None) -> dict[str, Any]:
    observation = _common("Observation", "observation", film) | {
        "status": _STATUS[reading["status"]],
        "code": _concept(_SNOMED, "233604007", "Pneumonia"),
        "method": {"text": f"Pneumo {reading['model']} {reading['version']}"},
        "note": [{"text": text} for text in ("Research use only.", *reading["warnings"])],
    }
    if reading["probability"] is None:
        return observation | {"dataAbsentReason": {"text": " ".join(reading["reasons"])}}
    unit = {"unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}
    threshold = {"value": reading["threshold"], **unit}
    observation |= {
        "valueQuantity": {"value": reading["probability"], **unit},
        "interpretation": [{"text": reading["verdict"]}],
        "referenceRange": [{"high": threshold, "text": reading["operating_point"]}],
    }
    assumed = reading.get("assumed_prevalence")
    if assumed is not None:
        prevalence = {"code": {"text": _PREVALENCE}, "valueQuantity": {"value": assumed, **unit}}
        observation["component"] = [prevalence]
    return observation


def _common(kind: str, name: str, film: Film | None) -> dict[str, Any]:
    told: dict[str, Any] = {"resourceType": kind, "id": name}
    if film is None:
        return told
    issuer, _, patient = film.patient.partition("\0")
    moment = datetime.fromtimestamp(film.changed, UTC).isoformat(timespec="seconds")
    told["issued"] = moment
    if patient:
        told["subject"] = {"identifier": {"system": issuer or _OWN, "value": patient}}
    if kind == "DiagnosticReport" and film.study_uid:
        study = {"system": "urn:dicom:uid", "value": f"urn:oid:{film.study_uid}"}
        told["imagingStudy"] = [{"identifier": study}]
        if film.accession:
            told["basedOn"] = [{"identifier": {"value": film.accession}}]
    return told


def _concept(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}
