"""Generated DICOM films: every number is one film, over all that decides a grey value."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.imaging.images import dataset

__all__ = ["Made", "made"]

_SHAPE = (72, 96)
_STORED = {8: (6, 7, 8), 16: (8, 9, 10, 11, 12, 13, 14, 15, 16), 32: (17, 20, 24, 32)}
_PACKED = {JPEG2000Lossless: "pylibjpeg", JPEGLSLossless: "pyjpegls", RLELossless: "pydicom"}
_MARGIN = 5


@dataclass(frozen=True, eq=False)
class Made:
    """A film, the values that were stored in it, and where they are padding."""

    film: FileDataset
    stored: np.ndarray
    padding: np.ndarray
    left: bool
    voi: str

    @property
    def kind(self) -> str:
        """The film in words, for the sentence of a failure."""
        film = self.film
        bits = f"{film.BitsAllocated}/{film.BitsStored}/{film.HighBit}"
        return f"{bits} signed {film.PixelRepresentation}, {film.PhotometricInterpretation}, " + (
            f"{self.voi}, padding {bool(self.padding.any())}, {film.file_meta.TransferSyntaxUID}"
        )


def made(seed: int, number: int) -> Made:
    """The film of a number; the same for the same seed."""
    random = np.random.default_rng([seed, number])
    allocated = int(random.choice([8, 16, 16, 16, 16, 32]))
    stored = int(random.choice(_STORED[allocated]))
    signed = bool(random.random() < 0.4)
    lowest = -(1 << (stored - 1)) if signed else 0
    values = _picture(random, lowest, (1 << stored) - 1 + lowest)
    values, padding, told = _padded(random, values, lowest, stored)
    left = stored < allocated and random.random() < 0.15
    film = dataset(_cells(random, values, allocated, stored, left))
    film.BitsStored, film.HighBit = stored, allocated - 1 if left else stored - 1
    film.PixelRepresentation = int(signed)
    film.PhotometricInterpretation = str(random.choice(["MONOCHROME1", "MONOCHROME2"]))
    if random.random() < 0.3:
        inverse = film.PhotometricInterpretation == "MONOCHROME1"
        film.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    for keyword, value in told.items():
        film.add_new(keyword, "SS" if signed else "US", value)
    picture = values[~padding]
    ends = _modality(random, film, int(picture.min()), int(picture.max()), stored)
    voi = _voi(random, film, *ends)
    _encode(random, film, plain=not left)
    return Made(film, values, padding, left, voi)


def _picture(random: np.random.Generator, lowest: int, highest: int) -> np.ndarray:
    """Int64 values in a part of the range: smooth, or noise."""
    y, x = np.mgrid[: _SHAPE[0], : _SHAPE[1]] / _SHAPE[1]
    a, b, c = random.uniform(-6, 6, 3)
    shade = np.sin(a * x + b * y) + np.cos(c * y - a * x * y)
    if random.random() < 0.3:
        shade = random.random(_SHAPE)
    shade = (shade - shade.min()) / np.ptp(shade)
    first = int(random.uniform(0, 0.4) * (highest - lowest)) + lowest
    last = highest - int(random.uniform(0, 0.4) * (highest - lowest))
    return np.round(first + shade * (last - first)).astype(np.int64)


def _padded(
    random: np.random.Generator, values: np.ndarray, lowest: int, stored: int
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    padding = np.zeros(_SHAPE, bool)
    free = int(values.min()) - lowest
    if stored > 16 or free < 4 or random.random() < 0.6:
        return values, padding, {}
    padding[:] = True
    padding[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = False
    padded = np.where(padding, lowest, values)
    if random.random() < 0.5:
        return padded, padding, {"PixelPaddingValue": lowest}
    padded[:2] = lowest + 2
    return padded, padding, {"PixelPaddingValue": lowest, "PixelPaddingRangeLimit": lowest + 2}


def _cells(
    random: np.random.Generator, values: np.ndarray, allocated: int, stored: int, left: bool
) -> np.ndarray:
    """Unsigned pixels that hold the values, the other bits as files have them."""
    mask = (1 << stored) - 1
    if left:
        cells = (values & mask) << (allocated - stored)
    elif random.random() < 0.3 and stored < allocated:  # an overlay above, or none
        overlay = (np.indices(_SHAPE).sum(axis=0) % 9 == 0) * (1 << (allocated - 1))
        cells = (values & mask) | overlay
    else:
        cells = values & ((1 << allocated) - 1)
    return cells.astype(f"u{allocated // 8}")


def _modality(
    random: np.random.Generator, film: FileDataset, lowest: int, highest: int, stored: int
) -> tuple[float, float]:
    """Give the film a rescale, a table or nothing; the ends of its values then."""
    choice = random.random()
    if choice < 0.4:
        return lowest, highest
    if choice < 0.85 or stored > 15:
        slope = float(random.choice([1, 2, 0.5, 0.25, -1, -0.5]))
        intercept = int(random.integers(-2000, 2000))
        film.RescaleSlope, film.RescaleIntercept = str(slope), str(intercept)
        ends = sorted((lowest * slope + intercept, highest * slope + intercept))
        return ends[0], ends[1]
    film.ModalityLUTSequence = [_table(random, highest - lowest + 1, lowest, 16)]
    return 0, 65535


def _table(random: np.random.Generator, count: int, first: int, bits: int) -> Dataset:
    """A rising table that fills its bits; shorter than pydicom takes for a negative number."""
    count = min(count, 32767)
    ramp = np.linspace(0, 1, count) ** random.uniform(0.5, 2)
    entries = np.round(ramp * ((1 << bits) - 1)).astype("<u2")
    item = Dataset()
    sign = "SS" if first < 0 else "US"
    item.add_new("LUTDescriptor", sign, [count, first, bits])
    item.add_new("LUTData", "OW", entries.tobytes())
    return item


def _voi(random: np.random.Generator, film: FileDataset, lowest: float, highest: float) -> str:
    choice = random.random()
    if choice < 0.2:
        return "none"
    whole = max(highest - lowest, 4)
    least = -32768 if film.PixelRepresentation else 0  # implicit tables have the pixels' sign
    if choice < 0.4 and least <= lowest < 32768 and float(lowest).is_integer():
        bits = int(random.choice([8, 10, 12, 14, 16]))
        film.VOILUTSequence = [_table(random, int(whole) + 1, int(lowest), bits)]
        return "table"
    function = str(random.choice(["LINEAR", "LINEAR", "LINEAR_EXACT", "SIGMOID"]))
    film.WindowCenter = f"{lowest + random.uniform(0.2, 0.8) * whole:.8g}"
    film.WindowWidth = f"{max(2.0, random.uniform(0.2, 1.5) * whole):.8g}"
    if function != "LINEAR" or random.random() < 0.5:
        film.VOILUTFunction = function
    return function.lower()


def _encode(random: np.random.Generator, film: FileDataset, *, plain: bool) -> None:
    """Store the film in one of the transfer syntaxes."""
    # pydicom's encoder writes 8 bits of 16 as bytes, and can't read them again
    packable = (
        plain and film.BitsAllocated - 8 < film.BitsStored <= 16 and not _reaches_beyond(film)
    )
    choices: list[Any] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
    # of 32 bits in big endian the decoders disagree: words or whole numbers are swapped
    syntax = choices[int(random.integers(3 if film.BitsAllocated < 32 else 2))]
    if packable and random.random() < 0.5:
        syntax = list(_PACKED)[int(random.integers(3))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            film.compress(syntax, encoding_plugin=_PACKED[syntax], generate_instance_uid=False)
        return
    film.file_meta.TransferSyntaxUID = syntax
    if syntax != ExplicitVRBigEndian:
        return
    film.set_original_encoding(False, False)
    _swap(film, film.BitsAllocated)
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        for item in film.get(keyword, ()):
            item["LUTData"].value = np.frombuffer(item.LUTData, "<u2").byteswap().tobytes()


def _swap(film: FileDataset, allocated: int) -> None:
    if allocated > 8:
        pixels = np.frombuffer(film.PixelData, f"<u{allocated // 8}")
        film.PixelData = pixels.byteswap().tobytes()
    else:
        film["PixelData"].VR = "OB"


def _reaches_beyond(film: FileDataset) -> bool:
    """Whether bits beyond Bits Stored are used, which codecs can't keep."""
    cells = np.frombuffer(film.PixelData, f"<u{film.BitsAllocated // 8}")
    return bool((cells >> film.BitsStored).any()) and film.BitsStored < film.BitsAllocated
