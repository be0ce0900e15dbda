"""Keep the first blocks of a pretrained backbone as they are: edges look alike in any picture.

It saves most of a training step on a CPU, where the first blocks' large maps cost most.
"""

from torch import nn

from pneumo_core.errors import TrainingError
from pneumo_core.models import PneumoniaNetwork

__all__ = ["first_blocks"]

_LISTS = ("blocks", "stages", "layers", "_blocks")
"""What timm and efficientnet-pytorch call the list of a backbone's blocks."""


def first_blocks(network: PneumoniaNetwork, count: int) -> list[nn.Module]:
    """Return what an X-ray passes before block number ``count`` of the backbone, in order.

    Raises TrainingError for a network without a backbone, or with fewer blocks.
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
    raise TrainingError("This architecture has no list of blocks to freeze. Use frozen_blocks = 0.")
