"""A checkpoint on disk: a folder with its weights, its card, its scores and its history.

``weights.safetensors`` (float16), ``card.json`` (written last), ``scores.parquet`` (id, patient,
split, label, subtype, probability of the val and test X-rays), ``features.safetensors``
(penultimate features of the same X-rays), ``history.csv`` (one row per epoch), and optionally
``gate.safetensors`` (the fitted image check, with the version of its weights) and
``graphs.safetensors`` (the networks as ONNX graphs without weights). The folder is written to a
temporary place and renamed; nothing in it is executed on load.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pydantic
import safetensors.numpy

from pneumo_core.checkpoints.card import Card, MemberFacts
from pneumo_core.core.files import write_whole
from pneumo_core.core.html import html_table
from pneumo_core.errors import CheckpointError

if TYPE_CHECKING:  # these import torch, which listing and reading don't need
    from torch import nn

    from pneumo_core.models import PneumoniaNetwork

__all__ = ["Checkpoint"]

_SCORED = frozenset({"id", "patient", "split", "label", "subtype", "probability"})
_CARD = pydantic.TypeAdapter(Card)


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
        from pneumo_core.checkpoints.weights import load_networks

        if content is None:
            content = self.verified_weights()
        models = [(part.model, part.input.size) for part in self.card.members or (self.card,)]
        try:
            return load_networks(content, models, members=bool(self.card.members))
        except ValueError as error:
            raise self._damage_error(str(error)) from error

    def network(self) -> "nn.Module":
        """Return the trained network as a torch module, in eval mode, without gradients.

        It maps normalised images (N, C, S, S) to logits (N, 2), NORMAL first. Raises
        CheckpointError for an ensemble, which has several: see ``networks``.
        """
        if self.card.members:
            raise CheckpointError(
                f"'{self.name}' is the mean of {len(self.card.members)} networks. Call networks() "
                "instead."
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
        """Return the training history, one row per epoch."""
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
