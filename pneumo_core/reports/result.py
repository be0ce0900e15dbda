"""A result with everything that its exports need, in one object."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumo_core import __version__
from pneumo_core.checkpoints import Card, Checkpoint, OperatingPoint
from pneumo_core.core.text import clean
from pneumo_core.errors import PneumoError
from pneumo_core.explanations import HeatMap, scale_of
from pneumo_core.imaging import Radiograph, Scale
from pneumo_core.reading import Rates, Reading, rates_of

__all__ = [
    "RESEARCH_USE",
    "Kind",
    "Overlay",
    "Result",
    "clean",
    "decoded_from",
    "digest_of",
    "file_name",
    "id_of",
    "refuse_named_image",
    "remember_source",
    "result_of",
]

RESEARCH_USE = "Research use only. Not a medical device."

Kind: TypeAlias = Literal["pdf", "png", "json", "dcm"]

_ID_DIGITS = 10
_STEM = 60


@dataclass(frozen=True, eq=False)
class Overlay:
    """A heat map and how to draw it.

    ``opacity`` of the strongest heat in [0, 1]. ``contour``: draw lines at half and three
    quarters of it instead of colours. ``peaks`` scale the map so that X-rays compare
    (``heatmaps.common_peaks``); None scales it to its own maximum. ``strength`` in [0, 1] then
    weakens the whole map (``heatmaps.evidence_strength``); None leaves it. ``check``: the
    outcome of the map's sanity check in a sentence, if it was run. Raises ValueError for another
    opacity or strength.
    """

    heat: HeatMap
    opacity: float = 0.5
    contour: bool = False
    peaks: tuple[float, ...] | None = None
    strength: float | None = None
    check: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity is {self.opacity}, not in [0, 1]")
        if self.strength is not None and not 0 <= self.strength <= 1:
            raise ValueError(f"strength is {self.strength}, not in [0, 1]")

    @property
    def scale(self) -> Scale:
        """Return its colour scale, by label."""
        return scale_of(self.heat.method, self.heat.label)

    def over(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the heat over an X-ray of (H, W): float32 in [0, 1]."""
        heat = self.heat.over(shape, self.peaks)
        return heat if self.strength is None else heat * np.float32(self.strength)


@dataclass(frozen=True, eq=False)
class Result:
    """One reading, its X-ray and its model. Made by ``result_of``.

    ``rates``: how often the checkpoint is right at ``point``. ``overlay`` is None for the plain
    X-ray.
    ``prevalence`` in (0, 1): the reader's prevalence of pneumonia, None if not set.
    ``deidentified``: its renderings name the X-ray by ``film_id`` (ten hex digits of its pixels'
    SHA-256), not by its file, and take nothing from a DICOM header that says whose it is.
    ``created`` carries its time zone. ``opinions``: of other models on the same X-ray, each at
    its own operating point.
    """

    reading: Reading
    point: OperatingPoint
    card: Card
    radiograph: Radiograph
    overlay: Overlay | None
    deidentified: bool
    created: datetime
    film_id: str
    software: str
    rates: Rates
    prevalence: float | None = None
    opinions: tuple[Reading, ...] = ()

    @property
    def film(self) -> str:
        """Return its name: by pixels if de-identified, else by file."""
        return f"X-ray {self.film_id}" if self.deidentified else clean(self.reading.file)

    @property
    def withheld(self) -> str:
        """Return why this result cannot be exported as PDF, PNG or DICOM; empty if it can.

        Text burned into the pixels cannot be removed, and only the header can report it.
        """
        if not (self.deidentified and self.radiograph.facts.burned_in_text):
            return ""
        return (
            f"{self.film[:1].upper()}{self.film[1:]} is marked as having burned-in text, which "
            "may name the patient and which Pneumo cannot remove. Export the result that is not "
            "de-identified, or mask the text in the X-ray and upload it again."
        )


def result_of(
    reading: Reading,
    checkpoint: Checkpoint,
    radiograph: Radiograph,
    *,
    point: OperatingPoint | None = None,
    overlay: Overlay | None = None,
    deidentify: bool = True,
    prevalence: float | None = None,
    opinions: Sequence[Reading] = (),
) -> Result:
    """Combine a reading with everything that its exports need.

    Args:
        reading: of ``radiograph`` by ``checkpoint``; read or refused.
        point: the operating point of the reading; needed where the card does not have it.
        overlay: the heat map to lay over the X-ray, and how; none for the bare X-ray.
        deidentify: remove the patient's identity; see ``Result``.
        prevalence: how common pneumonia is where the X-ray is read, in (0, 1), where that is known.
        opinions: of other models on the X-ray.

    Raises:
        ValueError: the reading is another checkpoint's or another X-ray's, the point is not its, or
            the prevalence is not between 0 and 1.
        UnknownName: the card has no operating point of the reading's name.
    """
    if (reading.model, reading.version) != (checkpoint.name, checkpoint.card.version):
        raise ValueError(f"the reading is by {reading.model}, not by {checkpoint.name}")
    if reading.file != radiograph.name:
        raise ValueError(f"the reading is of {reading.file}, not of {radiograph.name}")
    point = point or checkpoint.card.operating_point(reading.operating_point)
    if (point.name, point.threshold) != (reading.operating_point, reading.threshold):
        raise ValueError(f"the reading was made at {reading.operating_point}, not at {point.name}")
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"the prevalence is {prevalence}, not between 0 and 1")
    return Result(
        reading=reading,
        point=point,
        card=checkpoint.card,
        radiograph=radiograph,
        overlay=overlay,
        deidentified=deidentify,
        created=datetime.now().astimezone().replace(microsecond=0),
        film_id=id_of(radiograph),
        software=f"Pneumo {__version__}",
        rates=rates_of(checkpoint, point),
        prevalence=prevalence,
        opinions=tuple(opinions),
    )


def file_name(result: Result, kind: Kind) -> str:
    """Return the file name of an export: "pneumo-3f9a12c04d-cnn_94.pdf".

    The name of a file may name the patient, or hold an accession number: only a result that is not
    de-identified carries it on ("IM-0115-0001-cnn_94.pdf"), without what file systems refuse.
    """
    stem = f"pneumo-{result.film_id}"
    if not result.deidentified:
        own = clean(result.reading.file).rpartition(".")[0] or clean(result.reading.file)
        stem = re.sub(r"[^\w-]+", "_", own).strip("_")[:_STEM] or stem
    return f"{stem}-{result.reading.model}.{kind}"


def digest_of(radiograph: Radiograph) -> str:
    """Return the SHA-256 of an X-ray's pixels and their shape: 64 hex digits."""
    return radiograph.once("digest of its pixels", lambda: _digest(radiograph))


def _digest(radiograph: Radiograph) -> str:
    digest = hashlib.sha256(repr(radiograph.pixels.shape).encode())
    digest.update(radiograph.pixels.data)
    return digest.hexdigest()


def remember_source(radiograph: Radiograph, source: bytes) -> None:
    """Note that an X-ray was decoded from ``source``, so that exports need not decode it again."""
    radiograph.once(_source_key(source), lambda: True)


def decoded_from(radiograph: Radiograph, source: bytes) -> bool:
    """Return whether it was noted that an X-ray was decoded from ``source``."""
    return radiograph.has(_source_key(source))


def _source_key(source: bytes) -> tuple[str, bytes]:
    return "decoded from", hashlib.sha256(source).digest()


def id_of(radiograph: Radiograph) -> str:
    """Return ten hex digits that identify the pixels (SHA-256)."""
    return digest_of(radiograph)[:_ID_DIGITS]


def refuse_named_image(result: Result) -> None:
    """Raise PneumoError if ``result.withheld`` gives a reason."""
    if result.withheld:
        raise PneumoError(result.withheld)
