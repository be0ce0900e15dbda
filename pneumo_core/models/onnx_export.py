"""Export of networks to ONNX, with a comparison against PyTorch.

The graph takes stored X-rays, uint8, and returns the output of each stage of the network.
"""

import io
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumo_core.models import InputFormat, PneumoniaNetwork
from pneumo_core.models.equivalence import agrees, random_images
from pneumo_core.models.onnx_padding import merge_padding, with_known_padding

__all__ = [
    "STAGES",
    "BareGraph",
    "bare_graph",
    "difference",
    "graph_of",
    "outputs",
    "pooled_head",
    "probability_graph",
]

STAGES = ("maps", "features", "logits")
"""The graph's outputs, in this order."""
_PREFIX = "network."
"""Of a network's tensors in ``_Whole``."""
_writing = threading.Lock()  # torch's exporter is not thread-safe

Part: TypeAlias = tuple[PneumoniaNetwork, InputFormat, float, float]
Run: TypeAlias = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], ...]]


class _Whole(nn.Module):
    """A module from X-rays uint8 (N, S, S) to the outputs of every stage."""

    def __init__(self, network: PneumoniaNetwork, takes: InputFormat) -> None:
        super().__init__()
        self.network = network
        self.takes = takes
        self.training = network.training

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = self.network.features(self.takes.normalise(films.unsqueeze(1).float() / 255))
        features = self.network.neck(maps)
        return maps, features, self.network.head(features)


def graph_of(network: PneumoniaNetwork, takes: InputFormat) -> bytes:
    """Return the network as an ONNX model, for any number of images."""
    example = torch.zeros(2, takes.size, takes.size, dtype=torch.uint8)
    return _exported(_Whole(network, takes), example, "films", list(STAGES))


@dataclass(frozen=True)
class BareGraph:
    """A network as an ONNX model without its weights, for any network of the same architecture.

    ``tensors``: the names of the network's tensors that the runtime must be given.
    """

    content: bytes
    tensors: tuple[str, ...]


def bare_graph(network: PneumoniaNetwork, takes: InputFormat) -> BareGraph:
    """Return the network as ``graph_of`` does, without its weights.

    Each tensor of the network becomes an initializer of the same name whose data are external.
    """
    import onnx

    example = torch.zeros(2, takes.size, takes.size, dtype=torch.uint8)
    whole = _Whole(network, takes)
    model = onnx.load_from_string(_exported(whole, example, "films", list(STAGES), fold=False))
    own = {_PREFIX + name for name in network.state_dict()}
    floats = [each for each in model.graph.initializer if each.data_type == onnx.TensorProto.FLOAT]
    tensors = [each for each in floats if each.name in own and each.raw_data]
    renamed = {each.name: each.name.removeprefix(_PREFIX) for each in tensors}
    for tensor in tensors:
        tensor.name = renamed[tensor.name]
        onnx.external_data_helper.set_external_data(tensor, "weights", 0, len(tensor.raw_data))
        tensor.ClearField("raw_data")
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    return BareGraph(model.SerializeToString(), tuple(renamed.values()))


def pooled_head(network: PneumoniaNetwork) -> NDArray[np.float32] | None:
    """Return the weights (2, K) of a head that is linear in the mean of each of the K maps.

    None for any other neck or head. The network must be in eval mode.
    """
    head = network.head
    if not isinstance(head, nn.Linear) or network.token_channels:
        return None
    maps = torch.randn(2, head.in_features, 3, 3, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            features = network.neck(maps)
    except (RuntimeError, ValueError):  # a neck for another number of channels or positions
        return None
    mean = maps.mean(dim=(2, 3))
    if features.shape != mean.shape or not torch.allclose(features, mean, atol=1e-6):
        return None
    weights: NDArray[np.float32] = head.weight.detach().float().numpy().copy()
    return weights


def _exported(
    module: nn.Module, example: Tensor, name: str, outputs: list[str], *, fold: bool = True
) -> bytes:
    """Return a module as an ONNX model; without ``fold`` its tensors stay as they are."""
    import onnx

    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    module = with_known_padding(module, example)
    content = io.BytesIO()
    with _writing, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # By tracing: half a second, where the newer exporter takes five to ten for the same graph.
        torch.onnx.export(
            module,
            (example,),
            content,  # type: ignore[arg-type]
            dynamo=False,
            training=mode,
            do_constant_folding=fold,
            input_names=[name],
            output_names=outputs,
            dynamic_axes={each: {0: "n"} for each in (name, *outputs)},
        )
    model = onnx.load_from_string(content.getvalue())
    merge_padding(model)
    return bytes(model.SerializeToString())


class _Probability(nn.Module):
    """A module from images uint8 (N, S, S) to P(PNEUMONIA), the mean over several networks."""

    def __init__(self, parts: Sequence[Part], mirror: bool) -> None:
        super().__init__()
        self.networks = nn.ModuleList(network for network, _, _, _ in parts)
        self.parts = [part[1:] for part in parts]
        self.mirror = mirror
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        greys = images.unsqueeze(1).float() / 255
        means = []
        for network, (takes, temperature, offset) in zip(self.networks, self.parts, strict=True):
            views = [greys, greys.flip(-1)] if self.mirror else [greys]
            logits = [network(takes.normalise(view)) for view in views]
            margins = torch.stack([each[:, 1] - each[:, 0] for each in logits]).mean(dim=0)
            means.append(torch.sigmoid(margins / temperature + offset))
        return torch.stack(means).mean(dim=0)


def probability_graph(parts: Sequence[Part], *, mirror: bool) -> bytes:
    """Return an ONNX model from images uint8 (N, S, S) to calibrated probabilities float32 (N,).

    ``parts``: each network with its input, and the temperature and offset of its calibration.
    All take images of one size S.
    """
    size = parts[0][1].size
    example = torch.zeros(2, size, size, dtype=torch.uint8)
    return _exported(_Probability(parts, mirror), example, "images", ["probability"])


def difference(run: Run, network: PneumoniaNetwork, takes: InputFormat) -> str:
    """Compare ``run`` with PyTorch on random X-rays, one alone and three at once.

    Returns the difference in words, "" for none.
    """
    films = random_images(takes.size)
    for batch in (films[:1], films):
        wanted = outputs(network, takes, batch)
        for name, got, right in zip(STAGES, run(batch), wanted, strict=True):
            if not agrees(got, right):
                apart = np.abs(got - right).max()
                return f"its {name} differ by {apart:.2g} of {np.abs(right).max():.2g}"
    return ""


def outputs(
    network: PneumoniaNetwork, takes: InputFormat, films: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], ...]:
    """Return PyTorch's outputs of every stage for X-rays uint8 (N, S, S)."""
    with torch.inference_mode():
        stages = _Whole(network, takes)(torch.from_numpy(films))
    return tuple(stage.float().numpy() for stage in stages)
