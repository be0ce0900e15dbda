"""DINOv2 ViT-S/14 (Oquab et al. 2023, arXiv:2304.07193) from an ONNX file, with timm's names."""

from pathlib import Path

import torch
from torch import Tensor

__all__ = ["dinov2_state"]

_BLOCKS = 12
# timm's names within a block, and those of Hugging Face's transformers for the same tensors.
_IN_BLOCK = {
    "norm1": "norm1",
    "attn.proj": "attention.output.dense",
    "norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_QKV = ("query", "key", "value")


def dinov2_state(file: Path) -> dict[str, Tensor]:
    """Return the backbone's state dict, with position embeddings for 37 × 37 patches.

    Raises OSError for a missing file, google.protobuf's DecodeError for one that is not ONNX,
    KeyError or ValueError for another network.
    """
    tensors = _tensors(file)
    outside = {
        "cls_token": tensors["embeddings.cls_token"],
        "pos_embed": _positions(tensors),
        **_affine("patch_embed.proj", tensors, "embeddings.patch_embeddings.projection"),
        **_affine("norm", tensors, "layernorm"),
    }
    blocks = [_block(tensors, number) for number in range(_BLOCKS)]
    return outside | {name: tensor for block in blocks for name, tensor in block.items()}


def _tensors(file: Path) -> dict[str, Tensor]:
    """Return the file's tensors by their names in the backbone.

    The exporter kept the names of biases, but transposed and renamed the weights of linear layers:
    a weight is found as the factor of the product that its layer's bias is added to.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(file).graph
    kept = {each.name: torch.tensor(numpy_helper.to_array(each)) for each in graph.initializer}
    products = {n.output[0]: n.input[1] for n in graph.node if n.op_type == "MatMul"}
    for addition in (node for node in graph.node if node.op_type == "Add"):
        for bias, product in (addition.input, reversed(addition.input)):
            if bias in kept and product in products:
                weight = bias.removesuffix("bias") + "weight"
                kept[weight] = kept[products[product]].T.contiguous()
    return {name.removeprefix("backbone."): tensor for name, tensor in kept.items()}


def _positions(tensors: dict[str, Tensor]) -> Tensor:
    """Return the position embeddings (1, 1 + 37², K), class token first, then patches."""
    (of_class,) = (each for name, each in tensors.items() if name.startswith("onnx::Concat"))
    (of_patches,) = (each for name, each in tensors.items() if name.startswith("onnx::Reshape"))
    return torch.cat([of_class, of_patches], dim=1)


def _block(tensors: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    ours, theirs = f"blocks.{number}", f"encoder.layer.{number}"
    state = {
        f"{ours}.ls{each}.gamma": tensors[f"{theirs}.layer_scale{each}.lambda1"] for each in (1, 2)
    }
    for name, known in _IN_BLOCK.items():
        state |= _affine(f"{ours}.{name}", tensors, f"{theirs}.{known}")
    for kind in ("weight", "bias"):
        parts = [tensors[f"{theirs}.attention.attention.{each}.{kind}"] for each in _QKV]
        state[f"{ours}.attn.qkv.{kind}"] = torch.cat(parts)
    return state


def _affine(name: str, tensors: dict[str, Tensor], known: str) -> dict[str, Tensor]:
    return {f"{name}.{kind}": tensors[f"{known}.{kind}"] for kind in ("weight", "bias")}
