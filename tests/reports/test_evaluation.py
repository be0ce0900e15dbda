"""An evaluation report says what was measured, at which threshold, and what it can't know."""

from dataclasses import replace

import pypdfium2

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import Study
from pneumo_core.evaluation.shortcuts import PROPERTIES, QUARTILES_TITLE, ByQuartile, Quarter
from pneumo_core.metrics import rate
from pneumo_core.reports import EvaluationReport, report_markdown, report_pdf
from tests.evaluation.tables import scores

LABELS = [0, 0, 0, 1, 1, 1]
P = [0.1, 0.2, 0.7, 0.8, 0.9, 0.4]


def made(checkpoint: Checkpoint, threshold: float = 0.5) -> EvaluationReport:
    return EvaluationReport(checkpoint, Study(scores(LABELS, P)), threshold)


def test_markdown_holds_the_figures_and_claims_items(checkpoint: Checkpoint) -> None:
    told = report_markdown(made(checkpoint))
    assert "| Sensitivity | 0.667 (0.208–0.939) |" in told
    assert "| NORMAL | 2 | 1 |" in told
    assert "| PNEUMONIA | 1 | 2 |" in told
    for words in (
        "6 X-rays of 6 patients",
        checkpoint.card.attribution,
        checkpoint.card.version,
        "Operating point screening: 0.2000",
        "Research use only",
        "Ethics approval",
        "| subtype virus | 3 |",
    ):
        assert words in told


def test_a_threshold_of_ones_own_is_said_to_be_one(checkpoint: Checkpoint) -> None:
    assert "a custom one" in report_markdown(made(checkpoint, 0.44))
    assert "a custom one" not in report_markdown(made(checkpoint, 0.2))


def test_the_pdf_says_the_same_with_pictures(checkpoint: Checkpoint) -> None:
    document = pypdfium2.PdfDocument(report_pdf(made(checkpoint)))
    words = " ".join(page.get_textpage().get_text_range() for page in document)
    assert "0.667" in words
    assert "Ethics approval" in words
    kinds = [each.type for page in document for each in page.get_objects()]
    assert kinds.count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE) == 5


def test_mistakes_by_quartile_are_reported_where_they_were_measured(
    checkpoint: Checkpoint,
) -> None:
    quarters = tuple(
        Quarter(0.2 * k, 0.2 * k + 0.1, 100, errors, rate(errors, 100))
        for k, errors in enumerate((5, 12, 17, 31))
    )
    found = ByQuartile(PROPERTIES["lung_height"], "test", 0, quarters, 0)
    report = replace(made(checkpoint), quartiles=(found,))
    told = report_markdown(report)
    assert "## Shortcuts" in told
    assert "False alarms rise from 5% to 31% from the lowest to the highest quarter" in told
    assert "Lowest first: 5 of 100, 12 of 100, 17 of 100, 31 of 100." in told
    assert report_pdf(report).startswith(b"%PDF")


def test_mistakes_by_quartile_that_were_not_measured_are_said_to_be_missing(
    checkpoint: Checkpoint,
) -> None:
    told = report_markdown(made(checkpoint))
    assert "## Shortcuts" in told
    assert "were not measured. Run `pneumo evaluate --shortcuts`, or open" in told
    assert f'"{QUARTILES_TITLE}" on the page Evaluate' in told
    few = report_markdown(replace(made(checkpoint), quartiles=()))
    assert "fewer than 20 of the measured X-rays of each label" in few
    assert "not measured" not in few
