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
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pneumo_core.core.files import exists
from pneumo_core.errors import PneumoError

__all__ = ["MIN_SIDE", "Settings", "cores", "pages_folder", "repository_root", "settings"]

MIN_SIDE = 64
"""Smallest side of an X-ray that is sent to be read, in pixels."""

_PACKAGE = Path(__file__).resolve().parents[1]
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_PREFIX = "PNEUMO_"
_Size = Annotated[
    float,  # in millions: from one byte to more than any disk holds
    Field(
        ge=1e-6,
        le=1e9,
        allow_inf_nan=False,
        description="a number above 0, at most 1,000,000,000",
    ),
]
_Count = Annotated[
    int | None, Field(gt=0, le=10_000, description="a whole number above 0, at most 10,000")
]


class _Environment(BaseSettings):
    """The variables as they are set; a blank one counts as not set."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    home: str | None = None
    checkpoints: str | None = None
    data: str | None = None
    cache: str | None = None
    audit: str | None = None
    gateway: str | None = None
    max_file_mb: _Size = 64
    max_megapixels: _Size = 100
    max_upload_mb: _Size = 200
    max_dataset_mb: _Size = 20_000
    threads: _Count = None
    batch: _Count = None
    engine: Annotated[
        Literal["onnxruntime", "torch"], Field(description="onnxruntime or torch")
    ] = "onnxruntime"

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value.strip() for name, value in given.items() if value.strip()}


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
    given = _environment(tuple(each for each in os.environ.items() if each[0].startswith(_PREFIX)))
    clone = repository_root()
    home = _path("home", given.home) or (clone or Path.home()) / ".pneumo"
    shipped = clone / "checkpoints" if clone else _PACKAGE / "shipped"
    return Settings(
        home=home,
        checkpoints=_path("checkpoints", given.checkpoints) or shipped,
        data=_dataset(given.data, home) if given.data else None,
        max_file_bytes=int(given.max_file_mb * 1e6),
        max_pixels=int(given.max_megapixels * 1e6),
        max_upload_bytes=int(given.max_upload_mb * 1e6),
        max_dataset_bytes=int(given.max_dataset_mb * 1e6),
        cache=_path("cache", given.cache) or home / "cache",
        threads=given.threads or cores(),
        batch=given.batch,
        engine=given.engine,
        audit=given.audit,
        gateway=_path("gateway", given.gateway),
    )


@lru_cache(maxsize=4)
def _environment(_variables: tuple[tuple[str, str], ...]) -> _Environment:
    """Read the variables once for each set of values; they are looked at for every X-ray."""
    try:
        return _Environment()
    except ValidationError as error:
        first = error.errors()[0]
        name, value = str(first["loc"][0]), first["input"]
        wanted = _Environment.model_fields[name].description
        raise PneumoError(
            f"{_variable(name)} is '{value}'. Set it to {wanted}, or unset it."
        ) from error


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


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


def _path(name: str, value: str | None) -> Path | None:
    return _expanded(name, value).resolve() if value else None


def _expanded(name: str, value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise PneumoError(
            f"{_variable(name)} is '{value}', and there is no such user on this machine. Set it to "
            "a path."
        ) from error


def _dataset(given: str, home: Path) -> Path:
    """Return a path, or the dataset that was downloaded or added under that name."""
    path, kept = _expanded("data", given).resolve(), home / "datasets" / given
    if exists(path) or len(Path(given).parts) != 1 or not exists(kept):
        return path
    archive = kept / f"{given}.npz"
    return archive if archive.is_file() else kept
