"""Export results: PDF, PNG, JSON, CSV and DICOM. Nothing here writes to the disk.

PDF and DICOM need the extra "reports"; their modules are imported on first use.
"""

from functools import partial
from typing import TYPE_CHECKING

from pneumo_core.core.extras import require
from pneumo_core.core.lazy import lazy_names
from pneumo_core.reports.evaluation import EvaluationReport, report_markdown, report_pdf
from pneumo_core.reports.overlays import to_png
from pneumo_core.reports.result import (
    RESEARCH_USE,
    Kind,
    Overlay,
    Result,
    digest_of,
    file_name,
    remember_source,
    result_of,
)
from pneumo_core.reports.tables import as_row, to_csv, to_json, worklist_json

if TYPE_CHECKING:
    from pneumo_core.reports.dicom_pdf import to_dicom_pdf
    from pneumo_core.reports.dicom_presentation import to_presentation_state
    from pneumo_core.reports.dicom_secondary_capture import to_dicom
    from pneumo_core.reports.dicom_sr import to_structured_report
    from pneumo_core.reports.pdf import to_pdf

__all__ = [
    "RESEARCH_USE",
    "EvaluationReport",
    "Kind",
    "Overlay",
    "Result",
    "as_row",
    "digest_of",
    "file_name",
    "remember_source",
    "report_markdown",
    "report_pdf",
    "result_of",
    "to_csv",
    "to_dicom",
    "to_dicom_pdf",
    "to_json",
    "to_pdf",
    "to_png",
    "to_presentation_state",
    "to_structured_report",
    "worklist_json",
]

_MODULES = {
    "dicom_secondary_capture": ("to_dicom",),
    "dicom_pdf": ("to_dicom_pdf",),
    "dicom_presentation": ("to_presentation_state",),
    "dicom_sr": ("to_structured_report",),
    "pdf": ("to_pdf",),
}
_needs_extra = partial(require, "reports", "reportlab", "highdicom", "pydicom")

__getattr__, __dir__ = lazy_names(__name__, _MODULES, check=_needs_extra)
