"""What people use today: Pillow and torchvision, eager PyTorch in float32, a DataLoader, captum.

    python -m benchmarks.peer MODEL FOLDER

reads every film of a folder as ``pneumo predict`` does, a line of JSON each.
"""

import json
import sys
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.core.settings import cores
from pneumo_core.models import InputFormat, PneumoniaNetwork
from pneumo_core.models._torchvision import import_torchvision

import_torchvision()
from captum.attr import LayerGradCam  # noqa: E402
from torchvision import transforms  # noqa: E402

__all__ = ["Peer", "prepared"]


def prepared(takes: InputFormat) -> transforms.Compose:
    """From a Pillow image to a network's input."""
    return transforms.Compose(
        [
            transforms.Grayscale(takes.channels),
            transforms.Resize((takes.size, takes.size)),
            transforms.ToTensor(),
            transforms.Normalize(takes.mean, takes.std),
        ]
    )


class Peer:
    """A checkpoint of one network, as one would run it without Pneumo.

    It reads the mirror image too where the checkpoint does, so that it says the same.
    """

    def __init__(self, model: str, *, mirror: bool | None = None) -> None:
        checkpoint = load_checkpoint(model)
        self.card = checkpoint.card
        self.network: PneumoniaNetwork = checkpoint.networks()[0]
        self.mirror = self.card.mirror if mirror is None else mirror
        self.transform = prepared(self.card.input)
        self.grad_cam = LayerGradCam(self.network, self.network.features)

    def views(self, batch: Tensor) -> list[Tensor]:
        return [batch, batch.flip(-1)] if self.mirror else [batch]

    def probabilities(self, batch: Tensor) -> list[float]:
        with torch.inference_mode():
            logits = torch.stack([self.network(view) for view in self.views(batch)]).mean(0)
        margins = (logits[:, 1] - logits[:, 0]).numpy()
        return [float(p) for p in self.card.calibration.probabilities(margins)]

    def read(self, content: bytes) -> tuple[float, Tensor]:
        """Probability and Grad-CAM of one file."""
        batch = self.transform(Image.open(BytesIO(content)))[None]
        maps = [self.grad_cam.attribute(view.requires_grad_(), 1) for view in self.views(batch)]
        return self.probabilities(batch.detach())[0], maps[0]


class _Folder(Dataset[Tensor]):
    def __init__(self, films: list[Path], transform: transforms.Compose) -> None:
        self.films, self.transform = films, transform

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, number: int) -> Tensor:
        tensor: Tensor = self.transform(Image.open(self.films[number]))
        return tensor


def main() -> None:
    """Read a folder."""
    peer = Peer(sys.argv[1])
    films = sorted(path for path in Path(sys.argv[2]).rglob("*") if path.suffix == ".jpeg")
    loader = DataLoader(_Folder(films, peer.transform), batch_size=32, num_workers=cores())
    names = iter(films)
    for batch in loader:
        for p in peer.probabilities(batch):
            print(json.dumps({"file": str(next(names)), "probability": p}))


if __name__ == "__main__":
    main()
