"""Who may do what: people, their roles, and what a role may do."""

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

OPEN_LINE = "Anyone who can reach this server can use it: nobody is asked to sign in."
"""What a server that other machines reach says on every page, unless people have to sign in."""

Role: TypeAlias = Literal["reader", "analyst"]
"""A reader reads films and looks; an analyst also trains, adds, deletes, and sees the log."""

_UNVERIFIED = ("false", "0", "no", "")


@dataclass(frozen=True)
class Person:
    """Somebody at the dashboard or the command line: how the log calls them, and their role."""

    name: str
    role: Role


ANYONE = Person("anyone", "analyst")
"""Whoever reaches a dashboard that asks nobody to sign in."""


@dataclass(frozen=True)
class Roles:
    """E-mail patterns for each role (``*@x.org``); ``reader`` None: whoever signs in reads."""

    analyst: tuple[str, ...] = ()
    reader: tuple[str, ...] | None = None


def read_roles(table: object) -> Roles:
    """The table ``[roles]`` of a configuration; None is no table, and makes everybody a reader.

    Raises AccessError for anything else than lists of e-mail patterns under the names of roles: a
    misspelt list must not let anybody in.
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
    """Who signed in, by what an identity provider says of them (``email``, ``email_verified``...).

    An e-mail address that the provider calls unverified is nobody's: it matches no list, and such
    a person is called by the provider's own number for them (``sub``). Raises AccessError where
    there is a list of readers and they are in no list.
    """
    email = _verified_email(claims)
    name = email or str(claims.get("sub") or "somebody without a name")
    if _listed(email, roles.analyst):
        return Person(name, "analyst")
    if roles.reader is None or _listed(email, roles.reader):
        return Person(name, "reader")
    unverified = "" if email else " Your provider has not verified your e-mail address."
    raise AccessError(
        f"You are signed in as {name}, who is not admitted here.{unverified} Ask whoever runs this "
        "server, or sign out and sign in as somebody else."
    )


def _verified_email(claims: Mapping[str, object]) -> str:
    verified = claims.get("email_verified")
    if verified is not None and str(verified).strip().lower() in _UNVERIFIED:
        return ""
    return str(claims.get("email") or "").strip()


def _listed(email: str, patterns: tuple[str, ...]) -> bool:
    return bool(email) and any(fnmatchcase(email.lower(), each) for each in patterns)


def listens_beyond(address: str | None) -> bool:
    """Whether a server at this address answers other machines; None and "" are all addresses."""
    name = (address or "").strip().strip("[]").lower()
    if name == "localhost" or name.startswith("unix:"):
        return False
    try:
        return not ipaddress.ip_address(name).is_loopback
    except ValueError:  # a name that may be anywhere
        return True
