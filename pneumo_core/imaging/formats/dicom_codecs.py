"""Decoding of a DICOM file's stored pixels: choice of a codec, and checks before it."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit

from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.limits import MOST_FRAGMENTS, refuse_markers, refuse_scans
from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal
from pneumo_core.imaging.signature import codestream_size, is_endless

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""Elements that may hold pixels."""

_PROCESSOR_S = 9
"""Limit of GDCM's processor time; it takes four seconds for 100 million pixels."""
_PATIENCE_S = 60
"""Limit of the time it waits for a processor, and for systems that don't limit processor time."""
_MEMORY = 500_000_000
"""Bytes of address space that Python, its libraries and GDCM need at the start."""
_PLUGINS = ("pylibjpeg", "pyjpegls", "pillow", "pydicom", "gdcm")
_REENCODE = "Export it uncompressed, or as JPEG Lossless or JPEG 2000"


def refuse_undecodable(ds: Dataset, image: ImagePixel) -> None:
    """Refuse pixels that no codec reads, or that would make one read beyond the picture."""
    syntax = ds.file_meta.TransferSyntaxUID
    # Libraries for 12-bit JPEG are under the GPL; Pillow and GDCM read 8 bits only.
    beyond = syntax == JPEGExtended12Bit and image.stored != 8
    if beyond or not _is_decodable(syntax):
        name = str(syntax.name) + (f" with {image.stored} bits" if beyond else "")
        raise Refusal(f"it is compressed as {name}, which Pneumo can't decode", _REENCODE)
    if syntax.is_encapsulated and ds.PixelData is not None:
        _refuse_many_fragments(ds)
        _refuse_other_size(ds, image)


def _refuse_many_fragments(ds: Dataset) -> None:
    if ds.PixelData.count(b"\xfe\xff\0\xe0") > MOST_FRAGMENTS:
        raise Refusal("it is damaged: its picture is in too many pieces", EXPORT_AGAIN)


def _is_decodable(syntax: UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _plugin(syntax: UID) -> str:
    """Return the codec to use: one that survives damaged bytes; GDCM if there is no other."""
    available = get_decoder(syntax).available_plugins
    return next((plugin for plugin in _PLUGINS if plugin in available), "")


def _refuse_other_size(ds: Dataset, image: ImagePixel) -> None:
    """Refuse a codestream whose size differs from the header's, before it is decoded."""
    frame = next(generate_frames(ds.PixelData, number_of_frames=1))
    refuse_scans(frame, image.columns * image.rows)
    if is_endless(frame):
        raise Refusal("it is damaged: a box of its JPEG 2000 picture has no end", EXPORT_AGAIN)
    claimed = codestream_size(frame)
    if claimed is not None and claimed != (image.columns, image.rows):
        raise Refusal(
            f"it is damaged: its header says {image.columns} x {image.rows} pixels, "
            f"its picture {claimed[0]} x {claimed[1]}",
            EXPORT_AGAIN,
        )
    if frame.startswith(b"\xff\xd8"):
        refuse_markers(frame)
    # A run of two bytes unpacks to 128: what is far longer than its pixels is a bomb.
    if claimed is None and len(frame) > 2 * image.bytes + 4096:
        raise Refusal("it is damaged: it is longer compressed than unpacked", EXPORT_AGAIN)


def stored_pixels(ds: Dataset, image: ImagePixel) -> npt.NDArray[Any]:
    """Return pixels (H, W) as stored, or (H, W, 3) RGB. Bits are neither masked nor shifted."""
    syntax = ds.file_meta.TransferSyntaxUID
    plugin, data = _plugin(syntax), ds[image.keyword].value
    options = _options(ds, image)
    if plugin == "gdcm":
        memory = _MEMORY + 8 * image.bytes + 3 * len(data)
        return _decoded_apart(data, {"syntax": str(syntax), **options}, memory)
    pixels: npt.NDArray[Any]
    if "ExtendedOffsetTable" in ds and "ExtendedOffsetTableLengths" in ds:
        options["extended_offsets"] = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths)
    pixels, _ = get_decoder(syntax).as_array(data, index=0, decoding_plugin=plugin, **options)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _options(ds: Dataset, image: ImagePixel) -> dict[str, Any]:
    """Return the options for pydicom's decoders, instead of a header that may be wrong."""
    return {
        "pixel_keyword": image.keyword,
        "pixel_vr": ds[image.keyword].VR,
        "rows": image.rows,
        "columns": image.columns,
        "samples_per_pixel": image.samples,
        "photometric_interpretation": image.photometric,
        "planar_configuration": image.planar,
        "bits_allocated": image.allocated,
        "bits_stored": image.stored,
        "pixel_representation": int(bool(image.signed)),
        "number_of_frames": 1,
        "correct_unused_bits": False,
    }


def _decoded_apart(data: bytes, options: dict[str, Any], memory: int) -> npt.NDArray[Any]:
    """Decode with GDCM in a process of its own, which it may crash (about half a second).

    ``memory``: the process's limit of address space in bytes.
    """
    script = Path(__file__).with_name("gdcm_process.py")
    arguments = [str(memory), str(_PROCESSOR_S), json.dumps(options)]
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", str(script), *arguments],
            input=data,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each would reserve memory
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise Refusal(
            f"decoding its JPEG picture took longer than {_PATIENCE_S} seconds",
            "Read it again when the computer is less busy.",
        ) from error
    except subprocess.SubprocessError as error:
        raise Refusal("it is damaged: its JPEG picture cannot be decoded", EXPORT_AGAIN) from error
    stored: npt.NDArray[Any] = np.load(BytesIO(answer.stdout), allow_pickle=False)
    return stored
