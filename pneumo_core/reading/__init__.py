"""Read one X-ray: the image check, the result, and where the network looked."""

from pneumo_core.reading.audit_entry import entry_of, entry_of_row
from pneumo_core.reading.custom_threshold import CUSTOM, custom_point
from pneumo_core.reading.rates import Rates, rates_at, rates_of
from pneumo_core.reading.reader import UNCERTAIN_MARGIN, Reader, Reading, open_reader
from pneumo_core.reading.samples import Sample, samples
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
    "entry_of_row",
    "open_reader",
    "rates_at",
    "rates_of",
    "samples",
    "uncertain_band",
]
