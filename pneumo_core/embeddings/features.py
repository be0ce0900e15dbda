"""Features of many X-rays from a network's layer."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.files import write_whole
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, PixelStore, open_store
from pneumo_core.errors import DatasetError, PneumoError
from pneumo_core.inference import Runtime, open_runtime
from pneumo_core.lungs import NetworkInput

__all__ = [
    "LAST_MAPS",
    "PENULTIMATE",
    "PIXELS",
    "Features",
    "feature_layers",
    "features_by",
    "features_of",
    "image_features",
    "input_of_layer",
    "layer_title",
    "shipped_features",
]

Floats = NDArray[np.float32]

PIXELS, PENULTIMATE, LAST_MAPS = "pixels", "penultimate", "last maps"
"""Layers besides convolutions or a transformer's blocks by name, which are averaged over positions:
the X-ray itself; the layer before the head; the last convolution's maps, flattened, as in the
paper."""

_TITLES = {
    PIXELS: "pixels, before the network",
    PENULTIMATE: "penultimate layer",
    LAST_MAPS: "last maps",
}
_PIXEL_SIDE = 64
_BATCH = 64
_MOST = 12_000
"""The most values kept per X-ray: CNN_94's last maps have 10,584; for 5,840 X-rays that would be
280 MB."""
_COLUMNS = ("id", "patient", "split", "label", "subtype")


def layer_title(layer: str) -> str:
    """Return a layer's title: "penultimate layer", "layer blocks.3"."""
    return _TITLES.get(layer, f"layer {layer}")


@dataclass(frozen=True, eq=False)
class Features:
    """A feature vector for each X-ray.

    ``table``: id, patient, split, label, subtype, and probability unless the layer is the pixels;
    ``values`` float32 (N, D), row i belongs to row i of the table. ``checkpoint`` and ``version``:
    the network, "" for pixels. ``unreadable`` maps ids of excluded X-rays to the reason,
    ``remarks`` those of X-rays that it may not have seen as it should to a key of
    ``lungs.remarks.REMARKS``.
    """

    table: pd.DataFrame
    values: Floats
    layer: str
    checkpoint: str
    version: str
    unreadable: dict[str, str]
    remarks: dict[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Hex digits that identify these features."""
        identity = f"{self.checkpoint} {self.version} {self.layer} {self.values.shape}"
        digest = hashlib.sha256(identity.encode())
        digest.update("\n".join(self.table["id"]).encode())
        return digest.hexdigest()[:16]


def feature_layers(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the layers that features can be taken from, the default first."""
    from pneumo_core.explanations import layers

    return (PENULTIMATE, PIXELS, LAST_MAPS, *layers(open_runtime(checkpoint)))


def shipped_features(checkpoint: Checkpoint, split: str = "all") -> Features:
    """Read the penultimate features stored with a checkpoint, of its "val", "test" or "all" X-rays.

    Raises CheckpointError, or PneumoError if it has none of that split.
    """
    table, values = checkpoint.featured, checkpoint.features
    if split != "all":
        rows = (table["split"] == split).to_numpy()
        table, values = table[rows].reset_index(drop=True), values[rows]
    if table.empty:
        raise PneumoError(f"'{checkpoint.name}' has no stored features of {split} X-rays.")
    version = checkpoint.card.version
    return Features(table, values, PENULTIMATE, checkpoint.name, version, {})


def features_of(
    checkpoint: Checkpoint,
    dataset: Dataset,
    layer: str = PENULTIMATE,
    *,
    runtime: Runtime | None = None,
    decoding: Progress | None = None,
    looking: Progress | None = None,
    home: Path | None = None,
) -> Features:
    """Return a layer's features of a dataset's readable X-rays, computing them once.

    They are cached under ``home`` (default: PNEUMO_HOME), in ``features``, in float16, by
    checkpoint, version, its input's key, layer and X-rays. ``runtime``: the checkpoint's, if it is
    open already. Raises UnknownName, DatasetError or CheckpointError, or PneumoError for a layer
    with too many values per X-ray.
    """
    version = "" if layer == PIXELS else checkpoint.card.version
    name = "" if layer == PIXELS else checkpoint.name
    seen_by = "" if layer == PIXELS else NetworkInput.of(checkpoint.card.input).key
    found = features_by(
        lambda: runtime or open_runtime(checkpoint),
        dataset,
        layer,
        name=name,
        version=f"{version} {seen_by}",
        decoding=decoding,
        looking=looking,
        home=home,
    )
    return replace(found, version=version)


def features_by(
    opened: Callable[[], Runtime],
    dataset: Dataset,
    layer: str = PENULTIMATE,
    *,
    name: str,
    version: str,
    decoding: Progress | None = None,
    looking: Progress | None = None,
    home: Path | None = None,
) -> Features:
    """Return the features of a network that is not a checkpoint; see ``features_of``.

    ``opened`` is called only if nothing is cached under its ``name`` and ``version``.
    """
    identity = f"{version} {layer} {dataset.fingerprint}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:24]
    file = (home or settings().home) / "features" / f"{name or PIXELS}-{key}.safetensors"
    known = _read_cache(file)
    if known is None:
        runtime = opened()
        store = open_store(dataset, input_of_layer(runtime, layer), progress=decoding)
        ids = store.readable(dataset.films)["id"].tolist()
        values, margins = _compute(runtime, store, ids, layer, looking)
        probabilities = None if margins is None else runtime.calibrated(margins)
        narrow = values.astype(np.float16)  # rounded as in the cache, so that maps repeat exactly
        exact = narrow.astype(np.float32)
        known = (ids, exact, probabilities, store.unreadable, store.remarks)
        _write_cache(file, *known)
    ids, values, probabilities, unreadable, remarks = known
    table = dataset.select(ids).films[list(_COLUMNS)]
    if probabilities is not None:
        table = table.assign(probability=probabilities)
    return Features(table, values, layer, name, version, unreadable, remarks)


def image_features(runtime: Runtime, film: NDArray[np.uint8], layer: str) -> Floats:
    """Return the features (D,) of one X-ray, prepared by ``input_of_layer``, as ``features_of``.

    Raises UnknownName.
    """
    values, _ = _of_batch(runtime, film[np.newaxis], layer)
    return np.asarray(values[0], dtype=np.float32)


def input_of_layer(runtime: Runtime, layer: str) -> NetworkInput:
    """Return the input format for a layer; for pixels the whole X-ray, small.

    Pixel features are cached for all checkpoints, so they must not depend on any framing.
    """
    return NetworkInput(_PIXEL_SIDE) if layer == PIXELS else runtime.input


def _compute(
    runtime: Runtime,
    store: PixelStore,
    ids: Sequence[str],
    layer: str,
    progress: Progress | None,
) -> tuple[Floats, Floats | None]:
    """Compute features (N, D), and margins (N,) where a network was used."""
    rows = store.rows(ids)
    values: list[Floats] = []
    margins: list[Floats] = []
    for start in range(0, len(rows), _BATCH):
        films = np.asarray(store.pixels[rows[start : start + _BATCH]])
        part, lead = _of_batch(runtime, films, layer)
        values.append(part)
        if lead is not None:
            margins.append(lead)
        if progress:
            progress(min(start + _BATCH, len(rows)), len(rows))
    if not values:
        raise DatasetError("There are no X-rays in this split. Choose another one.")
    return np.concatenate(values), np.concatenate(margins) if margins else None


def _of_batch(
    runtime: Runtime, films: NDArray[np.uint8], layer: str
) -> tuple[Floats, Floats | None]:
    """Return a layer's features of a batch, and the margins if available."""
    if layer == PIXELS:
        return np.asarray(films.reshape(len(films), -1) / np.float32(255), dtype=np.float32), None
    if layer == PENULTIMATE:
        outputs = runtime.run(films)
        return outputs.features, outputs.margins
    if layer == LAST_MAPS:
        return _last_maps(runtime, films), runtime.run(films).margins
    return _of_convolution(runtime, films, layer), None


def _of_convolution(runtime: Runtime, films: NDArray[np.uint8], layer: str) -> Floats:
    from pneumo_core.explanations import find_convolution, run_from

    found = find_convolution(runtime, layer)
    member = runtime.members[found.member]
    view = runtime.views(films, member)[0]
    maps, _ = run_from(member.network, view, found)
    return np.asarray(maps.detach().mean(dim=(2, 3)).float().numpy(), dtype=np.float32)


def _last_maps(runtime: Runtime, films: NDArray[np.uint8]) -> Floats:
    """Return the first network's last maps, flattened; large ones averaged to a coarser grid."""
    import torch

    first = runtime.members[0]
    maps = torch.tensor(runtime.maps(films, first)[0])
    maps = maps[:, : maps.shape[1] - first.network.token_channels]
    if maps[0].numel() > _MOST:
        side = max(1, int((_MOST / maps.shape[1]) ** 0.5))
        maps = torch.nn.functional.adaptive_avg_pool2d(maps, side)
    return np.asarray(maps.flatten(1).numpy(), dtype=np.float32)


_TEXTS = ("ids", "unreadable", "remarks")
_Known = tuple[list[str], Floats, Floats | None, dict[str, str], dict[str, str]]


def _read_cache(file: Path) -> _Known | None:
    """Read cached features; None if they are missing or damaged."""
    try:
        arrays = load_file(file)
        ids, unreadable, remarks = (json.loads(arrays[name].tobytes()) for name in _TEXTS)
        values = arrays["features"].astype(np.float32)
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError):
        return None
    if len(ids) != len(values):
        return None
    return ids, values, arrays.get("probabilities"), unreadable, remarks


def _write_cache(
    file: Path,
    ids: list[str],
    values: Floats,
    probabilities: Floats | None,
    unreadable: dict[str, str],
    remarks: dict[str, str],
) -> None:
    arrays: dict[str, np.ndarray] = {"features": values.astype(np.float16)}
    if probabilities is not None:
        arrays["probabilities"] = probabilities
    # As arrays: a header of safetensors holds 100 MB at most, too few for the ids of a million.
    for name, said in zip(_TEXTS, (ids, unreadable, remarks), strict=True):
        arrays[name] = np.frombuffer(json.dumps(said).encode(), np.uint8)
    write_whole(file, save(arrays), error=DatasetError)
