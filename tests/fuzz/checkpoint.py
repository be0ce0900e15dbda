"""A tiny checkpoint whose parts are damaged, and what it's like with one of them replaced."""

import hashlib
import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from pneumo_core.checkpoints import add_gate, save_checkpoint
from pneumo_core.models import InputFormat, build_network
from tests.conftest import FEATURES, HISTORY, SCORES, make_card

__all__ = ["NAME", "parts", "put"]

NAME = "tiny"
_MODEL = "timm:test_efficientnet"
_SIDE = 64


@cache
def parts() -> dict[str, bytes]:
    """The files of a whole checkpoint, by name."""
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = build_network(_MODEL).eval()
        takes = InputFormat(_SIDE, 3, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        card = replace(make_card(NAME), model=_MODEL, input=takes)
        with torch.inference_mode():
            maps = network.features(takes.normalise(torch.zeros(1, 1, _SIDE, _SIDE)))
        made = save_checkpoint(
            card, network.state_dict(), scores=SCORES, features=FEATURES, history=HISTORY,
            root=Path(folder),
        )  # fmt: skip
        made = add_gate(made, _gate(maps.shape[1]))
        return {path.name: path.read_bytes() for path in sorted(made.folder.iterdir())}


def put(folder: Path, name: str, content: bytes) -> None:
    """Write the checkpoint into a folder, one part of it replaced; the card knows such weights."""
    whole = dict(parts())
    if name == "weights.safetensors":  # past the digest: how far does it get?
        card = json.loads(whole["card.json"])
        card["weights_sha256"] = hashlib.sha256(content).hexdigest()
        whole["card.json"] = json.dumps(card).encode()
        whole.pop("gate.safetensors")
    folder.mkdir(parents=True, exist_ok=True)
    for part, data in (whole | {name: content}).items():
        (folder / part).write_bytes(data)


def _gate(channels: int) -> dict[str, np.ndarray]:
    """A gate that was fitted to nothing."""
    random = np.random.default_rng(0)
    numbers = 9 * 5 + 256
    shapes = {
        "channel_mean": (channels,), "directions": (channels, 4), "mean": (numbers,),
        "spread": (numbers,), "basis": (numbers, 6), "variances": (6,), "rest": (1,),
        "hidden": (numbers, 3), "hidden_bias": (3,), "weights": (3, 8), "bias": (8,),
    }  # fmt: skip
    limits = np.array([[0, 50, 100], [0, 50, 100]], np.float32)
    return {name: random.uniform(0.5, 1, shape) for name, shape in shapes.items()} | {
        "limits": limits
    }
