"""Makers of small films for tests, in memory."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumo_core.core.settings import Settings

SIDE = 64
RAMP8 = np.arange(SIDE * SIDE, dtype=np.uint32).reshape(SIDE, SIDE).astype(np.uint8)
"""uint8 (64, 64): 0..255, sixteen times over."""
RAMP12 = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
"""uint16 (64, 64): each 12-bit value once, 0 first and 4095 last."""


def limits(**changes: int) -> Settings:
    """Generous limits, except for those given."""
    sizes = {"max_file_bytes": 10_000_000, "max_pixels": 1_000_000} | changes
    return Settings(home=Path(), checkpoints=Path(), data=None, **sizes)


def encoded(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    """A picture file. `kind` is Pillow's name of the format."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def dataset(pixels: np.ndarray, **elements: Any) -> FileDataset:
    """A DX film of uint8, uint16 or int16 pixels, (H, W) or (H, W, 3), explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    film.SOPClassUID = DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = "1.2.3.4"
    film.Modality = "DX"
    film.Rows, film.Columns = pixels.shape[:2]
    film.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    film.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        film.PlanarConfiguration = 0
    film.BitsAllocated = film.BitsStored = 8 * pixels.dtype.itemsize
    film.HighBit = film.BitsStored - 1
    film.PixelRepresentation = int(pixels.dtype.kind == "i")
    film.PixelData = pixels.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom rightly warns of values that tests need wrong
        for keyword, value in elements.items():
            setattr(film, keyword, value)
    return film


def written(film: FileDataset, **options: Any) -> bytes:
    """The bytes of a dataset as a file."""
    file = BytesIO()
    film.save_as(file, enforce_file_format=True, **options)
    return file.getvalue()


def dicom(pixels: np.ndarray, **elements: Any) -> bytes:
    """The file of `dataset(pixels, **elements)`."""
    return written(dataset(pixels, **elements))
