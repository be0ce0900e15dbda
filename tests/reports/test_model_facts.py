"""The facts label says what the card says, and says so where the card knows nothing."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdfium2
from typer.testing import CliRunner

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.cli import app
from pneumo_core.reports.model_facts import ModelFacts, facts_markdown, facts_pdf, model_facts

SHIPPED = Path(__file__).parents[2] / "checkpoints"


def rows(facts: ModelFacts) -> dict[str, str]:
    return {name: value for _, section in facts.sections for name, value in section}


def test_the_default_models_label() -> None:
    checkpoint = load_checkpoint("pneumo", root=SHIPPED)
    facts, test = rows(model_facts(checkpoint)), checkpoint.card.evaluation["test"]
    assert facts["Patients"] == "children of 1 to 5 years"
    assert facts["Training X-rays"] == "1,341 NORMAL, 3,875 PNEUMONIA"
    assert facts["Approval"] == "none: it is not a medical device"
    assert "pneumonia: Grad-CAM 93 %, LayerCAM 88 %, Activation 67 %; " in facts["Heat maps"]
    # Validation comes after test, and has the same names.
    performance = dict(reversed(model_facts(checkpoint).sections[2][1]))
    assert performance["AUC"] == str(test.auc)
    counts = test.confusion
    value = performance["Positive predictive value at this prevalence"]
    assert value.startswith(f"{counts.tp / (counts.tp + counts.fp):.3f} (")


def test_what_a_card_does_not_know_is_said(checkpoint: Checkpoint) -> None:
    unknown = replace(checkpoint, card=replace(checkpoint.card, trained_on="", inside_lungs={}))
    facts = rows(model_facts(unknown))
    assert facts["Patients"].startswith("The card does not state")
    assert "Heat maps" not in facts


def test_the_pdf_has_every_fact_of_the_default_model() -> None:
    facts = model_facts(load_checkpoint("pneumo", root=SHIPPED))
    pages = pypdfium2.PdfDocument(BytesIO(facts_pdf(facts)))
    told = " ".join(page.get_textpage().get_text_range() for page in pages)
    words = set(told.split())
    for name, section in facts.sections:
        assert name in told
        for what, _ in section:
            assert set(what.split()) <= words
    assert len(pages) <= 2


def test_a_cell_of_markdown_stays_one_cell() -> None:
    facts = ModelFacts("Model facts: m", (("Summary", (("Model", "a|b\n<c>"),)),))
    assert "| Model | a\\|b &lt;c> |" in facts_markdown(facts)


def test_the_command_prints_it_and_writes_it(checkpoint: Checkpoint, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["models", "facts", checkpoint.name])
    assert run.exit_code == 0
    assert f"# Model facts: {checkpoint.name}" in run.stdout
    pdf = tmp_path / "facts.pdf"
    run = CliRunner().invoke(app, ["models", "facts", checkpoint.name, "--pdf", str(pdf)])
    assert run.exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF")
