"""A checkpoint on disk: a folder with its weights, its card, its scores and its history.

``weights.safetensors`` (float16), ``card.json`` (written last), ``scores.parquet`` (id, patient,
split, label, subtype, probability of the val and test X-rays), ``features.safetensors``
(penultimate features of the same X-rays), ``history.csv`` (one row per epoch), and optionally
``gate.safetensors`` (the fitted image check, with the version of its weights). The folder is
written to a temporary place and renamed; nothing in it is executed on load.
"""

import hashlib
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pydantic
import pydantic_core
import safetensors.numpy

from pneumo_core.checkpoints.card import Card, MemberFacts, contradiction, with_older_framing
from pneumo_core.core.files import put_back, remove_folder, replace_folder, write_whole
from pneumo_core.core.html import html_table
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError, UnknownName, wrong_type

if TYPE_CHECKING:  # these import torch, which listing and reading don't need
    from torch import Tensor, nn

    from pneumo_core.models import PneumoniaNetwork

__all__ = [
    "SHIPPED",
    "Checkpoint",
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
]

_SCORED = frozenset({"id", "patient", "split", "label", "subtype", "probability"})
SHIPPED = ("pneumo", "efficientnet_b0", "cnn_94", "cnn_v2")
"""Names of the checkpoints shipped with Pneumo, the default first. In a clone one's own trained
ones are in the same folder."""
_CARD = pydantic.TypeAdapter(Card)
_SIGN = "card.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint found on disk. Its parts are loaded on access."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """The folder's name, which is the model's name."""
        return self.folder.name

    def __repr__(self) -> str:
        return f"Checkpoint({self.name!r}, {self.card.architecture}, version {self.card.version})"

    def _repr_html_(self) -> str:
        evaluation = self.card.evaluation
        figures = evaluation.get("test") or evaluation.get("val")
        rows: list[tuple[str, object]] = [
            ("Architecture", self.card.architecture),
            ("Version", self.card.version),
            ("Trained", self.card.created),
        ]
        rows += [("AUC", figures.auc)] if figures else []
        return html_table(self.name, rows)

    def to_dict(self) -> dict[str, object]:
        """Return the card as plain values."""
        card: dict[str, object] = json.loads(self.card_json())
        return card

    def card_json(self, *, indent: int | None = 2) -> str:
        """Return the card as stored on disk; NaN is the string "NaN"."""
        return _CARD.dump_json(self.card, indent=indent).decode()

    def networks(self, content: bytes | None = None) -> "list[PneumoniaNetwork]":
        """Load the trained network, or an ensemble's: float32, in eval mode, without gradients.

        ``content``: its ``verified_weights``, if already loaded. Raises CheckpointError when the
        weights are missing, damaged, not finite, or don't match the card.
        """
        from pneumo_core.checkpoints.weights import trained

        if content is None:
            content = self.verified_weights()
        models = [(part.model, part.input.size) for part in self.card.members or (self.card,)]
        try:
            return trained(content, models, members=bool(self.card.members))
        except ValueError as error:
            raise self._damage_error(str(error)) from error

    def network(self) -> "nn.Module":
        """Return the trained network as a torch module, in eval mode, without gradients.

        It maps normalised images (N, C, S, S) to logits (N, 2), NORMAL first. Raises
        CheckpointError for an ensemble, which has several: see ``networks``.
        """
        if self.card.members:
            raise CheckpointError(
                f"'{self.name}' is the mean of {len(self.card.members)} networks. Take them from "
                "networks()."
            )
        return self.networks()[0]

    def export_onnx(self, path: str | os.PathLike[str]) -> Path:
        """Write the model as one ONNX file, ensembles too, and return its path.

        The graph maps "images" uint8 (N, S, S), as made by ``lungs.NetworkInput.of(card.input)``,
        to "probability" float32 (N,), calibrated. It runs in any ONNX runtime. Raises
        CheckpointError if the file can't be written.
        """
        from pneumo_core.models.onnx_export import probability_graph

        facts: Sequence[Card | MemberFacts] = self.card.members or (self.card,)
        parts = [
            (network, fact.input, fact.calibration.temperature, fact.calibration.offset)
            for network, fact in zip(self.networks(), facts, strict=True)
        ]
        target = Path(path)
        content = probability_graph(parts, mirror=self.card.mirror)
        write_whole(target, content, error=CheckpointError, remedy="Choose another place.")
        return target

    def verified_weights(self) -> bytes:
        """Read the file of weights and check it against the card. Raises CheckpointError."""
        try:
            content = (self.folder / "weights.safetensors").read_bytes()
            known = hashlib.sha256(content).hexdigest() == self.card.weights_sha256
            if not known:
                safetensors.deserialize(content)  # type: ignore[no-untyped-call]
        except (OSError, safetensors.SafetensorError) as error:
            raise self._damage_error("its weights can't be read") from error
        if not known:
            raise self._damage_error("its weights don't match its card")
        return content

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per val and test X-ray: id, patient, split, label, subtype, probability."""
        try:
            table = pd.read_parquet(self.folder / "scores.parquet")
            possible = table["label"].isin((0, 1)) & table["probability"].between(0, 1)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damage_error("its scores can't be read") from error
        if not (set(table) >= _SCORED and possible.all()):
            raise self._damage_error("its scores are not labels of 0 or 1 and probabilities")
        return table

    @cached_property
    def features(self) -> np.ndarray:
        """Penultimate features float32 (M, D) of the X-rays in ``featured``."""
        try:
            stored = safetensors.numpy.load_file(self.folder / "features.safetensors")
            return stored["features"].astype(np.float32)
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise self._damage_error("its features can't be read") from error

    @cached_property
    def featured(self) -> pd.DataFrame:
        """The last M rows of ``scores``, which ``features`` belong to."""
        return self.scores.tail(len(self.features)).reset_index(drop=True)

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per epoch of its training."""
        try:
            return pd.read_csv(self.folder / "history.csv")
        except (OSError, ValueError) as error:
            raise self._damage_error("its history can't be read") from error

    @cached_property
    def gate(self) -> dict[str, np.ndarray] | None:
        """Load the arrays of the fitted image check, float32 by name; None if there is none.

        Raises CheckpointError when it is damaged or was fitted for other weights.
        """
        path = self.folder / "gate.safetensors"
        if not path.is_file():
            return None
        try:
            with safetensors.safe_open(path, "np") as file:
                fitted_for = (file.metadata() or {}).get("weights_sha256")
                names = file.keys()
                arrays = {name: file.get_tensor(name).astype(np.float32) for name in names}
        except (OSError, safetensors.SafetensorError) as error:
            raise self._damage_error("its image check can't be read") from error
        if fitted_for != self.card.weights_sha256:
            raise CheckpointError(
                f"The image check of the model '{self.name}' was fitted for other weights than it "
                "has. Fit it again."
            )
        return arrays

    def _damage_error(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"The model '{self.name}' can't be used: {why}. Train it again or restore it."
        )


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
    place = (root or settings().checkpoints) / check_name(name)
    if place.exists() and not overwrite:
        raise CheckpointError(f"A model named '{name}' exists already. Choose another name.")
    return place


def free_name(name: str, *, taken: Collection[str] = (), root: Path | None = None) -> str:
    """Return the name, with a number appended if a checkpoint or ``taken`` has it.

    Raises CheckpointError for an invalid name.
    """
    root = root or settings().checkpoints
    candidates = itertools.chain([check_name(name)], (f"{name}-{n}" for n in itertools.count(2)))
    return next(each for each in candidates if each not in taken and not (root / each).exists())


def list_checkpoints(root: Path | None = None) -> tuple[list[Checkpoint], list[str]]:
    """Return the checkpoints under ``root`` (default: PNEUMO_CHECKPOINTS), the default first.

    The second list has a message for each folder with a damaged card.
    """
    root = root or settings().checkpoints
    put_back(root, sign=_SIGN)
    found, problems = [], []
    folders = sorted(root.iterdir()) if root.is_dir() else []
    for folder in folders:
        if folder.name.startswith(".") or not (folder / "card.json").is_file():
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
    root = root or settings().checkpoints
    folder = root / check_name(name)
    put_back(root, sign=_SIGN)
    if not (folder / _SIGN).is_file():
        raise UnknownName("checkpoint", name, (each.name for each in list_checkpoints(root)[0]))
    return _read(folder)


def default_checkpoint(root: Path | None = None) -> Checkpoint:
    """Return the default checkpoint. Raises CheckpointError if there is none."""
    root = root or settings().checkpoints
    found, _ = list_checkpoints(root)
    if not found:
        raise CheckpointError(
            f"There is no model in '{root}'. Train one with 'pneumo train', "
            "or set PNEUMO_CHECKPOINTS to the folder of your models."
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
    from pneumo_core.checkpoints.weights import packed, unstorable

    root = root or settings().checkpoints
    place = check_free(card.name, overwrite=overwrite, root=root)
    if wrong := unstorable(weights):
        raise CheckpointError(
            f"The model '{card.name}' can't be written: its weights {wrong} contain "
            "values that are not numbers or too large for float16. Train it again."
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".saving-", dir=root))
        try:
            _write(temporary, card, packed(weights), scores, features, history)
            if gate is not None:
                _write_gate(temporary, gate)
            if overwrite:
                replace_folder(temporary, place, sign=_SIGN)
            else:
                _move_to_free(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        why = error.strerror or error
        raise CheckpointError(
            f"The model '{card.name}' can't be written to '{root}': {why}. "
            "Free some space, or set PNEUMO_CHECKPOINTS to a writable folder."
        ) from error
    return _read(place)


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
    """Rename a checkpoint. Raises CheckpointError for a taken or invalid name."""
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
    """Delete a checkpoint permanently. Raises CheckpointError if that fails."""
    try:
        remove_folder(checkpoint.folder)
    except OSError as error:
        raise CheckpointError(
            f"The model '{checkpoint.name}' can't be deleted: {error.strerror or error}."
        ) from error


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
    (folder / "card.json").write_bytes(card_bytes + b"\n")
    folder.chmod(0o755)  # mkdtemp's 0700 would hide it from other users


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
        card = _CARD.validate_json(pydantic_core.to_json(with_older_framing(found)))
    except (OSError, ValueError) as error:  # pydantic's ValidationError is one
        raise CheckpointError(
            f"The model '{folder.name}' can't be used: its card.json is damaged or written "
            "by another version of Pneumo. Train it again or restore it."
        ) from error
    if why := contradiction(card):
        raise CheckpointError(
            f"The model '{folder.name}' can't be used: {why}. Train it again, restore it, "
            "or update Pneumo."
        )
    return Checkpoint(folder, card)


def _preference(checkpoint: Checkpoint) -> tuple[int, str]:
    name = checkpoint.name
    return (SHIPPED.index(name) if name in SHIPPED else len(SHIPPED), name)
