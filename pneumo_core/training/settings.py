"""Settings of a training from a TOML file and from the command line."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pneumo_core.errors import TrainingError
from pneumo_core.training.config import TrainingConfig, training_config

__all__ = ["settings_from", "with_settings"]


def settings_from(file: Path | None, assignments: Iterable[str] = ()) -> dict[str, Any]:
    """Return settings by name from a TOML file and from texts such as "augmentation.rotation=10".

    A text's value is read as TOML where it is some, else as a string; it overrules the file.
    Raises TrainingError for a file that can't be read or a text without "=".
    """
    settings = _from_file(file) if file else {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not (equals and name.strip()):
            raise TrainingError(f"'{text}' sets nothing. Write NAME=VALUE, such as epochs=5.")
        _assign(settings, name.strip().split("."), _value(value.strip()))
    return settings


def with_settings(config: TrainingConfig, settings: Mapping[str, Any]) -> TrainingConfig:
    """Return the config with some settings changed, those of the augmentation one by one.

    Raises UnknownName for an unknown setting, TrainingError for a value that can't be used.
    """
    if not settings:
        return config
    known: dict[str, Any] = pydantic.TypeAdapter(TrainingConfig).dump_python(config)
    changes = dict(settings)
    if isinstance(changes.get("augmentation"), Mapping):
        changes["augmentation"] = {**known["augmentation"], **changes["augmentation"]}
    return training_config(**{**known, **changes})


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"'{file}' can't be read: {error.strerror}. Check the path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"'{file}' is not a TOML file: {error}. Correct it.") from error


def _assign(settings: dict[str, Any], path: list[str], value: object) -> None:
    *parents, last = path
    for parent in parents:
        settings = settings.setdefault(parent, {})
        if not isinstance(settings, dict):
            raise TrainingError(f"'{'.'.join(path)}' is not a setting: '{parent}' has no parts.")
    settings[last] = value


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
