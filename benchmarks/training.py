"""An epoch of training, in milliseconds a film.

    python -m benchmarks --only training

The peer is the usual loop: torchvision's ImageFolder and DataLoader, float32, the paper's
transforms, the same network and batch. The floor takes our steps on tensors that lie ready in
memory, without augmentation. Every repeat begins with fresh weights.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Subset

from benchmarks.films import folder_of_copies, original_films, small_films
from benchmarks.row import Row, Spread, in_turn
from pneumo_core.core.settings import cores
from pneumo_core.datasets import open_store, scan
from pneumo_core.models import InputFormat, build_network, find_model
from pneumo_core.models._torchvision import import_torchvision
from pneumo_core.training import recipe
from pneumo_core.training.depthwise import QuickDepthwise
from pneumo_core.training.loop import fit
from pneumo_core.training.training_set import Films, films_of

import_torchvision()
from torchvision import datasets, transforms  # noqa: E402

BATCH = 64
SETTINGS = (
    # model, films at original size?, films (whole run, quick run), goals
    ("cnn_94", False, (5840, 1536), {"times_peer": 2.5, "of_floor": 0.85}),
    ("cnn_94", True, (1536, 384), {"times_peer": 8.0}),
    ("efficientnet_b0", False, (448, 160), {"times_peer": 1.8}),
)


def rows(home: Path, *, quick: bool) -> list[Row]:
    """Each model's epoch on decoded X-rays, and the first one with the decoding."""
    found = []
    for model, original, counts, goals in SETTINGS:
        films = original_films(home) if original else small_films(home)
        count = counts[quick]
        folder = folder_of_copies(
            films, home / f"train-{'orig' if original else '224'}-{count}", count
        )
        found += _of(model, folder, original, goals, repeats=1 if quick else 2)
    return found


def _of(
    model: str, folder: Path, original: bool, goals: dict[str, float], repeats: int
) -> list[Row]:
    takes = find_model(model).input
    dataset = scan(folder)
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        store = open_store(dataset, takes.size, home=Path(home))
        decoding = time.perf_counter() - started
        train, test = films_of(dataset, store, "train"), films_of(dataset, store, "test")
        some = np.concatenate([np.flatnonzero(test.labels == label)[:8] for label in (0, 1)])
        val = Films(store, test.rows[some], test.labels[some])
        a_film = 1e3 / len(train)
        peer_loader, floor_batches = _loader(folder, takes, len(train)), _batches(train, takes)
        works = {
            "ours": lambda: _ours(model, train, val),
            "peer": lambda: _peer(model, peer_loader),
            "floor": lambda: _floor(model, floor_batches),
        }
        times = in_turn(works, repeats, warm=False, scale=a_film)
    size = "original size" if original else "224 pixels"
    name = f"{model}, {size}: an X-ray of an epoch"
    first = Spread.of([times["ours"].median + a_film * decoding])
    return [
        Row(name=name, unit="ms", **times, **goals),
        Row(
            name=f"{model}, {size}: an X-ray of the first epoch",
            unit="ms",
            ours=first,
            peer=times["peer"],
        ),
    ]


def _ours(model: str, train: Films, val: Films) -> float:
    """Seconds of the second epoch with the paper's augmentation, its validation included."""
    config = recipe(
        "paper", model, epochs=2, batch_size=BATCH, precision="auto", balance="none",
        backbone_factor=1.0, size=find_model(model).input.size if model != "cnn_94" else None,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return float(fit(config, train, val, Path(folder) / "state").reports[1].seconds)


def _loader(folder: Path, takes: InputFormat, count: int) -> DataLoader[Tensor]:
    transform = transforms.Compose(
        [
            transforms.Grayscale(takes.channels),
            transforms.Resize((takes.size, takes.size)),
            transforms.RandomRotation(75),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(takes.mean, takes.std),
        ]
    )
    films = Subset(datasets.ImageFolder(str(folder / "train"), transform), range(count))
    return DataLoader(films, BATCH, shuffle=True, num_workers=cores(), drop_last=True)


def _peer(model: str, loader: DataLoader[Tensor]) -> float:
    network = build_network(model).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    started = time.perf_counter()
    for films, labels in loader:
        optimizer.zero_grad()
        cross_entropy(network(films), labels).backward()
        optimizer.step()
    return time.perf_counter() - started


def _batches(train: Films, takes: InputFormat) -> list[tuple[Tensor, Tensor]]:
    found = []
    for start in range(0, len(train) - BATCH + 1, BATCH):
        rows = train.rows[start : start + BATCH]
        films = torch.from_numpy(train.store.pixels[rows]).unsqueeze(1).float() / 255
        labels = torch.from_numpy(train.labels[start : start + BATCH])
        found.append((takes.normalise(films), labels))
    return found


def _floor(model: str, batches: list[tuple[Tensor, Tensor]]) -> float:
    network: nn.Module = build_network(model).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4, fused=True)
    quick = torch.cpu._is_avx512_bf16_supported()
    started = time.perf_counter()
    for films, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=quick):
            logits = network(films)
        loss = cross_entropy(logits.float(), labels)
        with QuickDepthwise():
            loss.backward()
        optimizer.step()
    return time.perf_counter() - started
