"""A result as a one-page PDF, by reportlab."""

from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepInFrame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from pneumo_core.datasets import LABELS, PNEUMONIA
from pneumo_core.metrics import format_prevalence, format_rate
from pneumo_core.reading import CUSTOM, Reading
from pneumo_core.reports import _paper as paper
from pneumo_core.reports._paper import RULE, SIDE, WIDTH, ProbabilityBar, text
from pneumo_core.reports.result import RESEARCH_USE, Result, refuse_named_image
from pneumo_core.reports.words import checkpoint_words, facts_words, warning_words

__all__ = ["to_pdf"]

_FOOT = 62  # points; what lies between the two also fits on US Letter
_HEAD = 74
_SMALLEST, _LARGEST = 170.0, 300.0  # height of the pictures, points
_GAP = 18.0


def to_pdf(result: Result) -> bytes:
    """Return one A4 page: result, probability, X-ray with heat map, model.

    Its content also fits on US Letter. Letters that neither Helvetica nor DejaVu Sans has are
    shown as empty boxes. The pictures are JPEGs of 1,200 pixels, so that a page stays below
    2 MB whatever the X-ray's size.

    Raises PneumoError for a de-identified result of an X-ray that names its patient.
    """
    refuse_named_image(result)
    file = BytesIO()
    page = BaseDocTemplate(
        file,
        pagesize=A4,
        title=f"Chest X-ray reading, {result.film}",
        author=checkpoint_words(result),
        subject=RESEARCH_USE,
        creator=result.software,
        lang="en",
    )
    height = A4[1] - _HEAD - _FOOT
    frame = Frame(SIDE, _FOOT, WIDTH, height, 0, 0, 0, 0)

    def frame_it(canvas: Canvas, _: BaseDocTemplate) -> None:
        _draw_frame(canvas, result)

    page.addPageTemplates(PageTemplate(frames=[frame], onPage=frame_it))
    page.build(_story(result, height))
    return file.getvalue()


def _story(result: Result, height: float) -> list[Flowable]:
    """Return the page's parts; images take the space that the text leaves.

    Text that is too long for the page is set smaller.
    """
    above, facts, limits = _verdict(result), _facts(result), _limits(result)
    words = _height([*above, facts, *limits]) + paper.caption_height(result)
    pictures = paper.pictures(result, min(max(height - words, _SMALLEST), _LARGEST))
    air = max(0.0, height - _height([*above, pictures, facts, *limits]) - 2)
    gap = min(_GAP, air / 3)
    above = [KeepInFrame(WIDTH, (height - _height([pictures])) / 2, above, mode="shrink")]
    middle = [Spacer(1, gap), pictures, Spacer(1, gap)]
    left = height - _height([*above, *middle]) - 1
    below = [facts, Spacer(1, air - 2 * gap), *limits]
    return [*above, *middle, KeepInFrame(WIDTH, left, below, mode="shrink")]


def _height(parts: list[Flowable]) -> float:
    """Return the total height in points."""
    canvas = Canvas(BytesIO())  # some flowables need one to measure
    heights = [part.wrapOn(canvas, WIDTH, 1e6)[1] for part in parts]
    spaces = [float(part.getSpaceBefore()) + float(part.getSpaceAfter()) for part in parts]
    return float(sum(heights)) + sum(spaces)


def _verdict(result: Result) -> list[Flowable]:
    reading = result.reading
    name = result.film[:1].upper() + result.film[1:] if result.deidentified else result.film
    parts: list[Flowable] = [
        text(" · ".join((name, *facts_words(result))), "quiet"),
        text(reading.verdict, "verdict"),
    ]
    if reading.probability is None:
        return [*parts, *(text(reason) for reason in reading.reasons), Spacer(1, 8)]
    bar = ProbabilityBar(reading.probability, result.point, reading.uncertain_band)
    told = Paragraph(_probability(result, reading.probability), paper.STYLES["body"])
    return [*parts, told, bar, *_opinions(result), *_warnings(result), Spacer(1, 8)]


def _probability(result: Result, probability: float) -> str:
    """Return the probability at the assumed and the reader's prevalence, as markup."""
    assumed = format_prevalence(result.reading.prevalence)
    told = (
        f"Probability of pneumonia <b>{_number(probability)}</b> at a prevalence of {assumed}, as "
        "calibrated"
    )
    if result.prevalence is not None:
        adjusted = result.reading.probability_at(result.prevalence) or 0.0
        share = format_prevalence(result.prevalence)
        told += f"; at your prevalence of {share} <b>{_number(adjusted)}</b>"
    at = _number(result.point.threshold)
    return f"{told}. <b>{at}</b> or higher at {assumed} counts as {LABELS[PNEUMONIA]}."


def _opinions(result: Result) -> list[Flowable]:
    """Return what other models say, and the outcome of the sanity check."""
    said = "; ".join(
        f"{each.model} {format_rate(each.probability)}{_prevalence(each, result)}, {each.level}"
        for each in result.opinions
        if each.probability is not None
    )
    told = [f"Other models, each at its own operating point: {said}."] if said else []
    if result.overlay and result.overlay.check:
        told.append(result.overlay.check)
    return [text(each, "quiet") for each in told]


def _prevalence(opinion: Reading, result: Result) -> str:
    """Return " (at a prevalence of 74 %)" where an opinion assumes another prevalence."""
    same = opinion.prevalence == result.reading.prevalence
    return "" if same else f" (at a prevalence of {format_prevalence(opinion.prevalence)})"


def _number(value: float) -> str:
    """Escape a number for markup, because bounds contain "<"."""
    return paper.safe(format_rate(value))


def _warnings(result: Result) -> list[Flowable]:
    rows = [[text(warning)] for warning in warning_words(result)]
    if not rows:
        return []
    return [Spacer(1, 6), Table(rows, colWidths=[WIDTH], style=paper.WARNING)]


def _facts(result: Result) -> Table:
    """Return two columns: operating point and model."""
    point, card = result.point, result.card
    chosen = ("Set by", "the reader")
    if point.name != CUSTOM:
        chosen = ("Chosen on", f"{_split(point.chosen_on)}: {point.rule}")
    rows = [
        ("Name", f"{point.name}: {LABELS[PNEUMONIA]} at {format_rate(point.threshold)} or higher"),
        chosen,
        ("Measured on", result.rates.films),
        ("Sensitivity", str(result.rates.sensitivity)),
        ("Specificity", str(result.rates.specificity)),
        *_predictive(result),
    ]
    says = [
        ("Name", f"{result.reading.model}, version {result.reading.version}"),
        ("Architecture", f"{card.architecture}, trained {card.created}"),
        ("Trained on", card.trained_on or card.dataset.name),
        *_area(result),
    ]
    column = (WIDTH - _GAP) / 2
    halves = [
        paper.pairs("Operating point", rows, column),
        paper.pairs("Model", says, column),
    ]
    return Table([[halves[0], "", halves[1]]], colWidths=[column, _GAP, column], style=paper.BARE)


def _predictive(result: Result) -> list[tuple[str, str]]:
    """Return PPV and NPV at the reader's prevalence, if set."""
    if result.prevalence is None:
        return []
    share = format_prevalence(result.prevalence)
    both = zip(("PPV", "NPV"), result.rates.predictive_values(result.prevalence), strict=True)
    return [(f"{name} at {share}", value.text(percent=True)) for name, value in both]


def _area(result: Result) -> list[tuple[str, str]]:
    """Return the AUC on test X-rays, or on validation X-rays."""
    evaluation = result.card.evaluation
    split = next((each for each in ("test", "val") if each in evaluation), None)
    if split is None:
        return []
    figures = evaluation[split]
    return [(f"AUC, {figures.n} {_split(split)}", str(figures.auc))]


def _split(name: str) -> str:
    return "validation X-rays" if name == "val" else f"{name} X-rays"


def _limits(result: Result) -> list[Flowable]:
    card = result.card
    said = [("Limitations", " ".join(card.limitations)), ("Intended use", card.intended_use)]
    said += [("Training X-rays", card.attribution)]
    parts: list[Flowable] = [Spacer(1, 8)]
    for title, words in said:
        if words:
            told = f"<b>{title}.</b> {paper.safe(words)}"
            parts.append(Paragraph(told, paper.STYLES["small"]))
    figures = "Figures in brackets are 95 % intervals"
    if result.prevalence is not None:
        figures += "; those of PPV and NPV are logit intervals (Mercaldo 2007)"
    figures += ". A heat map shows regions that raise the score; it does not outline disease."
    if result.rates.caution:
        figures = f"{result.rates.caution} {figures}"
    return [*parts, text(figures, "small")]


def _draw_frame(canvas: Canvas, result: Result) -> None:
    """Draw header and footer of the page."""
    right, top = A4[0] - SIDE, A4[1] - 52
    canvas.saveState()
    canvas.setStrokeColor(RULE)
    canvas.setFillColor(paper.BLUE)
    canvas.setFont("Helvetica-Bold", 13)
    canvas.drawString(SIDE, top, "Pneumo")
    canvas.setFillColor(paper.QUIET)
    canvas.setFont("Helvetica", 8.5)
    moment = result.created.isoformat(" ", "minutes")
    canvas.drawRightString(right, top, f"Chest X-ray reading · {moment}")
    canvas.line(SIDE, top - 8, right, top - 8)
    canvas.line(SIDE, _FOOT - 6, right, _FOOT - 6)
    canvas.drawRightString(right, _FOOT - 19, checkpoint_words(result))
    canvas.setFillColor(paper.INK)
    canvas.setFont("Helvetica-Bold", 8.5)
    canvas.drawString(SIDE, _FOOT - 19, RESEARCH_USE)
    canvas.restoreState()
