"""Reading one film: the gate before it, the verdict, and where the network looked."""

from pneumo_core.reading.gate import refusals, warnings_of
from pneumo_core.reading.reader import UNCERTAIN_MARGIN, Reader, Reading, open_reader
from pneumo_core.reading.samples import Sample, samples

__all__ = [
    "UNCERTAIN_MARGIN",
    "Reader",
    "Reading",
    "Sample",
    "open_reader",
    "refusals",
    "samples",
    "warnings_of",
]
