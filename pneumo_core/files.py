"""Files that are there whole, or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

from pneumo_core.errors import PneumoError

__all__ = ["write_whole"]


def write_whole(
    path: Path,
    content: bytes,
    *,
    error: type[PneumoError] = PneumoError,
    remedy: str = "Free some space or set PNEUMO_HOME to another folder.",
) -> None:
    """Write a file beside its place and rename it into it; until then the old one stays.

    Its folder is made where it is missing. Raises ``error`` with the ``remedy`` when the disk
    refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as refused:
        raise error(f"'{path}' can't be written: {refused.strerror}. {remedy}") from refused
    finally:
        with contextlib.suppress(OSError):  # what can't be written often can't be removed either
            temporary.unlink(missing_ok=True)
