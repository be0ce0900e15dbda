"""A checkpoint ready to compute: probabilities and features for batches of films.

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
from scipy.special import logit
from torch import Tensor

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.data import Dataset, PixelStore, Progress, open_store, scan
from pneumo_core.metrics import Calibration
from pneumo_core.models import InputFormat, PneumoniaNetwork

__all__ = ["Member", "Outputs", "Runtime", "dataset_for", "open_runtime"]

Films: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

_BATCH = 64
_CELLS = 3
# Beyond these a probability's logit is no use, and at 0 or 1 it is infinite.
_LEAST, _MOST = 1e-6, 1 - 1e-6
_UNCALIBRATED = Calibration()


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a checkpoint makes of films, row by row.

    ``margins`` float32 (N,): logit(PNEUMONIA) - logit(NORMAL), before calibration;
    ``features`` float32 (N, D): the penultimate layer, of several members one after the other;
    ``cells`` float32 (N, K, 3, 3): the first member's last convolution maps, averaged over the
    cells of a 3 × 3 grid; K = 0 unless they were asked for.
    """

    margins: Floats
    features: Floats
    cells: Floats


@dataclass(frozen=True)
class Member:
    """One network with what it takes, and what makes probabilities of its margins."""

    network: PneumoniaNetwork
    input: InputFormat
    calibration: Calibration = _UNCALIBRATED


@dataclass(frozen=True)
class Runtime:
    """One network, or several whose probabilities are averaged, calibrated as one.

    With ``mirror`` each network sees a film and its mirror image, and its margins and features are
    averaged. All members take films of one size.
    """

    members: tuple[Member, ...]
    calibration: Calibration = _UNCALIBRATED
    mirror: bool = False

    @classmethod
    def of(
        cls,
        network: PneumoniaNetwork,
        input_format: InputFormat,
        calibration: Calibration = _UNCALIBRATED,
        *,
        mirror: bool = False,
    ) -> "Runtime":
        """The runtime of a single network."""
        return cls((Member(network, input_format),), calibration, mirror)

    @property
    def size(self) -> int:
        """Side of the films it takes, in pixels."""
        return self.members[0].input.size

    def run(self, films: Films, *, cells: bool = False) -> Outputs:
        """What films uint8 (N, S, S) give, computed in small batches; ``cells`` where asked for."""
        return self.run_rows(films, np.arange(len(films)), cells=cells)

    def calibrated(self, margins: Floats) -> Floats:
        """P(pneumonia) in [0, 1], float32, of margins."""
        return self.calibration.probabilities(margins)

    def probabilities(self, films: Films) -> Floats:
        """P(pneumonia) of films uint8 (N, S, S): float32 (N,) in [0, 1]."""
        return self.calibrated(self.run(films).margins)

    def views(self, films: Films, member: Member) -> list[Tensor]:
        """What a member sees of films uint8 (N, S, S): normalised float32 tensors (N, C, S, S).

        The films, and with ``mirror`` their mirror images. Raises ValueError for other films.
        """
        if films.dtype != np.uint8 or films.shape[1:] != (self.size, self.size):
            expected = f"uint8 (N, {self.size}, {self.size})"
            raise ValueError(f"films {films.dtype} {films.shape} must be {expected}")
        device = next(member.network.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(films)).to(device).unsqueeze(1).float() / 255
        views = [tensor, tensor.flip(-1)] if self.mirror else [tensor]
        return [member.input.normalise(view) for view in views]

    def run_store(
        self, store: PixelStore, ids: list[str], progress: Progress | None = None
    ) -> Outputs:
        """Margins and features of films in a store, in the order of ``ids``."""
        return self.run_rows(store.pixels, store.rows(ids), progress)

    def run_rows(
        self,
        films: Films,
        rows: NDArray[np.int64],
        progress: Progress | None = None,
        *,
        cells: bool = False,
    ) -> Outputs:
        """What some rows of films give, in their order; a batch at a time is read."""
        parts = []
        for start in _starts(len(rows)):
            parts.append(self._run(films[rows[start : start + _BATCH]], cells=cells))
            if progress:
                progress(min(start + _BATCH, len(rows)), len(rows))
        return _joined(parts)

    def open_store(self, dataset: Dataset, progress: Progress | None = None) -> PixelStore:
        """The dataset's films at this runtime's size."""
        return open_store(dataset, self.size, progress=progress)

    def _run(self, films: Films, *, cells: bool) -> Outputs:
        with torch.inference_mode():
            outputs = [
                self._run_member(films, member, cells=cells and number == 0)
                for number, member in enumerate(self.members)
            ]
        if len(outputs) == 1:
            return outputs[0]
        features = np.concatenate([each.features for each in outputs], axis=1)
        probabilities = [
            member.calibration.probabilities(each.margins).astype(np.float64)
            for each, member in zip(outputs, self.members, strict=True)
        ]
        mean = np.clip(np.mean(probabilities, axis=0), _LEAST, _MOST)
        return Outputs(logit(mean).astype(np.float32), features, outputs[0].cells)

    def _run_member(self, films: Films, member: Member, *, cells: bool) -> Outputs:
        network = member.network
        margins, features, grids = [], [], []
        for tensor in self.views(films, member):
            maps = network.features(tensor)
            penultimate = network.neck(maps)
            logits = network.head(penultimate)
            margins.append(logits[:, 1] - logits[:, 0])
            features.append(penultimate)
            grids.append(_grid(maps if cells else maps[:, :0]))
        grids[1:] = [grid.flip(-1) for grid in grids[1:]]  # the mirror image's, mirrored back
        return Outputs(_mean_of(margins), _mean_of(features), _mean_of(grids))


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
        return Runtime.of(parts[0], card.input, card.calibration, mirror=card.mirror)
    members = tuple(
        Member(network, part.input, part.calibration)
        for network, part in zip(parts, card.members, strict=True)
    )
    return Runtime(members, card.calibration, card.mirror)


def _grid(maps: Tensor) -> Tensor:
    """Maps (N, K, h, w) averaged over the cells of a grid: (N, K, 3, 3)."""
    if not maps.shape[1]:
        return maps.new_zeros(len(maps), 0, _CELLS, _CELLS)
    return torch.nn.functional.adaptive_avg_pool2d(maps, _CELLS)


def _joined(parts: list[Outputs]) -> Outputs:
    """Batches one after the other."""
    return Outputs(
        np.concatenate([part.margins for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.cells for part in parts]),
    )


def _mean_of(views: list[Tensor]) -> Floats:
    mean = views[0] if len(views) == 1 else (views[0] + views[1]) / 2
    return np.asarray(mean.float().cpu().numpy(), dtype=np.float32)


def _starts(n: int) -> range:
    """Where batches begin; one empty batch for no films, so that shapes are kept."""
    return range(0, max(1, n), _BATCH)
