"""What is done with damaged bytes, and what must hold of whatever comes out."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from pneumo_core.checkpoints import list_checkpoints, load_checkpoint
from pneumo_core.datasets import read_manifest, scan
from pneumo_core.datasets.download import stage
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import Study, read_scores, scores_csv, shipped_scores
from pneumo_core.imaging import image_size, read_radiograph, read_values
from pneumo_core.reading import Reader, open_reader
from tests.fuzz.checkpoint import NAME, put
from tests.fuzz.seeds import FILMS, drawn, seeds

__all__ = ["prepare", "use"]


def prepare(kind: str) -> None:
    """Everything that is there before the first input, so that no input is blamed for it.

    Raises RuntimeError where no whole file can be read: every damaged one would be refused for a
    reason of its own, and nothing be tried.
    """
    whole = list(seeds(kind).items())
    said = [use(kind, name, data) for name, data in (whole if kind in FILMS else whole[:1])]
    if all(said):
        raise RuntimeError(f"no whole {kind} is read: {said[0]}")


def use(kind: str, name: str, data: bytes) -> str:
    """Read damaged bytes as a user would: "" when they were read, or else the sentence.

    ``name``: of the seed. Raises whatever must never be raised: anything but a PneumoError, and
    AssertionError for a result that can't be.
    """
    if kind in FILMS:
        _reader()  # none is no answer to an input
    try:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            if kind in FILMS:
                return _film(data, Path(folder))
            return _OTHERS[kind](data, Path(folder), name) or ""
    except PneumoError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?")), f"no sentence: {sentence!r}"
        assert "Traceback" not in sentence
        return sentence


@cache
def _reader() -> Reader:
    return open_reader("cnn_94")


def _film(data: bytes, folder: Path) -> str:
    """Size, values, reading with the gate, and prediction without it."""
    reader = _reader()
    gated = reader.read_file(data, name="film")
    assert gated.status in ("read", "refused", "failed")
    assert (gated.probability is not None) == (gated.status == "read")
    assert all(reason.endswith(".") for reason in gated.reasons)
    path = folder / "film"
    path.write_bytes(data)
    sentence = _sized(path)
    if gated.status == "failed":
        return gated.reasons[0] or sentence
    _read(data, reader)
    _windowed(data)
    return ""


def _read(data: bytes, reader: Reader) -> None:
    """Pixels that are grey, and a probability without the gate."""
    radiograph = read_radiograph(data)
    pixels = radiograph.pixels
    assert pixels.dtype == np.float32
    assert pixels.shape == (radiograph.facts.height, radiograph.facts.width)
    assert _within(pixels)
    probability = replace(reader, gate=False).read(radiograph).probability
    assert probability is not None
    assert 0 <= probability <= 1


def _windowed(data: bytes) -> None:
    """Windows of the reading room."""
    values = read_values(data)
    for window in (values.percentiles(), values.full_range()):
        assert _within(values.through(window))


def _within(grey: np.ndarray) -> bool:
    return 0 <= float(grey.min()) <= float(grey.max()) <= 1


def _sized(path: Path) -> str:
    try:
        image_size(path)
    except PneumoError as error:
        return str(error)
    return ""


def _checkpoint(data: bytes, folder: Path, name: str) -> None:
    """List, load, show, read a film with it, look at what came with it."""
    put(folder / NAME, name.strip(), data)
    list_checkpoints(folder)
    checkpoint = load_checkpoint(NAME, folder)
    checkpoint.card_json()
    assert checkpoint.card.operating_point()
    film = drawn()
    from pneumo_core.gate import open_familiarity
    from pneumo_core.imaging import FileFacts, Radiograph
    from pneumo_core.inference import open_runtime

    facts = FileFacts("PNG", film.shape[1], film.shape[0], 8, colour=False)
    reader = Reader(
        checkpoint, open_runtime(checkpoint), checkpoint.card.operating_point(), True,
        open_familiarity(checkpoint),
    )  # fmt: skip
    reading = reader.read(Radiograph("film", film.astype(np.float32) / 255, facts))
    assert reading.probability is None or 0 <= reading.probability <= 1
    for split in ("val", "test"):
        shipped_scores(checkpoint, split)
    assert checkpoint.features.ndim == 2
    assert len(checkpoint.history) >= 0


def _zip(data: bytes, folder: Path, name: str) -> None:
    _staged(data, folder, ".zip")


def _npz(data: bytes, folder: Path, name: str) -> None:
    _staged(data, folder, ".npz")


def _staged(data: bytes, folder: Path, suffix: str) -> None:
    """Unpack, scan, read each film; nothing may lie outside, and nothing be left."""
    archive = folder / f"sent{suffix}"
    archive.write_bytes(data)
    home = folder / "home"
    try:
        staged = stage(archive, "sent", home=home)
    except PneumoError:
        _check_nothing_left(folder, archive, home)
        raise
    for film_id in staged.dataset.films["id"].head(8):
        try:
            staged.dataset.source.radiograph(film_id)
        except PneumoError as error:
            assert str(error).endswith(".")
    staged.discard()
    _check_nothing_left(folder, archive, home)


def _check_nothing_left(folder: Path, archive: Path, home: Path) -> None:
    outside = {path.name for path in folder.iterdir()} - {archive.name, "home"}
    assert not outside, f"written outside: {outside}"
    left = [path for path in home.rglob("*") if path.is_file()] if home.is_dir() else []
    assert not left, f"left behind: {left}"


def _manifest(data: bytes, folder: Path, name: str) -> None:
    films = folder / "films"
    films.mkdir()
    for film in "ab":
        (films / f"{film}.png").write_bytes(_film_png())
    manifest = folder / "manifest.csv"
    manifest.write_bytes(data)
    table = read_manifest(manifest, within=folder)
    assert all(Path(path).is_relative_to(folder.resolve()) for path in table["path"])
    scan(manifest)
    scan(folder)


@cache
def _film_png() -> bytes:
    return seeds("png")["grey"]


def _scores(data: bytes, folder: Path, name: str) -> None:
    """Parse, judge, offer for download."""
    scores = read_scores(data, "scores.csv")
    assert scores.key
    assert scores_csv(scores, 0.5)
    if scores.classes == {0, 1}:
        Study(scores)


_OTHERS: dict[str, Callable[[bytes, Path, str], None]] = {
    "checkpoint": _checkpoint,
    "zip": _zip,
    "npz": _npz,
    "manifest": _manifest,
    "scores": _scores,
}
