"""Settings from environment variables: folders, limits and computing.

| variable | default | meaning |
|---|---|---|
| ``PNEUMO_HOME`` | ``.pneumo`` in a clone, else ``~/.pneumo`` | runs, datasets, caches |
| ``PNEUMO_CHECKPOINTS`` | ``checkpoints`` in a clone, else the installed ones | trained models |
| ``PNEUMO_DATA`` | none | the dataset to analyse and train on: its path, or its name |
| ``PNEUMO_MAX_FILE_MB`` | 64 | largest X-ray file, in MB (10^6 bytes) |
| ``PNEUMO_MAX_MEGAPIXELS`` | 100 | largest X-ray, in 10^6 pixels |
| ``PNEUMO_MAX_UPLOAD_MB`` | 200 | largest dataset to upload in a browser |
| ``PNEUMO_MAX_DATASET_MB`` | 20000 | largest dataset to unpack |
| ``PNEUMO_CACHE`` | ``cache`` in ``PNEUMO_HOME`` | what can be computed again |
| ``PNEUMO_THREADS`` | the cores this process may use | threads that compute at once |
| ``PNEUMO_BATCH`` | by the network's input | X-rays that go through a network at once |
| ``PNEUMO_ENGINE`` | ``onnxruntime`` | what runs trained networks: that, or ``torch`` |
| ``PNEUMO_AUDIT`` | ``audit.sqlite`` in ``PNEUMO_HOME`` | URL of the log's database |
| ``PNEUMO_GATEWAY`` | none: the defaults | the gateway's TOML file |
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pneumo_core.core.files import exists
from pneumo_core.errors import PneumoError

__all__ = ["MIN_SIDE", "Settings", "cores", "pages_folder", "repository_root", "settings"]

MIN_SIDE = 64
"""Smallest side of an X-ray that is sent to be read, in pixels."""

_PACKAGE = Path(__file__).resolve().parents[1]
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_ENGINES = ("onnxruntime", "torch")
_SMALLEST, _LARGEST = 1e-6, 1e9
"""Bounds of a size in millions: one byte, and more than any disk holds."""
_MOST = 10_000
"""Bound of a number of threads or X-rays."""


@dataclass(frozen=True)
class Settings:
    """Pneumo's configuration; sizes in bytes and pixels; ``batch`` None: chosen by the network;
    ``audit`` None: a file in ``home``; ``gateway`` None: the gateway's default settings."""

    home: Path
    checkpoints: Path
    data: Path | None
    max_file_bytes: int
    max_pixels: int
    max_upload_bytes: int = int(200e6)
    max_dataset_bytes: int = int(20e9)
    cache: Path = Path()
    threads: int = 1
    batch: int | None = None
    engine: str = "onnxruntime"
    audit: str | None = None
    gateway: Path | None = None


def settings() -> Settings:
    """Read the environment now. Raises PneumoError where a value makes no sense."""
    clone = repository_root()
    data = os.environ.get("PNEUMO_DATA", "").strip()
    home = _folder("PNEUMO_HOME", clone / ".pneumo" if clone else Path.home() / ".pneumo")
    return Settings(
        home=home,
        checkpoints=_folder(
            "PNEUMO_CHECKPOINTS", clone / "checkpoints" if clone else _PACKAGE / "shipped"
        ),
        data=_dataset(data, home) if data else None,
        max_file_bytes=int(_positive("PNEUMO_MAX_FILE_MB", 64) * 1e6),
        max_pixels=int(_positive("PNEUMO_MAX_MEGAPIXELS", 100) * 1e6),
        max_upload_bytes=int(_positive("PNEUMO_MAX_UPLOAD_MB", 200) * 1e6),
        max_dataset_bytes=int(_positive("PNEUMO_MAX_DATASET_MB", 20_000) * 1e6),
        cache=_folder("PNEUMO_CACHE", home / "cache"),
        threads=_count("PNEUMO_THREADS") or cores(),
        batch=_count("PNEUMO_BATCH"),
        engine=_one_of("PNEUMO_ENGINE", _ENGINES),
        audit=os.environ.get("PNEUMO_AUDIT", "").strip() or None,
        gateway=_path("PNEUMO_GATEWAY"),
    )


def cores() -> int:
    """Return the number of cores this process may use, by affinity and container quota."""
    tied = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        granted, period = _QUOTA.read_text().split()
        return max(1, min(tied or 1, int(granted) // int(period)))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return tied or 1


def repository_root() -> Path | None:
    """Return the clone with this package, else the current folder if a clone, or None."""
    for root in (_PACKAGE.parent, Path.cwd()):
        if (root / "streamlit_app.py").is_file() and (root / "pneumo_core").is_dir():
            return root
    return None


def pages_folder() -> Path | None:
    """Return the folder that has the dashboard's pages: the clone, or the installed package."""
    root = repository_root()
    if root is not None:
        return root
    installed = _PACKAGE / "app" / "site"
    return installed if (installed / "streamlit_app.py").is_file() else None


def _folder(variable: str, default: Path) -> Path:
    return _path(variable) or default


def _path(variable: str) -> Path | None:
    value = os.environ.get(variable, "").strip()
    return _expanded(variable, value).resolve() if value else None


def _expanded(variable: str, value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise PneumoError(
            f"{variable} is '{value}', and there is no such user on this machine. Set it to a path."
        ) from error


def _dataset(given: str, home: Path) -> Path:
    """Return a path, or the dataset that was downloaded or added under that name."""
    path, kept = _expanded("PNEUMO_DATA", given).resolve(), home / "datasets" / given
    if exists(path) or len(Path(given).parts) != 1 or not exists(kept):
        return path
    archive = kept / f"{given}.npz"
    return archive if archive.is_file() else kept


def _positive(variable: str, default: float) -> float:
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not _SMALLEST <= number <= _LARGEST:
        raise PneumoError(
            f"{variable} is '{value}'. Set it to a number above 0, at most {_LARGEST:,.0f}, or "
            "unset it."
        )
    return number


def _count(variable: str) -> int | None:
    """Return a whole number above 0, or None if the variable is not set."""
    value = os.environ.get(variable, "").strip()
    if value and not (value.isdecimal() and len(value) <= 5 and 0 < int(value) <= _MOST):
        raise PneumoError(
            f"{variable} is '{value}'. Set it to a whole number above 0, at most {_MOST:,}, or "
            "unset it."
        )
    return int(value) if value else None


def _one_of(variable: str, known: tuple[str, ...]) -> str:
    """Return one of several words; the first if the variable is not set."""
    value = os.environ.get(variable, "").strip() or known[0]
    if value not in known:
        raise PneumoError(f"{variable} is '{value}'. Set it to {' or '.join(known)}, or unset it.")
    return value
