"""Checkpoints on disk: find, save, rename and delete them.

A new checkpoint is written to a temporary folder, which is then renamed. An installed Pneumo has
its own models in a second folder, which is only read.
"""

import contextlib
import hashlib
import itertools
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pydantic
import pydantic_core
import safetensors.numpy

from pneumo_core.checkpoints.card import (
    Card,
    contradiction,
    unknown_architecture,
    with_older_framing,
    with_older_prevalence,
)
from pneumo_core.checkpoints.checkpoint import Checkpoint
from pneumo_core.core.files import put_back, remove_folder, replace_folder, write_whole
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError, UnknownName, wrong_type

if TYPE_CHECKING:  # torch is slow to import, and listing needs none
    from torch import Tensor

__all__ = [
    "SHIPPED",
    "add_gate",
    "check_free",
    "check_name",
    "default_checkpoint",
    "delete_checkpoint",
    "free_name",
    "list_checkpoints",
    "load_checkpoint",
    "rename_checkpoint",
    "save_checkpoint",
    "save_recalibrated",
]

SHIPPED = ("pneumo", "efficientnet_b0", "cnn_94", "cnn_v2")
"""Names of the checkpoints shipped with Pneumo, the default first. In a clone one's own trained
ones are in the same folder."""
_CARD = pydantic.TypeAdapter(Card)
_SIGN = "card.json"


def check_name(name: str) -> str:
    """Return the name if it is valid for a checkpoint. Raises CheckpointError, or TypeError."""
    if not isinstance(name, str):
        raise wrong_type("A model's name", "a str", name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise CheckpointError(
            f"'{name}' is not a valid model name. "
            "Use up to 64 letters, digits, '-' and '_', starting with a letter or digit."
        )
    return name


def check_free(name: str, *, overwrite: bool = False, root: Path | None = None) -> Path:
    """Return the folder for a new name. Raises CheckpointError for an invalid or taken one."""
    places = [folder / check_name(name) for folder in _folders(root)]
    if any(place.exists() for place in places) and not overwrite:
        raise CheckpointError(f"A model named '{name}' already exists. Choose another name.")
    return places[0]


def free_name(name: str, *, taken: Collection[str] = (), root: Path | None = None) -> str:
    """Return the name, with a number appended if a checkpoint or ``taken`` has it.

    Raises CheckpointError for an invalid name.
    """
    here = _folders(root)
    candidates = itertools.chain([check_name(name)], (f"{name}-{n}" for n in itertools.count(2)))
    return next(
        each
        for each in candidates
        if each not in taken and not any((folder / each).exists() for folder in here)
    )


def list_checkpoints(root: Path | None = None) -> tuple[list[Checkpoint], list[str]]:
    """Return the checkpoints under ``root`` (default: PNEUMO_CHECKPOINTS), the default first.

    By default those that are installed with Pneumo are among them, unless one's own has the name.
    The second list has a message for each folder with a damaged card.
    """
    here: dict[str, Path] = {}
    for parent in reversed(_folders(root)):
        put_back(parent, sign=_SIGN)
        here |= {each.name: each for each in (parent.iterdir() if parent.is_dir() else ())}
    found, problems = [], []
    for name, folder in sorted(here.items()):
        if name.startswith(".") or not (folder / _SIGN).is_file():
            continue
        try:
            found.append(_read(folder))
        except CheckpointError as error:
            problems.append(str(error))
    return sorted(found, key=_preference), problems


def load_checkpoint(name: str | Checkpoint | None, root: Path | None = None) -> Checkpoint:
    """Return the checkpoint with this name, or the default one for None.

    A Checkpoint is returned as it is, so that functions take either. Raises UnknownName, or
    CheckpointError for a damaged card or if there is no checkpoint.
    """
    if isinstance(name, Checkpoint):
        return name
    if name is None:
        return default_checkpoint(root)
    check_name(name)
    for folder in _folders(root):
        put_back(folder, sign=_SIGN)
        if (folder / name / _SIGN).is_file():
            return _read(folder / name)
    raise UnknownName("model", name, (each.name for each in list_checkpoints(root)[0]))


def default_checkpoint(root: Path | None = None) -> Checkpoint:
    """Return the default checkpoint. Raises CheckpointError if there is none."""
    found, _ = list_checkpoints(root)
    if not found:
        raise CheckpointError(
            f"There is no model in '{root or settings().checkpoints}'. Train one with "
            "'pneumo train', or set PNEUMO_CHECKPOINTS to the folder of your models."
        )
    return found[0]


def save_checkpoint(
    card: Card,
    weights: "Mapping[str, Tensor]",
    *,
    scores: pd.DataFrame,
    features: np.ndarray,
    history: pd.DataFrame,
    gate: Mapping[str, np.ndarray] | None = None,
    root: Path | None = None,
    overwrite: bool = False,
) -> Checkpoint:
    """Save a checkpoint atomically.

    ``weights`` must be the output of ``stored_precision``, so that what was evaluated is what is
    saved; ``features`` (M, D) belong to the last M rows of ``scores``. Raises CheckpointError when
    the name is taken (unless ``overwrite``) or invalid, float16 can't represent a weight, or the
    folder can't be written.
    """
    from pneumo_core.checkpoints.weights import to_safetensors, unstorable

    root = root or settings().checkpoints
    check_free(card.name, overwrite=overwrite, root=root)
    if wrong := unstorable(weights):
        raise CheckpointError(
            f"The model '{card.name}' can't be written: its weights {wrong} contain "
            "values that are not numbers or too large for float16. Train it again."
        )
    with _new_folder(card.name, root, overwrite=overwrite) as temporary:
        _write(temporary, card, to_safetensors(weights), scores, features, history)
        if gate is not None:
            _write_gate(temporary, gate)
    return _read(root / card.name)


def save_recalibrated(checkpoint: Checkpoint, card: Card, scores: pd.DataFrame) -> Checkpoint:
    """Save a checkpoint's network among one's own, under another card and with other scores.

    ``scores`` must end with the rows of ``checkpoint.featured``. Raises CheckpointError when the
    card's name is taken or invalid, or the folder can't be written.
    """
    root = _writable(checkpoint)
    check_free(card.name, root=root)
    with _new_folder(card.name, root) as temporary:
        shutil.copytree(checkpoint.folder, temporary, dirs_exist_ok=True)
        scores.to_parquet(temporary / "scores.parquet", index=False)
        (temporary / _SIGN).write_bytes(_CARD.dump_json(card, indent=2) + b"\n")
    return _read(root / card.name)


@contextlib.contextmanager
def _new_folder(name: str, root: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder, which becomes ``root / name`` at the end unless an error is raised.

    Raises CheckpointError for an OSError.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".saving-", dir=root))
        try:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp's 0700 would hide it from other users
            if overwrite:
                replace_folder(temporary, root / name, sign=_SIGN)
            else:
                _move_to_free(temporary, root / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        why = error.strerror or error
        raise CheckpointError(
            f"The model '{name}' can't be written to '{root}': {why}. "
            "Free some space, or set PNEUMO_CHECKPOINTS to a writable folder."
        ) from error


def add_gate(checkpoint: Checkpoint, gate: Mapping[str, np.ndarray]) -> Checkpoint:
    """Save the fitted image check of a checkpoint. Raises CheckpointError."""
    try:
        _write_gate(checkpoint.folder, gate)
    except OSError as error:
        raise CheckpointError(
            f"The image check of the model '{checkpoint.name}' can't be written to "
            f"'{checkpoint.folder}': {error.strerror or error}. Free some space or allow writing."
        ) from error
    return _read(checkpoint.folder)


def rename_checkpoint(checkpoint: Checkpoint, name: str) -> Checkpoint:
    """Rename a checkpoint.

    Raises CheckpointError for a taken or invalid name, or if it is installed with Pneumo.
    """
    _refuse_installed(checkpoint, "renamed")
    place = check_free(name, root=checkpoint.folder.parent)
    card = _CARD.dump_json(replace(checkpoint.card, name=name), indent=2)
    try:
        checkpoint.folder.rename(place)
    except OSError as error:
        raise CheckpointError(
            f"The model '{checkpoint.name}' can't be renamed: {error.strerror or error}."
        ) from error
    write_whole(place / "card.json", card + b"\n", error=CheckpointError)
    return _read(place)


def delete_checkpoint(checkpoint: Checkpoint) -> None:
    """Delete a checkpoint permanently.

    Raises CheckpointError if that fails, or if it is installed with Pneumo.
    """
    _refuse_installed(checkpoint, "deleted")
    try:
        remove_folder(checkpoint.folder)
    except OSError as error:
        raise CheckpointError(
            f"The model '{checkpoint.name}' can't be deleted: {error.strerror or error}."
        ) from error


def _folders(root: Path | None) -> list[Path]:
    """Return where checkpoints lie, the writable folder first."""
    if root is not None:
        return [root]
    here = settings()
    return [here.checkpoints, *([here.shipped] if here.shipped else [])]


def _writable(checkpoint: Checkpoint) -> Path:
    parent = checkpoint.folder.parent
    return settings().checkpoints if parent == settings().shipped else parent


def _refuse_installed(checkpoint: Checkpoint, what: str) -> None:
    if checkpoint.folder.parent == settings().shipped:
        raise CheckpointError(
            f"The model '{checkpoint.name}' is part of the installed Pneumo and can't be {what}."
        )


def _write(
    folder: Path,
    card: Card,
    content: bytes,
    scores: pd.DataFrame,
    features: np.ndarray,
    history: pd.DataFrame,
) -> None:
    (folder / "weights.safetensors").write_bytes(content)
    scores.to_parquet(folder / "scores.parquet", index=False)
    narrow = {"features": np.ascontiguousarray(features, dtype=np.float16)}
    (folder / "features.safetensors").write_bytes(safetensors.numpy.save(narrow))
    history.to_csv(folder / "history.csv", index=False)
    digest = hashlib.sha256(content).hexdigest()
    card_bytes = _CARD.dump_json(replace(card, weights_sha256=digest), indent=2)
    (folder / _SIGN).write_bytes(card_bytes + b"\n")


def _write_gate(folder: Path, gate: Mapping[str, np.ndarray]) -> None:
    """Write a temporary file and rename it; in float32, as float16 would lose small numbers."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in gate.items()}
    belongs = {"weights_sha256": _read(folder).card.weights_sha256}
    temporary = folder / ".gate.safetensors"
    temporary.write_bytes(safetensors.numpy.save(arrays, belongs))
    temporary.rename(folder / "gate.safetensors")


def _move_to_free(temporary: Path, place: Path) -> None:
    """Move the folder, but never over a checkpoint published by another process meanwhile."""
    try:
        temporary.rename(place)
    except OSError:
        check_free(place.name, root=place.parent)
        raise


def _read(folder: Path) -> Checkpoint:
    try:
        found = pydantic_core.from_json((folder / "card.json").read_bytes())
        found = with_older_prevalence(with_older_framing(found))
        card = _CARD.validate_json(pydantic_core.to_json(found))
    except (OSError, ValueError) as error:  # pydantic's ValidationError is one
        raise CheckpointError(
            f"The model '{folder.name}' can't be used: its card.json is damaged or written "
            "by another version of Pneumo. Train it again or restore it."
        ) from error
    if unknown := unknown_architecture(card):
        raise CheckpointError(
            f"The model '{folder.name}' has the architecture '{unknown}', which is not registered "
            "here. Install the package that adds it, or call register_architecture first."
        )
    if why := contradiction(card):
        raise CheckpointError(
            f"The model '{folder.name}' can't be used: {why}. Train it again, restore it, "
            "or update Pneumo."
        )
    return Checkpoint(folder, card)


def _preference(checkpoint: Checkpoint) -> tuple[int, str]:
    name = checkpoint.name
    return (SHIPPED.index(name) if name in SHIPPED else len(SHIPPED), name)
