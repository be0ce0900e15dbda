"""Explanation methods by name: built in and registered.

A built-in method is a ``Method`` here and a function elsewhere: in ``_BUILT_IN`` of
`perturbation.py`, or in ``FROM_LAYERS`` of `gradients.py` if it combines a layer's feature maps; in
``_POOLED`` of `compute.py`, too, if it can do so without PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pneumo_core.datasets import NORMAL, PNEUMONIA
from pneumo_core.errors import PneumoError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from pneumo_core.imaging import Scale

__all__ = [
    "METHODS",
    "Method",
    "Perturbation",
    "Score",
    "evidence_strength",
    "find_method",
    "register_method",
    "scale_of",
]


Score: TypeAlias = "Callable[[Tensor], Tensor]"
"""The network's views (N, C, S, S) to the label's lead over the other label (N,)."""


@dataclass(frozen=True)
class Perturbation:
    """How a perturbation method is computed.

    ``compute``: (score, view (1, C, S, S), the same view in uniform mean grey) to a map (h, w) ≥ 0.
    ``passes``: the number of passes through the network for an input side in pixels.
    """

    compute: "Callable[[Score, Tensor, Tensor], Tensor]"
    passes: Callable[[int], int]


@dataclass(frozen=True)
class Method:
    """An explanation method.

    ``about``: one sentence for pages. ``slow``: needs many passes and reports progress.
    ``takes_layer``: works at any convolution. ``takes_label``: differs between labels.
    ``source``: DOI or arXiv number. ``perturbation``: how a registered method is computed.
    """

    name: str
    title: str
    about: str
    source: str
    slow: bool = False
    takes_layer: bool = True
    takes_label: bool = True
    perturbation: "Perturbation | None" = None


_methods: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "grad_cam",
            "Grad-CAM",
            "Where the channels that raise the label's score are active: each channel of a "
            "convolution is weighted by its average gradient.",
            "doi 10.1109/ICCV.2017.74",
        ),
        Method(
            "layer_cam",
            "LayerCAM",
            "Like Grad-CAM, but with a weight for each position, for the label's lead over "
            "the other one; also works at earlier, finer convolutions.",
            "doi 10.1109/TIP.2021.3089943",
        ),
        Method(
            "activation",
            "Activation",
            "How strongly a convolution responds at each position, whatever the label: what "
            "the network sees, not what it concludes.",
            "arXiv:1506.06579",
            takes_label=False,
        ),
        Method(
            "occlusion",
            "Occlusion",
            "How much the label's lead over the other one shrinks when a patch is hidden "
            "by the X-ray's mean grey.",
            "doi 10.1007/978-3-319-10590-1_53",
            slow=True,
            takes_layer=False,
        ),
        Method(
            "integrated_gradients",
            "Integrated gradients",
            "How much each position adds to the label's lead over the other one, going from "
            "a uniform grey image to this X-ray.",
            "arXiv:1703.01365",
            slow=True,
            takes_layer=False,
        ),
    )
}
METHODS: Mapping[str, Method] = MappingProxyType(_methods)
"""Every method by name; read-only, the default first."""


def register_method(method: Method) -> None:
    """Add a perturbation method to heat maps and pages, for this process.

    Raises PneumoError if its name is taken, if it has no ``perturbation``, or if it claims to take
    a layer.
    """
    if method.name in METHODS:
        raise PneumoError(f"A method named '{method.name}' already exists. Choose another name.")
    if method.perturbation is None or method.takes_layer:
        raise PneumoError(
            f"'{method.name}' must be a perturbation method: set perturbation, and "
            "takes_layer=False."
        )
    _methods[method.name] = method


def find_method(name: str) -> Method:
    """Return the method with this name. Raises UnknownName."""
    if name not in METHODS:
        raise UnknownName("heat map method", name, METHODS)
    return METHODS[name]


def scale_of(method: str, label: int) -> "Scale":
    """Return the colour scale of a map: one hue for each label, another for label-free maps."""
    known = METHODS.get(method)
    if known is not None and not known.takes_label:
        return "response"
    return "pneumonia" if label == PNEUMONIA else "normal"


def evidence_strength(method: str, label: int, probability: float) -> float:
    """Return the opacity of a map scaled to its own maximum, in [0, 1].

    It is the probability of the map's label, so that an X-ray with little evidence gets a faint
    map: scaling to its own maximum would give any X-ray full colour. ``probability`` is that of
    PNEUMONIA. A label-free map has full strength. The probability is used rather than a typical
    peak of the checkpoint, because each method, layer and network has its own unit, and the
    probability needs no reference X-rays.
    """
    known = METHODS.get(method)
    if known is not None and not known.takes_label:
        return 1.0
    return 1 - probability if label == NORMAL else probability
