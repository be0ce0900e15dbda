"""A trained network in ONNX Runtime: PyTorch's numbers, several times faster on a CPU.

A network is written as a graph once (``graph``) and kept in PNEUMO_CACHE, under a key of its
weights, its input and what made it. Who finds a graph there needs no PyTorch, which takes seconds
to import. A network that can't be written as a graph, or whose graph gives other numbers, stays
with PyTorch, and the log says so.
"""

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from cachetools import TTLCache
from numpy.typing import NDArray

from pneumo_core.core.files import write_whole
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError
from pneumo_core.models import InputFormat

if TYPE_CHECKING:
    from pneumo_core.models import PneumoniaNetwork

__all__ = ["Engine", "Stages", "Stored", "forget_answers", "open_engine"]

Films = NDArray[np.uint8]
Floats = NDArray[np.float32]

_VERSION = 2
"""Part of the key: raise it whenever graphs are written otherwise."""
_GRAPHS = 12
"""Graphs that stay in the cache, the last ones used."""
_SPIN = 50
"""Microseconds that a thread waits awake for more to do."""
_VIEWS, _ANSWERS = 2, 8
"""Batches of up to so many views have their stages remembered, and how many of these."""
_REMEMBERED_S = 60
"""How long they are remembered: who has read a film asks for its heat map within seconds."""
_MAKERS = ("torch", "onnx", "onnxruntime", "timm", "efficientnet-pytorch")
_ARCHITECTURES = Path(__file__).parents[1] / "models"

_log = logging.getLogger(__name__)
_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


class Stored:
    """A trained network on disk, which is built when somebody asks for it.

    ``identity`` tells its weights and its architecture from any others.
    """

    def __init__(self, identity: str, build: "Callable[[], PneumoniaNetwork]") -> None:
        self.identity = identity
        self._build = build
        self._lock = threading.Lock()
        self._network: PneumoniaNetwork | None = None

    @property
    def network(self) -> "PneumoniaNetwork":
        """In eval mode, on the CPU, for good."""
        with self._lock:
            if self._network is None:
                self._network = self._build()
        return self._network


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

    ``of``: the network that it runs; ``graph``: the file it lies in, or its bytes; ``threads``:
    how many compute one batch.
    """

    def __init__(self, of: "PneumoniaNetwork | Stored", graph: Path | bytes, threads: int) -> None:
        self.of = of
        self._graph = graph
        self._threads = threads
        self._session = _session(graph, threads)
        self._answers: TTLCache[bytes, Stages] = TTLCache(_ANSWERS, _REMEMBERED_S)
        self._lock = threading.Lock()
        _engines.add(self)

    @cached_property
    def single(self) -> "Engine":
        """The same network computing in the caller's thread alone, for many callers at once."""
        return self if self._threads == 1 else Engine(self.of, self._graph, 1)

    def run(self, films: Films) -> Stages:
        """The stages of films uint8 (N, S, S).

        Those of one film, or of it and its mirror image, are remembered for a minute, or until
        ``forget_answers``: who has read a film asks next where the network looked.
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
        """Let go of the answers that were remembered long enough, or of all."""
        with self._lock:
            if all_of_them:
                self._answers.clear()
            else:
                self._answers.expire()

    def raw(self, films: Films) -> tuple[Floats, ...]:
        """What the graph gives: the stages in their order (``graph.STAGES``)."""
        return tuple(self._session.run(None, {"films": films}))

    def _run(self, films: Films) -> Stages:
        stages = self.raw(films)
        for array in stages:
            array.setflags(write=False)
        return Stages(*stages)


def forget_answers(*, all_of_them: bool = True) -> None:
    """Let every engine of this process forget what films gave, or only what is over a minute old.

    Answers tell of films that somebody sent, so they go when their session ends; what somebody
    else needs of them is computed again.
    """
    for engine in list(_engines):
        engine.forget(all_of_them=all_of_them)


def open_engine(of: "PneumoniaNetwork | Stored", takes: InputFormat) -> Engine | None:
    """An engine for a network in eval mode on the CPU, or None where PyTorch has to run it."""
    chosen = settings()
    if chosen.engine == "torch" or not (isinstance(of, Stored) or _is_final(of)):
        return None
    file = chosen.cache / "graphs" / f"{_key(of, takes)}.onnx"
    if file.is_file():
        try:
            return Engine(of, _used(file), chosen.threads)
        except Exception as error:  # noqa: BLE001  whatever it is, the graph can be written again
            _log.warning("The graph '%s' is damaged and is written again: %s", file, error)
    return _written(of, takes, file, chosen.threads)


def _is_final(network: "PneumoniaNetwork") -> bool:
    on_cpu = all(tensor.device.type == "cpu" for tensor in network.state_dict().values())
    return on_cpu and not network.training


def _written(
    of: "PneumoniaNetwork | Stored", takes: InputFormat, file: Path, threads: int
) -> Engine | None:
    from pneumo_core.models.onnx_export import difference, graph_of

    network = of.network if isinstance(of, Stored) else of
    try:
        graph = graph_of(network, takes)
        engine = Engine(of, graph, threads)
        wrong = difference(engine.raw, network, takes)
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


def _session(graph: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait by spinning take the cores from whoever else is computing; those that sleep
    # at once wake late for the next layer.
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN))
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _key(of: "PneumoniaNetwork | Stored", takes: InputFormat) -> str:
    """What a graph is kept under: the network, what it takes, and what writes and runs graphs."""
    libraries = [importlib.metadata.version(name) for name in _MAKERS]
    digest = hashlib.sha256(f"{_VERSION} {libraries} {takes}\n".encode())
    if isinstance(of, Stored):
        digest.update(of.identity.encode())
        for source in sorted(_ARCHITECTURES.glob("*.py")):  # they say what the weights do
            digest.update(source.read_bytes())
    else:
        digest.update(str(of).encode())
        for name, tensor in sorted(of.state_dict().items()):
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
