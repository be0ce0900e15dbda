"""Heat maps, PDF and DICOM files that ``pneumo predict`` writes."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_core.core.files import write_whole
from pneumo_core.errors import PneumoError

if TYPE_CHECKING:
    from pneumo_core.explanations import HeatMap
    from pneumo_core.imaging import Radiograph
    from pneumo_core.reading import Reader, Reading
    from pneumo_core.reports import Result

__all__ = ["Exported", "Exports"]

_LONGEST_STEM = 200
"""Bytes of an X-ray's name in that of its heat map; file systems take 255."""
_REMEDY = "Free some space or choose another folder."


@dataclass(frozen=True)
class Exported:
    """The files written for one X-ray as (format, file); ``trouble``: why something is missing.

    ``heat``: the heat map in them, None where none was made; ``picture``: its PNG, if wanted.
    """

    files: tuple[tuple[str, Path], ...] = ()
    trouble: tuple[str, ...] = ()
    heat: "HeatMap | None" = None
    picture: Path | None = None


@dataclass(frozen=True)
class Exports:
    """Target folders, None for formats not wanted. ``named``: keep the patient's identity."""

    heatmaps: Path | None = None
    pdf: Path | None = None
    dicom: Path | None = None
    named: bool = False

    @property
    def wanted(self) -> bool:
        """Return whether PDF or DICOM files are wanted."""
        return bool(self.pdf or self.dicom)

    @property
    def need_map(self) -> bool:
        """Return whether anything is wanted that shows a heat map."""
        return bool(self.heatmaps or self.wanted)

    def make_folders(self) -> None:
        """Create the folders and check that they are writable. Raises PneumoError."""
        for folder in (self.heatmaps, self.pdf, self.dicom):
            if folder is not None:
                _make_folder(folder)

    def write(
        self,
        reader: "Reader",
        reading: "Reading",
        radiograph: "Radiograph",
        source: Path,
        number: int,
    ) -> Exported:
        """Write the requested files for one X-ray.

        ``radiograph`` as it was read from ``source``; ``number`` keeps files of one name apart.
        Problems of this X-ray (burned-in text, a damaged header) are returned as ``trouble``.
        Raises PneumoError if a file cannot be written.
        """
        from pneumo_core.datasets import PNEUMONIA

        if not self.need_map:
            return Exported()
        heat = reader.heat_map(radiograph, PNEUMONIA)
        files: list[tuple[str, Path]] = []
        trouble: list[str] = []
        picture = None
        if self.heatmaps:
            picture = self.heatmaps / f"{number:04d}_{_short(source.stem)}.png"
            heat.save(picture, radiograph, probability=reading.probability)
        if self.wanted:
            result = self._result(reader, reading, radiograph, heat)
            for kind, target in self._targets(result, number):
                try:
                    made = _made(kind, result, source)
                except PneumoError as error:
                    trouble.append(f"Not exported as {kind}. {error}")
                    continue
                _write(target, made)
                files.append((kind, target))
        return Exported(tuple(files), tuple(trouble), heat, picture)

    def _result(
        self, reader: "Reader", reading: "Reading", radiograph: "Radiograph", heat: "HeatMap"
    ) -> "Result":
        from pneumo_core.explanations import evidence_strength
        from pneumo_core.reports import Overlay, result_of

        strength = evidence_strength(heat.method, heat.label, reading.probability or 0.0)
        return result_of(
            reading,
            reader.checkpoint,
            radiograph,
            point=reader.operating_point,
            overlay=Overlay(heat, strength=strength),
            deidentify=not self.named,
        )

    def _targets(self, result: "Result", number: int) -> Iterator[tuple[str, Path]]:
        from pneumo_core.reports import file_name

        if self.pdf:
            yield "PDF", self.pdf / f"{number:04d}_{file_name(result, 'pdf')}"
        if self.dicom:
            yield "DICOM", self.dicom / f"{number:04d}_{file_name(result, 'dcm')}"


def _made(kind: str, result: "Result", source: Path) -> bytes:
    from pneumo_core.reports import to_dicom, to_pdf

    return to_pdf(result) if kind == "PDF" else to_dicom(result, source)


def _short(stem: str) -> str:
    """Return the beginning of a name, so that a file system takes it with a number before it."""
    return os.fsencode(stem)[:_LONGEST_STEM].decode(errors="ignore")


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content, remedy=_REMEDY)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise PneumoError(
            f"Cannot write to the folder '{folder}': {error.strerror}. Choose another."
        ) from error
