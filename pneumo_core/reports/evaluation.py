"""The evaluation report, as Markdown and PDF.

The order is that of CLAIM, the checklist for artificial intelligence in medical imaging (Mongan et
al. 2020, doi 10.1148/ryai.2020200029); items that Pneumo cannot know are listed for the author.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from pneumo_core import __version__
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import Study, slice_columns, slices
from pneumo_core.evaluation.shortcuts import (
    MIN_IMAGES,
    QUARTILES_TITLE,
    ByQuartile,
    quartile_sentence,
)
from pneumo_core.metrics import Estimate
from pneumo_core.reports.figures import PLOTS, still
from pneumo_core.reports.result import RESEARCH_USE
from pneumo_core.reports.words import setting_words

__all__ = ["EvaluationReport", "report_markdown", "report_pdf"]

_YOURS = (
    "ethics approval, consent and funding",
    "where, when and how the X-rays were selected, and which were excluded",
    "scanners and acquisition protocols",
    "who set the reference standard, how many readers, and how they agreed",
    "the planned sample size, and why",
    "how missing data were handled",
)
_COLUMNS = 2
_QUARTILES = 6


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """A checkpoint, a study of its scores, and the threshold.

    ``quartiles``: errors by quartile of properties other than disease; empty if there are too few
    X-rays, None if the properties were not measured.
    """

    checkpoint: Checkpoint
    study: Study
    threshold: float
    quartiles: tuple[ByQuartile, ...] | None = None

    @property
    def title(self) -> str:
        """Return the title."""
        return f"{self.checkpoint.name} on {self.study.scores.name}"

    def sections(self) -> list[tuple[str, list[str]]]:
        """Return title and sentences of each section, in CLAIM's order."""
        return [
            ("Purpose", [self.checkpoint.card.intended_use, RESEARCH_USE]),
            ("Data", self._data()),
            ("Reference standard", self._standard()),
            ("Model and training", self._model()),
            ("Threshold and calibration", self._threshold()),
            ("Metrics", self._measures()),
            ("Shortcuts", self._shortcuts()),
            ("Limitations", list(self.checkpoint.card.limitations)),
            ("What only you can state", [f"{each[:1].upper()}{each[1:]}." for each in _YOURS]),
        ]

    def figures(self) -> list[tuple[str, str]]:
        """Return name and value of each figure."""
        found = self.study.at(self.threshold)
        named: list[tuple[str, Estimate]] = [
            ("Sensitivity", found.sensitivity),
            ("Specificity", found.specificity),
            ("Accuracy", found.accuracy),
            ("F1", found.f1),
            ("AUC", found.auc),
            ("Expected calibration error", found.ece),
            ("Brier score", self.study.brier),
        ]
        return [(name, str(value)) for name, value in named]

    def parts(self) -> list[tuple[str, ...]]:
        """Return rows for subgroups: name, X-rays, sensitivity, specificity."""
        columns = slice_columns(self.study.table)[:_COLUMNS]
        return [
            (
                f"{each.column} {each.value}",
                str(each.n),
                str(each.sensitivity),
                str(each.specificity),
            )
            for each in slices(self.study.table, self.threshold, columns)
        ]

    def _data(self) -> list[str]:
        table, card = self.study.table, self.checkpoint.card
        ill, patients = int(self.study.labels.sum()), table["patient"].nunique()
        told = [
            f"{len(table)} X-rays of {patients} patients (by file names): {ill} with "
            f"pneumonia, {len(table) - ill} without ({self.study.scores.name}).",
            f"Training X-rays: {card.attribution}",
        ]
        if card.trained_on:
            told.append(f"Patients: {card.trained_on}.")
        counts = "; ".join(
            f"{split} {each.get('NORMAL', 0)} NORMAL and {each.get('PNEUMONIA', 0)} PNEUMONIA"
            for split, each in card.dataset.counts.items()
        )
        told.append(f"Splits: {counts}. Fingerprint {card.dataset.fingerprint}.")
        return [*told, *card.dataset.notes]

    def _standard(self) -> list[str]:
        return [
            "How the reference labels were assigned is not known to Pneumo; state it in your "
            "report."
        ]

    def _model(self) -> list[str]:
        card = self.checkpoint.card
        told = [
            f"{card.model}, version {card.version}, of {card.created}; "
            f"{'the box around the lungs' if card.input.framing else 'X-rays'} resized to "
            f"{card.input.size} × {card.input.size} pixels"
            + (", averaged with the mirror image." if card.mirror else "."),
            f"Training started from {card.origin}.",
        ]
        if card.members:
            names = ", ".join(f"{member.name} ({member.model})" for member in card.members)
            told.append(f"An ensemble: the mean of the calibrated probabilities of {names}.")
        config = setting_words(card.training)
        versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
        return [*told, f"Training: {config}.", f"Made with {versions}."]

    def _threshold(self) -> list[str]:
        card = self.checkpoint.card
        told = [f"A probability of {self.threshold:.4f} or higher counts as PNEUMONIA."]
        told += [
            f"Operating point {point.name}: {point.threshold:.4f}, {point.rule}, chosen on "
            f"{point.chosen_on} X-rays."
            for point in card.operating_points
        ]
        if round(self.threshold, 3) not in {round(p.threshold, 3) for p in card.operating_points}:
            told.append("The threshold in use is a custom one.")
        told.append(
            f"Probabilities were calibrated on {card.validation or 'validation X-rays'} "
            f"(temperature {card.temperature:.3f}, offset {card.offset:.3f})."
        )
        return told

    def _measures(self) -> list[str]:
        return [
            "Intervals are 95 %: Wilson's for rates; for AUC, F1, calibration error and Brier "
            "score the percentiles of 1,000 draws of whole patients (drawn from their normal "
            "distribution where there are 20,000 patients or more).",
            f"Pneumo {__version__}; the same numbers come from `pneumo evaluate`.",
        ]

    def _shortcuts(self) -> list[str]:
        if self.quartiles is None:
            return [
                "Errors by quartile of properties other than disease were not measured. Run "
                f'`pneumo evaluate --shortcuts`, or open "{QUARTILES_TITLE}" on the page Evaluate '
                "and measure the X-rays there; then export this report again."
            ]
        if not self.quartiles:
            return [
                "There are no errors by quartile of properties other than disease: fewer than "
                f"{MIN_IMAGES} of the measured X-rays of each label are among these."
            ]
        told = [
            "Errors by quartile of properties other than disease, over the X-rays of one label, "
            f"the clearest difference first ({min(_QUARTILES, len(self.quartiles))} of "
            f"{len(self.quartiles)})."
        ]
        for each in self.quartiles[:_QUARTILES]:
            parts = ", ".join(f"{part.errors} of {part.n}" for part in each.quarters)
            told.append(f"{quartile_sentence(each)} Lowest first: {parts}.")
        return told


def report_markdown(report: EvaluationReport) -> str:
    """Return the report as Markdown, figures as tables."""
    (tn, fp), (fn, tp) = report.study.at(report.threshold).confusion.as_rows()
    lines = [f"# {report.title}", "", f"{_today()}. {RESEARCH_USE}", "", "## Results", ""]
    lines += ["| figure | value (95 % interval) |", "|:--|:--|"]
    lines += [f"| {name} | {value} |" for name, value in report.figures()]
    lines += ["", "| label | predicted NORMAL | predicted PNEUMONIA |", "|:--|--:|--:|"]
    lines += [f"| NORMAL | {tn} | {fp} |", f"| PNEUMONIA | {fn} | {tp} |", ""]
    if report.parts():
        lines += ["| subgroup | X-rays | sensitivity | specificity |", "|:--|--:|:--|:--|"]
        lines += [f"| {' | '.join(row)} |" for row in report.parts()] + [""]
    for title, sentences in report.sections():
        lines += [f"## {title}", "", *(f"- {sentence}" for sentence in sentences), ""]
    return "\n".join(lines)


def report_pdf(report: EvaluationReport) -> bytes:
    """Return the report as a PDF of a few A4 pages, with plots."""
    from reportlab.platypus import Flowable, Image, Spacer, Table

    from pneumo_core.reports import _paper as paper

    width = paper.WIDTH
    story: list[Flowable] = [
        paper.text(report.title, "verdict"),
        paper.text(f"{_today()}. {RESEARCH_USE}", "quiet"),
        Spacer(1, 12),
        paper.pairs("Results", report.figures(), width),
        Spacer(1, 12),
    ]
    pictures: list[Flowable] = [
        Image(BytesIO(still(report.study, report.threshold, name, "png")), width / 2, width / 2.286)
        for name in PLOTS
    ]
    rows = [pictures[at : at + 2] for at in range(0, len(pictures), 2)]
    rows[-1] += [Spacer(1, 1)] * (2 - len(rows[-1]))
    story += [Table(rows, colWidths=[width / 2] * 2, style=paper.BARE), Spacer(1, 12)]
    if report.parts():
        head = ("Subgroup", "X-rays", "sensitivity", "specificity")
        told = [[paper.text(cell, "caption") for cell in row] for row in (head, *report.parts())]
        cut = [0.34 * width, 0.1 * width, 0.28 * width, 0.28 * width]
        story += [Table(told, colWidths=cut, repeatRows=1), Spacer(1, 12)]
    for title, sentences in report.sections():
        story.append(paper.text(title, "title"))
        story += [paper.text(sentence, "small") for sentence in sentences]
        story.append(Spacer(1, 8))
    return paper.as_pdf(report.title, story)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
