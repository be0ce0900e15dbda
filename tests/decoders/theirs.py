"""What independent decoders make of a film: pydicom's own pipeline, DCMTK and GDCM."""

import shutil
import subprocess
import warnings
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import gdcm
import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

from tests.decoders.made import Made

__all__ = ["DCMTK", "Theirs", "dcmtk_grey", "gdcm_values", "pydicom_grey"]

DCMTK = next(filter(None, map(shutil.which, ("dcm2img", "dcm2pnm"))), None)
"""The program, where DCMTK is installed: dcm2pnm, as later versions call it dcm2img."""

Theirs = tuple[np.ndarray, float]
"""Grey float64 (H, W) in [0, 1], and how far rounding may take it."""

_FLOAT = 2e-5
"""Our grey is float32."""
_FAR = 1e12


def pydicom_grey(made: Made, data: bytes, *, voi: bool = True) -> Theirs | None:
    """Pydicom's stored values, modality, VOI and the inversion, padding black.

    None for a table whose index it cuts.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        film = dcmread(BytesIO(data))
        stored = made.stored if made.left else film.pixel_array  # it knows no other High Bit
        values = apply_modality_lut(stored.astype(np.int64), film)
        if voi and made.voi == "table" and _is_cut(film, values):
            return None
        grey = _through_voi(made, film, values) if voi else None
    if grey is None:
        shown = values[~made.padding].astype(np.float64)
        lowest, width = (0, 255) if _is_byte(made) else (shown.min(), max(np.ptp(shown), 1e-30))
        grey = np.clip((values - lowest) / width, 0, 1)
    if film.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return np.where(made.padding, 0, grey), _FLOAT


def _is_cut(film: Dataset, values: np.ndarray) -> bool:
    """Whether the index into the VOI table is larger than pydicom's type of it: that of entries."""
    _, first, bits = film.VOILUTSequence[0].LUTDescriptor
    return bool(np.rint(values.max()) - first > (255 if bits == 8 else 65535))


def _through_voi(made: Made, film: Dataset, values: np.ndarray) -> np.ndarray | None:
    if made.voi == "none":
        return None
    if made.voi == "table":
        bits = film.VOILUTSequence[0].LUTDescriptor[2]
        found = np.rint(values).astype(np.int64)
        return apply_voi(found, film) / float((1 << bits) - 1)
    probed = np.append(values.ravel().astype(np.float64), [-_FAR, _FAR])
    shown = apply_windowing(probed, film)
    return ((shown - shown[-2]) / (shown[-1] - shown[-2]))[:-2].reshape(values.shape)


def dcmtk_grey(made: Made, data: bytes) -> Theirs | None:
    """What ``dcm2pnm`` draws; None for what it does not know or shows otherwise.

    It draws in 16 bits, but whole bytes without a window in 8: in 16 it multiplies them by 256, so
    that 255 is not white. It knows no LINEAR_EXACT, counts padding into the range, and keeps
    rescaled values as integers of 32 bits: it rounds them, and cuts those that are larger.
    """
    rounded = float(made.film.get("RescaleSlope", 1)) % 1 != 0
    counted = made.voi == "none" and made.padding.any() and not _is_byte(made)
    unlike = made.voi == "linear_exact" or counted or rounded or _is_beyond_32_bits(made)
    if DCMTK is None or unlike:
        return None
    option = {"none": ["-W"] if _is_byte(made) else ["+Wm"], "table": ["+Wl", "1"]}.get(
        made.voi, ["+Wi", "1"]
    )
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "film.dcm"), Path(folder, "film.png")
        source.write_bytes(data)
        drawn_as, most = ("+on", 255) if option == ["-W"] else ("+on2", 65535)
        told = subprocess.run(
            [DCMTK, "-q", drawn_as, *option, str(source), str(target)],
            capture_output=True,
            check=False,
        )
        if told.returncode or not target.is_file():
            return None  # a transfer syntax that needs a program of its own
        drawn = np.asarray(Image.open(target)).astype(np.float64) / most
    return np.where(made.padding, 0, drawn), _rounding(made)


def _is_byte(made: Made) -> bool:
    """Whether the film's values are those of an 8-bit picture, which are shown from 0 to 255."""
    film = made.film
    changed = float(film.get("RescaleSlope", 1)) != 1 or float(film.get("RescaleIntercept", 0)) != 0
    whole = film.BitsStored == 8 and film.PixelRepresentation == 0
    return whole and not changed and "ModalityLUTSequence" not in film


def _is_beyond_32_bits(made: Made) -> bool:
    ends = np.array([made.stored.min(), made.stored.max()], np.float64)
    lowest, highest = np.sort(_rescaled(made, ends))
    return not (0 <= lowest <= highest < 2**32 or -(2**31) <= lowest <= highest < 2**31)


def _rescaled(made: Made, values: np.ndarray) -> np.ndarray:
    slope, intercept = made.film.get("RescaleSlope", 1), made.film.get("RescaleIntercept", 0)
    return values * float(slope) + float(intercept)


def gdcm_values(made: Made, data: bytes) -> Theirs | None:
    """Return GDCM's stored values, rescaled: it knows no windows and tables.

    None where it knows the bits no better: it aborts the process on 8 bits of which fewer are
    stored, reads 32 bits of which fewer are stored as 16, and knows no other High Bit.
    """
    film = made.film
    whole = film.BitsAllocated == 16 or film.BitsStored == film.BitsAllocated
    if made.left or not whole or "ModalityLUTSequence" in film:
        return None
    with TemporaryDirectory() as folder:
        source = Path(folder, "film.dcm")
        source.write_bytes(data)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        image = reader.GetImage()
        pixels = image.GetBuffer().encode("utf-8", "surrogateescape")
        form = image.GetPixelFormat()
    kind = "i" if form.GetPixelRepresentation() else "u"
    stored = np.frombuffer(pixels, f"{kind}{form.GetBitsAllocated() // 8}")
    return _rescaled(made, stored.reshape(made.stored.shape).astype(np.float64)), _FLOAT


def _rounding(made: Made) -> float:
    if made.voi == "none" and _is_byte(made):
        return 1.001 / 255  # the drawing has 8 bits; MONOCHROME1 above 127 is one step brighter
    bits = made.film.VOILUTSequence[0].LUTDescriptor[2] if made.voi == "table" else 16
    return 2 / ((1 << bits) - 1)
