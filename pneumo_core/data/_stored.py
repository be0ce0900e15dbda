"""The stored values of a DICOM film: which codec may decode them, and what it must not be fed."""

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import get_expected_length, pixel_array
from pydicom.uid import UID, JPEGExtended12Bit

from pneumo_core.data._pieces import MOST_FRAGMENTS, refuse_markers, refuse_scans
from pneumo_core.data._refusal import SEND_AGAIN, Refusal
from pneumo_core.data._signature import codestream_size, is_endless

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""The elements that may hold pixels."""

_PATIENCE_S = 9
"""For GDCM: a film of 100 million pixels takes it four seconds of a core."""
_MEMORY = 500_000_000
"""Bytes of address space in which Python, its libraries and GDCM begin."""
_PLUGINS = ("pylibjpeg", "pyjpegls", "pillow", "pydicom", "gdcm")
_REENCODE = "Export it uncompressed, or as JPEG Lossless or JPEG 2000"
_PALETTE = tuple(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))


def refuse_undecodable(ds: Dataset) -> None:
    """Refuse what no codec here reads, and what would make one read past its film."""
    syntax = ds.file_meta.TransferSyntaxUID
    # The libraries that read 12-bit JPEG are under the GPL; Pillow and GDCM read 8 bits of it.
    beyond = syntax == JPEGExtended12Bit and ds.BitsStored != 8
    if beyond or not _is_decodable(syntax):
        name = str(syntax.name) + (f" with {ds.BitsStored} bits" if beyond else "")
        raise Refusal(f"it is compressed as {name}, which this machine cannot decode", _REENCODE)
    if not syntax.is_encapsulated:
        _refuse_missing_bytes(ds)
    elif ds.PixelData is not None:
        _refuse_many_fragments(ds)
        _refuse_other_size(ds)


def _refuse_many_fragments(ds: Dataset) -> None:
    if ds.PixelData.count(b"\xfe\xff\0\xe0") > MOST_FRAGMENTS:
        raise Refusal("it is damaged: its picture is in too many pieces", SEND_AGAIN)


def _is_decodable(syntax: UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _plugin(syntax: UID) -> str:
    """The codec to use: one of those that survive damaged bytes, GDCM where there is no other."""
    available = get_decoder(syntax).available_plugins
    return next((plugin for plugin in _PLUGINS if plugin in available), "")


def _refuse_missing_bytes(ds: Dataset) -> None:
    held = next(len(ds[keyword].value or b"") for keyword in PIXELS if keyword in ds)
    expected = get_expected_length(ds)
    if held < expected:
        raise Refusal(
            f"it is truncated: {held:,} of its {expected:,} bytes of pixels are there", SEND_AGAIN
        )


def _refuse_other_size(ds: Dataset) -> None:
    """Refuse a codestream that claims another size than its header, before it is decoded."""
    frame = next(generate_frames(ds.PixelData, number_of_frames=1))
    refuse_scans(frame, int(ds.Columns) * int(ds.Rows))
    if is_endless(frame):
        raise Refusal("it is damaged: a box of its JPEG 2000 picture has no end", SEND_AGAIN)
    claimed = codestream_size(frame)
    if claimed is not None and claimed != (ds.Columns, ds.Rows):
        raise Refusal(
            f"it is damaged: its header says {ds.Columns} x {ds.Rows} pixels, "
            f"its picture {claimed[0]} x {claimed[1]}",
            SEND_AGAIN,
        )
    if frame.startswith(b"\xff\xd8"):
        refuse_markers(frame)
    # A run of two bytes unpacks to 128: what is far longer than its pixels is a bomb.
    if claimed is None and len(frame) > 2 * get_expected_length(ds) + 4096:
        raise Refusal("it is damaged: it is longer compressed than unpacked", SEND_AGAIN)


class Paletted:
    """RGB (H, W, 3) of indices (H, W), looked up where it is asked for: whole it is many times
    the film."""

    def __init__(self, indices: npt.NDArray[Any], ds: Dataset) -> None:
        self._indices, self._palette = indices, _little_endian_palette(ds)
        self.shape: tuple[int, ...] = (*indices.shape, 3)

    def __getitem__(self, place: tuple[Any, ...]) -> npt.NDArray[Any]:
        rows, columns, *channel = place
        colours = apply_color_lut(self._indices[rows, columns], self._palette)
        return colours[..., *channel]

    @property
    def full(self) -> float:
        """The value of full brightness: the table's depth, not the index's."""
        return float(np.iinfo(self[:1, :1].dtype).max)


Stored: TypeAlias = npt.NDArray[Any] | Paletted


def stored_values(ds: Dataset, data: bytes) -> Stored:
    """(H, W) stored values, or (H, W, 3) RGB. Bits above Bits Stored are masked by pydicom."""
    plugin = _plugin(ds.file_meta.TransferSyntaxUID)
    stored: npt.NDArray[Any]
    if plugin == "gdcm":
        stored = _decoded_apart(data, _MEMORY + 8 * get_expected_length(ds) + 3 * len(data))
    else:
        stored = pixel_array(ds, index=0, decoding_plugin=plugin)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return Paletted(stored, ds)
    return stored


def _little_endian_palette(ds: Dataset) -> Dataset:
    """The palette as pydicom takes it: words (OW) in this machine's little-endian order."""
    if ds.original_encoding[1] is False:
        for element in ds:
            if element.keyword in _PALETTE and element.VR == "OW":
                words = np.frombuffer(element.value, dtype=">u2")
                element.value = words.astype("<u2").tobytes()
    return ds


def _decoded_apart(data: bytes, memory: int) -> npt.NDArray[Any]:
    """Stored values by GDCM, in a process that it may take down (about half a second).

    ``memory``: bytes of address space that the process may have.
    """
    script = Path(__file__).with_name("_gdcm_child.py")
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", str(script), str(memory)],
            input=data,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each would reserve memory
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise Refusal("it is damaged: its JPEG picture cannot be decoded", SEND_AGAIN) from error
    stored: npt.NDArray[Any] = np.load(BytesIO(answer.stdout), allow_pickle=False)
    return stored


def full_value(ds: Dataset, rgb: Stored) -> float:
    """The value of full brightness."""
    return rgb.full if isinstance(rgb, Paletted) else float((1 << int(ds.BitsStored)) - 1)
