"""Text that is safe to print and to store, and counts and lists in words."""

from collections.abc import Sequence

__all__ = ["clean", "first_of", "x_rays"]


def clean(text: str) -> str:
    """Return the text without control characters, line breaks and lone surrogates."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())


def x_rays(count: int) -> str:
    """Return a count: "1 X-ray", "1,234 X-rays"."""
    return "1 X-ray" if count == 1 else f"{count:,} X-rays"


def first_of(names: Sequence[str], most: int) -> str:
    """Return names as a list that names at most so many: "a, b and 3 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
