"""The reference of all settings: environment, training, gateway; from what checks them."""

import inspect
import json
from typing import Any

import pydantic

from pneumo_core.core import settings
from pneumo_core.gateway import config as gateway_config
from pneumo_core.training import TrainingConfig

__all__ = ["page"]

_HEAD = """\
# Settings

Pneumo has three kinds of settings. Each table is made from the code that checks the values: a value
that makes no sense is refused with a sentence.

Sign-in and roles are set in `.streamlit/secrets.toml`:
[Several users](../operations.md#users-and-roles).

## Environment

"""
_TRAINING = """\
## Training

Set one by `pneumo train --set NAME=VALUE`, several in a TOML file for `pneumo train --config FILE`,
or by keyword in `pn.TrainingConfig`. The recipes `strong` (the default of the command line) and
`paper` set some of them to other values; the model's card lists what was used.

"""
_AUGMENTATION = """\
### augmentation

Random changes of the training X-rays: `--set augmentation.rotation=10`.

"""
_GATEWAY = """\
## Gateway

Keys of the TOML file for `pneumo gateway start --config FILE`;
[what they do](../gateway.md#what-can-be-set).

"""


def page() -> str:
    """Return the page as Markdown."""
    training = pydantic.TypeAdapter(TrainingConfig).json_schema()
    gateway = pydantic.TypeAdapter(gateway_config.Config).json_schema()
    parts = [_HEAD, _environment(), _TRAINING, _table(training)]
    parts += [_AUGMENTATION, _table(training["$defs"]["Augmentation"])]
    parts += [_GATEWAY, _table(gateway)]
    parts += [
        f"### {title}\n\n{_words(name)}\n\n{_table(gateway['$defs'][name])}"
        for name, title in _TABLES.items()
    ]
    return "".join(parts)


_TABLES = {
    "Dicom": "[dicom]",
    "Http": "[http]",
    "ReadingRules": "[reading]",
    "Keeping": "[keep]",
    "Drift": "[drift]",
    "Destination": "[[destination]]",
    "Source": "[[source]]",
    "Tls": "tls, in any of these",
}


def _words(name: str) -> str:
    """Return what a class of the gateway's settings says of them."""
    return (inspect.getdoc(getattr(gateway_config, name)) or "").replace("``", "`")


def _environment() -> str:
    """Return the table of the environment's variables, from the module that reads them."""
    words = inspect.getdoc(settings) or ""
    rows = [line for line in words.splitlines() if line.startswith("|")]
    return "\n".join(rows).replace("``", "`") + "\n\n"


def _table(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    described = any("description" in each for each in schema["properties"].values())
    head = "| setting | value | default |" + (" meaning |" if described else "")
    rows = []
    for name, each in schema["properties"].items():
        default = "required" if name in required else _default(each)
        row = f"| `{name}` | {_kind(each)} | {default} |"
        rows.append(row + (f" {_escaped(each.get('description', ''))} |" if described else ""))
    rule = "|" + "---|" * head.count("|", 1)
    return "\n".join([head, rule, *rows, "", ""])


def _default(each: dict[str, Any]) -> str:
    """Return a default as JSON; empty where it is a table, or found out at run time."""
    value = each.get("default", {})
    if value is None:
        return "none"
    return "" if isinstance(value, dict) else f"`{_escaped(json.dumps(value))}`"


def _kind(each: dict[str, Any]) -> str:
    """Return a JSON schema's type and range in words."""
    if "anyOf" in each:
        return " or ".join(_kind(kind) for kind in each["anyOf"])
    if "$ref" in each:
        name = each["$ref"].rsplit("/", 1)[-1]
        return f"table {_TABLES.get(name, name.lower()).split(',')[0]}"
    if "enum" in each:
        return ", ".join(f"`{value}`" for value in each["enum"])
    kind = {"null": "none", "string": "text", "array": "list"}.get(each.get("type", ""))
    if each.get("type") == "array" and "prefixItems" in each:
        return " and ".join(_kind(item) for item in each["prefixItems"])
    if each.get("type") == "array" and isinstance(each.get("items"), dict):
        return f"list of {_kind(each['items'])}"
    return " ".join(
        filter(None, (kind or each.get("format") or each.get("type", ""), _range(each)))
    )


def _range(each: dict[str, Any]) -> str:
    words = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
    }
    return ", ".join(f"{sign} {each[name]:.10g}" for name, sign in words.items() if name in each)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
