"""A checkpoint ready to compute: probabilities, features and heat maps for batches of films.

Films come as uint8 (N, S, S), squashed to the checkpoint's size by ``data.to_input``. Nothing here
changes a network or torch's state, and no hooks are used, so one runtime can serve several
threads at once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit
from torch import Tensor

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.data import Dataset, PixelStore, Progress, open_store, scan
from pneumo_core.models import InputFormat, PneumoniaNetwork

__all__ = ["Member", "Outputs", "Runtime", "dataset_for", "open_runtime"]

Films: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

_BATCH = 64
# Beyond these a probability's logit is no use, and at 0 or 1 it is infinite.
_LEAST, _MOST = 1e-6, 1 - 1e-6


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a checkpoint makes of films, row by row.

    ``margins`` float32 (N,): logit(PNEUMONIA) - logit(NORMAL), before calibration;
    ``features`` float32 (N, D): the penultimate layer, of several members one after the other.
    """

    margins: Floats
    features: Floats


@dataclass(frozen=True)
class Member:
    """One network with what it takes, and the temperature that makes its margins probabilities."""

    network: PneumoniaNetwork
    input: InputFormat
    temperature: float = 1.0


@dataclass(frozen=True)
class Runtime:
    """One network, or several whose probabilities are averaged, calibrated as one.

    With ``mirror`` each network sees a film and its mirror image, and its margins, features and
    (mirrored back) heat maps are averaged. All members take films of one size.
    """

    members: tuple[Member, ...]
    temperature: float = 1.0
    mirror: bool = False

    @classmethod
    def of(
        cls,
        network: PneumoniaNetwork,
        input_format: InputFormat,
        temperature: float = 1.0,
        *,
        mirror: bool = False,
    ) -> "Runtime":
        """The runtime of a single network."""
        return cls((Member(network, input_format),), temperature, mirror)

    @property
    def size(self) -> int:
        """Side of the films it takes, in pixels."""
        return self.members[0].input.size

    def run(self, films: Films) -> Outputs:
        """Margins and features of films uint8 (N, S, S), computed in small batches."""
        return self.run_rows(films, np.arange(len(films)))

    def calibrated(self, margins: Floats) -> Floats:
        """P(pneumonia) in [0, 1], float32, of margins."""
        return np.asarray(expit(margins / np.float32(self.temperature)), dtype=np.float32)

    def probabilities(self, films: Films) -> Floats:
        """P(pneumonia) of films uint8 (N, S, S): float32 (N,) in [0, 1]."""
        return self.calibrated(self.run(films).margins)

    def grad_cam(self, films: Films, label: int) -> Floats:
        """Where the evidence for ``label`` came from: float32 (N, h, w), ≥ 0, unscaled.

        The gradient of the label's logit at the last convolution's activation, averaged over each
        channel's positions, weighs the channel; the mean over channels, ReLU (Selvaraju et al.
        2017, doi 10.1109/ICCV.2017.74, with the paper's mean in place of the sum). Maps of several
        members, each divided by its maximum because their units differ, are averaged on the finest
        member's grid. All films are computed at once: send few.
        """
        maps = [self._both_ways(films, member, label) for member in self.members]
        if len(maps) == 1:
            return maps[0].cpu().numpy()
        finest = max(maps, key=lambda each: each.shape[-1]).shape[-2:]
        peaks = [each.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12) for each in maps]
        scaled = [
            torch.nn.functional.interpolate((each / peak)[:, None], finest, mode="bilinear")[:, 0]
            for each, peak in zip(maps, peaks, strict=True)
        ]
        return torch.stack(scaled).mean(dim=0).cpu().numpy()

    def run_store(
        self, store: PixelStore, ids: list[str], progress: Progress | None = None
    ) -> Outputs:
        """Margins and features of films in a store, in the order of ``ids``."""
        return self.run_rows(store.pixels, store.rows(ids), progress)

    def run_rows(
        self, films: Films, rows: NDArray[np.int64], progress: Progress | None = None
    ) -> Outputs:
        """Margins and features of some rows of films, in their order; a batch at a time is read."""
        parts = []
        for start in _starts(len(rows)):
            parts.append(self._run(films[rows[start : start + _BATCH]]))
            if progress:
                progress(min(start + _BATCH, len(rows)), len(rows))
        margins = np.concatenate([part.margins for part in parts])
        return Outputs(margins, np.concatenate([part.features for part in parts]))

    def open_store(self, dataset: Dataset, progress: Progress | None = None) -> PixelStore:
        """The dataset's films at this runtime's size."""
        return open_store(dataset, self.size, progress=progress)

    def _run(self, films: Films) -> Outputs:
        with torch.inference_mode():
            outputs = [self._run_member(films, member) for member in self.members]
        features = np.concatenate([each.features for each in outputs], axis=1)
        if len(outputs) == 1:
            return Outputs(outputs[0].margins, features)
        probabilities = [
            expit(each.margins.astype(np.float64) / member.temperature)
            for each, member in zip(outputs, self.members, strict=True)
        ]
        mean = np.clip(np.mean(probabilities, axis=0), _LEAST, _MOST)
        return Outputs(logit(mean).astype(np.float32), features)

    def _run_member(self, films: Films, member: Member) -> Outputs:
        network = member.network
        margins, features = [], []
        for tensor in self._views(films, member):
            penultimate = network.neck(network.features(tensor))
            logits = network.head(penultimate)
            margins.append(logits[:, 1] - logits[:, 0])
            features.append(penultimate)
        return Outputs(_mean_of(margins), _mean_of(features))

    def _both_ways(self, films: Films, member: Member, label: int) -> Tensor:
        """The member's heat maps (N, h, w); the mirror image's is mirrored back."""
        maps = [_grad_cam(member.network, view, label) for view in self._views(films, member)]
        return maps[0] if len(maps) == 1 else (maps[0] + maps[1].flip(-1)) / 2

    def _views(self, films: Films, member: Member) -> list[Tensor]:
        """What a member sees of the films: normalised tensors (N, C, S, S)."""
        if films.dtype != np.uint8 or films.shape[1:] != (self.size, self.size):
            expected = f"uint8 (N, {self.size}, {self.size})"
            raise ValueError(f"films {films.dtype} {films.shape} must be {expected}")
        device = next(member.network.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(films)).to(device).unsqueeze(1).float() / 255
        views = [tensor, tensor.flip(-1)] if self.mirror else [tensor]
        return [member.input.normalise(view) for view in views]


def dataset_for(checkpoint: Checkpoint, location: Path) -> Dataset:
    """The dataset there, with the validation split that this checkpoint was trained beside.

    Raises DatasetError.
    """
    training = checkpoint.card.training
    return scan(location, cut=training["validation_cut"], fraction=training["validation_fraction"])


def open_runtime(checkpoint: Checkpoint | str) -> Runtime:
    """A checkpoint (or its name) ready to compute on the CPU.

    Raises UnknownName or CheckpointError.
    """
    if isinstance(checkpoint, str):
        checkpoint = load_checkpoint(checkpoint)
    card = checkpoint.card
    parts = checkpoint.networks()
    if not card.members:
        return Runtime.of(parts[0], card.input, card.temperature, mirror=card.mirror)
    members = tuple(
        Member(network, part.input, part.temperature)
        for network, part in zip(parts, card.members, strict=True)
    )
    return Runtime(members, card.temperature, card.mirror)


def _grad_cam(network: PneumoniaNetwork, films: Tensor, label: int) -> Tensor:
    with torch.no_grad():
        maps = network.features(films)
    with torch.enable_grad():
        maps = maps.detach().requires_grad_(True)
        logits = network.head(network.neck(maps))
        (gradient,) = torch.autograd.grad(logits[:, label].sum(), maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
    return torch.relu((weights * maps.detach()).mean(dim=1)).float()  # (N, h, w)


def _mean_of(views: list[Tensor]) -> Floats:
    mean = views[0] if len(views) == 1 else (views[0] + views[1]) / 2
    return np.asarray(mean.float().cpu().numpy(), dtype=np.float32)


def _starts(n: int) -> range:
    """Where batches begin; one empty batch for no films, so that shapes are kept."""
    return range(0, max(1, n), _BATCH)
