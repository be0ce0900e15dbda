"""The interface of a dataset format, and the formats of other packages; see `built_in.py`, too."""

from pathlib import Path
from typing import Protocol

from pneumo_core.core.progress import Progress
from pneumo_core.datasets.dataset import Dataset

__all__ = ["DatasetFormat", "register_format", "registered_formats"]

_registered: list["DatasetFormat"] = []


class DatasetFormat(Protocol):
    """How datasets of one format are recognised and read."""

    def recognises(self, location: Path) -> bool:
        """Return whether this file or folder, which may not exist, is of this format."""
        ...

    def scan(self, location: Path, progress: Progress | None) -> Dataset:
        """Return the dataset without decoding an X-ray. Raises DatasetError."""
        ...

    def find(self, location: Path, film_id: str) -> Path | bytes | None:
        """Return one X-ray's file or its content, by id; None if the dataset has no such X-ray."""
        ...


def register_format(added: DatasetFormat) -> None:
    """Add a dataset format for this process; it is tried before the built-in ones."""
    _registered.insert(0, added)


def registered_formats() -> tuple[DatasetFormat, ...]:
    """Return the added formats, the last one first."""
    return tuple(_registered)
