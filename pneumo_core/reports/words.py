"""Phrases shared by the exports of a result."""

import re
from collections.abc import Mapping

from pneumo_core.datasets import LABELS, PNEUMONIA
from pneumo_core.explanations import METHODS, HeatMap
from pneumo_core.gate.trained_ages import says_age
from pneumo_core.imaging.orientation import rotation_text
from pneumo_core.metrics import format_prevalence, format_rate
from pneumo_core.reports.result import Overlay, Result, clean

__all__ = [
    "ascii_text",
    "checkpoint_words",
    "facts_words",
    "heat_warning",
    "heat_words",
    "inside_words",
    "point_words",
    "scale_words",
    "setting_words",
    "verdict_words",
    "warning_words",
]


_BRACKETS = re.compile(r" \(.*\)")
_OTHER_AGE = "The patient's age is not among those that the model was trained on."
_MODALITIES = {"CR", "DX", "RG", "RF", "OT"}
_VIEWS = {"AP", "PA", "LL", "RL"}


def verdict_words(result: Result) -> str:
    """Return the verdict, with the probability and its prevalence if there is one."""
    reading = result.reading
    if reading.probability is None:
        return reading.verdict
    probability = format_rate(reading.probability)
    assumed = format_prevalence(reading.prevalence)
    return f"{reading.verdict}, probability {probability} at a prevalence of {assumed}"


def warning_words(result: Result) -> tuple[str, ...]:
    """Return the reading's warnings.

    A de-identified result tells neither the patient's age nor what stands in brackets, which may be
    words of the header.
    """
    told = tuple(clean(each) for each in result.reading.warnings)
    if not result.deidentified:
        return told
    return tuple(_OTHER_AGE if says_age(each) else _BRACKETS.sub("", each) for each in told)


def point_words(result: Result) -> str:
    """Return the rule: "PNEUMONIA at 0.895 or higher (operating point balanced)"."""
    point = result.point
    at = format_rate(point.threshold)
    return f"{LABELS[PNEUMONIA]} at {at} or higher (operating point {point.name})"


def checkpoint_words(result: Result) -> str:
    """Return the software and the model: "Pneumo 1.0.0, model cnn_94 version e2ed0cbe"."""
    reading = result.reading
    return f"{result.software}, model {reading.model} version {reading.version}"


def heat_words(overlay: Overlay | None) -> str:
    """Return a title such as "Grad-CAM, evidence for PNEUMONIA"; "The X-ray" without a map."""
    if overlay is None:
        return "The X-ray"
    heat = overlay.heat
    method = METHODS.get(heat.method)
    title = method.title if method else heat.method
    place = f" at {heat.layer}" if heat.layer else ""
    told = f", evidence for {LABELS[heat.label]}" if method is None or method.takes_label else ""
    return f"{title}{place}{told}{inside_words(heat)}"


def inside_words(heat: HeatMap) -> str:
    """Return ", 41 % inside the lungs", to add to the name of a map; "" if that is not known."""
    share = heat.share_inside_lungs
    return "" if share is None else f", {share * 100:.0f} % inside the lungs"


def heat_warning(overlay: Overlay | None) -> str:
    """Return a sentence for a map mostly outside the lungs, or an X-ray without lungs; else ""."""
    return "" if overlay is None else overlay.heat.lungs_warning


def scale_words(overlay: Overlay) -> str:
    """Return what the upper end of the colours, or the contour lines, mean."""
    if not overlay.heat.found:
        return "No evidence found in this X-ray"
    whole = "strongest in this X-ray" if overlay.peaks is None else "strongest of several X-rays"
    if overlay.strength is not None:
        whole = f"full at probability 1, here {format_rate(overlay.strength)}"
        if overlay.contour:
            return f"Lines: half (pale) and three quarters of full strength ({whole})"
    return f"Lines: half (pale) and three quarters of the {whole}" if overlay.contour else whole


def facts_words(result: Result) -> tuple[str, ...]:
    """Return format, size, modality, view and rotation, and nothing else from a header."""
    facts = result.radiograph.facts
    told = [facts.format, f"{facts.width} × {facts.height} pixels"]
    if facts.modality in _MODALITIES:
        told.append(facts.modality)
    if facts.view_position in _VIEWS:
        told.append(f"{facts.view_position} view")
    if result.reading.rotated:
        told.append(f"rotated by {rotation_text(result.reading.rotated)}")
    return tuple(told)


def setting_words(settings: Mapping[str, object]) -> str:
    """Return a training's settings as text, without those that were left open."""
    told = (
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in settings.items()
        if value not in (None, "auto")
    )
    return "; ".join(told)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return f"({', '.join(f'{name} {_value(each)}' for name, each in value.items())})"
    if isinstance(value, list | tuple):
        return " to ".join(str(each) for each in value)
    return str(value)


def ascii_text(text: str) -> str:
    """Return a text in the letters that every DICOM character set has."""
    return text.replace("×", "x").replace("–", "-").encode("ascii", "replace").decode()
