"""``pneumo predict``: read films."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumo_core.cli._shared import JsonOption, ModelOption, PointOption, app, told
from pneumo_core.errors import PneumoError, UnreadableFilm

if TYPE_CHECKING:
    from pneumo_core.reading import Reader, Reading

_TOLD_AT_ONCE = 200


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="Films, or folders of films.")],
    model: ModelOption = None,
    operating_point: PointOption = None,
    as_json: JsonOption = False,
    heatmaps: Annotated[
        Path | None, typer.Option(help="Folder for a PNG per film: its heat map.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Refuse what is not a frontal chest film.")
    ] = True,
) -> None:
    """Read films: one line each, whatever they hold."""
    from pneumo_core.reading import open_reader

    paths = list(_expanded(files))
    reader = open_reader(model, operating_point, gate=gate)
    if heatmaps:
        _make_folder(heatmaps)
    all_read = True
    asked = [
        (path, heatmaps / f"{number:04d}" if heatmaps else None)
        for number, path in enumerate(paths)
    ]
    readings = reader.each(_read_one, asked)
    with _Recorder() as recorder:
        for path, reading in zip(paths, readings, strict=True):
            all_read &= reading.status == "read"
            print(_json_line(path, reading) if as_json else _text_line(path, reading), flush=True)
            recorder.add(path, reading)
    raise typer.Exit(0 if all_read else 1)


class _Recorder:
    """Tells the log what was read, some films at once; one that refuses is asked no more."""

    def __init__(self) -> None:
        self._readings: list[tuple[Path, Reading]] = []
        self._heard = True

    def __enter__(self) -> "_Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._tell()

    def add(self, path: Path, reading: "Reading") -> None:
        self._readings.append((path, reading))
        if len(self._readings) == _TOLD_AT_ONCE:
            self._tell()

    def _tell(self) -> None:
        from pneumo_core.audit import film_digest, operator
        from pneumo_core.reading import entry_of

        entries = []
        for path, reading in self._readings if self._heard else ():
            with contextlib.suppress(OSError):  # it was no file, or is gone since
                entries.append(entry_of(reading, film_digest(path), operator()))
        self._readings.clear()
        self._heard = self._heard and told(entries)


def _expanded(files: list[Path]) -> Iterator[Path]:
    """Files as they are, folders as the files in them."""
    for path in files:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(each for each in path.rglob("*") if each.is_file())
        if not inside:
            raise PneumoError(f"The folder '{path}' is empty. Give films, or a folder of films.")
        yield from inside


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PneumoError(f"'{folder}' can't be made: {error.strerror}. Choose another.") from error


def _read_one(reader: "Reader", asked: tuple[Path, Path | None]) -> "Reading":
    """Read a file; where a picture is asked for, draw where the network looked."""
    from pneumo_core.data import read_radiograph

    path, picture = asked
    try:
        radiograph = read_radiograph(path)
    except UnreadableFilm as error:
        return reader.failed(error)
    reading = reader.read(radiograph)
    if picture is not None and reading.probability is not None:
        import numpy as np
        from PIL import Image

        from pneumo_core.data import PNEUMONIA
        from pneumo_core.pictures import overlay

        radiograph = reading.as_read(radiograph)
        heat = reader.heat_map(radiograph, PNEUMONIA).over(radiograph.pixels.shape)
        heat *= np.float32(reading.probability)  # little evidence is faint, as on the page
        target = picture.with_name(f"{picture.name}_{path.stem}.png")
        try:
            Image.fromarray(overlay(radiograph.pixels, heat, 0.5)).save(target)
        except OSError as error:
            raise PneumoError(f"'{target}' can't be written: {error.strerror}.") from error
    return reading


def _json_line(path: Path, reading: "Reading") -> str:
    from pneumo_core.reports import as_row

    # ``label``: the former name of ``predicted``, for one release.
    return json.dumps(as_row(reading) | {"file": str(path), "label": reading.predicted})


def _text_line(path: Path, reading: "Reading") -> str:
    if reading.probability is None:
        return f"{path}: {reading.status}. {' '.join(reading.reasons)}"
    from pneumo_core.metrics import CALIBRATED_PREVALENCE, format_prevalence, format_rate

    line = (
        f"{path}: {reading.verdict}. Probability {format_rate(reading.probability)} at a "
        f"prevalence of {format_prevalence(CALIBRATED_PREVALENCE)}, threshold "
        f"{format_rate(reading.threshold)} ({reading.operating_point}, {reading.model})."
    )
    return " ".join((line, *reading.warnings))
