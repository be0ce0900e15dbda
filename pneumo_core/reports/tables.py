"""Readings as JSON and CSV: one X-ray with everything, or a worklist with a row per file."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from pneumo_core.core.spreadsheets import without_formula
from pneumo_core.explanations import HeatMap
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reading
from pneumo_core.reading.reader import RESULT_FIELDS
from pneumo_core.reports.result import RESEARCH_USE, Overlay, Result
from pneumo_core.reports.words import warning_words

__all__ = ["as_row", "to_csv", "to_json", "worklist_json"]


def as_row(reading: Reading, heat: HeatMap | None = None) -> dict[str, Any]:
    """Return a reading as ``pneumo predict --json`` prints it: see ``Reading.to_dict``.

    ``lungs`` is that of its heat map where the model, which sees whole X-rays, has not looked for
    them.
    """
    row = reading.to_dict()
    if heat is not None and row["lungs"] is None:
        row["lungs"] = heat.facts["lungs_box"]
    return row


def to_json(result: Result) -> str:
    """Write a result as one JSON object: its row, and what is needed to judge it. No pixels.

    ``rates`` are those of test X-rays where the checkpoint has any, else those of the X-rays that
    ``on`` names. ``at_prevalence`` is what follows at the reader's own prevalence, null without.
    """
    card, point = result.card, result.point
    facts = result.radiograph.facts
    told = as_row(result.reading, result.overlay.heat if result.overlay else None) | {
        "file": result.film,
        "warnings": list(warning_words(result)),
        "film": {
            "id": result.film_id,
            "deidentified": result.deidentified,
            "format": facts.format,
            "width": facts.width,
            "height": facts.height,
        },
        "chosen": {"rule": point.rule, "on": point.chosen_on or None},
        "rates": {
            "on": result.rates.split or None,
            "films_with_pneumonia": result.rates.ill or None,
            "films_without": result.rates.healthy or None,
            "sensitivity": _estimate(result.rates.sensitivity),
            "specificity": _estimate(result.rates.specificity),
        },
        "at_prevalence": _at_prevalence(result),
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
    """Write a worklist as a JSON array of rows (see ``as_row``), in the given order."""
    return json.dumps([as_row(reading) for reading in readings], indent=2, ensure_ascii=False)


def to_csv(readings: Sequence[Reading]) -> str:
    """Write a worklist as CSV (RFC 4180), a row per file in the order given; empty where unknown.

    File names are kept to identify the rows. Text that a spreadsheet would take for a formula
    is prefixed with an apostrophe. Encode it as "utf-8-sig": Excel recognises UTF-8 only by
    its byte order mark.
    """
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(RESULT_FIELDS)
    for reading in readings:
        row = as_row(reading)
        rows.writerow([_cell(row[name]) for name in RESULT_FIELDS])
    return file.getvalue()


def _cell(value: Any) -> Any:
    """Return a spreadsheet cell: numbers unchanged, sentences joined, no formulas.

    An object is written as JSON."""
    text = json.dumps(value) if isinstance(value, dict) else value
    text = " ".join(text) if isinstance(text, list) else text
    return without_formula(text)


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    """Return a figure and its 95 % interval; None if there is none."""
    figures = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if math.isnan(figure) else figure for name, figure in figures.items()}


def _at_prevalence(result: Result) -> dict[str, Any] | None:
    """Return probability, PPV and NPV at the reader's prevalence."""
    prevalence = result.prevalence
    if prevalence is None or result.reading.probability is None:
        return None
    ppv, npv = result.rates.predictive_values(prevalence)
    return {
        "prevalence": prevalence,
        "probability": result.reading.probability_at(prevalence),
        "ppv": _estimate(ppv),
        "npv": _estimate(npv),
    }


def _heat_map(overlay: Overlay | None) -> dict[str, Any] | None:
    if overlay is None:
        return None
    heat = overlay.heat
    return {
        **heat.facts,
        "scaled_to": _scaled_to(overlay),
        "strength": overlay.strength,
        "drawn": "contour" if overlay.contour else "colours",
        "opacity": None if overlay.contour else overlay.opacity,
    }


def _scaled_to(overlay: Overlay) -> str:
    """Return what full colour means."""
    if overlay.peaks is not None:
        return "several X-rays"
    return "this X-ray" if overlay.strength is None else "probability"
