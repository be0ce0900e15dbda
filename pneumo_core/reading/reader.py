"""Reading of X-rays with one checkpoint."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from pneumo_core.checkpoints import Checkpoint, OperatingPoint, load_checkpoint
from pneumo_core.core.html import html_table
from pneumo_core.core.parallel import in_order
from pneumo_core.core.progress import Progress
from pneumo_core.core.text import clean
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.errors import UnreadableImage, wrong_type
from pneumo_core.gate import Familiarity, open_familiarity
from pneumo_core.gate.lung_check import (
    INVERTED,
    NO_LUNGS,
    TURNED,
    lung_warnings,
    quarters_to_upright,
)
from pneumo_core.gate.network_check import look
from pneumo_core.gate.rules import refusals, warnings_of
from pneumo_core.imaging import ImageInput, Radiograph, read_radiograph
from pneumo_core.imaging.orientation import inverted_radiograph, rotation_text, turned_radiograph
from pneumo_core.inference import Outputs, Runtime, open_runtime
from pneumo_core.lungs import Box, find_lungs, normal_polarity
from pneumo_core.metrics import CALIBRATED_PREVALENCE, adjusted_probability
from pneumo_core.reading.uncertain import UNCERTAIN_MARGIN, band_text, uncertain_band

if TYPE_CHECKING:
    from pneumo_core.explanations import HeatMap

__all__ = ["RESULT_FIELDS", "UNCERTAIN_MARGIN", "Reader", "Reading", "open_reader"]

RESULT_FIELDS = (
    *("file", "status", "verdict", "probability", "assumed_prevalence", "predicted"),
    *("operating_point", "threshold", "model", "version", "inverted", "rotated_left_degrees"),
    *("lungs", "reasons", "warnings"),
)
"""Fields of an exported result. ``label``, the truth, is not among them: it is unknown here."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Status: TypeAlias = Literal["read", "refused", "failed"]
Level: TypeAlias = Literal["likely", "uncertain", "unlikely"]


@dataclass(frozen=True)
class Reading:
    """The result for one file.

    ``status``: "read"; "refused" by the image check; "failed" to decode. ``reasons`` say why it was
    refused or failed, ``warnings`` what makes the result less reliable. ``probability`` of
    pneumonia in [0, 1], at the model's ``prevalence``, and ``predicted`` (0 or 1) are None unless
    it was read. ``inverted``: whether it was read with black and white swapped. ``strangeness``:
    out-of-distribution score, 0 for an X-ray like the training X-rays, 1 at the limit of the image
    check; None if not computed. ``lungs``: the box around the lungs, if the checkpoint's input is
    framed by them. ``quarters_to_upright``: rotations by 90° to the left
    that would make a refused X-ray readable; ``rotated``: those applied before reading. ``as_read``
    returns the X-ray as it was read.
    """

    file: str
    status: Status
    model: str
    version: str
    operating_point: str
    threshold: float
    probability: float | None = None
    predicted: int | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inverted: bool = False
    strangeness: float | None = None
    lungs: Box | None = None
    quarters_to_upright: int = 0
    rotated: int = 0
    prevalence: float = CALIBRATED_PREVALENCE

    def __repr__(self) -> str:
        said = f"{self.verdict}, probability {self.probability:.4f}" if self.level else self.status
        return f"Reading({self.file!r}: {said}, {self.model} at {self.operating_point})"

    def _repr_html_(self) -> str:
        return html_table(self.file, self.to_dict().items())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, with the fields of ``pneumo predict --json``.

        ``predicted`` is 0 (NORMAL), 1 (PNEUMONIA) or None; ``assumed_prevalence`` that of the
        probability, None without one; ``inverted`` whether the X-ray was read with black and white
        swapped, ``rotated_left_degrees`` (0, 90, 180 or 270) its rotation before that; ``lungs``
        the edges of the box around the lungs as fractions of height and width, or None.
        """
        read = self.probability is not None
        plain = {
            "assumed_prevalence": self.prevalence if read else None,
            "file": clean(self.file),
            "reasons": [clean(reason) for reason in self.reasons],
            "warnings": [clean(warning) for warning in self.warnings],
            "rotated_left_degrees": 90 * self.rotated,
            "lungs": None if self.lungs is None else vars(self.lungs),
        }
        return {
            name: plain[name] if name in plain else getattr(self, name) for name in RESULT_FIELDS
        }

    def as_read(self, radiograph: Radiograph) -> Radiograph:
        """Return the X-ray as it was read, for display and heat maps: rotated and corrected.

        A Radiograph that is rotated already isn't rotated again.
        """
        quarters = (self.rotated - radiograph.rotated) % 4
        upright = turned_radiograph(radiograph, quarters) if quarters else radiograph
        return inverted_radiograph(upright) if self.inverted else upright

    def probability_at(self, prevalence: float) -> float | None:
        """Return the probability at another prevalence in (0, 1); None unless it was read."""
        if self.probability is None:
            return None
        return adjusted_probability(self.probability, prevalence, assumed=self.prevalence)

    def at(self, point: OperatingPoint) -> "Reading":
        """Return the result at another operating point of the same checkpoint."""
        predicted = None
        if self.probability is not None:
            predicted = PNEUMONIA if self.probability >= point.threshold else NORMAL
        there = replace(self, operating_point=point.name, threshold=point.threshold)
        return replace(there, predicted=predicted)

    @property
    def uncertain_band(self) -> tuple[float, float]:
        """The band of uncertain probabilities: from the first end to below the second."""
        return uncertain_band(self.threshold)

    @property
    def level(self) -> Level | None:
        """ "likely", "uncertain" or "unlikely"; None unless it was read."""
        if self.probability is None:
            return None
        low, high = self.uncertain_band
        if low <= self.probability < high:
            return "uncertain"
        return "likely" if self.predicted == PNEUMONIA else "unlikely"

    @property
    def verdict(self) -> str:
        """The result in words."""
        if self.level is None:
            return "Not read"
        if self.level == "uncertain":
            return f"Uncertain: {band_text(*self.uncertain_band)}"
        return f"Signs of pneumonia {self.level}"

    @property
    def predicted_name(self) -> str | None:
        """NORMAL, PNEUMONIA, or None unless it was read."""
        return None if self.predicted is None else LABELS[self.predicted]

    @property
    def label(self) -> int | None:
        """The former name of ``predicted``, deprecated: a label is the truth."""
        warnings.warn("use Reading.predicted", DeprecationWarning, stacklevel=2)
        return self.predicted

    @property
    def label_name(self) -> str | None:
        """The former name of ``predicted_name``, deprecated."""
        warnings.warn("use Reading.predicted_name", DeprecationWarning, stacklevel=2)
        return self.predicted_name


@dataclass(frozen=True)
class Reader:
    """A checkpoint that reads X-rays at one operating point; thread-safe.

    With ``gate`` it refuses images that can't be a frontal chest X-ray; ``familiarity`` is the
    out-of-distribution detector fitted for the checkpoint, if it has one.
    """

    checkpoint: Checkpoint
    runtime: Runtime
    operating_point: OperatingPoint
    gate: bool = True
    familiarity: Familiarity | None = None

    @property
    def single(self) -> "Reader":
        """The same reader, computing in the caller's thread only, for many concurrent callers."""
        return replace(self, runtime=self.runtime.single)

    def at(self, operating_point: str) -> "Reader":
        """Return the same reader at another operating point. Raises UnknownName."""
        return replace(self, operating_point=self.checkpoint.card.operating_point(operating_point))

    def read_file(self, source: ImageInput, *, name: str | None = None) -> Reading:
        """Decode and read one X-ray; unreadable files give a result, never an error.

        ``source``: anything that ``read_radiograph`` accepts. Raises TypeError for anything else.
        """
        try:
            radiograph = read_radiograph(source, name=name)
        except UnreadableImage as error:
            return self.failed(error)
        return self._gated(radiograph)

    def read_files(self, sources: Sequence[ImageInput]) -> Iterator[Reading]:
        """Yield ``read_file`` of each source, in order, one per core, with constant memory."""
        if isinstance(sources, str | bytes | bytearray | memoryview) or not isinstance(
            sources, Sequence
        ):
            raise wrong_type("The sources", "a list of X-rays", sources)
        return self.each(lambda reader, source: reader.read_file(source), sources)

    def each(
        self, work: Callable[["Reader", Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Yield ``work(reader, item)`` of each item, in order, one per core.

        The reader gives the same results as this one, in a single thread. For a single item it
        is this one, which uses all cores.
        """
        callers = min(self.runtime.callers, max(1, len(items)))
        reader = self if callers == 1 else self.single
        return in_order(lambda item: work(reader, item), items, callers)

    def failed(self, error: UnreadableImage) -> Reading:
        """Return the result for a file that can't be decoded."""
        return self._reading(error.file, "failed", reasons=(str(error),))

    def read(self, film: Radiograph | ImageInput, *, rotate: bool = False) -> Reading:
        """Read one X-ray, a Radiograph or any source of ``read_file``, unless the gate refuses it.

        ``rotate``: an X-ray that is refused only because it is rotated is put upright and read;
        ``Reading.rotated`` and a warning say so.
        """
        if not isinstance(film, Radiograph):
            try:
                film = read_radiograph(film)
            except UnreadableImage as error:
                return self.failed(error)
        reading = self._gated(film)
        if rotate and reading.quarters_to_upright:
            return self._gated(turned_radiograph(film, reading.quarters_to_upright))
        return reading

    def _gated(self, radiograph: Radiograph) -> Reading:
        reading = self._checked(radiograph)
        if not radiograph.rotated:
            return reading
        told = f"The X-ray was rotated by {rotation_text(radiograph.rotated)} before it was read."
        return replace(reading, rotated=radiograph.rotated, warnings=(told, *reading.warnings))

    def _checked(self, radiograph: Radiograph) -> Reading:
        reasons = refusals(radiograph) if self.gate else ()
        if reasons:
            return self._reading(radiograph.name, "refused", reasons=reasons)
        if not self.runtime.input.framing:
            return self._read_upright(radiograph)
        quarters = quarters_to_upright(radiograph) if self.gate else 0
        if quarters != 0:
            reason = NO_LUNGS if quarters is None else TURNED[quarters]
            refused = self._reading(radiograph.name, "refused", reasons=(reason,))
            return replace(refused, quarters_to_upright=quarters or 0)
        corrected = normal_polarity(radiograph)
        read = self._read_upright(corrected)
        if corrected is radiograph:
            return read
        return replace(read, inverted=True, warnings=(INVERTED, *read.warnings))

    def _read_upright(self, radiograph: Radiograph) -> Reading:
        if self.gate and self.familiarity:
            return self._read_if_familiar(radiograph, self.familiarity)
        return self._read(radiograph, self.runtime.run(self.runtime.input(radiograph)[np.newaxis]))

    def _read_if_familiar(self, radiograph: Radiograph, familiarity: Familiarity) -> Reading:
        seen = look(self.runtime, familiarity, radiograph)
        strangeness = seen.likeness.strangeness
        if seen.reason:
            refused = self._reading(radiograph.name, "refused", reasons=(seen.reason,))
            return replace(refused, strangeness=strangeness, quarters_to_upright=seen.quarters)
        read = self._read(radiograph, seen.outputs)
        warnings = (*seen.warnings, *read.warnings)
        return replace(read, warnings=warnings, inverted=seen.inverted, strangeness=strangeness)

    def _read(self, radiograph: Radiograph, outputs: Outputs) -> Reading:
        warnings = warnings_of(radiograph, self.checkpoint.card.trained_on)
        framed = self.runtime.input.framing is not None
        trained_with = self.checkpoint.card.lung_finder
        framing = lung_warnings(radiograph, trained_with) if framed else ()
        read = replace(
            self._reading(radiograph.name, "read"),
            probability=float(self.runtime.calibrated(outputs.margins)[0]),
            warnings=(*warnings, *framing),
            lungs=find_lungs(radiograph).found_box if framed else None,
        )
        return read.at(self.operating_point)

    def heat_map(
        self,
        radiograph: Radiograph,
        label: int,
        *,
        method: str = "grad_cam",
        layer: str | None = None,
        progress: Progress | None = None,
    ) -> "HeatMap":
        """Compute the heat map for ``label`` (0 or 1) by one of ``explanations.METHODS``.

        ``layer``, ``progress`` and errors are those of ``explanations.heat_map``.
        """
        if not isinstance(radiograph, Radiograph):
            raise wrong_type("The X-ray", "a Radiograph, as read_radiograph gives it", radiograph)
        from pneumo_core.explanations import heat_map, place_on_image  # torch where it is needed

        seen = self.runtime.input
        heat = heat_map(
            self.runtime, seen(radiograph), label, method=method, layer=layer, progress=progress
        )
        placed = place_on_image(heat, radiograph, seen)
        card = self.checkpoint.card
        return replace(placed, model=self.checkpoint.name, version=card.version)

    def _reading(self, file: str, status: Status, *, reasons: tuple[str, ...] = ()) -> Reading:
        return Reading(
            file=file,
            status=status,
            model=self.checkpoint.name,
            version=self.checkpoint.card.version,
            operating_point=self.operating_point.name,
            threshold=self.operating_point.threshold,
            reasons=reasons,
            prevalence=self.checkpoint.card.prevalence,
        )


def open_reader(
    model: str | Checkpoint | None = None,
    operating_point: str | None = None,
    *,
    gate: bool = True,
) -> Reader:
    """Return the reader of a model (default: the first one listed) at an operating point.

    Raises UnknownName or CheckpointError.
    """
    checkpoint = load_checkpoint(model or None)
    point = checkpoint.card.operating_point(operating_point)
    familiarity = open_familiarity(checkpoint) if gate else None
    return Reader(checkpoint, open_runtime(checkpoint), point, gate, familiarity)
