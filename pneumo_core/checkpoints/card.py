"""The model card of a checkpoint."""

import dataclasses
import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pydantic
from numpy.typing import ArrayLike

from pneumo_core.errors import UnknownName
from pneumo_core.metrics import (
    CALIBRATED_PREVALENCE,
    Calibration,
    Estimate,
    Evaluation,
    confusion,
    rate,
)
from pneumo_core.models import MODELS, TIMM, InputFormat, has_backbone

__all__ = [
    "ENSEMBLE",
    "SCHEMA_VERSION",
    "Card",
    "DatasetFacts",
    "MemberFacts",
    "OperatingPoint",
    "contradiction",
    "unknown_architecture",
]

SCHEMA_VERSION = 2
"""Version 2 adds the framing of the input; a card of version 1 means the whole X-ray."""
_READABLE = (1, SCHEMA_VERSION)
_OLDER_PREVALENCE = re.compile(r"share of pneumonia in its validation films, ([1-9]\d?)%")
ENSEMBLE = "ensemble"
"""The ``model`` of an ensemble's card."""
_LARGEST_INPUT = 4096
"""The largest input side in pixels; larger ones need gigabytes for their maps."""


@dataclass(frozen=True)
class OperatingPoint:
    """A named threshold on the probability, with its rates on the split it was chosen on."""

    name: str
    threshold: float
    rule: str
    chosen_on: str
    sensitivity: Estimate
    specificity: Estimate

    @classmethod
    def measured(
        cls, name: str, threshold: float, rule: str, labels: ArrayLike, probabilities: ArrayLike
    ) -> "OperatingPoint":
        """Return a threshold with its rates on the validation X-rays it was chosen on.

        ``labels`` (N,) of 0 and 1, ``probabilities`` (N,) in [0, 1].
        """
        counts = confusion(labels, probabilities, threshold)
        return cls(
            name=name,
            threshold=threshold,
            rule=rule,
            chosen_on="val",
            sensitivity=rate(counts.tp, counts.tp + counts.fn),
            specificity=rate(counts.tn, counts.tn + counts.fp),
        )


@dataclass(frozen=True)
class DatasetFacts:
    """The X-rays that a checkpoint was trained on: counts[split][label name]."""

    name: str
    fingerprint: str
    counts: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MemberFacts:
    """A network of an ensemble: the checkpoint it came from, and its calibration."""

    name: str
    version: str
    model: str
    input: InputFormat
    temperature: float
    offset: float = 0.0

    @property
    def calibration(self) -> Calibration:
        """The calibration of its margins."""
        return Calibration(self.temperature, self.offset)


@dataclass(frozen=True)
class Card:
    """All metadata of a checkpoint.

    ``training``: the whole training config; ``temperature`` divides the logit margin, then
    ``offset`` is added; ``evaluation`` maps a split to its metrics at the default operating point;
    ``trained_on``: the patients ("children of 1 to 5 years"), if known; ``origin``: the initial
    weights; ``mirror``: whether each X-ray is read together with its mirror image; ``run``: the id
    of its training run; ``validation``: how the validation predictions were made, if not by the
    checkpoint itself; ``calibrated_from``: name and version of the checkpoint that was calibrated
    for a site; ``lung_finder``: the version of the finder that framed its X-rays;
    ``prevalence``: the one that its probabilities assume, in (0, 1);
    ``inside_lungs``: the mean share of heat maps for PNEUMONIA inside the lungs, over validation
    X-rays with that label, by method. An ensemble (``model`` is "ensemble") lists its ``members``.
    """

    # JSON has no NaN, the value of a rate over no X-rays.
    __pydantic_config__: ClassVar = pydantic.ConfigDict(ser_json_inf_nan="strings")

    schema_version: int
    name: str
    model: str
    input: InputFormat
    created: str
    training: Mapping[str, Any]
    best_epoch: int
    dataset: DatasetFacts
    versions: Mapping[str, str]
    temperature: float
    operating_points: tuple[OperatingPoint, ...]
    evaluation: Mapping[str, Evaluation]
    intended_use: str
    limitations: tuple[str, ...]
    attribution: str
    trained_on: str = ""
    origin: str = "fresh weights"
    mirror: bool = False
    members: tuple[MemberFacts, ...] = ()
    offset: float = 0.0
    prevalence: float = CALIBRATED_PREVALENCE
    run: str = ""
    validation: str = ""
    calibrated_from: str = ""
    lung_finder: str = ""
    inside_lungs: Mapping[str, float] = dataclasses.field(default_factory=dict)
    weights_sha256: str = ""

    @property
    def version(self) -> str:
        """Eight hex digits that change with the weights, and with a site's calibration."""
        if not self.calibrated_from:
            return self.weights_sha256[:8]
        thresholds = [point.threshold for point in self.operating_points]
        facts = f"{self.weights_sha256} {self.temperature} {self.offset} {thresholds}"
        return hashlib.sha256(facts.encode()).hexdigest()[:8]

    @property
    def calibration(self) -> Calibration:
        """The calibration of margins."""
        return Calibration(self.temperature, self.offset)

    @property
    def architecture(self) -> str:
        """Its network; for an ensemble the members' networks, with input sizes if these differ."""
        same = len({member.input.size for member in self.members}) == 1
        parts = Counter(
            member.model if same else f"{member.model} ({member.input.size} px)"
            for member in self.members
        )
        counted = [part if n == 1 else f"{n} × {part}" for part, n in parts.items()]
        return f"mean of {', '.join(counted)}" if counted else self.model

    def operating_point(self, name: str | None = None) -> OperatingPoint:
        """Return the operating point with this name, or the default one. Raises UnknownName."""
        points = {point.name: point for point in self.operating_points}
        if name is None:
            return self.operating_points[0]
        if name not in points:
            raise UnknownName("operating point", name, points)
        return points[name]


def with_older_framing(card: Any) -> Any:
    """Return a card's parsed JSON in which every framing says what lies beyond the X-ray's edge.

    Cards that do not say so are of checkpoints trained with black there, whose numbers must stay.
    """
    if isinstance(card, list):
        return [with_older_framing(each) for each in card]
    if not isinstance(card, dict):
        return card
    read = {name: with_older_framing(value) for name, value in card.items()}
    if isinstance(read.get("framing"), dict):
        read["framing"] = {"beyond": "black"} | read["framing"]
    return read


def with_older_prevalence(card: Any) -> Any:
    """Return a card's parsed JSON with the prevalence that older cards give in a sentence only."""
    if not isinstance(card, dict) or "prevalence" in card:
        return card
    for sentence in card.get("limitations") or ():
        if isinstance(sentence, str) and (found := _OLDER_PREVALENCE.search(sentence)):
            return card | {"prevalence": int(found[1]) / 100}
    return card


def unknown_architecture(card: Card) -> str:
    """Return the name of an architecture that is not registered in this process, or ""."""
    named = [each.model for each in card.members] if card.model == ENSEMBLE else [card.model]
    return next((each for each in named if not each.startswith(TIMM) and each not in MODELS), "")


def contradiction(card: Card) -> str:
    """Return what is inconsistent in a card, as a clause; empty if nothing is."""
    if card.schema_version not in _READABLE:
        return (
            f"its card has schema version {card.schema_version}, this Pneumo reads version "
            f"{' or '.join(map(str, _READABLE))}"
        )
    if not _describes_networks(card):
        return f"its card disagrees with the model {card.model}"
    if not card.operating_points:
        return "its card lists no operating point"
    return _impossible_number(card)


def _impossible_number(card: Card) -> str:
    if not all(map(_is_possible, (card.input, *(member.input for member in card.members)))):
        return (
            f"its input must have a size of 1 to {_LARGEST_INPUT} pixels, 1 or 3 channels, and for "
            "each of them a mean and a standard deviation above 0; a margin of 0.5 to 2"
        )
    thresholds = [point.threshold for point in card.operating_points]
    if not 0 < card.temperature < math.inf or not all(0 <= t <= 1 for t in thresholds):
        return "its temperature must be above 0, its thresholds from 0 to 1"
    if not math.isfinite(card.offset):
        return "its offset must be a number"
    if not 0 < card.prevalence < 1:
        return "its prevalence must be between 0 and 1"
    return ""


def _describes_networks(card: Card) -> bool:
    """Return whether the card's models exist and accept its input format.

    An ensemble's input has the largest size of its members, which is the first one's."""
    if card.model != ENSEMBLE:
        return not card.members and _takes(card.model, card.input)
    sizes = [member.input.size for member in card.members]
    framings = {member.input.framing for member in card.members}
    return (
        len(sizes) > 1
        and framings == {card.input.framing}
        and sizes[0] == max(sizes) == card.input.size
        and all(_takes(m.model, m.input) for m in card.members)
    )


def _is_possible(takes: InputFormat) -> bool:
    """Return whether the format is valid; one mean or deviation may apply to all channels."""
    lengths = {len(takes.mean), len(takes.std)}
    numbers = all(map(math.isfinite, takes.mean)) and all(0 < std < math.inf for std in takes.std)
    if takes.framing and not 0.5 <= takes.framing.margin <= 2:
        return False
    fits = takes.channels in (1, 3) and lengths <= {1, takes.channels}
    return numbers and fits and 1 <= takes.size <= _LARGEST_INPUT


def _takes(model: str, input_format: InputFormat) -> bool:
    if model.startswith(TIMM):
        return True  # timm takes seconds to import; loading the weights checks it
    known = MODELS.get(model)
    if known is None or known.input.channels != input_format.channels:
        return False
    return has_backbone(model) or known.input.size == input_format.size
