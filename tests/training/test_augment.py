import torch

from pneumo_core.training import Augmentation, build_augmentation

STILL = Augmentation(
    rotation=0, shift=0, scale=0, mirror=0, gamma=0, contrast=0, brightness=0, noise=0
)


def film_batch(n: int = 4) -> torch.Tensor:
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def augmented(films: torch.Tensor, seed: int = 0, **ranges: float) -> torch.Tensor:
    from dataclasses import replace

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_augmentation(replace(STILL, **ranges))(films)


def test_zero_ranges_leave_films_alone():
    torch.testing.assert_close(augmented(film_batch()), film_batch(), atol=1e-5, rtol=0)


def test_a_certain_mirror_is_a_flip():
    torch.testing.assert_close(
        augmented(film_batch(), mirror=1), film_batch().flip(-1), atol=1e-5, rtol=0
    )


def test_every_film_gets_its_own_draw():
    same = film_batch(1).expand(8, -1, -1, -1)
    drawn = augmented(same, rotation=20)
    assert all(not torch.equal(drawn[0], other) for other in drawn[1:])


def test_pixels_stay_in_range():
    drawn = augmented(film_batch(16), brightness=0.5, contrast=0.9, noise=0.5, gamma=0.9)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_what_comes_in_from_outside_is_black():
    white = torch.ones(8, 1, 32, 32)
    assert (augmented(white, shift=0.5) < 0.01).any()


def test_the_same_random_state_gives_the_same_films():
    ranges = {"rotation": 15.0, "shift": 0.1, "scale": 0.1, "noise": 0.1, "gamma": 0.3}
    first, second = augmented(film_batch(), **ranges), augmented(film_batch(), **ranges)
    torch.testing.assert_close(first, second, atol=0, rtol=0)
    assert not torch.equal(first, augmented(film_batch(), seed=1, **ranges))
