"""Near-copies: found in any number of films, never between different ones."""

import time

import numpy as np
import pytest

from pneumo_core.datasets import open_store, scan
from pneumo_core.datasets.quality import look_alikes
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
