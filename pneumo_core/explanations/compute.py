"""Computation of one X-ray's heat map by any method; thread-safe.

At the last maps of a network whose head is linear in their mean, gradients are known, and no
PyTorch is needed, which takes seconds to import. Everything else is in ``torch_maps``.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.datasets import LABELS
from pneumo_core.explanations.methods import find_method
from pneumo_core.explanations.result import HeatMap
from pneumo_core.inference import Runtime

__all__ = ["heat_map"]

Film: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]


def heat_map(
    runtime: Runtime,
    film: Film,
    label: int,
    *,
    method: str = "grad_cam",
    layer: str | None = None,
    progress: Progress | None = None,
) -> HeatMap:
    """Compute the heat map of the evidence for ``label`` (0 or 1) in an X-ray uint8 (S, S).

    ``layer``: one of ``layers(runtime)``, whose network gives the only part; by default the last
    convolution's activation (``features``) of every network, where Grad-CAM differentiates only the
    neck and the head. A runtime that reads mirror images too averages both maps, the second
    mirrored back, so that a mirrored X-ray has exactly mirrored parts. ``progress`` counts X-rays
    passed through a network; raising from it stops the work. Raises UnknownName for an unknown
    method or layer, PneumoError for a layer with a method that takes none, ValueError for another
    label or X-ray.
    """
    if label not in range(len(LABELS)):
        raise ValueError(f"label {label} must be one of {tuple(range(len(LABELS)))}")
    progress = progress or _ignore_progress
    heads = [member.head for member in runtime.members if member.engine and member.head is not None]
    known = layer is None and find_method(method).name in _POOLED
    if known and len(heads) == len(runtime.members):
        parts = _pooled_parts(runtime, film, label, method, heads, progress)
        return HeatMap(parts, label, method)
    from pneumo_core.explanations.torch_maps import torch_parts

    parts = torch_parts(runtime, film, label, method, layer, progress)
    return HeatMap(parts, label, method, layer)


def _pooled_parts(
    runtime: Runtime,
    film: Film,
    label: int,
    method: str,
    heads: Sequence[Floats],
    progress: Progress,
) -> tuple[Floats, ...]:
    """Return each network's map (h, w), averaged over the views."""
    views = 2 if runtime.mirror else 1
    parts = []
    for done, (member, head) in enumerate(zip(runtime.members, heads, strict=True), start=1):
        stages = runtime.maps(film[np.newaxis], member)
        heats = [_POOLED[method](maps[0], head, label) for maps in stages]
        heat = heats[0] if views == 1 else (heats[0] + heats[1][:, ::-1]) / np.float32(2)
        parts.append(np.asarray(heat, dtype=np.float32))
        progress(views * done, views * len(heads))
    return tuple(parts)


def _grad_cam(maps: Floats, head: Floats, label: int) -> Floats:
    """Return ``gradients``' Grad-CAM: the gradient is the head's weight over the positions."""
    return _relu(_mean_weighted(maps, head[label]))


def _layer_cam(maps: Floats, head: Floats, label: int) -> Floats:
    return _relu(_mean_weighted(maps, _relu(head[label] - head[1 - label])))


def _activation(maps: Floats, _head: Floats, _label: int) -> Floats:
    mean: Floats = _relu(maps).mean(axis=0)
    return mean


def _mean_weighted(maps: Floats, weights: Floats) -> Floats:
    """Return the mean over channels of weight · map, maps (K, h, w), for the mean's gradient."""
    positions = maps.shape[1] * maps.shape[2]
    mean: Floats = np.tensordot(weights, maps, axes=1) / np.float32(positions * len(maps))
    return mean


def _relu(values: Floats) -> Floats:
    return np.maximum(values, np.float32(0))


_POOLED: Mapping[str, Callable[[Floats, Floats, int], Floats]] = MappingProxyType(
    {"grad_cam": _grad_cam, "layer_cam": _layer_cam, "activation": _activation}
)
"""Maps of the last maps (K, h, w), the head (2, K) and a label to a heat map (h, w), by method."""


def _ignore_progress(_done: int, _total: int) -> None:
    pass
