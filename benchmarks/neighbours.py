"""Measure the processor time from an X-ray's bytes to probabilities, beside torchxrayvision.

    pip install torchxrayvision
    python -m benchmarks.neighbours FOLDER

FOLDER has JPEG X-rays. torchxrayvision runs its DenseNet-121 as its README shows, with random
weights, since its own would be downloaded: the arithmetic is the same. Both have one thread and
take turns. Other work disturbs processor time less than it does the clock.
"""

import io
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

import pneumo_core as pn
from pneumo_core.models._torchvision import import_torchvision

MODELS = ("pneumo", "efficientnet_b0", "cnn_94", "cnn_v2")


def main(folder: Path, most: int = 12) -> None:
    """Print the median, in ms, of torchxrayvision and of each model that ships."""
    torch.set_num_threads(1)
    readers = {name: pn.load_reader(name) for name in MODELS}
    ways: dict[str, Callable[[bytes], object]] = {"torchxrayvision": _torchxrayvision()}
    ways |= {name: reader.read for name, reader in readers.items()}
    first, *files = [file.read_bytes() for file in sorted(folder.iterdir())[: most + 1]]
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for read in ways.values():
        read(first)
    for file in files:
        for name, read in ways.items():
            before = time.process_time()
            read(file)
            spent[name].append(1000 * (time.process_time() - before))
    for name, times in spent.items():
        print(f"{name:16} {median(times):6.0f} ms ({min(times):.0f} to {max(times):.0f})")


def _torchxrayvision() -> Callable[[bytes], object]:
    """Return its README's way: decode, normalise, crop, 224 pixels, DenseNet-121."""
    import_torchvision()  # beside a CPU build of torch its import needs help
    xrv = import_module("torchxrayvision")
    network = xrv.models.DenseNet(weights=None, num_classes=18).eval()
    crop, resize = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)

    def read(data: bytes) -> object:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
        image = resize(crop(xrv.datasets.normalize(pixels, 255)[None]))
        with torch.inference_mode():
            return network(torch.from_numpy(image)[None])

    return read


if __name__ == "__main__":
    main(Path(sys.argv[1]))
