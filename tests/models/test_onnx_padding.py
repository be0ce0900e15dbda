"""Padding becomes a part of the convolution after it, and nothing else changes."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from pneumo_core.models import build_network, input_of
from pneumo_core.models.onnx_export import bare_graph, graph_of, outputs
from pneumo_core.models.onnx_padding import merge_padding


def _run(graph: bytes, images: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})


def _operations(graph: bytes) -> Counter:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


@pytest.mark.parametrize("model", ["efficientnet_lite0", "efficientnet_b0", "timm:tf_mixnet_s"])
def test_no_padding_is_left_beside_the_convolutions(model: str) -> None:
    torch.manual_seed(0)
    network, takes = build_network(model, 96).eval(), input_of(model, "none", 96)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)
    graph = graph_of(network, takes)
    assert _operations(graph)["Pad"] == 0 < _operations(graph)["Conv"]
    assert _operations(bare_graph(network, takes).content)["Pad"] == 0
    for given, wanted in zip(_run(graph, images), outputs(network, takes, images), strict=True):
        np.testing.assert_allclose(given, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


_GRAPH = """
<ir_version: 8, opset_import: ["" : 18]>
padded (float[n, 2, 9, 8] images) => (float[n, 3, h, w] made {also})
<float[3, 2, 3, 3] weight, int64[8] sides = {sides}, float value = {{{value}}},
 int64[4] order = {{0, 1, 3, 2}}>
{{
    around = Pad<mode = "{mode}">(images, sides, value{axes})
    made = Conv<kernel_shape = [3, 3], strides = [2, 2], {pads}>(around, weight)
    {then}
}}
"""

_SECOND = "other = Conv<kernel_shape = [3, 3]>(around, weight)"
_DEFAULTS = {
    **{"also": "", "value": "0", "mode": "constant", "axes": "", "then": ""},
    "pads": "pads = [1, 0, 1, 2]",
}


@pytest.mark.parametrize(
    ("sides", "changes", "left"),
    [
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {}, 0),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"also": ", float[n, 2, k, l] around"}, 1),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"then": _SECOND, "also": ", float[n, 3, k, l] other"}, 1),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"pads": 'auto_pad = "VALID"'}, 1),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"axes": ", order"}, 1),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"value": "0.5"}, 1),
        ("{0, 0, 1, 2, 0, 0, 0, 3}", {"mode": "reflect"}, 1),
        ("{0, 0, 1, -1, 0, 0, 0, 3}", {}, 1),
        ("{0, 1, 0, 0, 0, -1, 0, 0}", {}, 1),
    ],
    ids=[
        "zeros",
        "an output",
        "used twice",
        "auto_pad",
        "axes",
        "grey",
        "mirrored",
        "cropped",
        "channels",
    ],
)
def test_only_zeros_around_an_image_are_merged(sides: str, changes: dict, left: int) -> None:
    rng = np.random.default_rng(0)
    filled = _DEFAULTS | {"sides": sides} | changes
    model = onnx.parser.parse_model(_GRAPH.format_map(filled))
    weight = rng.normal(size=(3, 2, 3, 3)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "weight"))
    images = rng.normal(size=(2, 2, 9, 8)).astype(np.float32)
    wanted = _run(model.SerializeToString(), images)
    merge_padding(model)
    graph = model.SerializeToString()
    assert _operations(graph)["Pad"] == left
    for given, right in zip(_run(graph, images), wanted, strict=True):
        np.testing.assert_allclose(given, right, atol=1e-5)
