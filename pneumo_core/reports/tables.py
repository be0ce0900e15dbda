"""Readings as JSON and CSV: one film with everything, or a worklist with a row per file."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from pneumo_core.data import LABELS
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reading
from pneumo_core.reports.result import RESEARCH_USE, Overlay, Result, clean

__all__ = ["as_row", "to_csv", "to_json", "worklist_json"]

_COLUMNS = (
    *("file", "status", "verdict", "probability", "label", "operating_point", "threshold"),
    *("model", "version", "inverted", "reasons", "warnings"),
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def as_row(reading: Reading) -> dict[str, Any]:
    """A reading as JSON knows it, in the words of ``pneumo predict --json``.

    ``label`` is 0 (NORMAL), 1 (PNEUMONIA) or None; ``inverted`` says that the film was read with
    black and white swapped; ``reasons`` and ``warnings`` are lists.
    """
    row = {name: getattr(reading, name) for name in _COLUMNS}
    return row | {
        "file": clean(reading.file),
        "reasons": [clean(reason) for reason in reading.reasons],
        "warnings": [clean(warning) for warning in reading.warnings],
    }


def to_json(result: Result) -> str:
    """A result as one JSON object; its row, and what is needed to judge it. No pixels."""
    card, point = result.card, result.point
    facts = result.radiograph.facts
    told = as_row(result.reading) | {
        "file": result.film,
        "film": {
            "id": result.film_id,
            "deidentified": result.deidentified,
            "format": facts.format,
            "width": facts.width,
            "height": facts.height,
        },
        "chosen": {
            "rule": point.rule,
            "on": point.chosen_on,
            "sensitivity": _estimate(point.sensitivity),
            "specificity": _estimate(point.specificity),
        },
        "heat_map": _heat_map(result.overlay),
        "architecture": card.architecture,
        "trained_on": card.trained_on,
        "intended_use": card.intended_use,
        "limitations": list(card.limitations),
        "attribution": card.attribution,
        "created": result.created.isoformat(),
        "software": result.software,
        "notice": RESEARCH_USE,
    }
    return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)


def worklist_json(readings: Sequence[Reading]) -> str:
    """A worklist as a JSON array of rows (see ``as_row``), in the order given."""
    return json.dumps([as_row(reading) for reading in readings], indent=2, ensure_ascii=False)


def to_csv(readings: Sequence[Reading]) -> str:
    """A worklist as CSV (RFC 4180), a row per file in the order given; empty where unknown.

    Files keep their names, or the rows would name nothing. A text that a spreadsheet would take
    for a formula begins with an apostrophe. Encode it as "utf-8-sig": Excel knows UTF-8 by its
    byte order mark alone.
    """
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(_COLUMNS)
    for reading in readings:
        row = as_row(reading)
        rows.writerow([_cell(row[name]) for name in _COLUMNS])
    return file.getvalue()


def _cell(value: Any) -> Any:
    """A spreadsheet's cell: numbers as they are, sentences in a row, nothing that it would run."""
    text = " ".join(value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    """A figure and its 95 % interval; null where there's none."""
    figures = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if math.isnan(figure) else figure for name, figure in figures.items()}


def _heat_map(overlay: Overlay | None) -> dict[str, Any] | None:
    if overlay is None:
        return None
    heat = overlay.heat
    return {
        "method": heat.method,
        "layer": heat.layer,
        "evidence_for": LABELS[heat.label],
        "found": heat.found,
        "scaled_to": "this film" if overlay.peaks is None else "several films",
        "drawn": "contour" if overlay.contour else "colours",
        "opacity": None if overlay.contour else overlay.opacity,
    }
