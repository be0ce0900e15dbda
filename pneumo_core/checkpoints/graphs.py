"""ONNX graphs of a checkpoint's networks, without their weights: ``graphs.safetensors``.

With them a checkpoint is opened without PyTorch, which takes seconds to import, and without an
export. The file has for each network the number of its graph, the logits that PyTorch gave for
three random X-rays, and the weights of a head that is linear in the mean of the maps. Its metadata
name the weights that it belongs to; a file of other weights is not used.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from pneumo_core.checkpoints.card import Card, MemberFacts
from pneumo_core.checkpoints.checkpoint import Checkpoint
from pneumo_core.core.files import write_whole
from pneumo_core.errors import CheckpointError
from pneumo_core.models.equivalence import random_images

__all__ = ["NetworkGraph", "add_graphs", "read_graphs", "tensors_of"]

Floats: TypeAlias = NDArray[np.float32]

_FILE = "graphs.safetensors"
_VERSION = "1"

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class NetworkGraph:
    """One network as an ONNX model without weights.

    ``size``: side of its input in pixels; ``tensors``: names of the weights to give to it;
    ``logits`` (3, 2): PyTorch's for ``models.equivalence.random_images``; ``head`` (2, K): the
    weights of a head that is linear in the mean of the maps, None for others.
    """

    content: bytes
    size: int
    tensors: tuple[str, ...]
    logits: Floats
    head: Floats | None


def read_graphs(checkpoint: Checkpoint) -> tuple[NetworkGraph, ...]:
    """Return the graph of each network, in the card's order; () if there are none to use."""
    path = checkpoint.folder / _FILE
    try:
        with safetensors.safe_open(path, "np") as file:
            facts = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if (facts["version"], facts["weights_sha256"]) != (
            _VERSION,
            checkpoint.card.weights_sha256,
        ):
            return ()
        return _graphs(checkpoint, json.loads(facts["graphs"]), arrays)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        log.warning("The file '%s' is damaged and is not used: %s", path, error)
        return ()


def _graphs(
    checkpoint: Checkpoint, facts: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> tuple[NetworkGraph, ...]:
    """Return the graphs. Raises ValueError, KeyError or TypeError for a damaged file."""
    return tuple(
        NetworkGraph(
            content=arrays[f"graph {kind}"].tobytes(),
            size=part.input.size,
            tensors=tuple(facts["tensors"][kind]),
            logits=arrays[f"logits {number}"],
            head=arrays.get(f"head {number}"),
        )
        for number, (kind, part) in enumerate(zip(facts["of"], _parts(checkpoint), strict=True))
    )


def _parts(checkpoint: Checkpoint) -> Sequence[Card | MemberFacts]:
    return checkpoint.card.members or (checkpoint.card,)


def tensors_of(content: bytes, names: tuple[str, ...], member: int | None) -> dict[str, Floats]:
    """Return tensors of a safetensors file of weights by name, as float32.

    ``member``: the number of an ensemble's network. Raises KeyError for a missing name, ValueError
    for values that are not finite.
    """
    prefix = "" if member is None else f"{member}/"
    wanted = {prefix + name: name for name in names}
    stored = safetensors.numpy.load(content)
    tensors = {name: stored[key].astype(np.float32) for key, name in wanted.items()}
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("its weights contain values that are not numbers")
    return tensors


def add_graphs(checkpoint: Checkpoint) -> bool:
    """Export the networks of a checkpoint and save their graphs with it.

    Returns False, with a note in the log, if they can't be exported: PyTorch runs them then. Raises
    CheckpointError if the file can't be written.
    """
    # The exporter's errors have no common class.
    try:
        arrays, facts = _exported(checkpoint)
    except Exception as error:  # noqa: BLE001
        log.warning("No graphs are saved with '%s': %s", checkpoint.name, type(error).__name__)
        return False
    belongs = {"weights_sha256": checkpoint.card.weights_sha256, "version": _VERSION}
    content = safetensors.numpy.save(arrays, belongs | {"graphs": json.dumps(facts)})
    write_whole(
        checkpoint.folder / _FILE,
        content,
        error=CheckpointError,
        remedy="Free some space, or allow writing.",
    )
    return True


def _exported(checkpoint: Checkpoint) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the facts of the file; networks of one kind share a graph."""
    from pneumo_core.models.onnx_export import bare_graph, outputs, pooled_head

    networks, parts = checkpoint.networks(), _parts(checkpoint)
    kinds = list(dict.fromkeys((part.model, part.input) for part in parts))
    of = [kinds.index((part.model, part.input)) for part in parts]
    arrays: dict[str, NDArray[Any]] = {}
    for number, (network, part) in enumerate(zip(networks, parts, strict=True)):
        images = random_images(part.input.size)
        arrays[f"logits {number}"] = outputs(network, part.input, images)[-1]
        head = pooled_head(network)
        if head is not None:
            arrays[f"head {number}"] = head
    graphs = [bare_graph(networks[of.index(kind)], takes) for kind, (_, takes) in enumerate(kinds)]
    for kind, graph in enumerate(graphs):
        arrays[f"graph {kind}"] = np.frombuffer(graph.content, np.uint8)
    return arrays, {"of": of, "tensors": [graph.tensors for graph in graphs]}
