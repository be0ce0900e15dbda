"""Parts of Pneumo that are installed apart, and what to say when one is missing."""

from importlib.util import find_spec

from pneumo_core.errors import MissingExtra

__all__ = ["require"]


def require(extra: str, *modules: str) -> None:
    """Check that an extra's modules are installed. Raises MissingExtra with what to install."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtra(extra, missing)
