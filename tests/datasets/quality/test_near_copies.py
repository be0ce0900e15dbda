"""Near-copies: found in any number of films, never between different ones."""

import time

import numpy as np
import pytest

from pneumo_core.datasets import open_store, scan
from pneumo_core.datasets.quality import look_alikes, near_copies
from pneumo_core.datasets.quality.near_copies import group_pairs
from pneumo_core.imaging import to_input
from tests.datasets.quality.conftest import picture


def stack(*films: np.ndarray) -> np.ndarray:
    return np.stack([to_input(film.astype(np.float32) / 255, 100) for film in films])


def pairs(pixels: np.ndarray) -> list[list[int]]:
    return look_alikes(pixels, np.arange(len(pixels))).pairs.tolist()


def test_pairs_are_rows_of_the_store_even_where_some_are_left_out() -> None:
    pixels = stack(picture(0), picture(1), picture(2), picture(1))
    assert look_alikes(pixels, np.array([1, 2, 3])).pairs.tolist() == [[1, 3]]
    assert look_alikes(pixels, np.array([0, 2, 3])).pairs.tolist() == []


def test_the_same_outline_with_other_details_is_another_film() -> None:
    fine = picture(7).astype(float) - 128
    other = np.roll(fine, 5, axis=1)
    base = np.tile(np.linspace(30, 200, 160), (160, 1))
    first, second = (np.clip(base + 0.15 * each, 0, 255) for each in (fine, other))
    assert pairs(stack(first, second)) == []
    assert pairs(stack(first, first + 9)) == [[0, 1]]


@pytest.mark.parametrize("films", [0, 1])
def test_fewer_than_two_films_have_no_copies(films: int) -> None:
    assert pairs(np.zeros((films, 100, 100), np.uint8)) == []
    assert pairs(stack(picture(0))[:films]) == []


def test_progress_rises_to_its_end() -> None:
    told: list[tuple[int, int]] = []
    pixels = stack(*map(picture, (0, 1, 2, 0)))
    look_alikes(pixels, np.arange(4), progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (12, 12)


def test_groups_are_what_pairs_connect() -> None:
    links = np.array([[4, 2], [2, 9], [5, 7]])
    assert group_pairs(links, 10) == [[2, 4, 9], [5, 7]]
    assert group_pairs(np.empty((0, 2), np.int64), 10) == []


def every_pair(pixels: np.ndarray) -> list[list[int]]:
    """The groups by the two correlations alone, of all X-rays with all."""
    outlines, _ = near_copies._outlines(pixels, np.arange(len(pixels)), lambda _: None)
    details = near_copies._details(pixels)
    alike = (outlines @ outlines.T >= 0.98) & (details @ details.T >= 0.82)
    return group_pairs(np.argwhere(np.triu(alike, 1)), len(pixels))


def noisy(film: np.ndarray, copies: int, noise: float) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [film + random.normal(0, noise, film.shape) for _ in range(copies)]


@pytest.mark.parametrize("closest", [32, 2])
def test_groups_are_those_of_all_pairs(closest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_copies, "_CLOSEST", closest)
    films = [each.astype(float) for each in map(picture, range(6))]
    changed = [255 * (film / 255) ** gamma for film in films[:4] for gamma in (0.6, 1, 1.5)]
    for film, noise in zip(films, (2, 4, 8, 12, 16, 2), strict=True):
        changed += noisy(film, 8, noise)
    pixels = stack(*(np.clip(each, 0, 255) for each in changed))
    pixels = pixels[np.random.default_rng(1).permutation(len(pixels))]
    expected = every_pair(pixels)
    assert len(expected) > 3
    assert any(len(group) < 8 for group in expected), "noise hides some copies"
    assert group_pairs(look_alikes(pixels, np.arange(len(pixels))).pairs, len(pixels)) == expected


def test_copies_are_found_among_many_that_lie_closer() -> None:
    coarse, fine = np.tile(np.linspace(30, 200, 160), (160, 1)), picture(0).astype(float) - 128
    shifted = [np.roll(fine, (7 * k, 11 * k), (0, 1)) for k in range(40)]
    films = [coarse + 0.15 * each for each in shifted]  # one outline, other details
    pixels = stack(*films, *(each + 9 for each in films[::3]))
    expected = [[3 * k, 40 + k] for k in range(14)]
    assert every_pair(pixels) == expected
    assert group_pairs(look_alikes(pixels, np.arange(54)).pairs, 54) == expected


def test_many_of_one_outline_are_compared_a_limited_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []

    def none_agrees(_pixels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        compared.append(len(pairs))
        return np.zeros(len(pairs), bool)

    monkeypatch.setattr(near_copies, "_details_agree", none_agrees)
    film = stack(picture(0))[0].astype(float)
    pixels = np.clip(noisy(film, 300, 1), 0, 255).astype(np.uint8)
    assert look_alikes(pixels, np.arange(300)).pairs.tolist() == []
    assert sum(compared) < 100 * len(pixels) < 300 * 299 / 2


def test_many_copies_are_one_group_and_few_of_them_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    agree = near_copies._details_agree

    def count(pixels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        compared.append(len(pairs))
        return agree(pixels, pairs)

    monkeypatch.setattr(near_copies, "_details_agree", count)
    first, second, third = (small.astype(float) for small in stack(*map(picture, range(3))))
    brighter = 255 * (first / 255) ** 0.7
    films = [each for film in (first, brighter, second, third) for each in noisy(film, 100, 1)]
    same = [first] * 100  # of which a tree can't divide the points
    pixels = np.clip([*films, *same, np.flipud(third)], 0, 255).astype(np.uint8)
    found = look_alikes(pixels, np.arange(len(pixels))).pairs
    of_first, of_second, of_third = (
        (*range(200), *range(400, 500)),
        range(200, 300),
        range(300, 400),
    )
    assert group_pairs(found, len(pixels)) == [[*of_first], [*of_second], [*of_third]]
    assert len(found) == len(pixels) - 4
    assert sum(compared) < 3 * len(pixels), "of 65,000 pairs of copies"


@pytest.mark.thorough
@pytest.mark.real_data
def test_real_films_are_found_changed_and_only_they(real_data) -> None:
    dataset = scan(real_data)
    store = open_store(dataset, 100)
    random = np.random.default_rng(3)
    once = dataset.films.drop_duplicates("digest")
    rows = store.rows(once["id"])
    chosen = random.choice(rows, 60, replace=False)
    brighter = (255 * (store.pixels[chosen] / 255) ** 0.7).astype(np.uint8)
    noisy = np.clip(store.pixels[chosen] + random.normal(0, 3, brighter.shape), 0, 255)
    pixels = np.concatenate([store.pixels[rows], brighter, noisy.astype(np.uint8)])
    started = time.process_time()
    found = look_alikes(pixels, np.arange(len(pixels))).pairs
    assert time.process_time() - started < 20
    groups = {tuple(group) for group in group_pairs(found, len(pixels))}
    at = {row: place for place, row in enumerate(rows)}
    n = len(rows)
    assert groups == {(at[row], n + k, n + 60 + k) for k, row in enumerate(chosen)}
