"""Settings from environment variables: folders, limits and computing.

| variable | default | meaning |
|---|---|---|
| ``PNEUMO_HOME`` | ``.pneumo`` in a clone, else ``~/.pneumo`` | runs, datasets, caches |
| ``PNEUMO_CHECKPOINTS`` | ``checkpoints`` in a clone, else in ``PNEUMO_HOME`` | trained models |
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
| ``PNEUMO_LUNGS`` | the one shipped | folder of a lung finder that ``pneumo lungs train`` wrote |
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


@dataclass(frozen=True)
class Settings:
    """Pneumo's configuration; sizes in bytes and pixels; ``batch`` None: chosen by the network;
    ``audit`` None: a file in ``home``; ``gateway`` None: the gateway's default settings;
    ``lungs`` None: the lung finder shipped with Pneumo;
    ``shipped``: the installed models, which are only read; None where ``checkpoints`` has all."""

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
    lungs: Path | None = None
    shipped: Path | None = None


def settings() -> Settings:
    """Read the environment now. Raises PneumoError where a value makes no sense."""
    from pneumo_core.core.environment import read_environment  # slow, and --help needs none

    given = read_environment()
    clone = repository_root()
    home = _path("PNEUMO_HOME", given.home) or (clone or Path.home()) / ".pneumo"
    own = _path("PNEUMO_CHECKPOINTS", given.checkpoints)
    return Settings(
        home=home,
        checkpoints=own or (clone or home) / "checkpoints",
        data=_dataset(given.data, home) if given.data else None,
        max_file_bytes=int(given.max_file_mb * 1e6),
        max_pixels=int(given.max_megapixels * 1e6),
        max_upload_bytes=int(given.max_upload_mb * 1e6),
        max_dataset_bytes=int(given.max_dataset_mb * 1e6),
        cache=_path("PNEUMO_CACHE", given.cache) or home / "cache",
        threads=given.threads or cores(),
        batch=given.batch,
        engine=given.engine,
        audit=given.audit,
        gateway=_path("PNEUMO_GATEWAY", given.gateway),
        lungs=_path("PNEUMO_LUNGS", given.lungs),
        shipped=None if own or clone else _PACKAGE / "shipped",
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


def _path(variable: str, value: str | None) -> Path | None:
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
