"""What a layer makes of many films: the rows that a map of them is drawn from."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    "film_features",
    "input_of_layer",
    "shipped_features",
]

Floats = NDArray[np.float32]

PIXELS, PENULTIMATE, LAST_MAPS = "pixels", "penultimate", "last maps"
"""The film itself; the layer before the head; the last convolution's maps, flattened, as in the
paper. Any other layer is a convolution or a transformer's block by name, averaged over its
places."""

_PIXEL_SIDE = 64
_BATCH = 64
_MOST = 12_000
"""Numbers of a film's maps that are kept: CNN_94 has 10,584, and 5,840 films of so many 280 MB."""
_COLUMNS = ("id", "patient", "split", "label", "subtype")


@dataclass(frozen=True, eq=False)
class Features:
    """A row of numbers for each film.

    ``table``: id, patient, split, label, subtype, and probability where a checkpoint looked;
    ``values`` float32 (N, D), row i belongs to row i of the table. ``checkpoint`` and ``version``:
    whose layer it is, "" for pixels. ``unreadable`` maps the ids of films left out to the reason.
    """

    table: pd.DataFrame
    values: Floats
    layer: str
    checkpoint: str
    version: str
    unreadable: dict[str, str]

    @cached_property
    def key(self) -> str:
        """Digits that tell these features from any others."""
        told = f"{self.checkpoint} {self.version} {self.layer} {self.values.shape}"
        digest = hashlib.sha256(told.encode())
        digest.update("\n".join(self.table["id"]).encode())
        return digest.hexdigest()[:16]


def feature_layers(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Layers whose features can be taken, the usual one first."""
    from pneumo_core.explanations import layers

    return (PENULTIMATE, PIXELS, LAST_MAPS, *layers(open_runtime(checkpoint)))


def shipped_features(checkpoint: Checkpoint, split: str = "all") -> Features:
    """The penultimate features that lie beside a checkpoint: of its "val", "test" or "all" films.

    Raises CheckpointError, or PneumoError where it has none of that split.
    """
    table, values = checkpoint.featured, checkpoint.features
    if split != "all":
        rows = (table["split"] == split).to_numpy()
        table, values = table[rows].reset_index(drop=True), values[rows]
    if table.empty:
        raise PneumoError(f"'{checkpoint.name}' comes with no features of {split} films.")
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
    """A layer's features of a dataset's readable films, computed once and kept.

    They lie under ``home`` (default: PNEUMO_HOME), in ``features``, in float16, keyed by
    checkpoint, version, layer and films. ``runtime``: the checkpoint's, where it is open already.
    Raises UnknownName, DatasetError or CheckpointError, or
    PneumoError for a layer whose maps are too many numbers for a film.
    """
    version = "" if layer == PIXELS else checkpoint.card.version
    name = "" if layer == PIXELS else checkpoint.name
    return features_by(
        lambda: runtime or open_runtime(checkpoint),
        dataset,
        layer,
        name=name,
        version=version,
        decoding=decoding,
        looking=looking,
        home=home,
    )


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
    """What ``features_of`` gives, of a network that is no checkpoint.

    ``opened`` is asked for it only where nothing is kept under its ``name`` and ``version``.
    """
    told = f"{version} {layer} {dataset.fingerprint}"
    key = hashlib.sha256(told.encode()).hexdigest()[:24]
    file = (home or settings().home) / "features" / f"{name or PIXELS}-{key}.safetensors"
    known = _kept(file)
    if known is None:
        runtime = opened()
        store = open_store(dataset, input_of_layer(runtime, layer), progress=decoding)
        ids = store.readable(dataset.films)["id"].tolist()
        values, margins = _computed(runtime, store, ids, layer, looking)
        probabilities = None if margins is None else runtime.calibrated(margins)
        narrow = values.astype(np.float16)  # as it is kept: later maps are the first one's like
        known = (ids, narrow.astype(np.float32), probabilities, store.unreadable)
        _keep(file, *known)
    ids, values, probabilities, unreadable = known
    table = dataset.select(ids).films[list(_COLUMNS)]
    if probabilities is not None:
        table = table.assign(probability=probabilities)
    return Features(table, values, layer, name, version, unreadable)


def film_features(runtime: Runtime, film: NDArray[np.uint8], layer: str) -> Floats:
    """Return the features (D,) of one film, made by ``input_of_layer``, as ``features_of`` does.

    Raises UnknownName.
    """
    values, _ = _of_batch(runtime, film[np.newaxis], layer)
    return np.asarray(values[0], dtype=np.float32)


def input_of_layer(runtime: Runtime, layer: str) -> NetworkInput:
    """Return what makes the input that a layer is asked about; for pixels the whole film, small.

    Pixels belong to no checkpoint and are kept for all, so no framing of one may be in them.
    """
    return NetworkInput(_PIXEL_SIDE) if layer == PIXELS else runtime.input


def _computed(
    runtime: Runtime,
    store: PixelStore,
    ids: Sequence[str],
    layer: str,
    progress: Progress | None,
) -> tuple[Floats, Floats | None]:
    """Features (N, D), and margins (N,) where a network looked."""
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
        raise DatasetError("There is no film to look at. Choose a split that has some.")
    return np.concatenate(values), np.concatenate(margins) if margins else None


def _of_batch(
    runtime: Runtime, films: NDArray[np.uint8], layer: str
) -> tuple[Floats, Floats | None]:
    """A layer's features of a batch, and the margins where they come with it."""
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
    """The first network's last convolution, flattened; larger ones averaged to fewer places."""
    import torch

    first = runtime.members[0]
    maps = torch.tensor(runtime.maps(films, first)[0])
    maps = maps[:, : maps.shape[1] - first.network.token_channels]
    if maps[0].numel() > _MOST:
        side = max(1, int((_MOST / maps.shape[1]) ** 0.5))
        maps = torch.nn.functional.adaptive_avg_pool2d(maps, side)
    return np.asarray(maps.flatten(1).numpy(), dtype=np.float32)


_Known = tuple[list[str], Floats, Floats | None, dict[str, str]]


def _kept(file: Path) -> _Known | None:
    """What lies there, None where nothing does or it is damaged: it can be computed again."""
    try:
        with safetensors.safe_open(file, framework="numpy") as stored:
            facts = stored.metadata() or {}
        ids, unreadable = json.loads(facts["ids"]), json.loads(facts["unreadable"])
        arrays = load_file(file)
        values = arrays["features"].astype(np.float32)
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError):
        return None
    if len(ids) != len(values):
        return None
    return ids, values, arrays.get("probabilities"), unreadable


def _keep(
    file: Path,
    ids: list[str],
    values: Floats,
    probabilities: Floats | None,
    unreadable: dict[str, str],
) -> None:
    arrays: dict[str, np.ndarray] = {"features": values.astype(np.float16)}
    if probabilities is not None:
        arrays["probabilities"] = probabilities
    facts = {"ids": json.dumps(ids), "unreadable": json.dumps(unreadable)}
    write_whole(file, save(arrays, metadata=facts), error=DatasetError)
