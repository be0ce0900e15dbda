"""The model facts label: a model's purpose, data, performance and limits on one page.

The sections are those of Sendak et al. 2020, doi 10.1038/s41746-020-0253-3, filled from the model's
card alone; what the card does not contain is given as unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.explanations import METHODS
from pneumo_core.metrics import Evaluation, format_prevalence, rate
from pneumo_core.reports.result import RESEARCH_USE

__all__ = ["ModelFacts", "facts_markdown", "facts_pdf", "model_facts"]

Rows = tuple[tuple[str, str], ...]

_SPLITS = {"test": "Test X-rays", "val": "Validation X-rays"}


@dataclass(frozen=True)
class ModelFacts:
    """A label: title, and for each section its name and its rows of name and value."""

    title: str
    sections: tuple[tuple[str, Rows], ...]


def model_facts(checkpoint: Checkpoint) -> ModelFacts:
    """Return the facts label of a model."""
    return ModelFacts(
        title=f"Model facts: {checkpoint.name}",
        sections=(
            ("Summary", tuple(_summary(checkpoint))),
            ("Mechanism", tuple(_mechanism(checkpoint))),
            ("Validation and performance", tuple(_performance(checkpoint))),
            ("Uses and directions", tuple(_uses(checkpoint))),
            ("Warnings", tuple(_warnings(checkpoint))),
            ("Other information", tuple(_other(checkpoint))),
        ),
    )


def _summary(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    card = checkpoint.card
    yield "Model", f"{checkpoint.name}, version {card.version}, of {card.created}"
    yield "Purpose", card.intended_use
    yield "Status", RESEARCH_USE


def _mechanism(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    card = checkpoint.card
    seen = "the box around the lungs" if card.input.framing else "the whole X-ray"
    yield "Outcome", "Signs of pneumonia in one chest X-ray"
    yield (
        "Output",
        "Probability from 0 to 1, calibrated for a prevalence of "
        f"{format_prevalence(card.prevalence)}, and a result at a threshold",
    )
    yield "Patients", card.trained_on or "The card does not state whose X-rays it was trained on"
    yield "Input", f"{seen}, as {card.input.size} × {card.input.size} pixels; no other data"
    yield "Model type", f"Convolutional neural network: {card.architecture}"
    yield "Training started from", card.origin
    yield "Training X-rays", _counts(checkpoint)
    yield "Reference standard", "The labels of the dataset, as they are"


def _counts(checkpoint: Checkpoint) -> str:
    counts = checkpoint.card.dataset.counts.get("train", {})
    return ", ".join(f"{n:,} {label}" for label, n in counts.items()) or "not known"


def _performance(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    card = checkpoint.card
    point = card.operating_point()
    yield "At", f"the operating point {point.name}, threshold {point.threshold:.3f}"
    for split, title in _SPLITS.items():
        if split in card.evaluation:
            yield from _figures(title, card.evaluation[split])
    for each in card.operating_points:
        yield (
            f"Operating point {each.name}",
            f"{each.threshold:.3f}: {each.rule}; chosen on {each.chosen_on} X-rays",
        )
    if card.validation:
        yield "Validation results are", card.validation


def _figures(title: str, found: Evaluation) -> Iterator[tuple[str, str]]:
    counts = found.confusion
    ill, predicted = counts.tp + counts.fn, counts.tp + counts.fp
    yield title, f"{found.n:,}, {ill / found.n:.0%} with pneumonia; 95 % intervals in brackets"
    yield "AUC", str(found.auc)
    yield "Sensitivity", str(found.sensitivity)
    yield "Specificity", str(found.specificity)
    yield "Positive predictive value at this prevalence", str(rate(counts.tp, predicted))
    yield (
        "Negative predictive value at this prevalence",
        str(rate(counts.tn, counts.tn + counts.fn)),
    )
    yield "Expected calibration error", str(found.ece)


def _uses(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    yield "Use it for", "research and teaching, beside a person who reads the X-ray"
    yield "Before use", "evaluate it on labelled X-rays of your own site, and calibrate it there"
    shares = _shares(checkpoint.card.inside_lungs)
    if shares:
        yield (
            "Heat maps",
            f"mean share inside the lungs, on validation X-rays with pneumonia: {shares}; where a "
            "model looks is no proof of disease",
        )


def _shares(shares: Mapping[str, float]) -> str:
    """Return shares by method in words: "Grad-CAM 93 %, LayerCAM 88 %"."""
    titles = {name: method.title for name, method in METHODS.items()}
    return ", ".join(
        f"{titles.get(name, name)} {share * 100:.0f} %" for name, share in shares.items()
    )


def _warnings(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    for limitation in checkpoint.card.limitations:
        yield "Limitation", limitation
    yield (
        "Do not use it",
        "for diagnosis or treatment, to rule out pneumonia, or for other findings",
    )
    yield "Other sites", "the card records no evaluation at another hospital"
    yield "Subgroups", "the card records no results by age, sex or scanner"
    yield (
        "Stop using it if",
        "the shares of its results change, or your own check finds more errors",
    )


def _other(checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    card = checkpoint.card
    yield "Approval", "none: it is not a medical device"
    yield "Licence", "MIT (code and weights)"
    yield "X-rays", card.attribution
    yield "Fingerprint of the dataset", card.dataset.fingerprint
    yield "SHA-256 of the weights", card.weights_sha256


def facts_markdown(facts: ModelFacts, *, level: int = 1) -> str:
    """Return a label as Markdown: a table for each section; ``level``: that of the title."""
    lines = [f"{'#' * level} {facts.title}", ""]
    for name, rows in facts.sections:
        lines += [f"{'#' * (level + 1)} {name}", "", "| fact | value |", "|---|---|"]
        lines += [f"| {what} | {_cell(value)} |" for what, value in rows] + [""]
    return "\n".join(lines)


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|").replace("<", "&lt;")


def facts_pdf(facts: ModelFacts) -> bytes:
    """Return a label as a PDF, A4. Needs the extra "reports"."""
    from reportlab.platypus import Flowable, Spacer

    from pneumo_core.reports import _paper as paper

    story: list[Flowable] = [paper.text(facts.title, "verdict")]
    for name, rows in facts.sections:
        story += [paper.pairs(name, list(rows), paper.WIDTH), Spacer(1, 7)]
    return paper.as_pdf(facts.title, story, margin=paper.SIDE * 0.6)
