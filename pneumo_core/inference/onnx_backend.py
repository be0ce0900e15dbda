"""Trained networks in ONNX Runtime: PyTorch's results, several times faster on a CPU.

A checkpoint has the graphs of its networks without their weights, and the weights are given to the
runtime. Any other network is exported once and cached in PNEUMO_CACHE, by its weights, input format
and exporter. Neither needs PyTorch, which takes seconds to import, to open a network. A network
that can't be exported, or whose graph gives other results, runs in PyTorch, with a note in the log.
"""

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import onnxruntime
from cachetools import TTLCache
from numpy.typing import NDArray

from pneumo_core.checkpoints import NetworkGraph, tensors_of
from pneumo_core.core.files import write_whole
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError
from pneumo_core.models import InputFormat
from pneumo_core.models.equivalence import agrees, random_images

if TYPE_CHECKING:
    from pneumo_core.models import PneumoniaNetwork

__all__ = [
    "Engine",
    "Stages",
    "Stored",
    "Weighted",
    "forget_answers",
    "open_engine",
    "open_saved_engine",
]

Films = NDArray[np.uint8]
Floats = NDArray[np.float32]

_VERSION = 3
"""Part of the cache key: increase it whenever graphs change."""
_GRAPHS = 12
"""Number of graphs to keep in the cache, the most recently used."""
_SPIN = 50
"""Microseconds that an idle thread waits actively for more work."""
_VIEWS, _ANSWERS = 2, 8
"""The largest batch of views whose stages are cached, and the number of such batches."""
_REMEMBERED_S = 60
"""How long they are cached: a heat map is usually requested seconds after reading."""
_MAKERS = ("torch", "onnx", "onnxruntime", "timm", "efficientnet-pytorch")
_ARCHITECTURES = Path(__file__).parents[1] / "models"

_log = logging.getLogger(__name__)
_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


class Stored:
    """A trained network on disk, built on first use.

    ``identity``: unique to its weights and architecture.
    """

    def __init__(self, identity: str, build: "Callable[[], PneumoniaNetwork]") -> None:
        self.identity = identity
        self._build = build
        self._lock = threading.Lock()
        self._network: PneumoniaNetwork | None = None

    @property
    def network(self) -> "PneumoniaNetwork":
        """The network, in eval mode, on the CPU, not to be changed."""
        with self._lock:
            if self._network is None:
                self._network = self._build()
        return self._network


@dataclass(frozen=True, eq=False)
class Stages:
    """Outputs of a network's stages for N X-rays: read-only float32 arrays.

    ``maps`` (N, K, h, w), ``features`` (N, D), ``logits`` (N, 2).
    """

    maps: Floats
    features: Floats
    logits: Floats


@dataclass(frozen=True, eq=False)
class Weighted:
    """A graph without weights, and a function that returns these by name."""

    graph: bytes
    weights: Callable[[], Mapping[str, Floats]]


Graph: TypeAlias = Path | bytes | Weighted


class Engine:
    """One network as an ONNX graph in a session; thread-safe.

    ``of``: the network that it runs; ``graph``: its file or bytes, or with the weights apart;
    ``threads``: how many compute one batch.
    """

    def __init__(self, of: "PneumoniaNetwork | Stored", graph: Graph, threads: int) -> None:
        self.of = of
        self._graph = graph
        self._threads = threads
        self._session = _session(graph, threads)
        self._answers: TTLCache[bytes, Stages] = TTLCache(_ANSWERS, _REMEMBERED_S)
        self._lock = threading.Lock()
        _engines.add(self)

    @cached_property
    def single(self) -> "Engine":
        """A session of the same network that uses only the caller's thread, for many callers at
        once."""
        return self if self._threads == 1 else Engine(self.of, self._graph, 1)

    def run(self, films: Films) -> Stages:
        """Return the stages of X-rays uint8 (N, S, S).

        The result for one X-ray, or for it and its mirror image, is cached for a minute, or until
        ``forget_answers``: the heat map is often requested next.
        """
        films = np.ascontiguousarray(films)
        if not 0 < len(films) <= _VIEWS:
            return self._run(films)
        key = hashlib.blake2b(films.data, digest_size=16, salt=bytes([len(films)])).digest()
        with self._lock:
            stages = self._answers.get(key)
        if stages is None:
            stages = self._run(films)
            with self._lock:
                self._answers[key] = stages
        return stages

    def forget(self, *, all_of_them: bool) -> None:
        """Drop expired results from the cache, or all."""
        with self._lock:
            if all_of_them:
                self._answers.clear()
            else:
                self._answers.expire()

    def raw(self, films: Films) -> tuple[Floats, ...]:
        """Return the graph's outputs: the stages in their order (``graph.STAGES``)."""
        return tuple(self._session.run(None, {"films": films}))

    def _run(self, films: Films) -> Stages:
        stages = self.raw(films)
        for array in stages:
            array.setflags(write=False)
        return Stages(*stages)


def forget_answers(*, all_of_them: bool = True) -> None:
    """Clear every engine's cached results in this process, or only those older than a minute.

    The results are derived from users' X-rays, so they are removed when the session ends; other
    users' results are computed again if needed.
    """
    for engine in list(_engines):
        engine.forget(all_of_them=all_of_them)


def open_engine(of: "PneumoniaNetwork | Stored", takes: InputFormat) -> Engine | None:
    """Open an engine for a network in eval mode on the CPU; None where PyTorch has to run it."""
    chosen = settings()
    if chosen.engine == "torch" or not (isinstance(of, Stored) or _is_final(of)):
        return None
    file = chosen.cache / "graphs" / f"{_key(of, takes)}.onnx"
    if file.is_file():
        try:
            return Engine(of, _used(file), chosen.threads)
        except Exception as error:  # noqa: BLE001  whatever it is, the graph can be written again
            _log.warning("The graph '%s' is damaged and is exported again: %s", file, error)
    return _write_graph(of, takes, file, chosen.threads)


def open_saved_engine(
    of: Stored, graph: NetworkGraph, content: bytes, member: int | None
) -> Engine | None:
    """Open an engine by a checkpoint's own graph; None, with a note in the log, if it is unusable.

    ``content``: the checkpoint's verified weights; ``member``: the number of an ensemble's network.
    """
    chosen = settings()
    if chosen.engine == "torch":
        return None
    weighted = Weighted(graph.content, lambda: tensors_of(content, graph.tensors, member))
    # The runtime's errors have no common class, and the network can be exported again.
    try:
        engine = Engine(of, weighted, chosen.threads)
        logits = engine.raw(random_images(graph.size))[-1]
    except Exception as error:  # noqa: BLE001
        _log.warning("A model's graph can't be used, and is exported again: %s", error)
        return None
    if not agrees(logits, graph.logits):
        _log.warning("A model's graph gives other results, and is exported again.")
        return None
    return engine


def _is_final(network: "PneumoniaNetwork") -> bool:
    on_cpu = all(tensor.device.type == "cpu" for tensor in network.state_dict().values())
    return on_cpu and not network.training


def _write_graph(
    of: "PneumoniaNetwork | Stored", takes: InputFormat, file: Path, threads: int
) -> Engine | None:
    from pneumo_core.models.onnx_export import difference, graph_of

    network = of.network if isinstance(of, Stored) else of
    try:
        graph = graph_of(network, takes)
        engine = Engine(of, graph, threads)
        wrong = difference(engine.raw, network, takes)
    # Exporter and runtime have no common exception; whatever prevents the export, PyTorch can run
    # the network.
    except Exception as error:  # noqa: BLE001
        wrong = str(error).strip().split("\n")[0] or type(error).__name__
    if wrong:
        _log.warning("This network runs in PyTorch, not in ONNX Runtime: %s", wrong)
        return None
    try:
        write_whole(file, graph)
        _forget_old(file.parent)
    except PneumoError as error:
        _log.warning("A network's graph can't be cached: %s", error)
    return engine


def _session(graph: Graph, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait actively take the cores from other work; those that sleep at once wake late
    # for the next layer.
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN))
    if isinstance(graph, Weighted):
        weights = graph.weights()
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in weights.values()]
        options.add_external_initializers(list(weights), values)
        source: bytes | str = graph.graph
    else:
        source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _key(of: "PneumoniaNetwork | Stored", takes: InputFormat) -> str:
    """Return a graph's cache key: network, input format, exporter and runtime versions."""
    libraries = [importlib.metadata.version(name) for name in _MAKERS]
    digest = hashlib.sha256(f"{_VERSION} {libraries} {takes}\n".encode())
    if isinstance(of, Stored):
        digest.update(of.identity.encode())
        for source in sorted(_ARCHITECTURES.glob("*.py")):  # they define the network
            digest.update(source.read_bytes())
    else:
        digest.update(str(of).encode())
        for name, tensor in sorted(of.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()[:32]


def _used(file: Path) -> Path:
    """Return the file, marked as used now if it exists and is ours."""
    with contextlib.suppress(OSError):
        os.utime(file)
    return file


def _forget_old(folder: Path) -> None:
    """Delete the least recently used graphs."""
    with contextlib.suppress(OSError):  # another process may do the same
        graphs = sorted(folder.glob("*.onnx"), key=lambda each: each.stat().st_mtime)
        for old in graphs[:-_GRAPHS]:
            old.unlink()
