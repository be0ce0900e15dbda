"""Freezing of a pretrained backbone's first blocks, which learned features common to all images.

On a CPU this saves most of a training step, as the first blocks' large maps cost most.
"""

from torch import nn

from pneumo_core.errors import TrainingError
from pneumo_core.models import PneumoniaNetwork

__all__ = ["first_blocks"]

_LISTS = ("blocks", "stages", "layers", "_blocks")
"""Names of the list of a backbone's blocks in timm and efficientnet-pytorch."""


def first_blocks(network: PneumoniaNetwork, count: int) -> list[nn.Module]:
    """Return the modules before block number ``count`` of the backbone, in order.

    Raises TrainingError for a network without a backbone, or with too few blocks.
    """
    if not count:
        return []
    backbone = getattr(network.features, "backbone", None)
    before: list[nn.Module] = []
    for name, child in backbone.named_children() if backbone else ():
        if name in _LISTS:
            blocks = list(child.children())
            if count >= len(blocks):
                raise TrainingError(
                    f"The backbone has {len(blocks)} blocks, so at most {len(blocks) - 1} of them "
                    f"can be frozen, not {count}."
                )
            return [*before, *blocks[:count]]
        before.append(child)
    raise TrainingError("This architecture has no blocks to freeze. Use frozen_blocks = 0.")
