"""A checkpoint ready for inference: probabilities and features of batches of X-rays.

X-rays are uint8 (N, S, S), made by ``Runtime.input`` (``lungs.NetworkInput``). A stored
checkpoint's networks run in ONNX Runtime (``engine``), a network in training in PyTorch. Nothing
here changes a network or torch's state, and no hooks are used, so one runtime can serve several
threads at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from pneumo_core.checkpoints import Checkpoint, load_checkpoint, read_graphs
from pneumo_core.core.parallel import in_order
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, PixelStore, Validation, open_store, scan
from pneumo_core.imaging import to_input
from pneumo_core.inference.onnx_backend import (
    Engine,
    Stages,
    Stored,
    open_engine,
    open_saved_engine,
)
from pneumo_core.lungs import NetworkInput
from pneumo_core.metrics import Calibration
from pneumo_core.models import InputFormat

if TYPE_CHECKING:  # these import torch, which ONNX Runtime doesn't need
    from torch import Tensor

    from pneumo_core.models import PneumoniaNetwork

__all__ = ["Member", "Outputs", "Runtime", "accelerated", "dataset_for", "open_runtime"]

Films: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.int64]

_BATCH = 64
"""X-rays per batch in PyTorch, which is faster with many."""
_PIXELS = 400_000
"""Pixels per batch in ONNX Runtime, so that activations stay in the CPU cache: 8 X-rays of 224 ×
224."""
_CELLS = 3
# Logits beyond these are meaningless, and infinite at probabilities of 0 or 1.
_LEAST, _MOST = 1e-6, 1 - 1e-6
_UNCALIBRATED = Calibration()


@dataclass(frozen=True, eq=False)
class Outputs:
    """A checkpoint's outputs for X-rays, row by row.

    ``margins`` float32 (N,): logit(PNEUMONIA) - logit(NORMAL), before calibration; ``features``
    float32 (N, D): the penultimate layer, of several members concatenated; ``cells`` float32 (N, K,
    3, 3): the first member's last maps, averaged on a 3 × 3 grid; K = 0 unless requested.
    """

    margins: Floats
    features: Floats
    cells: Floats


@dataclass(frozen=True)
class Member:
    """One network with its input format and calibration.

    ``of``: the network, or where it is stored. ``engine`` runs this network; without one PyTorch
    does. ``head`` float32 (2, K): the weights of a head that is linear in the mean of the maps, if
    it is known to be so. Raises ValueError for an engine of another network.
    """

    of: "PneumoniaNetwork | Stored"
    input: InputFormat
    calibration: Calibration = _UNCALIBRATED
    engine: Engine | None = None
    head: Floats | None = None

    def __post_init__(self) -> None:
        if self.engine and self.engine.of is not self.of:
            raise ValueError("the engine runs another network")

    @property
    def network(self) -> "PneumoniaNetwork":
        """The network. Raises CheckpointError if it is stored and damaged."""
        return self.of.network if isinstance(self.of, Stored) else self.of

    def tensor(self, films: Films) -> "Tensor":
        """Return X-rays uint8 (N, S, S) as network input: normalised float32 (N, C, S, S)."""
        import torch

        device = next(self.network.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(films)).to(device).unsqueeze(1).float() / 255
        return self.input.normalise(tensor)

    def stages(self, films: Films, *, maps: bool = True) -> Stages:
        """Return every stage's output for X-rays uint8 (N, S, S); K may be 0 without ``maps``."""
        if self.engine:
            return self.engine.run(films)
        import torch

        with torch.inference_mode():
            last = self.network.features(self.tensor(films))
            features = self.network.neck(last)
            logits = self.network.head(features)
            return Stages(_numpy(last if maps else last[:, :0]), _numpy(features), _numpy(logits))

    @property
    def single(self) -> "Member":
        """The same member on the caller's thread alone; PyTorch has its own threads."""
        return replace(self, engine=self.engine.single) if self.engine else self


@dataclass(frozen=True)
class Runtime:
    """One network, or several whose probabilities are averaged and calibrated together.

    With ``mirror`` each network reads an X-ray and its mirror image, and its margins and features
    are averaged. X-rays are taken in the largest input size of a member and scaled down for the
    others.
    """

    members: tuple[Member, ...]
    calibration: Calibration = _UNCALIBRATED
    mirror: bool = False

    @classmethod
    def of(
        cls,
        network: "PneumoniaNetwork",
        input_format: InputFormat,
        calibration: Calibration = _UNCALIBRATED,
        *,
        mirror: bool = False,
    ) -> "Runtime":
        """Return the runtime of a single network."""
        return cls((Member(network, input_format),), calibration, mirror)

    @property
    def size(self) -> int:
        """Side of its input, in pixels."""
        return self.input.size

    @property
    def input(self) -> NetworkInput:
        """The format of its input; members differ in size only."""
        return NetworkInput(
            max(member.input.size for member in self.members), self.members[0].input.framing
        )

    def run(self, films: Films, *, cells: bool = False) -> Outputs:
        """Compute the outputs of X-rays uint8 (N, S, S) in small batches; ``cells`` on request."""
        return self.run_rows(films, np.arange(len(films)), cells=cells)

    def calibrated(self, margins: Floats) -> Floats:
        """Return P(pneumonia) in [0, 1], float32, for margins."""
        return self.calibration.probabilities(margins)

    def probabilities(self, films: Films) -> Floats:
        """Return P(pneumonia) of X-rays uint8 (N, S, S): float32 (N,) in [0, 1]."""
        return self.calibrated(self.run(films).margins)

    def views(self, films: Films, member: Member) -> "list[Tensor]":
        """Return a member's input for X-rays uint8 (N, S, S): normalised float32 (N, C, S, S).

        The X-rays, and with ``mirror`` their mirror images. Raises ValueError for other X-rays.
        """
        return [member.tensor(view) for view in self._seen(films, member)]

    def maps(self, films: Films, member: Member) -> list[Floats]:
        """Return a member's last maps float32 (N, K, h, w) of each of the ``views``."""
        return [stages.maps for stages in self._stages(films, member)]

    def run_store(
        self, store: PixelStore, ids: list[str], progress: Progress | None = None
    ) -> Outputs:
        """Compute margins and features of stored X-rays, in the order of ``ids``."""
        return self.run_rows(store.pixels, store.rows(ids), progress)

    def run_rows(
        self,
        films: Films,
        rows: Rows,
        progress: Progress | None = None,
        *,
        cells: bool = False,
    ) -> Outputs:
        """Compute the outputs of some rows, in order, reading one batch at a time."""
        at_once = self._at_once() if len(rows) > 1 else 1
        # With no X-rays one empty batch, so that shapes are right.
        batches = [rows[start : start + at_once] for start in range(0, max(1, len(rows)), at_once)]
        parts = []
        for outputs in self._each(films, batches, cells=cells):
            parts.append(outputs)
            if progress:
                progress(min(len(parts) * at_once, len(rows)), len(rows))
        return _concatenate(parts)

    def open_store(self, dataset: Dataset, progress: Progress | None = None) -> PixelStore:
        """Open the dataset's X-rays at this runtime's size, decoding them if necessary."""
        return open_store(dataset, self.input, progress=progress)

    @property
    def single(self) -> "Runtime":
        """The same runtime on the caller's thread alone, for many callers at once."""
        return replace(self, members=tuple(member.single for member in self.members))

    def _at_once(self) -> int:
        if not self._accelerated():
            return settings().batch or _BATCH
        views = 2 if self.mirror else 1
        return settings().batch or max(1, _PIXELS // (views * self.size**2))

    def _each(self, films: Films, batches: list[Rows], *, cells: bool) -> Iterator[Outputs]:
        """Yield the outputs of batches of rows.

        ONNX Runtime gets one batch per core, so that cores don't wait for each other between
        layers."""
        threads = min(self.callers, len(batches)) if len(batches) > 1 else 1
        runtime = self if threads == 1 else self.single
        return in_order(lambda rows: runtime._run(films[rows], cells=cells), batches, threads)

    @property
    def callers(self) -> int:
        """Number of threads that may usefully call ``single`` at once. PyTorch uses all cores for
        one."""
        return settings().threads if self._accelerated() else 1

    def _accelerated(self) -> bool:
        return all(member.engine for member in self.members)

    def _run(self, films: Films, *, cells: bool) -> Outputs:
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
        stages = self._stages(films, member, maps=cells)
        margins = [stage.logits[:, 1] - stage.logits[:, 0] for stage in stages]
        features = [stage.features for stage in stages]
        grids = [_grid(stage.maps if cells else stage.maps[:, :0]) for stage in stages]
        grids[1:] = [grid[..., ::-1] for grid in grids[1:]]  # the mirror image's, mirrored back
        return Outputs(_mean_of(margins), _mean_of(features), _mean_of(grids))

    def _stages(self, films: Films, member: Member, *, maps: bool = True) -> list[Stages]:
        """Return a member's stages for each of the ``views``."""
        views = self._seen(films, member)
        if not member.engine or len(views) == 1:
            return [member.stages(view, maps=maps) for view in views]
        both, n = member.stages(np.concatenate(views)), len(films)
        return [
            Stages(both.maps[part], both.features[part], both.logits[part])
            for part in (slice(n), slice(n, None))
        ]

    def _seen(self, films: Films, member: Member) -> list[Films]:
        """Return the X-rays in the member's size, and with ``mirror`` their mirror images.

        Raises ValueError for others.
        """
        if films.dtype != np.uint8 or films.shape[1:] != (self.size, self.size):
            expected = f"uint8 (N, {self.size}, {self.size})"
            raise ValueError(f"X-rays {films.dtype} {films.shape} must be {expected}")
        films = _smaller(films, member.input.size)
        return [films, films[:, :, ::-1]] if self.mirror else [films]


def dataset_for(
    checkpoint: Checkpoint, location: Path, *, validation: Validation | None = None
) -> Dataset:
    """Open the dataset with the validation split that was used to train this checkpoint.

    One trained by cross-validation had none: all its X-rays are training X-rays. ``validation``:
    the split to use instead, see ``scan``. Raises DatasetError.
    """
    training = checkpoint.card.training
    dataset = scan(
        location,
        validation=validation or training.get("validation", "large"),
        cut=training["validation_cut"],
        fraction=training["validation_fraction"],
    )
    return dataset.pooled() if training.get("folds") and not validation else dataset


def open_runtime(checkpoint: Checkpoint | str) -> Runtime:
    """Load a checkpoint, given itself or its name, for inference on the CPU.

    Raises UnknownName or CheckpointError.
    """
    checkpoint = load_checkpoint(checkpoint)
    card = checkpoint.card
    content = checkpoint.verified_weights()  # in memory, as the file may be deleted

    @cache
    def built() -> "list[PneumoniaNetwork]":
        return checkpoint.networks(content)  # all at once, when the first is needed

    def stored(model: str, number: int) -> Stored:
        identity = f"{card.weights_sha256} {model}, {number} of {len(card.members)}"
        return Stored(identity, lambda: built()[number])

    members = tuple(
        Member(stored(part.model, number), part.input, part.calibration)
        for number, part in enumerate(card.members)
    )
    members = members or (Member(stored(card.model, 0), card.input),)
    members = _with_saved_graphs(members, checkpoint, content)
    return accelerated(Runtime(members, card.calibration, card.mirror))


def accelerated(runtime: Runtime) -> Runtime:
    """Return the same runtime, with its networks in ONNX Runtime where possible.

    For networks in eval mode with final weights.
    """
    members = tuple(
        member if member.engine else replace(member, engine=open_engine(member.of, member.input))
        for member in runtime.members
    )
    return replace(runtime, members=members)


def _with_saved_graphs(
    members: tuple[Member, ...], checkpoint: Checkpoint, content: bytes
) -> tuple[Member, ...]:
    """Return the members with engines by the graphs in the checkpoint, where these are usable."""
    ensemble = bool(checkpoint.card.members)
    made = list(members)
    for number, graph in enumerate(read_graphs(checkpoint)):
        of = members[number].of
        part = number if ensemble else None
        engine = open_saved_engine(of, graph, content, part) if isinstance(of, Stored) else None
        if engine:
            made[number] = replace(members[number], engine=engine, head=graph.head)
    return tuple(made)


def _smaller(films: Films, size: int) -> Films:
    """Return X-rays uint8 (N, S, S) resized as in a dataset of that size: (N, size, size)."""
    if films.shape[1] == size or not len(films):
        return films[:, :size, :size]
    return np.stack([to_input(film / np.float32(255), size) for film in films])


def _grid(maps: Floats) -> Floats:
    """Return maps (N, K, h, w) averaged over the cells of a grid: (N, K, 3, 3)."""
    n, channels = maps.shape[:2]
    grid = np.zeros((n, channels, _CELLS, _CELLS), np.float32)
    if grid.size:
        down, across = (_spans(side) for side in maps.shape[2:])
        for i, j in np.ndindex(_CELLS, _CELLS):
            grid[:, :, i, j] = maps[:, :, down[i], across[j]].mean(axis=(2, 3))
    return grid


def _spans(side: int) -> list[slice]:
    """Return the range of each grid cell along a side; neighbours overlap if it isn't divisible."""
    return [slice(cell * side // _CELLS, -(-(cell + 1) * side // _CELLS)) for cell in range(_CELLS)]


def _concatenate(parts: list[Outputs]) -> Outputs:
    """Return batches concatenated."""
    return Outputs(
        np.concatenate([part.margins for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.cells for part in parts]),
    )


def _mean_of(views: list[Floats]) -> Floats:
    mean = views[0] if len(views) == 1 else (views[0] + views[1]) / np.float32(2)
    return np.asarray(mean, dtype=np.float32)


def _numpy(tensor: "Tensor") -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)
