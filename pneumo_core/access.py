"""Who may do what: people, their roles, and what a role may do."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["ANYONE", "Person", "Role"]

Role: TypeAlias = Literal["reader", "analyst"]
"""A reader reads films and looks; an analyst also trains, adds, deletes, and sees the log."""


@dataclass(frozen=True)
class Person:
    """Somebody at the dashboard or the command line: how the log calls them, and their role."""

    name: str
    role: Role


ANYONE = Person("anyone", "analyst")
"""Whoever reaches a dashboard that asks nobody to sign in."""
