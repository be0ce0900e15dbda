from dataclasses import fields

import numpy as np
import torch

from pneumo_core.models import Framing
from pneumo_core.training import Augmentation, build_augmentation, recipe, settings_of
from pneumo_core.training import augmented as drawn

STILL = Augmentation(
    rotation=0, shift=0, scale=0, mirror=0, gamma=0, contrast=0, brightness=0, noise=(0, 0)
)


def film_batch(n: int = 4) -> torch.Tensor:
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def augmented(films: torch.Tensor, seed: int = 0, size: int = 0, **ranges: object) -> torch.Tensor:
    from dataclasses import replace

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_augmentation(replace(STILL, **ranges), size or films.shape[-1])(films)


def test_zero_ranges_leave_films_alone():
    torch.testing.assert_close(augmented(film_batch()), film_batch(), atol=1e-5, rtol=0)


def test_of_a_wider_square_the_middle_is_seen():
    torch.testing.assert_close(
        augmented(film_batch(), size=20), film_batch()[..., 6:26, 6:26], atol=1e-5, rtol=0
    )


def test_a_zoom_out_shows_what_lies_around_the_middle():
    wide = torch.zeros(1, 1, 40, 40)
    wide[..., :10, :] = 1
    assert augmented(wide, size=20).max() < 0.01
    assert augmented(wide, size=20, zoom=(0.5, 0.501))[..., 0, :].min() > 0.5


def test_a_certain_mirror_is_a_flip():
    torch.testing.assert_close(
        augmented(film_batch(), mirror=1), film_batch().flip(-1), atol=1e-5, rtol=0
    )


def test_every_film_gets_its_own_draw():
    same = film_batch(1).expand(8, -1, -1, -1)
    drawn = augmented(same, rotation=20)
    assert all(not torch.equal(drawn[0], other) for other in drawn[1:])


def test_pixels_stay_in_range():
    drawn = augmented(film_batch(16), brightness=0.5, contrast=0.9, noise=(0, 0.5), gamma=0.9)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_what_comes_in_from_outside_is_black():
    white = torch.ones(8, 1, 32, 32)
    assert (augmented(white, shift=0.5) < 0.01).any()


def test_zoom_is_the_same_for_both_sides():
    side = torch.arange(32) - 15.5
    inside = ((side[:, None] ** 2 + side[None] ** 2) < 64).float()
    circles = augmented(inside.expand(16, 1, 32, 32), zoom=(1.3, 1.7))
    for circle in circles[:, 0]:
        height, width = (int((circle.amax(dim) > 0.5).sum()) for dim in (1, 0))
        assert height == width
        assert 1.3 * 16 - 2 < height < 1.7 * 16 + 2


def test_the_same_random_state_gives_the_same_films():
    ranges = {"rotation": 15.0, "shift": 0.1, "scale": 0.1, "noise": (0.05, 0.1), "gamma": 0.3}
    first, second = augmented(film_batch(), **ranges), augmented(film_batch(), **ranges)
    torch.testing.assert_close(first, second, atol=0, rtol=0)
    assert not torch.equal(first, augmented(film_batch(), seed=1, **ranges))


def test_noise_is_as_strong_as_was_drawn_for_the_film():
    grey = torch.full((400, 1, 32, 32), 0.5)
    drawn = augmented(grey, noise=(0.02, 0.1)).std(dim=(1, 2, 3))
    assert 0.018 < drawn.min() < 0.03
    assert 0.09 < drawn.max() < 0.11
    steady = augmented(grey, noise=(0.05, 0.05)).std(dim=(1, 2, 3))
    assert (steady - 0.05).abs().max() < 0.006


def test_some_films_are_left_unsampled_and_sharp():
    films = film_batch(1).expand(200, -1, -1, -1)
    turned = augmented(films, rotation=20, resampled=0.8)
    still = sum(torch.allclose(film, films[0], atol=1e-5) for film in turned)
    assert 20 < still < 60
    blurred = augmented(films, blur=1.5)
    sharp = sum(torch.allclose(film, films[0], atol=1e-5) for film in blurred)
    assert 70 < sharp < 130


def test_draws_for_a_page_are_those_of_training_and_leave_the_random_state() -> None:
    film = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.uint8)
    state = torch.get_rng_state()
    ranges = recipe("strong", "efficientnet_b0").augmentation
    draws = drawn(ranges, film, 5, size=32, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert draws.shape == (5, 32, 32)
    assert len({draw.tobytes() for draw in draws}) == 5
    torch.manual_seed(3)
    films = torch.from_numpy(film).float().div(255).expand(5, 1, 32, 32).clone()
    expected = build_augmentation(ranges, 32)(films)[:, 0].mul(255).round().byte().numpy()
    torch.set_rng_state(state)
    assert (draws == expected).all()
    assert (drawn(ranges, film, 5, size=32, seed=4) != draws).any()


def test_every_setting_is_told_with_its_value_and_meaning() -> None:
    told = {name: (value, meaning) for name, value, meaning in settings_of(Augmentation())}
    assert set(told) == {field.name for field in fields(Augmentation)}
    assert told["rotation"] == ("15", "degrees to either side")
    assert told["noise"][0] == "0.03"
    assert "0 to 0.04" in [value for _, value, _ in settings_of(Augmentation(noise=(0, 0.04)))]
    assert all(meaning for _, meaning in told.values())


def test_what_a_cut_leaves_of_the_lungs_fills_their_box():
    """As a cropped X-ray is framed by what is seen of its lungs, and continued by its mirror."""
    side, size = 56, 40
    half = size / 2 / Framing().margin
    inside = (torch.arange(side) + 0.5 - side / 2).abs() < half
    lungs = (inside[:, None] & inside[None]).float()
    ramp = torch.arange(side).div(side).expand(side, side)
    films = torch.stack([ramp, lungs]).expand(64, -1, -1, -1)
    cut = augmented(films, size=size, cut=0.4)
    middle = slice((side - size) // 2, (side + size) // 2)
    seen = films[:, :, middle, middle]
    changed = (cut[:, 0] - seen[:, 0]).abs().amax((1, 2)) > 0.02
    assert 16 <= changed.sum() <= 40, "half of the X-rays, most of them sideways"
    torch.testing.assert_close(cut[:, 1].round(), seen[:, 1], atol=0, rtol=0)
    row = cut[changed, 0, size // 2]
    edge = int((size / 2) - half)
    mirrored = (row[:, :edge].flip(1) - row[:, edge : 2 * edge]).abs().amax(1) < 0.02
    assert 0.3 < mirrored.float().mean() < 1, "half of the edges are cut"
