"""What two independent decoders make of a film: pydicom's own pipeline, and DCMTK."""

import shutil
import subprocess
import warnings
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

from tests.decoders.made import Made

__all__ = ["DCMTK", "Theirs", "dcmtk_grey", "pydicom_grey"]

DCMTK = next(filter(None, map(shutil.which, ("dcm2img", "dcm2pnm"))), None)
"""The program, where DCMTK is installed: dcm2pnm, as later versions call it dcm2img."""

Theirs = tuple[np.ndarray, float]
"""Grey float64 (H, W) in [0, 1], and how far rounding may take it."""

_FLOAT = 2e-5
"""Our grey is float32."""
_FAR = 1e12


def pydicom_grey(made: Made, data: bytes, *, voi: bool = True) -> Theirs | None:
    """Pydicom's stored values, modality, VOI and the inversion, padding black.

    None for a table of 8 bits and more than 256 entries: its index is as narrow as the entries.
    """
    if voi and made.voi == "table":
        count, _, bits = made.film.VOILUTSequence[0].LUTDescriptor
        if bits == 8 and (count or 65536) > 256:
            return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        film = dcmread(BytesIO(data))
        stored = made.stored if made.left else film.pixel_array  # it knows no other High Bit
        values = apply_modality_lut(stored.astype(np.int64), film)
        grey = _through_voi(made, film, values) if voi else None
    if grey is None:
        shown = values[~made.padding].astype(np.float64)
        grey = np.clip((values - shown.min()) / max(np.ptp(shown), 1e-30), 0, 1)
    if film.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return np.where(made.padding, 0, grey), _FLOAT


def _through_voi(made: Made, film: object, values: np.ndarray) -> np.ndarray | None:
    if made.voi == "none":
        return None
    if made.voi == "table":
        bits = film.VOILUTSequence[0].LUTDescriptor[2]  # type: ignore[attr-defined]
        found = np.rint(values).astype(np.int64)
        return apply_voi(found, film) / float((1 << bits) - 1)  # type: ignore[arg-type]
    probed = np.append(values.ravel().astype(np.float64), [-_FAR, _FAR])
    shown = apply_windowing(probed, film)  # type: ignore[arg-type]
    return ((shown - shown[-2]) / (shown[-1] - shown[-2]))[:-2].reshape(values.shape)


def dcmtk_grey(made: Made, data: bytes) -> Theirs | None:
    """What ``dcm2pnm`` draws in 16 bits; None for what it does not know or shows otherwise.

    It knows no LINEAR_EXACT, counts padding into the range, rounds rescaled values to integers, and
    overflows where a slope takes 32 bits beyond themselves.
    """
    rounded = float(made.film.get("RescaleSlope", 1)) % 1 != 0
    counted = made.voi == "none" and (made.padding.any() or made.film.BitsStored == 32)
    if DCMTK is None or made.voi == "linear_exact" or counted or rounded:
        return None
    option = {"none": ["+Wm"], "table": ["+Wl", "1"]}.get(made.voi, ["+Wi", "1"])
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "film.dcm"), Path(folder, "film.png")
        source.write_bytes(data)
        told = subprocess.run(
            [DCMTK, "-q", "+on2", *option, str(source), str(target)],
            capture_output=True,
            check=False,
        )
        if told.returncode or not target.is_file():
            return None  # a transfer syntax that needs a program of its own
        drawn = np.asarray(Image.open(target)).astype(np.float64) / 65535
    return np.where(made.padding, 0, drawn), _rounding(made)


def _rounding(made: Made) -> float:
    bits = made.film.VOILUTSequence[0].LUTDescriptor[2] if made.voi == "table" else 16
    return 2 / ((1 << bits) - 1)
