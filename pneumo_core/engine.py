"""A trained network in ONNX Runtime: PyTorch's numbers, several times faster on a CPU.

A network is written as a graph once and kept in PNEUMO_CACHE, under a key of its weights, its input
and the libraries that made it. The graph takes films as they are stored, uint8, and gives what each
stage of the network gives. A network that can't be written as a graph, or whose graph gives other
numbers, stays with PyTorch, and the log says so.
"""

import contextlib
import hashlib
import importlib.metadata
import io
import logging
import os
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumo_core.errors import PneumoError
from pneumo_core.files import write_whole
from pneumo_core.models import InputFormat, PneumoniaNetwork
from pneumo_core.settings import settings

__all__ = ["Engine", "Stages", "open_engine"]

Films = NDArray[np.uint8]
Floats = NDArray[np.float32]

_VERSION = 1
"""Part of the key: raise it whenever graphs are written otherwise."""
_STAGES = ("maps", "features", "logits")
_ROUNDING = 1e-4
"""Largest difference to PyTorch, as a share of a stage's largest number."""
_GRAPHS = 12
"""Graphs that stay in the cache, the last ones used."""
_SPIN = 50
"""Microseconds that a thread waits awake for more to do."""
_VIEWS, _ANSWERS = 2, 8
"""Batches of up to so many views have their stages remembered, and how many of these."""

_log = logging.getLogger(__name__)
_writing = threading.Lock()  # torch's exporter is not made for several threads


@dataclass(frozen=True, eq=False)
class Stages:
    """What the stages of a network give for N films: float32 arrays, not to be written to.

    ``maps`` (N, K, h, w), ``features`` (N, D), ``logits`` (N, 2).
    """

    maps: Floats
    features: Floats
    logits: Floats


class Engine:
    """One network as a graph, ready to compute. Safe to share between threads.

    ``graph``: the file it lies in, or its bytes. ``threads``: how many compute one batch.
    """

    def __init__(self, network: PneumoniaNetwork, graph: Path | bytes, threads: int) -> None:
        self.network = network
        self._graph = graph
        self._threads = threads
        self._session = _session(graph, threads)
        self._answers: dict[bytes, Stages] = {}
        self._lock = threading.Lock()

    @cached_property
    def single(self) -> "Engine":
        """The same network computing in the caller's thread alone, for many callers at once."""
        return self if self._threads == 1 else Engine(self.network, self._graph, 1)

    def run(self, films: Films) -> Stages:
        """The stages of films uint8 (N, S, S).

        Those of one film, or of it and its mirror image, are remembered for a while: who has read
        a film asks next where the network looked.
        """
        films = np.ascontiguousarray(films)
        if not 0 < len(films) <= _VIEWS:
            return self._run(films)
        key = hashlib.blake2b(films.data, digest_size=16, salt=bytes([len(films)])).digest()
        stages = self._answers.get(key)
        if stages is None:
            stages = self._run(films)
            with self._lock:
                self._answers[key] = stages
                if len(self._answers) > _ANSWERS:
                    del self._answers[next(iter(self._answers))]
        return stages

    def _run(self, films: Films) -> Stages:
        stages = Stages(*self._session.run(_STAGES, {"films": films}))
        for array in (stages.maps, stages.features, stages.logits):
            array.setflags(write=False)
        return stages


def open_engine(network: PneumoniaNetwork, takes: InputFormat) -> Engine | None:
    """An engine for a network in eval mode on the CPU, or None where PyTorch has to run it."""
    chosen = settings()
    on_cpu = all(tensor.device.type == "cpu" for tensor in network.state_dict().values())
    if chosen.engine == "torch" or network.training or not on_cpu:
        return None
    file = chosen.cache / "graphs" / f"{_key(network, takes)}.onnx"
    if file.is_file():
        try:
            return Engine(network, _used(file), chosen.threads)
        except Exception as error:  # noqa: BLE001  whatever it is, the graph can be written again
            _log.warning("The graph '%s' is damaged and is written again: %s", file, error)
    return _written(network, takes, file, chosen.threads)


def _written(
    network: PneumoniaNetwork, takes: InputFormat, file: Path, threads: int
) -> Engine | None:
    try:
        graph = _graph(network, takes)
        engine = Engine(network, graph, threads)
        wrong = _difference(engine, network, takes)
    # Exporter and runtime promise no common error, and whatever keeps a network from being a
    # graph, PyTorch still runs it.
    except Exception as error:  # noqa: BLE001
        wrong = str(error).strip().split("\n")[0] or type(error).__name__
    if wrong:
        _log.warning("This network is run by PyTorch, not by ONNX Runtime: %s", wrong)
        return None
    try:
        write_whole(file, graph)
        _forget_old(file.parent)
    except PneumoError as error:
        _log.warning("A network's graph is not kept: %s", error)
    return engine


class _Whole(nn.Module):
    """Films uint8 (N, S, S) to what every stage gives."""

    def __init__(self, network: PneumoniaNetwork, takes: InputFormat) -> None:
        super().__init__()
        self.network = network
        self.takes = takes
        self.training = network.training

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = self.network.features(self.takes.normalise(films.unsqueeze(1).float() / 255))
        features = self.network.neck(maps)
        return maps, features, self.network.head(features)


def _graph(network: PneumoniaNetwork, takes: InputFormat) -> bytes:
    """The network as an ONNX model, for any number of films."""
    example = torch.zeros(2, takes.size, takes.size, dtype=torch.uint8)
    content = io.BytesIO()
    with _writing, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # By tracing: half a second, where the newer exporter takes five to ten for the same graph.
        torch.onnx.export(
            _Whole(network, takes),
            (example,),
            content,  # type: ignore[arg-type]
            dynamo=False,
            input_names=["films"],
            output_names=list(_STAGES),
            dynamic_axes={name: {0: "n"} for name in ("films", *_STAGES)},
        )
    return content.getvalue()


def _difference(engine: Engine, network: PneumoniaNetwork, takes: InputFormat) -> str:
    """What differs from PyTorch on films of noise, one alone and three at once; "" if nothing."""
    shape = (3, takes.size, takes.size)
    films = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    whole = _Whole(network, takes)
    for batch in (films[:1], films):
        given = engine.run(batch)
        with torch.inference_mode():
            wanted = whole(torch.from_numpy(batch))
        for name, stage in zip(_STAGES, wanted, strict=True):
            right = stage.float().numpy()
            apart = np.abs(getattr(given, name) - right).max()
            if not apart <= _ROUNDING * max(1.0, float(np.abs(right).max())):
                return f"its {name} differ by {apart:.2g} of {np.abs(right).max():.2g}"
    return ""


def _session(graph: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait by spinning take the cores from whoever else is computing; those that sleep
    # at once wake late for the next layer.
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN))
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _key(network: PneumoniaNetwork, takes: InputFormat) -> str:
    libraries = [importlib.metadata.version(name) for name in ("torch", "onnx", "onnxruntime")]
    digest = hashlib.sha256(f"{_VERSION} {libraries} {takes}\n{network}".encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()[:32]


def _used(file: Path) -> Path:
    """The file, marked as used now where it is there and ours."""
    with contextlib.suppress(OSError):
        os.utime(file)
    return file


def _forget_old(folder: Path) -> None:
    """Delete the graphs that were not used for longest."""
    with contextlib.suppress(OSError):  # someone else may be tidying up too
        graphs = sorted(folder.glob("*.onnx"), key=lambda each: each.stat().st_mtime)
        for old in graphs[:-_GRAPHS]:
            old.unlink()
