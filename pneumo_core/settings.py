"""Where Pneumo keeps things and what it accepts, from the environment.

| variable | default | meaning |
|---|---|---|
| ``PNEUMO_HOME`` | ``.pneumo`` in a clone, else ``~/.pneumo`` | runs, datasets, caches |
| ``PNEUMO_CHECKPOINTS`` | ``checkpoints`` in a clone, else the installed ones | trained models |
| ``PNEUMO_DATA`` | none | the dataset to analyse and train on |
| ``PNEUMO_MAX_FILE_MB`` | 64 | largest film file, in MB (10^6 bytes) |
| ``PNEUMO_MAX_MEGAPIXELS`` | 100 | largest film, in 10^6 pixels |
| ``PNEUMO_MAX_UPLOAD_MB`` | 200 | largest dataset to upload in a browser |
| ``PNEUMO_MAX_DATASET_MB`` | 20000 | largest dataset to unpack |
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pneumo_core.errors import PneumoError

__all__ = ["MIN_SIDE", "Settings", "repository_root", "settings"]

MIN_SIDE = 64
"""Smallest side of a film that is sent to be read, in pixels."""

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Settings:
    """Pneumo's configuration; sizes in bytes and pixels."""

    home: Path
    checkpoints: Path
    data: Path | None
    max_file_bytes: int
    max_pixels: int
    max_upload_bytes: int = int(200e6)
    max_dataset_bytes: int = int(20e9)


def settings() -> Settings:
    """Read the environment now. Raises PneumoError where a value makes no sense."""
    clone = repository_root()
    data = os.environ.get("PNEUMO_DATA", "").strip()
    return Settings(
        home=_folder("PNEUMO_HOME", clone / ".pneumo" if clone else Path.home() / ".pneumo"),
        checkpoints=_folder(
            "PNEUMO_CHECKPOINTS", clone / "checkpoints" if clone else _PACKAGE / "shipped"
        ),
        data=Path(data).expanduser().resolve() if data else None,
        max_file_bytes=int(_positive("PNEUMO_MAX_FILE_MB", 64) * 1e6),
        max_pixels=int(_positive("PNEUMO_MAX_MEGAPIXELS", 100) * 1e6),
        max_upload_bytes=int(_positive("PNEUMO_MAX_UPLOAD_MB", 200) * 1e6),
        max_dataset_bytes=int(_positive("PNEUMO_MAX_DATASET_MB", 20_000) * 1e6),
    )


def repository_root() -> Path | None:
    """The clone that this package lies in, or else the one one stands in, or None."""
    for root in (_PACKAGE.parent, Path.cwd()):
        if (root / "streamlit_app.py").is_file() and (root / "pneumo_core").is_dir():
            return root
    return None


def _folder(variable: str, default: Path) -> Path:
    value = os.environ.get(variable, "").strip()
    return Path(value).expanduser().resolve() if value else default


def _positive(variable: str, default: float) -> float:
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise PneumoError(f"{variable} is '{value}'. Set it to a number above 0, or unset it.")
    return number
