"""Reading one film: the gate before it, the verdict, and where the network looked."""

from pneumo_core.reading.gate import refusals, warnings_of
from pneumo_core.reading.rates import Rates, rates_at, rates_of
from pneumo_core.reading.reader import UNCERTAIN_MARGIN, Reader, Reading, open_reader
from pneumo_core.reading.recorded import entry_of
from pneumo_core.reading.samples import Sample, samples
from pneumo_core.reading.threshold import CUSTOM, custom_point
from pneumo_core.reading.uncertain import band_text, uncertain_band

__all__ = [
    "CUSTOM",
    "UNCERTAIN_MARGIN",
    "Rates",
    "Reader",
    "Reading",
    "Sample",
    "band_text",
    "custom_point",
    "entry_of",
    "open_reader",
    "rates_at",
    "rates_of",
    "refusals",
    "samples",
    "uncertain_band",
    "warnings_of",
]
