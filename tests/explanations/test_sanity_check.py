"""A map that depends on what was learned changes when the weights are randomised."""

import numpy as np
import pytest
import torch
from torch import nn

from pneumo_core.errors import UnknownName
from pneumo_core.explanations import METHODS, SanityCheck, heat_map, run_sanity_check
from pneumo_core.inference import Runtime
from pneumo_core.models import InputFormat
from tests.explanations.networks import FILM, INPUT, PLAIN, ensemble, noise, small, weighing


def learned_weights() -> Runtime:
    """A linear network of 16 × 16 weights: what it looks at is what it learned."""
    weights = np.random.default_rng(3).normal(size=256).tolist()
    return Runtime.of(weighing(weights), InputFormat(16, 1, (0.5,), (0.25,)))


def test_a_map_made_of_weights_changes() -> None:
    checked = run_sanity_check(learned_weights(), noise(), 1, method="integrated_gradients")
    assert checked.similarity == pytest.approx(0, abs=0.2)
    assert checked.changes
    assert checked.verdict.startswith("The map changes when the weights are randomised")


def test_a_map_made_of_the_film_alone_stays() -> None:
    # There are no weights before the maps, so the activation is the film's own brightness.
    checked = run_sanity_check(learned_weights(), noise(), 1, method="activation")
    assert checked.similarities == pytest.approx([1.0] * 5)
    assert checked.changes is False
    assert "shows the X-ray more than what the model learned" in checked.verdict


def test_a_network_that_forgot_and_finds_nothing_is_unlike_by_hand() -> None:
    # NORMAL weighs the film by -1, PNEUMONIA by 1: redrawn they stay, or change places.
    network = weighing([1.0], nn.Sequential(nn.Identity()))
    network.neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
    drawn = [run_sanity_check(Runtime.of(network, PLAIN), FILM, 1, seed=seed) for seed in (0, 10)]
    similarities = [value for each in drawn for value in each.similarities]
    found = [heat.found for each in drawn for heat in each.forgotten]
    assert similarities == pytest.approx([1.0 if any_evidence else 0.0 for any_evidence in found])
    assert {True, False} == set(found)


def test_without_evidence_there_is_nothing_to_check() -> None:
    against = Runtime.of(weighing([-1.0] * 4), PLAIN)
    checked = run_sanity_check(against, FILM, 1)
    assert (checked.similarity, checked.changes, checked.similarities) == (None, None, ())
    assert "nothing to check" in checked.verdict
    assert len(checked.forgotten) == 5


@pytest.mark.parametrize(("similarity", "changes"), [(0.49, True), (-0.49, True), (-0.8, False)])
def test_an_inverted_map_has_not_changed_either(similarity: float, changes: bool) -> None:
    heat = heat_map(Runtime.of(small(1), INPUT), noise(), 0)
    assert SanityCheck(heat, (heat,), (similarity,)).changes is changes


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_checked(method: str) -> None:
    runtime = ensemble(mirror=True)
    told: list[tuple[int, int]] = []
    checked = run_sanity_check(
        runtime, noise(), 0, method=method, progress=lambda *each: told.append(each)
    )
    expected = heat_map(runtime, noise(), 0, method=method)
    assert all(map(np.array_equal, checked.learned.parts, expected.parts))
    assert len(checked.forgotten) == (2 if METHODS[method].slow else 5)
    assert checked.similarity is not None
    assert -1 <= checked.similarity <= 1
    done, total = zip(*told, strict=True)
    assert list(done) == sorted(set(done))
    assert set(total) == {done[-1]}


def test_a_layer_can_be_checked() -> None:
    checked = run_sanity_check(
        Runtime.of(small(1), INPUT), noise(), 0, method="activation", layer="conv 1"
    )
    assert checked.learned.layer == checked.forgotten[0].layer == "conv 1"
    with pytest.raises(UnknownName, match="no layer named 'conv 9'"):
        run_sanity_check(Runtime.of(small(1), INPUT), noise(), 0, layer="conv 9")


def test_a_seed_draws_the_same_weights_again_and_nothing_else_forgets() -> None:
    runtime = Runtime.of(small(1), INPUT)
    weights = {k: v.clone() for k, v in runtime.members[0].network.state_dict().items()}
    random = torch.get_rng_state()
    once, again, other = (run_sanity_check(runtime, noise(), 0, seed=seed) for seed in (1, 1, 100))
    assert once.similarities == again.similarities != other.similarities
    assert torch.equal(torch.get_rng_state(), random)
    after = runtime.members[0].network.state_dict()
    assert all(torch.equal(weights[name], after[name]) for name in weights)
