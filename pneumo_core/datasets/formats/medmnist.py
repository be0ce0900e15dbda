"""MedMNIST archives: X-rays in arrays of one ``.npz`` file."""

import threading
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812

import numpy as np
from PIL import Image

from pneumo_core.datasets.dataset import LABELS, SPLITS
from pneumo_core.errors import DatasetError
from pneumo_core.imaging.grey_values import divide, luma
from pneumo_core.imaging.radiograph import FileFacts, Radiograph

__all__ = ["ArchiveSource", "archived_image", "read_archive"]

Split = tuple[str, np.ndarray, np.ndarray]

# Exceptions of numpy and zipfile for damaged archives, plain arrays, and invalid or huge headers.
_NO_ARCHIVE = (
    *(OSError, ValueError, EOFError, KeyError, NotImplementedError, BadZipFile, ZlibError),
    *(TypeError, AttributeError, MemoryError, RuntimeError, SyntaxError, TokenError),
)


@dataclass(frozen=True)
class ArchiveSource:
    """The X-rays of an archive, by ids such as "test/000007"."""

    path: Path

    def radiograph(self, film_id: str) -> Radiograph:
        """Decode one X-ray. Raises KeyError or IndexError for an unknown id, DatasetError."""
        split, row = film_id.split("/")
        image = _images(self.path)[split][int(row)]
        pixels = luma(image, 255) if image.ndim == 3 else divide(image, 255)
        height, width = pixels.shape
        facts = FileFacts(format="NPZ", width=width, height=height, bits=8, colour=False)
        return Radiograph(name=film_id, pixels=pixels, facts=facts)


def archived_image(path: Path, film_id: str) -> bytes | None:
    """Return an X-ray of an archive as a PNG file; None if there is none. Raises DatasetError."""
    images = _images(path)
    split, _, row = film_id.partition("/")
    if split not in images or not row.isdecimal() or int(row) >= len(images[split]):
        return None
    file = BytesIO()
    Image.fromarray(images[split][int(row)]).save(file, "PNG")
    return file.getvalue()


def read_archive(path: Path) -> list[Split]:
    """Return (split, images uint8 (N, S, S[, 3]), labels (N,)) of each split of a MedMNIST file.

    Raises DatasetError.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
    except _NO_ARCHIVE as error:
        raise DatasetError(
            f"'{path.name}' is neither a folder nor a readable .npz file. "
            "Give a folder of X-rays or a MedMNIST archive."
        ) from error
    splits = [
        (split, members[f"{split}_images"], members[f"{split}_labels"].reshape(-1))
        for split in SPLITS
        if f"{split}_images" in members and f"{split}_labels" in members
    ]
    for split, images, labels in splits:
        _check_split(path, split, images, labels)
    if not splits:
        raise DatasetError(
            f"'{path.name}' has no train_images and train_labels. Give a MedMNIST archive."
        )
    if not any(len(images) for _, images, _ in splits):
        raise DatasetError(f"'{path.name}' has no X-rays. Give a MedMNIST archive.")
    return splits


class _LastArchive:
    """Cache of the last archive's images."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[Path, int, int] | None = None
        self._images: dict[str, np.ndarray] = {}

    def images(self, path: Path) -> dict[str, np.ndarray]:
        """Return the images by split. Raises DatasetError."""
        try:
            state = path.stat()
        except OSError as error:
            raise DatasetError(f"'{path}' can't be opened: {error.strerror}. Check it.") from error
        key = (path, state.st_mtime_ns, state.st_size)
        with self._lock:
            if key != self._key:
                self._images = {split: images for split, images, _ in read_archive(path)}
                self._key = key
            return self._images


_images = _LastArchive().images


def _check_split(path: Path, split: str, images: np.ndarray, labels: np.ndarray) -> None:
    shape_is_good = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)
    if images.dtype != np.uint8 or not shape_is_good or len(images) != len(labels):
        raise DatasetError(
            f"'{path.name}': {split}_images is {images.dtype} {images.shape} with {len(labels)} "
            "labels. Expected uint8 (N, S, S) and one label each."
        )
    if not np.isin(labels, range(len(LABELS))).all():
        raise DatasetError(
            f"'{path.name}': {split}_labels holds values other than 0 (NORMAL) and 1 (PNEUMONIA). "
            "Use PneumoniaMNIST, or map the labels first."
        )
