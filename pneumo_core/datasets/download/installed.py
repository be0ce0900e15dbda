"""Installed datasets: folders under ``PNEUMO_HOME/datasets``."""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pneumo_core.core.settings import settings
from pneumo_core.datasets.store_build import forget_stores
from pneumo_core.errors import DatasetError, UnknownName

__all__ = [
    "About",
    "KeptDataset",
    "check_dataset_name",
    "datasets_home",
    "delete_dataset",
    "find_dataset",
    "list_datasets",
]

ABOUT = "about.json"
_STAGED = ".staged-"
_DELETED = ".deleted-"
_FORGOTTEN_AFTER = 24 * 3600


@dataclass(frozen=True)
class About:
    """Origin of a dataset."""

    added: str
    origin: str
    films: int
    fingerprint: str = ""
    licence: str = ""
    citation: str = ""
    checksum: str = ""


@dataclass(frozen=True)
class KeptDataset:
    """A dataset in a folder of its own; ``location`` is what ``datasets.scan`` takes."""

    name: str
    folder: Path
    about: About | None

    @property
    def location(self) -> Path:
        """The folder, or the archive in it where the X-rays are too small to be files."""
        archive = self.folder / f"{self.name}.npz"
        return archive if archive.is_file() else self.folder


def datasets_home() -> Path:
    """Return the folder that holds them, there or not."""
    return settings().home / "datasets"


def check_dataset_name(name: str, home: Path | None = None) -> str:
    """Return the name itself where it can name a new dataset. Raises DatasetError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise DatasetError(
            f"'{name}' can't name a dataset. "
            "Use up to 64 letters, digits, '-' and '_', starting with a letter or digit."
        )
    home = home or datasets_home()
    taken = {each.name.casefold() for each in home.iterdir()} if home.is_dir() else set()
    if name.casefold() in taken:
        raise DatasetError(f"A dataset named '{name}' already exists. Choose another name.")
    return name


def list_datasets(home: Path | None = None) -> list[KeptDataset]:
    """Return every dataset that was downloaded or added, by name."""
    home = home or datasets_home()
    folders = sorted(home.iterdir()) if home.is_dir() else []
    return [
        KeptDataset(folder.name, folder, _about(folder))
        for folder in folders
        if folder.is_dir() and not folder.name.startswith(".")
    ]


def find_dataset(name: str) -> KeptDataset:
    """Return the dataset of that name. Raises UnknownName."""
    found = {each.name: each for each in list_datasets()}
    if name not in found:
        raise UnknownName("dataset", name, found)
    return found[name]


def delete_dataset(name: str) -> None:
    """Delete a dataset and its decoded X-rays; it disappears from lists at once.

    Raises UnknownName, or DatasetError where the disk refuses.
    """
    dataset = find_dataset(name)
    folder = dataset.folder
    doomed = folder.with_name(f"{_DELETED}{secrets.token_hex(4)}")
    try:
        folder.rename(doomed)
        shutil.rmtree(doomed)
        if dataset.about and re.fullmatch(r"[0-9a-f]{24}", dataset.about.fingerprint):
            forget_stores(dataset.about.fingerprint)
    except OSError as error:
        raise DatasetError(
            f"The dataset '{name}' can't be deleted: {error.strerror or error}. "
            f"Allow writing to '{folder.parent}', or delete it there."
        ) from error


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Create a hidden folder beside the datasets, which is removed on errors."""
    folder = home / f"{_STAGED}{secrets.token_hex(6)}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        folder.mkdir()
    except OSError as error:
        raise DatasetError(
            f"No dataset can be kept in '{home}': {error.strerror or error}. "
            "Set PNEUMO_HOME to a folder you may write to."
        ) from error
    try:
        yield folder
    except BaseException:  # also a visitor's Cancel, which is none of our errors
        shutil.rmtree(folder, ignore_errors=True)
        raise


def write_about(folder: Path, about: About) -> None:
    (folder / ABOUT).write_text(json.dumps(asdict(about), indent=2) + "\n")


def _about(folder: Path) -> About | None:
    try:
        return About(**json.loads((folder / ABOUT).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _sweep(home: Path) -> None:
    """Remove what closed tabs and killed processes left behind a day ago."""
    for left in home.iterdir():
        old = time.time() - left.stat().st_mtime > _FORGOTTEN_AFTER
        if old and left.name.startswith((_STAGED, _DELETED)):
            shutil.rmtree(left, ignore_errors=True)
