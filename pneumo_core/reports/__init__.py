"""Taking readings away: PDF, PNG, JSON, CSV and DICOM. Nothing here touches the disk."""

from pneumo_core.reports.dicom import to_dicom
from pneumo_core.reports.evaluation import EvaluationReport, report_markdown, report_pdf
from pneumo_core.reports.overlays import to_png
from pneumo_core.reports.pdf import to_pdf
from pneumo_core.reports.result import (
    RESEARCH_USE,
    Kind,
    Overlay,
    Result,
    file_name,
    result_of,
)
from pneumo_core.reports.tables import as_row, to_csv, to_json, worklist_json

__all__ = [
    "RESEARCH_USE",
    "EvaluationReport",
    "Kind",
    "Overlay",
    "Result",
    "as_row",
    "file_name",
    "report_markdown",
    "report_pdf",
    "result_of",
    "to_csv",
    "to_dicom",
    "to_json",
    "to_pdf",
    "to_png",
    "worklist_json",
]
