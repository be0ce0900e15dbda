"""ImageNet weights by the libraries' own downloads."""

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from pneumo_core.models.registry import TIMM

__all__ = ["fetch_weights"]

_PATIENCE = 5.0
"""Seconds that the hub has for its first answer."""
_asking = threading.Lock()


def fetch_weights(model: str, size: int | None = None) -> Mapping[str, Tensor]:
    """A backbone's state from its library's hub, or from where that keeps what it fetched.

    ``size``: side of the films that it will read, for which timm resizes position embeddings.
    Raises whatever the hub's client does where it can't be had.
    """
    if model.startswith(TIMM):
        return _from_timm(model.removeprefix(TIMM), size)
    from efficientnet_pytorch.utils import url_map

    url = url_map[model.replace("_", "-")]
    # It tells on standard output what it fetches, where the command line prints results.
    with contextlib.redirect_stdout(sys.stderr):
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, progress=False, check_hash=True, weights_only=True
        )
    return state


def _from_timm(architecture: str, size: int | None) -> Mapping[str, Tensor]:
    import timm

    from pneumo_core.models.timm_backbone import size_options

    options = size_options(architecture, size)
    with _asked_once():
        network = timm.create_model(architecture, pretrained=True, num_classes=0, **options)
    state: Mapping[str, Tensor] = network.state_dict()
    return state


@contextlib.contextmanager
def _asked_once() -> Iterator[None]:
    """Offline where the hub doesn't answer.

    Its client would ask again and again for three quarters of a minute, a line on the terminal
    each time. Offline, it finds at once what it fetched before, or says that it can't.
    """
    from huggingface_hub import constants, get_session

    with _asking:
        before = constants.HF_HUB_OFFLINE
        try:
            get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
        # A client of its own, with errors of its own; each means that nobody answered.
        except Exception:  # noqa: BLE001
            constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before
