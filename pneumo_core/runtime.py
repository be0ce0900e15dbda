"""A checkpoint ready to compute: probabilities, features and heat maps for batches of films.

Films come as uint8 (N, S, S), squashed to the checkpoint's size by ``data.to_input``. Nothing here
changes the network or torch's state, and no hooks are used, so one runtime can serve several
threads at once.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from pneumo_core.checkpoints import Card, Checkpoint, load_checkpoint
from pneumo_core.data import Dataset, PixelStore, Progress, open_store
from pneumo_core.models import InputFormat, PneumoniaNetwork

__all__ = ["Outputs", "Runtime", "open_runtime"]

Films: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

_BATCH = 64


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a network makes of films, row by row.

    ``margins`` float32 (N,): logit(PNEUMONIA) - logit(NORMAL), before calibration;
    ``features`` float32 (N, D): the penultimate layer.
    """

    margins: Floats
    features: Floats


@dataclass(frozen=True)
class Runtime:
    """A network with what it takes to turn films into calibrated probabilities."""

    network: PneumoniaNetwork
    input: InputFormat
    temperature: float = 1.0

    def run(self, films: Films) -> Outputs:
        """Margins and features of films uint8 (N, S, S), computed in small batches."""
        margins, features = [], []
        with torch.inference_mode():
            for start in range(0, max(1, len(films)), _BATCH):
                maps = self.network.features(self._normalised(films[start : start + _BATCH]))
                penultimate = self.network.neck(maps)
                logits = self.network.head(penultimate)
                margins.append((logits[:, 1] - logits[:, 0]).float().cpu().numpy())
                features.append(penultimate.float().cpu().numpy())
        return Outputs(np.concatenate(margins), np.concatenate(features))

    def calibrated(self, margins: Floats) -> Floats:
        """P(pneumonia) in [0, 1], float32, of logit margins."""
        return np.asarray(expit(margins / np.float32(self.temperature)), dtype=np.float32)

    def probabilities(self, films: Films) -> Floats:
        """P(pneumonia) of films uint8 (N, S, S): float32 (N,) in [0, 1]."""
        return self.calibrated(self.run(films).margins)

    def grad_cam(self, films: Films, label: int) -> Floats:
        """Where the evidence for ``label`` came from: float32 (N, h, w), ≥ 0, unscaled.

        The gradient of the label's logit at the last convolution's activation, averaged over each
        channel's positions, weighs the channel; the mean over channels, ReLU (Selvaraju et al.
        2017, doi 10.1109/ICCV.2017.74, with the paper's mean in place of the sum).
        """
        with torch.no_grad():
            maps = self.network.features(self._normalised(films))
        with torch.enable_grad():
            maps = maps.detach().requires_grad_(True)
            logits = self.network.head(self.network.neck(maps))
            (gradient,) = torch.autograd.grad(logits[:, label].sum(), maps)
        weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
        heat = torch.relu((weights * maps.detach()).mean(dim=1))  # (N, h, w)
        return heat.float().cpu().numpy()

    def run_store(
        self, store: PixelStore, ids: list[str], progress: Progress | None = None
    ) -> Outputs:
        """Margins and features of films in a store, in the order of ``ids``."""
        rows = store.rows(ids)
        parts = []
        for start in range(0, max(1, len(rows)), _BATCH):
            parts.append(self.run(store.pixels[rows[start : start + _BATCH]]))
            if progress:
                progress(min(start + _BATCH, len(rows)), len(rows))
        margins = np.concatenate([part.margins for part in parts])
        return Outputs(margins, np.concatenate([part.features for part in parts]))

    def open_store(self, dataset: Dataset, progress: Progress | None = None) -> PixelStore:
        """The dataset's films at this network's size."""
        return open_store(dataset, self.input.size, progress=progress)

    def _normalised(self, films: Films) -> torch.Tensor:
        size = self.input.size
        if films.dtype != np.uint8 or films.shape[1:] != (size, size):
            raise ValueError(f"films {films.dtype} {films.shape} must be uint8 (N, {size}, {size})")
        device = next(self.network.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(films)).to(device)
        return self.input.normalise(tensor.unsqueeze(1).float() / 255)


def open_runtime(checkpoint: Checkpoint | str) -> Runtime:
    """A checkpoint (or its name) ready to compute on the CPU.

    Raises UnknownName or CheckpointError.
    """
    if isinstance(checkpoint, str):
        checkpoint = load_checkpoint(checkpoint)
    return _runtime_of(checkpoint.card, checkpoint.network())


def _runtime_of(card: Card, network: PneumoniaNetwork) -> Runtime:
    return Runtime(network, card.input, card.temperature)
