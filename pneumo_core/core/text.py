"""Text that is safe to print and to store."""

__all__ = ["clean"]


def clean(text: str) -> str:
    """Return the text without control characters, line breaks and lone surrogates."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())
