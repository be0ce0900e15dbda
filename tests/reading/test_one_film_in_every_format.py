"""One chest X-ray, saved without loss in every format, gets one probability from every model."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from pneumo_core.checkpoints import SHIPPED
from pneumo_core.imaging import read_radiograph
from pneumo_core.reading import open_reader, samples
from tests.imaging.images import dataset, encoded, written

MOST = 0.003
FULL = {"WindowCenter": 32767.5, "WindowWidth": 65535, "VOILUTFunction": "LINEAR_EXACT"}


@lru_cache(1)
def film() -> np.ndarray:
    """The sample chest X-ray in 8 bits, a quarter as large."""
    chest = next(each for each in samples() if each.title == "Chest")
    pixels = read_radiograph(chest.path).pixels
    return np.rint(pixels[::4, ::4] * 255).astype(np.uint8)


def compressed(film: FileDataset, syntax: UID, encoder: str) -> bytes:
    film.compress(syntax, encoding_plugin=encoder)
    return written(film)


def files() -> dict[str, bytes]:
    """The X-ray as a file of each kind."""
    eight, sixteen = film(), film().astype(np.uint16) * 257
    return {
        "PNG 8": encoded(eight, "PNG"),
        "PNG 16": encoded(sixteen, "PNG"),
        "TIFF 8": encoded(eight, "TIFF"),
        "TIFF 16": encoded(sixteen, "TIFF"),
        "BMP": encoded(eight, "BMP"),
        "WebP": encoded(eight, "WebP", lossless=True),
        "MONOCHROME2": written(dataset(eight)),
        "MONOCHROME2 16": written(dataset(sixteen, **FULL)),
        "MONOCHROME1": written(dataset(255 - eight, PhotometricInterpretation="MONOCHROME1")),
        "JPEG 2000": compressed(dataset(eight), JPEG2000Lossless, "pylibjpeg"),
        "JPEG-LS": compressed(dataset(eight), JPEGLSLossless, "pyjpegls"),
        "RLE": compressed(dataset(eight), RLELossless, "pydicom"),
    }


@pytest.mark.parametrize("model", SHIPPED)
def test_every_format_gives_the_same_probability(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(Path(__file__).parents[2] / "checkpoints"))
    reader = open_reader(model)
    readings = {kind: reader.read_file(data) for kind, data in files().items()}
    assert {reading.status for reading in readings.values()} == {"read"}
    probabilities = [reading.probability or 0.0 for reading in readings.values()]
    assert max(probabilities) - min(probabilities) <= MOST, readings
