"""The variables ``PNEUMO_…`` as they are set; `settings.py` says what they mean."""

import os
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pneumo_core.errors import PneumoError

__all__ = ["PREFIX", "Environment", "read_environment"]

PREFIX = "PNEUMO_"


def _digits(value: Any) -> Any:
    """Refuse what Python and pydantic read as a whole number, too: "2.0", "1_000", "+3"."""
    if isinstance(value, str) and not value.isdecimal():
        raise ValueError("not a whole number")
    return value


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
    Annotated[int, Field(gt=0, le=10_000)] | None,
    BeforeValidator(_digits),
    Field(description="a whole number above 0, at most 10,000"),
]


class Environment(BaseSettings):
    """The variables; a blank one counts as not set."""

    model_config = SettingsConfigDict(
        alias_generator=lambda name: PREFIX + name.upper(), case_sensitive=True, extra="ignore"
    )

    home: str | None = None
    checkpoints: str | None = None
    data: str | None = None
    cache: str | None = None
    audit: str | None = None
    gateway: str | None = None
    lungs: str | None = None
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


def read_environment() -> Environment:
    """Read the variables. Raises PneumoError where a value makes no sense."""
    return _read(tuple(each for each in os.environ.items() if each[0].startswith(PREFIX)))


@lru_cache(maxsize=4)
def _read(_variables: tuple[tuple[str, str], ...]) -> Environment:
    """Validate each set of values once: every X-ray asks for the settings."""
    try:
        return Environment()
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0])
        field = Environment.model_fields[variable.removeprefix(PREFIX).lower()]
        raise PneumoError(
            f"{variable} is '{first['input']}'. Set it to {field.description}, or unset it."
        ) from error
