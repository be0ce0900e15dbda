"""Access control: people, roles and permissions."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from pneumo_core.errors import AccessError

__all__ = [
    "ANYONE",
    "OPEN_LINE",
    "Person",
    "Role",
    "Roles",
    "admit",
    "listens_beyond",
    "read_roles",
]

OPEN_LINE = "Anyone who can reach this server can use it: no sign-in is required."
"""The warning on every page of a server open to other machines without sign-in."""

Role: TypeAlias = Literal["reader", "analyst"]
"""A reader reads and views X-rays; an analyst also trains, adds, deletes, and sees the log."""

_UNVERIFIED = ("false", "0", "no", "")


@dataclass(frozen=True)
class Person:
    """A user of the dashboard or the command line: name in the log, and role."""

    name: str
    role: Role


ANYONE = Person("anyone", "analyst")
"""The user of a dashboard without sign-in."""


@dataclass(frozen=True)
class Roles:
    """E-mail patterns for each role (``*@x.org``); ``reader`` None: anyone who signs in may
    read."""

    analyst: tuple[str, ...] = ()
    reader: tuple[str, ...] | None = None


def read_roles(table: object) -> Roles:
    """Parse the table ``[roles]`` of a configuration; without one, everybody is a reader.

    Raises AccessError for anything but lists of e-mail patterns under the names of roles, so that a
    typo never admits anyone.
    """
    if table is None:
        return Roles()
    if not isinstance(table, Mapping):
        raise AccessError("[roles] in secrets.toml must be a table with the lists analyst, reader.")
    if unknown := sorted(str(each) for each in table if each not in ("analyst", "reader")):
        raise AccessError(
            f"[roles] in secrets.toml names '{unknown[0]}'. The roles are analyst and reader."
        )
    lists = {role: _patterns(role, given) for role, given in table.items()}
    return Roles(lists.get("analyst", ()), lists.get("reader"))


def _patterns(role: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)) or not all(
        isinstance(each, str) and each.strip() for each in given
    ):
        raise AccessError(
            f"The list {role} of [roles] in secrets.toml must hold e-mail addresses in quotes, "
            'such as ["a@x.org", "*@x.org"].'
        )
    return tuple(each.strip().lower() for each in given)


def admit(claims: Mapping[str, object], roles: Roles) -> Person:
    """Return the signed-in person from an identity provider's claims (``email``, ...).

    An unverified e-mail address matches no list; such a person is named by the provider's id
    (``sub``). Raises AccessError if there is a list of readers and the person is in no list.
    """
    email = _verified_email(claims)
    name = email or str(claims.get("sub") or "an unnamed user")
    if _listed(email, roles.analyst):
        return Person(name, "analyst")
    if roles.reader is None or _listed(email, roles.reader):
        return Person(name, "reader")
    unverified = "" if email else " Your provider has not verified your e-mail address."
    raise AccessError(
        f"You are signed in as {name}, which is not allowed on this server.{unverified} Ask its "
        "administrator, or sign out and use another account."
    )


def _verified_email(claims: Mapping[str, object]) -> str:
    verified = claims.get("email_verified")
    if verified is not None and str(verified).strip().lower() in _UNVERIFIED:
        return ""
    return str(claims.get("email") or "").strip()


def _listed(email: str, patterns: tuple[str, ...]) -> bool:
    return bool(email) and any(fnmatchcase(email.lower(), each) for each in patterns)


def listens_beyond(address: str | None) -> bool:
    """Return whether an address is reachable from other machines; None and "" mean all."""
    name = (address or "").strip().strip("[]").lower()
    if name == "localhost" or name.startswith("unix:"):
        return False
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:  # a host name, which may be public
        return True
