"""The lock pins what requirements.txt asks for, and licences that may not come are refused."""

import re
from pathlib import Path

import pytest

from supply.licences import Package, refused

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\#]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_lock_has_every_requirement_in_its_version() -> None:
    files = ("requirements.txt", "requirements-gateway.txt")
    asked = pins("".join((ROOT / each).read_text(encoding="utf-8") for each in files))
    assert asked.items() <= pins(LOCK).items()


def test_every_package_has_a_hash_and_no_address() -> None:
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-2.0", False),
        ("GNU Affero General Public License v3", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("UNKNOWN", False),
    ],
)
def test_licences(licence: str, allowed: bool) -> None:
    assert (refused([Package("some", "1", licence)]) == []) is allowed
