"""Shortcut audit: which properties unrelated to the lungs predict the label."""

from pneumo_core.evaluation.shortcuts.audit import audit
from pneumo_core.evaluation.shortcuts.comparisons import Separation, Shift, Together, level_of
from pneumo_core.evaluation.shortcuts.further import (
    FurtherProperties,
    read_properties,
    with_properties,
)
from pneumo_core.evaluation.shortcuts.input_detail import audit_input_detail
from pneumo_core.evaluation.shortcuts.lungs import LungsLike, NamedLungFinder, installed_finder
from pneumo_core.evaluation.shortcuts.measure import (
    Measured,
    measure,
    measure_dataset,
    measured_before,
    stored_measurements,
)
from pneumo_core.evaluation.shortcuts.properties import LUNG_PROPERTIES, PROPERTIES, Property
from pneumo_core.evaluation.shortcuts.quartiles import (
    MIN_IMAGES,
    ByQuartile,
    Quarter,
    by_quartile,
    quartile_table,
)
from pneumo_core.evaluation.shortcuts.result import Audit
from pneumo_core.evaluation.shortcuts.words import (
    LIMITS,
    QUARTILES_TITLE,
    advice,
    quartile_sentence,
    separation_sentence,
    shift_sentence,
    summary,
)

__all__ = [
    "LIMITS",
    "LUNG_PROPERTIES",
    "MIN_IMAGES",
    "PROPERTIES",
    "QUARTILES_TITLE",
    "Audit",
    "ByQuartile",
    "FurtherProperties",
    "LungsLike",
    "Measured",
    "NamedLungFinder",
    "Property",
    "Quarter",
    "Separation",
    "Shift",
    "Together",
    "advice",
    "audit",
    "audit_input_detail",
    "by_quartile",
    "installed_finder",
    "level_of",
    "measure",
    "measure_dataset",
    "measured_before",
    "quartile_sentence",
    "quartile_table",
    "read_properties",
    "separation_sentence",
    "shift_sentence",
    "stored_measurements",
    "summary",
    "with_properties",
]
