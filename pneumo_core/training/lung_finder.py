"""Training of the lung finder on X-rays with outlined lungs, and its scores on others."""

import hashlib
import io
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import kornia.augmentation
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from pneumo_core.core.files import write_whole
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset, open_store, scan
from pneumo_core.errors import DatasetError, TrainingError
from pneumo_core.gate import synthetic_images
from pneumo_core.lungs import SIDE, ConfidenceLimits
from pneumo_core.lungs._network import LungNetwork
from pneumo_core.metrics import Estimate

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = [
    "Outlined",
    "Provenance",
    "dice",
    "export_lung_finder",
    "load_outlined",
    "make_lung_finder",
]

Images = NDArray[np.uint8]
Masks = NDArray[np.bool_]

_BATCH = 32


@dataclass(frozen=True)
class Provenance:
    """What a finder's card says about the X-rays and masks that it learned from.

    Attributes:
        data: whose X-rays they are, and who drew the masks.
        limitations: where it is not to be trusted.
        licence: of the X-rays and masks.
        attribution: their source, as the licence asks for.
    """

    data: str = "not stated"
    limitations: str = "Trained for upright images turned by up to 30°."
    licence: str = "not stated"
    attribution: str = "not stated"


@dataclass(frozen=True)
class Phase:
    """Epochs with one cycle of the learning rate; ``moved``: the share of augmented images."""

    epochs: int
    rate: float
    moved: float


PHASES = (Phase(8, 6e-3, 0.9), Phase(6, 3e-3, 0.5))
"""First learn to find lungs anywhere, then to outline them well in their usual place."""
_EMPTY = 150
"""Number of synthetic images without lungs, of each of the seven kinds."""


@dataclass(frozen=True, eq=False)
class Outlined:
    """Images uint8 (N, S, S) with lung masks bool (N, S, S), and their patients."""

    images: Images
    masks: Masks
    patients: NDArray[np.object_]

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Outlined":
        return Outlined(self.images[rows], self.masks[rows], self.patients[rows])

    def __len__(self) -> int:
        return len(self.images)


def load_outlined(
    films: Path, masks: Path, split: str, progress: Progress | None = None
) -> Outlined:
    """Read the X-rays of one split that have a mask.

    ``masks``: an .npz with ``path`` (N,), relative to ``films``, and ``mask`` uint8 (N, S, S / 8),
    bits packed along the last axis. Raises DatasetError.
    """
    dataset = scan(films).as_found()
    packed = _masks_by_path(masks)
    table = dataset.films[dataset.films["split"] == split]
    table = table[table["id"].isin(list(packed))]
    if table.empty:
        raise DatasetError(f"No {split} X-ray in '{films}' has a mask in '{masks}'.")
    store = open_store(Dataset(dataset.name, table, dataset.source), SIDE, progress=progress)
    found = np.stack([np.unpackbits(packed[each], axis=1) for each in store.ids]).astype(bool)
    patients = table.set_index("id").loc[list(store.ids), "patient"].to_numpy(object)
    return Outlined(np.asarray(store.pixels), found, patients)


def _masks_by_path(path: Path) -> dict[str, Images]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, masks = stored["path"], stored["mask"]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"'{path}' is not a readable .npz with 'path' and 'mask'.") from error
    if masks.shape[1:] != (SIDE, SIDE // 8):
        raise DatasetError(f"The masks in '{path}' must be {SIDE} × {SIDE} pixels, bits packed.")
    return dict(zip(names.tolist(), masks, strict=True))


def train_lung_finder(
    data: Outlined, *, seed: int = 0, progress: Progress | None = None
) -> LungNetwork:
    """Train on ``data`` and synthetic images without lungs; return the network in eval mode.

    The loss is cross-entropy plus soft Dice; AdamW with one cycle of the learning rate per phase.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LungNetwork()
        steps, done = sum(phase.epochs for phase in PHASES), 0
        for number, phase in enumerate(PHASES):
            train_phase(
                network, data, phase, seed=seed + number, progress=_later(progress, done, steps)
            )
            done += phase.epochs
    return network.eval().requires_grad_(False)


def train_phase(
    network: LungNetwork, data: Outlined, phase: Phase, *, seed: int, progress: Progress | None
) -> None:
    """Train a network in place; ``progress`` counts epochs."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    images, masks = _with_empty(data, random)
    network.train()
    augment = _augmentation(phase.moved)
    steps = len(images) // _BATCH
    optimizer = torch.optim.AdamW(network.parameters(), lr=phase.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, phase.rate, phase.epochs * steps)
    for epoch in range(phase.epochs):
        order = random.permutation(len(images))
        for step in range(steps):
            rows = order[step * _BATCH : (step + 1) * _BATCH]
            seen, wanted = _augmented(augment, images[rows], masks[rows], random)
            loss = _loss(network(seen), wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        if progress:
            progress(epoch + 1, phase.epochs)


def _later(progress: Progress | None, done: int, total: int) -> Progress | None:
    return (lambda n, _: progress(done + n, total)) if progress else None


def make_lung_finder(
    films: Path,
    masks: Path,
    folder: Path,
    *,
    provenance: Provenance,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Train a lung finder, score it on the test X-rays, write both into a folder; return the card.

    A tenth of the train patients is held out. Test X-rays are not used for training. Raises
    DatasetError, or TrainingError when the folder can't be written.
    """
    data = load_outlined(films, masks, "train")
    random = np.random.default_rng(0)
    patients = random.permutation(np.unique(data.patients.astype(str)))
    held_out = np.isin(data.patients.astype(str), patients[: len(patients) // 10])
    network = train_lung_finder(data[~held_out], seed=seed, progress=progress)
    test = load_outlined(films, masks, "test")
    card = _scores(network, data[~held_out], data[held_out], test) | asdict(provenance)
    return export_lung_finder(network, folder, card)


def _scores(
    network: LungNetwork, taught: Outlined, held_out: Outlined, test: Outlined
) -> dict[str, object]:
    """Return the part of the finder's card that is measured."""
    return {
        "architecture": "U-Net, 112 × 112 pixels, ONNX, weights in float16",
        "train_images": len(taught),
        "test_images": len(test),
        "dice": str(_mean_dice(network, test)),
        "dice_held_out": str(_mean_dice(network, held_out)),
        "confidence": asdict(ConfidenceLimits()),
    }


def _mean_dice(network: LungNetwork, data: Outlined) -> Estimate:
    """Return the mean Dice coefficient with its bootstrap interval, clustered by patient."""
    with torch.inference_mode():
        images = torch.from_numpy(np.array(data.images))
        parts = (images[start : start + 64] for start in range(0, len(images), 64))
        found = np.concatenate([network(part).numpy() > 0 for part in parts])
    scores = dice(found, data.masks)
    sums = pd.DataFrame({"sum": scores, "n": 1}).groupby(data.patients).sum().to_numpy()
    synthetic_images = np.random.default_rng(0).integers(0, len(sums), (2000, len(sums)))
    totals = sums[synthetic_images].sum(axis=1)
    low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
    return Estimate(float(scores.mean()), float(low), float(high))


def dice(found: Iterable[Masks], drawn_by_people: Iterable[Masks]) -> NDArray[np.float64]:
    """Return 2 |A ∩ B| / (|A| + |B|) of each pair of masks; 1 where both are empty."""
    pairs = zip(found, drawn_by_people, strict=True)
    return np.array([2 * (a & b).sum() / max(1, a.sum() + b.sum()) for a, b in pairs])


def _with_empty(data: Outlined, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    empty = np.stack([image for _, image in synthetic_images(_EMPTY, SIDE, random)])
    images = torch.from_numpy(np.concatenate([data.images, empty]))
    masks = np.concatenate([data.masks, np.zeros(empty.shape, bool)])
    return images, torch.from_numpy(masks)


def _augmentation(moved: float) -> nn.Module:
    """Return random changes of proportions, position, borders, grey values and sharpness.

    The mask moves with the image."""
    return kornia.augmentation.AugmentationSequential(
        kornia.augmentation.RandomHorizontalFlip(p=0.5),
        kornia.augmentation.RandomAffine(
            degrees=32, translate=(0.12, 0.12), scale=(0.6, 1.5, 0.6, 1.5), p=moved
        ),
        kornia.augmentation.RandomGamma(gamma=(0.5, 2.0), p=0.7),
        kornia.augmentation.RandomContrast(contrast=(0.4, 1.6), p=0.5),
        kornia.augmentation.RandomBrightness(brightness=(0.75, 1.25), p=0.5),
        kornia.augmentation.RandomGaussianBlur((7, 7), (0.1, 1.8), p=0.3),
        kornia.augmentation.RandomInvert(p=0.12),
        data_keys=["input", "mask"],
    )


def _augmented(
    augment: nn.Module, images: Tensor, masks: Tensor, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return images uint8 (n, S, S) with objects drawn over them, and masks float (n, S, S)."""
    seen, wanted = augment(images.unsqueeze(1).float() / 255, masks.unsqueeze(1).float())
    seen = seen + torch.randn_like(seen) * torch.rand(len(seen), 1, 1, 1) * 0.06
    bytes_ = seen[:, 0].clamp(0, 1).mul(255).round().byte().numpy()
    covered = np.stack([_with_objects(image, random) for image in bytes_])
    return torch.from_numpy(covered), (wanted[:, 0] > 0.5).float()


def _with_objects(image: Images, random: np.random.Generator) -> Images:
    """Draw bright or dark bars and lines on an image, like letters, tubes, borders and arms."""
    picture = Image.fromarray(image)
    draw, side = ImageDraw.Draw(picture), len(image)
    for _ in range(random.integers(0, 4)):
        grey = int(random.choice([0, 255, int(random.integers(0, 256))]))
        left, top = random.integers(-10, side - 4, 2).tolist()
        if random.random() < 0.5:
            end = tuple(random.integers(0, side, 2).tolist())
            draw.line([(left, top), end], fill=grey, width=int(random.integers(1, 5)))
        else:
            width, height = random.integers(3, 22, 2).tolist()
            draw.rectangle([left, top, left + width, top + height], fill=grey)
    if random.random() < 0.15:
        frame = int(random.integers(1, 12))
        draw.rectangle(
            [0, 0, side - 1, side - 1], outline=int(random.choice([0, 255])), width=frame
        )
    return np.asarray(picture)


def _loss(logits: Tensor, wanted: Tensor) -> Tensor:
    chances = logits.sigmoid()
    both = (chances * wanted).sum(dim=(1, 2))
    either = chances.sum(dim=(1, 2)) + wanted.sum(dim=(1, 2))
    soft_dice = 1 - (2 * both + 1) / (either + 1)
    return binary_cross_entropy_with_logits(logits, wanted) + soft_dice.mean()


def export_lung_finder(
    network: LungNetwork, folder: Path, card: Mapping[str, object]
) -> dict[str, object]:
    """Write the network as ``lungs.onnx``, weights in float16, and its card; return the card.

    The card gets the graph's ``version``: eight hex digits of its SHA-256.
    """
    graph = _graph(network)
    version = hashlib.sha256(graph).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "lungs.onnx", graph, error=TrainingError)
    whole = {"version": version, **card}
    written = json.dumps(whole, indent=2, ensure_ascii=False).encode()
    write_whole(folder / "card.json", written + b"\n", error=TrainingError)
    return whole


class _Chances(nn.Module):
    """Module from images uint8 (N, S, S) to probabilities of lung, float32 (N, S, S)."""

    def __init__(self, network: LungNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return torch.sigmoid(self.network(images))


def _graph(network: LungNetwork) -> bytes:
    import onnx

    content = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Chances(network).eval(),
            (torch.zeros(2, SIDE, SIDE, dtype=torch.uint8),),
            content,  # type: ignore[arg-type]
            dynamo=False,
            input_names=["images"],
            output_names=["chances"],
            dynamic_axes={"images": {0: "n"}, "chances": {0: "n"}},
        )
    model = onnx.load_from_string(content.getvalue())
    _narrow(model.graph)
    return bytes(model.SerializeToString())


def _narrow(graph: "GraphProto") -> None:
    """Store float32 weights as float16, cast back where used; the runtime folds the casts once."""
    from onnx import TensorProto, helper, numpy_helper

    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f"{name}_16"))
        widen = helper.make_node("Cast", [f"{name}_16"], [name], to=TensorProto.FLOAT)
        graph.node.insert(0, widen)
