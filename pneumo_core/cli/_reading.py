"""``pneumo predict``: read X-rays."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumo_core.cli._batch import AddressOption, BatchOptions, EngineOption, WorkersOption
from pneumo_core.cli._batch import run as run_batch
from pneumo_core.cli._exports import Exported, Exports
from pneumo_core.cli._lungs_tally import LungsTally
from pneumo_core.cli._shared import JsonOption, ModelOption, PointOption, app, log_entries
from pneumo_core.cli._terminal import err
from pneumo_core.core.files import on_one_line, printable
from pneumo_core.core.remote import is_url
from pneumo_core.errors import PneumoError, UnreadableImage

if TYPE_CHECKING:
    from pneumo_core.audit import Entry
    from pneumo_core.batch import Work
    from pneumo_core.reading import Reader, Reading

_TOLD_AT_ONCE = 200


@app.command()
def predict(
    files: Annotated[
        list[str],
        typer.Argument(
            help="X-rays or folders of X-rays; with --out also patterns, manifests, archives, URLs."
        ),
    ],
    model: ModelOption = None,
    operating_point: PointOption = None,
    as_json: JsonOption = False,
    heatmaps: Annotated[
        Path | None, typer.Option(help="Folder for a PNG per X-ray: its heat map.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option(help="Folder for a PDF per X-ray that was read.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option(help="Folder for a DICOM image per X-ray that was read.")
    ] = None,
    keep_identity: Annotated[
        bool,
        typer.Option(
            "--keep-identity",
            help="Keep the patient's identity in PDF and DICOM; default: de-identified.",
        ),
    ] = False,
    rotate: Annotated[
        bool,
        typer.Option("--rotate", help="Rotate X-rays that lie on their side or are upside down."),
    ] = False,
    gate: Annotated[
        bool,
        typer.Option("--gate/--no-gate", help="Refuse images that are not a frontal chest X-ray."),
    ] = True,
    batch: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for parquet files of results; run again, it resumes."),
    ] = None,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
) -> None:
    """Read X-rays and print one line for each file, or write parquet files with --out."""
    exports = Exports(heatmaps, pdf, dicom, named=keep_identity)
    if rotate and not gate:
        raise typer.BadParameter("--rotate needs the image check: remove --no-gate")
    if keep_identity and not exports.wanted:
        raise typer.BadParameter("--keep-identity applies to exports: add --pdf or --dicom")
    if batch is not None:
        if exports.wanted:
            raise typer.BadParameter("--out writes tables only: remove the export options")
        work = _work(model, operating_point, gate=gate, rotate=rotate)
        options = BatchOptions(engine, workers, address)
        raise typer.Exit(0 if run_batch(batch, work, files, options, as_json=as_json) else 1)
    from pneumo_core.reading import open_reader  # takes a second to import

    paths = list(_expanded(_local(files)))
    reader = open_reader(model, operating_point, gate=gate)
    exports.make_folders()
    all_read, tally = True, LungsTally()
    read = reader.each(
        lambda own, asked: _read_one(own, exports, rotate, *asked), list(enumerate(paths))
    )
    with _Recorder(named=keep_identity) as recorder:
        for path, (reading, exported) in zip(paths, read, strict=True):
            all_read &= reading.status == "read" and not exported.trouble
            line = (
                _json_line(path, reading, exports, exported)
                if as_json
                else _text_line(path, reading, exported)
            )
            print(line, flush=True)
            tally.add(path, exported.heat)
            for sentence in exported.trouble:
                err.print(f"{path}: {sentence}", style="yellow", markup=False)
            recorder.add(path, reading, exported)
    for sentence in tally.sentences():
        err.print(sentence, style="yellow", markup=False)
    raise typer.Exit(0 if all_read else 1)


def _work(model: str | None, operating_point: str | None, *, gate: bool, rotate: bool) -> "Work":
    """Return what a batch does. Raises UnknownName or CheckpointError."""
    from pneumo_core.batch import Work
    from pneumo_core.checkpoints import load_checkpoint

    card = (checkpoint := load_checkpoint(model or None)).card
    point = card.operating_point(operating_point).name
    return Work("predict", checkpoint.name, card.version, point, gate=gate, rotate=rotate)


class _Recorder:
    """Logs readings in batches; stops logging after a failure."""

    def __init__(self, *, named: bool) -> None:
        self._readings: list[tuple[Path, Reading, Exported]] = []
        self._named = "with names" if named else "without names"
        self._heard = True

    def __enter__(self) -> "_Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._tell()

    def add(self, path: Path, reading: "Reading", exported: Exported) -> None:
        self._readings.append((path, reading, exported))
        if len(self._readings) == _TOLD_AT_ONCE:
            self._tell()

    def _tell(self) -> None:
        from pneumo_core.audit import image_digest

        entries: list[Entry] = []
        for path, reading, exported in self._readings if self._heard else ():
            with contextlib.suppress(OSError):  # it was removed meanwhile
                if not path.is_file():
                    continue  # opening a pipe would block
                entries += self._entries(image_digest(path), reading, exported)
        self._readings.clear()
        self._heard = self._heard and log_entries(entries)

    def _entries(self, film: str, reading: "Reading", exported: Exported) -> "list[Entry]":
        """Return the entries for a reading and its exports."""
        from pneumo_core.audit import Entry, operator
        from pneumo_core.imaging.orientation import rotation_text
        from pneumo_core.reading import entry_of

        rotated = f", rotated by {rotation_text(reading.rotated)}" if reading.rotated else ""
        left = [
            Entry(
                who=operator(),
                deed="exported",
                film=film,
                checkpoint=reading.model,
                subject=f"{kind}, {self._named}{rotated}",
            )
            for kind, _ in exported.files
        ]
        return [entry_of(reading, film, operator()), *left]


def _local(files: list[str]) -> list[Path]:
    """Return paths. Raises PneumoError for a URL, which a batch reads."""
    url = next(filter(is_url, files), None)
    if url:
        raise PneumoError(f"'{url}' is not a file on this machine. Add --out FOLDER to read it.")
    return [Path(file) for file in files]


def _expanded(files: list[Path]) -> Iterator[Path]:
    """Expand folders to their files, without system files."""
    from pneumo_core.datasets import files_below

    for path in files:
        if not _is_folder(path):
            yield path
            continue
        inside = list(files_below(path))
        if not inside:
            raise PneumoError(f"The folder '{path}' is empty. Give X-rays, or a folder of X-rays.")
        yield from inside


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long; reading it says so
        return False


def _read_one(
    reader: "Reader", exports: Exports, rotate: bool, number: int, path: Path
) -> "tuple[Reading, Exported]":
    """Read a file and write the requested exports."""
    from pneumo_core.imaging import read_radiograph

    try:
        radiograph = read_radiograph(path)
    except UnreadableImage as error:
        return reader.failed(error), Exported()
    reading = reader.read(radiograph, rotate=rotate)
    if reading.predicted is None:
        return reading, Exported()
    as_read = reading.as_read(radiograph)
    return reading, exports.write(reader, reading, as_read, path, number)


def _json_line(path: Path, reading: "Reading", exports: Exports, exported: Exported) -> str:
    """Return the reading and its exports as JSON. ``label`` is the old name of ``predicted``."""
    from pneumo_core.reports import as_row

    heat = exported.heat
    row = as_row(reading, heat) | {"file": printable(str(path)), "label": reading.predicted}
    if exports.need_map:
        picture = None if exported.picture is None else printable(str(exported.picture))
        row["heat_map"] = None if heat is None else {**heat.facts, "file": picture}
    if exports.wanted:
        row["exported"] = [str(file) for _, file in exported.files]
    return json.dumps(row)


def _text_line(path: Path, reading: "Reading", exported: Exported) -> str:
    shown = on_one_line(str(path))
    if reading.probability is None:
        hint = " Or add --rotate." if reading.quarters_to_upright else ""
        return f"{shown}: {reading.status}. {' '.join(reading.reasons)}{hint}"
    from pneumo_core.metrics import format_prevalence, format_rate

    line = (
        f"{shown}: {reading.verdict}. Probability {format_rate(reading.probability)} at a "
        f"prevalence of {format_prevalence(reading.prevalence)}, threshold "
        f"{format_rate(reading.threshold)} ({reading.operating_point}, {reading.model})."
    )
    share = exported.heat.lungs_sentence if exported.heat else ""
    return " ".join(filter(None, (line, *reading.warnings, share)))
