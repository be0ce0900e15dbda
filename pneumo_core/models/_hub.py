"""Downloads of ImageNet weights through the libraries' own clients."""

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from pneumo_core.models.registry import TIMM

__all__ = ["fetch_weights"]

_PATIENCE = 5.0
"""Seconds to wait for the hub's first answer."""
_asking = threading.Lock()


def fetch_weights(model: str, size: int | None = None) -> Mapping[str, Tensor]:
    """Return a backbone's state dict from its library's hub, or from that library's cache.

    ``size``: side in pixels of the X-rays to read, for which timm resizes position embeddings.
    Raises whatever the hub's client raises when the weights can't be downloaded.
    """
    if model.startswith(TIMM):
        return _from_timm(model.removeprefix(TIMM), size)
    from efficientnet_pytorch.utils import url_map

    url = url_map[model.replace("_", "-")]
    # It writes to standard output, where the command line prints its results.
    with contextlib.redirect_stdout(sys.stderr):
        state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, progress=False, check_hash=True, weights_only=True
        )
    return state


def _from_timm(architecture: str, size: int | None) -> Mapping[str, Tensor]:
    import timm

    from pneumo_core.models.timm_backbone import size_options

    options = size_options(architecture, size)
    with _offline_without_answer():
        network = timm.create_model(architecture, pretrained=True, num_classes=0, **options)
    state: Mapping[str, Tensor] = network.state_dict()
    return state


@contextlib.contextmanager
def _offline_without_answer() -> Iterator[None]:
    """Switch the hub's client to offline mode if the hub doesn't answer.

    The client would retry for three quarters of a minute and print each time. Offline, it uses its
    cache or fails at once.
    """
    from huggingface_hub import constants, get_session

    with _asking:
        before = constants.HF_HUB_OFFLINE
        try:
            get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
        # The client's exceptions have no common base; any of them means no answer.
        except Exception:  # noqa: BLE001
            constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before
