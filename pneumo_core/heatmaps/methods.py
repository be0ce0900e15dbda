"""The methods by name. A new one is a line here and its computation in ``compute``."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pneumo_core.errors import UnknownName

__all__ = ["METHODS", "Method", "find_method"]


@dataclass(frozen=True)
class Method:
    """A way to tell where a network looked.

    ``about``: one sentence for a page. ``slow``: takes many passes and tells its progress.
    ``takes_layer``: can be taken at any convolution. ``takes_label``: differs between labels.
    ``source``: DOI or arXiv number.
    """

    name: str
    title: str
    about: str
    source: str
    slow: bool = False
    takes_layer: bool = True
    takes_label: bool = True


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                "grad_cam",
                "Grad-CAM",
                "Where the channels that raise the label's score are active: each channel of a "
                "convolution is weighed by its average gradient.",
                "doi 10.1109/ICCV.2017.74",
            ),
            Method(
                "layer_cam",
                "LayerCAM",
                "Like Grad-CAM, but each place has a weight of its own, for the label's lead over "
                "the other one: works at finer, earlier convolutions too.",
                "doi 10.1109/TIP.2021.3089943",
            ),
            Method(
                "activation",
                "Activation",
                "How strongly a convolution responds at each place, whatever the label: what the "
                "network sees, not what it concludes.",
                "arXiv:1506.06579",
                takes_label=False,
            ),
            Method(
                "occlusion",
                "Occlusion",
                "How much the label's lead over the other one shrinks when a patch is hidden "
                "behind the film's mean grey.",
                "doi 10.1007/978-3-319-10590-1_53",
                slow=True,
                takes_layer=False,
            ),
            Method(
                "integrated_gradients",
                "Integrated gradients",
                "How much each place adds to the label's lead over the other one on the way from "
                "a plain grey film to this one.",
                "arXiv:1703.01365",
                slow=True,
                takes_layer=False,
            ),
        )
    }
)
"""Every method by name; read-only, the default first."""


def find_method(name: str) -> Method:
    """The method of that name. Raises UnknownName."""
    if name not in METHODS:
        raise UnknownName("heat map method", name, METHODS)
    return METHODS[name]
