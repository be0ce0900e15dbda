"""A widget for every training setting, generated from the config's schema."""

import math
from collections.abc import Mapping
from typing import Any

import pydantic
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.words import plain
from pneumo_core.training import TrainingConfig, training_config

__all__ = ["SWEEPABLE", "choose_settings", "setting_label"]

_CONFIG = pydantic.TypeAdapter(TrainingConfig)
_SCHEMA = _CONFIG.json_schema()
_SETTINGS: Mapping[str, Mapping[str, Any]] = _SCHEMA["properties"]
_CHANGES: Mapping[str, Mapping[str, Any]] = _SCHEMA["$defs"]["Augmentation"]["properties"]
_FIRST = ("epochs", "batch_size", "learning_rate", "seed")
_ELSEWHERE = ("model", "augmentation")
_COLUMNS = 2
_RESETS = "resets of training settings"
_LEFT, _STARTS = "training settings", "starts of training settings"
"""Session keys: each widget's value, and where it started; Streamlit drops a left page's widgets.
"""
_LABELS: Mapping[str, str] = {
    "average": "Moving average of the weights (decay)",
    "backbone_factor": "Backbone's learning rate (factor)",
    "balance": "Class balance",
    "folds": "Folds of cross-validation",
    "keep": "Epoch to keep",
    "keep_epochs": "Keep every epoch",
    "lung_attention": "Weight of the lung attention loss",
    "mirror": "Also read the mirror image",
    "patience": "Patience (epochs)",
    "size": "Input size (pixels)",
    "validation": "Validation split",
    "validation_fraction": "Patients for validation (share)",
}
_CHANGE_LABELS: Mapping[str, str] = {
    "blur": "Blur (pixels)",
    "brightness": "Brightness (±)",
    "contrast": "Contrast (±)",
    "cut": "Lungs cut off at an edge (share)",
    "gamma": "Gamma (±)",
    "mirror": "Mirror image (probability)",
    "noise": "Noise (standard deviation)",
    "resampled": "X-rays that are moved (share)",
    "rotation": "Rotation (degrees)",
    "scale": "Stretch of each side (±)",
    "shift": "Shift (share of the side)",
    "zoom": "Zoom (factor)",
}

SWEEPABLE = tuple(
    name for name, facts in _SETTINGS.items() if facts.get("type") in {"integer", "number"}
)
"""Settings that a sweep can vary."""


def setting_label(name: str) -> str:
    """Return a setting's label, with its unit."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def choose_settings(start: TrainingConfig, key: str) -> TrainingConfig:
    """Show widgets for all settings except the architecture, starting from ``start``.

    ``key`` changes with ``start``. Raises TrainingError for inconsistent settings.
    """
    values = _CONFIG.dump_python(start)
    key = f"{key} {st.session_state.setdefault(_RESETS, 0)}"
    rest = [name for name in _SETTINGS if name not in (*_FIRST, *_ELSEWHERE)]
    chosen = {"model": start.model} | _boxes(_SETTINGS, _FIRST, values, key)
    with st.expander("All settings"):
        chosen |= _boxes(_SETTINGS, rest, values, key)
        st.markdown(
            "**Augmentation**: random changes of each training X-ray, drawn anew in every epoch"
        )
        changes = values["augmentation"]
        chosen["augmentation"] = _boxes(_CHANGES, tuple(_CHANGES), changes, f"{key} augmentation")
        config = training_config(**chosen)
        st.button(  # always there, so that nothing moves at the first change
            "Back to the recipe's settings",
            icon=":material/undo:",
            type="tertiary",
            disabled=config == start,
            on_click=_reset,
        )
    return config


def _reset() -> None:
    """Begin new widgets: those that are there would keep their values."""
    st.session_state[_RESETS] += 1


def _boxes(
    settings: Mapping[str, Mapping[str, Any]],
    names: tuple[str, ...] | list[str],
    values: Mapping[str, Any],
    key: str,
) -> dict[str, Any]:
    chosen = {}
    for start in range(0, len(names), _COLUMNS):
        columns = st.columns(_COLUMNS, vertical_alignment="bottom")
        for column, name in zip(columns, names[start : start + _COLUMNS], strict=False):
            place = f"{key} {name}"
            value = _box(column, name, settings, _start(place, values[name]), place)
            chosen[name] = st.session_state[_LEFT][place] = value
    return chosen


def _start(key: str, value: Any) -> Any:
    """Return where a widget starts: as it was left in this session, else at the recipe's value.

    While the page is open the start stays the same, or Streamlit would begin a new widget.
    """
    left = st.session_state.setdefault(_LEFT, {})
    starts = st.session_state.setdefault(_STARTS, {})
    if key not in st.session_state:
        starts[key] = left.get(key, value)
    return starts.get(key, value)


def _box(
    place: DeltaGenerator,
    name: str,
    settings: Mapping[str, Mapping[str, Any]],
    value: Any,
    key: str,
) -> Any:
    """Show the widget that fits a setting's type."""
    about = settings[name].get("description", "")
    told: dict[str, Any] = {"help": plain(about), "key": key}
    label = setting_label(name)
    if settings is _CHANGES:
        label = _CHANGE_LABELS.get(name, label)
    facts = settings[name]
    facts = next((each for each in facts.get("anyOf", ()) if each["type"] != "null"), facts)
    if "enum" in facts:
        return place.selectbox(label, facts["enum"], facts["enum"].index(value), **told)
    match facts["type"]:
        case "boolean":
            return place.toggle(label, value, **told)
        case "string":
            return place.text_input(label, value, **told)
        case "array":
            return _range(place, label, facts, value, told)
        case "integer":
            least, most = facts.get("minimum"), facts.get("maximum")
            return place.number_input(label, least, most, value, 1, placeholder="its own", **told)
    least = float(facts.get("minimum", facts.get("exclusiveMinimum", 0)))
    most = float(facts.get("maximum", facts.get("exclusiveMaximum", 1)))
    return place.number_input(label, least, most, float(value), _step(value), "%g", **told)


def _range(
    place: DeltaGenerator, label: str, facts: Mapping[str, Any], value: Any, told: dict[str, Any]
) -> tuple[float, float]:
    """Show a slider for the least and the most; a share is drawn up to 0.3, a factor in full."""
    part = facts["prefixItems"][0]
    least, most = float(part["minimum"]), float(part["maximum"])
    if least == 0:
        most = max(0.3, float(value[1]))
    chosen: tuple[float, float] = place.slider(
        f"{label}, from and to", least, most, (float(value[0]), float(value[1])), 0.01, **told
    )
    return chosen


def _step(value: float) -> float:
    """Return a tenth of the value's order of magnitude."""
    return float(10 ** (math.floor(math.log10(value)) - 1)) if value else 0.01
