"""Conversion of a MedMNIST archive to labelled folders of PNG files."""

import shutil
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO
from zipfile import BadZipFile, ZipFile

import numpy as np
from PIL import Image

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import MIN_SIDE
from pneumo_core.datasets import LABELS, SPLITS, scan
from pneumo_core.errors import DatasetError

__all__ = ["unpack_npz"]

_DAMAGED = (
    *(BadZipFile, EOFError, KeyError, ValueError, TypeError, NotImplementedError),
    *(RuntimeError, OSError, MemoryError, SyntaxError, TokenError, zlib.error),
)


def unpack_npz(
    archive: Path, folder: Path, *, limit: int, name: str = "", progress: Progress | None = None
) -> None:
    """Write ``split/CLASS/row.png`` into ``folder`` for each picture of the archive.

    Pictures below 64 pixels, which are refused as files, stay in the archive, whose copy
    ``NAME.npz`` is a dataset too. Nothing in it is executed, and its arrays are measured by their
    headers before they are read: ``limit`` is the most bytes they may have in all. Raises
    DatasetError.
    """
    _check_headers(archive, limit)
    dataset = scan(archive)  # checks what the arrays hold
    try:
        with np.load(archive, allow_pickle=False) as arrays:
            named = set(arrays.files)
            present = [s for s in SPLITS if {f"{s}_images", f"{s}_labels"} <= named]
            images = {split: arrays[f"{split}_images"] for split in present}
            labels = {split: arrays[f"{split}_labels"].reshape(-1) for split in present}
        if min(side for each in images.values() for side in each.shape[1:3]) < MIN_SIDE:
            shutil.copyfile(archive, folder / f"{name or archive.stem}.npz")
            return
        _write_all(images, labels, folder, len(dataset), progress)
    except OSError as error:
        raise DatasetError(
            f"'{archive.name}' can't be unpacked into '{folder}': {error.strerror or error}. Free "
            "some space, or set PNEUMO_HOME to a folder you may write to."
        ) from error


def _write_all(
    images: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    folder: Path,
    total: int,
    progress: Progress | None,
) -> None:
    done = 0
    for split, pictures in images.items():
        for label in LABELS:
            (folder / split / label).mkdir(parents=True, exist_ok=True)
        for row, (picture, label) in enumerate(zip(pictures, labels[split], strict=True)):
            place = folder / split / LABELS[int(label)] / f"{row:06d}.png"
            Image.fromarray(picture).save(place, compress_level=1)
            done += 1
            if progress and done % 16 == 0:
                progress(done, total)


def _check_headers(archive: Path, limit: int) -> None:
    """Refuse object arrays, impossible shapes, and arrays above the size limit."""
    try:
        with ZipFile(archive) as zipped:
            total = 0
            for info in zipped.infolist():
                with zipped.open(info) as file:
                    dtype, size = _header(file)
                    start = file.tell()
                if dtype.hasobject:
                    raise ValueError(f"{info.filename} contains Python objects")
                if start + size != info.file_size:
                    raise ValueError(f"{info.filename} has another size than its header says")
                total += size
    except _DAMAGED as error:
        raise DatasetError(
            f"'{archive.name}' is not a valid MedMNIST archive ({error}). Download it "
            "again from its publisher."
        ) from error
    if total > limit:
        raise DatasetError(
            f"'{archive.name}' holds {total / 1e6:.0f} MB unpacked, over {limit / 1e6:.0f} MB. "
            "Raise PNEUMO_MAX_DATASET_MB if you trust it."
        )


def _header(file: IO[bytes]) -> tuple[np.dtype, int]:
    """Return an array's dtype, and its bytes as its header has them."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError("an array of an unknown version")
    shape, _, dtype = read(file)
    size = dtype.itemsize
    for side in shape:
        size *= int(side)
    return dtype, size
