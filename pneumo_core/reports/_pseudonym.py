"""Pseudonyms of patients: stable for each patient, derived with a secret key.

A plain hash of a patient's ID could be reversed by hashing every ID that a hospital uses.
HMAC-SHA256 with a key that never leaves the installation cannot, and X-rays of a patient still
belong together.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from filelock import FileLock

from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError

__all__ = ["KEY_FILE", "pseudonym"]

KEY_FILE = "pseudonyms.key"
"""In PNEUMO_HOME, readable by its owner alone."""

_KEY_BYTES = 32
_DIGITS = 32
"""Hexadecimal: 128 bits. The chance that two of a million are the same is 1.5e-27."""


def pseudonym(*identity: str) -> str:
    """Return "pneumo-" and 32 hexadecimal digits, the same for the same identity here.

    The key is made at the first call. Raises PneumoError if it cannot be stored or is damaged.
    """
    told = "\0".join(identity).encode("utf-8", "surrogatepass")
    digest = hmac.new(_key(settings().home / KEY_FILE), told, hashlib.sha256).hexdigest()
    return f"pneumo-{digest[:_DIGITS]}"


def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise PneumoError(
            f"'{path}', the key for de-identified patients, cannot be read or created: "
            f"{error.strerror}. Make the folder writable, or set PNEUMO_HOME to another."
        ) from error
    if len(key) != _KEY_BYTES:
        raise PneumoError(
            f"'{path}', the key for de-identified patients, is damaged: it has {len(key)} bytes "
            f"instead of {_KEY_BYTES}. Restore it from a backup, or delete it: patients then "
            "get other IDs than before."
        )
    return key


def _make_key(path: Path) -> None:
    """Write a new key atomically, readable by its owner only, unless another process did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
