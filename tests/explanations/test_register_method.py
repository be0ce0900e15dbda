"""A method from outside the package computes heat maps as the built-in ones do."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

import pneumo_core as pn
from pneumo_core.errors import PneumoError
from pneumo_core.explanations import METHODS, Method, Perturbation, register_method
from pneumo_core.explanations import methods as known
from tests.test_public_face import film


def _saliency(score: Callable[[Tensor], Tensor], view: Tensor, _plain: Tensor) -> Tensor:
    with torch.enable_grad():
        pixels = view.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(score(pixels).sum(), pixels)
    return slope.abs().sum(dim=1)[0]


SALIENCY = Method(
    "saliency",
    "Saliency",
    "How much the lead changes with each pixel.",
    "arXiv:1312.6034",
    takes_layer=False,
    perturbation=Perturbation(_saliency, lambda _side: 1),
)


@pytest.fixture
def saliency() -> Iterator[None]:
    register_method(SALIENCY)
    yield
    known._methods.pop("saliency")


def test_a_registered_method_explains(saliency: None, checkpoint: pn.Checkpoint) -> None:
    heat = pn.explain(film(), model=checkpoint, method="saliency")
    assert heat.method == "saliency"
    (part,) = heat.parts
    side = checkpoint.card.input.size
    assert part.shape == (side, side)
    assert part.min() >= 0
    assert np.isfinite(part).all()
    assert part.max() > 0
    assert list(METHODS)[-1] == "saliency"


def test_a_taken_name_and_a_layer_are_refused(saliency: None) -> None:
    with pytest.raises(PneumoError, match="already exists"):
        register_method(SALIENCY)
    with pytest.raises(PneumoError, match="takes_layer=False"):
        register_method(replace(SALIENCY, name="other", takes_layer=True))
    with pytest.raises(PneumoError, match="set perturbation"):
        register_method(replace(SALIENCY, name="other", perturbation=None))
