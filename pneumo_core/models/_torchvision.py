"""Make torchvision importable beside a CPU build of torch.

The registry's torchvision is compiled against CUDA; beside a CPU build its import fails because two
operators are missing that classifiers never call. Declaring them is enough. Import this before
timm.
"""

import torch

__all__ = ["import_torchvision"]

_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # the operators live as long as their library


def import_torchvision() -> bool:
    """Import torchvision; return True if the missing operators had to be declared."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return bool(_declared)
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in _OPERATORS:
        library.define(operator + _SCHEMA)  # type: ignore[no-untyped-call]
    _declared.append(library)
    import torchvision  # noqa: F401

    return True
