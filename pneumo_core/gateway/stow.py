"""STOW-RS bodies: multipart/related in, DICOM JSON out (PS3.18, 10.5)."""

from email.message import Message
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.intake import Outcome

__all__ = ["answer_of", "parts_of"]

_FAILURES = {"full": 0xA700, "refused": 0xC000}


def parts_of(content_type: str, body: bytes) -> list[bytes]:
    """Return the DICOM files in a body. Raises PneumoError if it is not a valid multipart body."""
    told = Message()
    told["Content-Type"] = content_type
    if told.get_content_type() == "application/dicom":
        return [body]
    boundary = told.get_param("boundary")
    if told.get_content_type() != "multipart/related" or not isinstance(boundary, str):
        raise PneumoError(
            "The body must be multipart/related with type=application/dicom and a boundary."
        )
    parts: list[bytearray] = []
    ended: list[bool] = []
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": lambda: parts.append(bytearray()),
            "on_part_data": lambda data, start, end: parts[-1].extend(data[start:end]),
            "on_end": lambda: ended.append(True),
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise PneumoError("The multipart body is damaged. Send it again.") from error
    if not (ended and parts):
        raise PneumoError("The multipart body is incomplete or has no parts. Send it again.")
    return [bytes(part) for part in parts]


def answer_of(outcomes: list[Outcome]) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body that gives the outcome for each file."""
    stored = [_referenced(each) for each in outcomes if each.accepted]
    failed = [
        _referenced(each) | {"00081197": {"vr": "US", "Value": [_FAILURES[each.answer]]}}
        for each in outcomes
        if not each.accepted
    ]
    body: dict[str, Any] = {}
    if stored:
        body["00081199"] = {"vr": "SQ", "Value": stored}
    if failed:
        body["00081198"] = {"vr": "SQ", "Value": failed}
    if not failed:
        return 200, body
    if stored:
        return 202, body
    return (503 if all(each.answer == "full" for each in outcomes) else 409), body


def _referenced(outcome: Outcome) -> dict[str, Any]:
    told = {"00081150": outcome.sop_class, "00081155": outcome.sop_uid}
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in told.items() if uid}
