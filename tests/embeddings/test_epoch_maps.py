"""Training in pictures: the same films by a run's epochs, on maps that move and don't jump."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation
from sklearn.decomposition import PCA

from pneumo_core.datasets import Dataset
from pneumo_core.embeddings import MOST_EPOCHS, EpochMaps, align, map_epochs, mean_step, project
from pneumo_core.embeddings.epoch_maps import evenly
from pneumo_core.errors import PneumoError
from pneumo_core.runs import KeptEpoch, Run, kept_epochs
from pneumo_core.training import training_config

RANDOM = np.random.default_rng(0)


Filmed = tuple[tuple[KeptEpoch, ...], Dataset]


@pytest.fixture
def epochs_and_films(filmed: Run) -> Filmed:
    """Three epochs and the 30 test films of their run."""
    return kept_epochs(filmed), filmed.dataset().split("test")


def test_a_turned_and_mirrored_map_is_turned_back() -> None:
    onto = RANDOM.normal(size=(40, 2)).astype(np.float32)
    turn = Rotation.from_euler("z", 130, degrees=True).as_matrix()[:2, :2]
    points = (onto * [1, -1]) @ turn + [3, -7]
    assert align(points.astype(np.float32), onto) == pytest.approx(onto, abs=1e-4)


def test_aligning_stretches_nothing() -> None:
    onto = RANDOM.normal(size=(40, 2)).astype(np.float32)
    assert pdist(align(2 * onto, onto)) == pytest.approx(2 * pdist(onto), rel=1e-3)


def test_how_far_films_move_by_hand() -> None:
    """Two films at distance 1 from their centre; each moves by 2 once and then by 0."""
    start = np.array([[-1, 0], [1, 0]], np.float32)
    other = start[::-1]
    assert mean_step(np.stack([start, other, other])) == pytest.approx(1)


def test_films_move_and_do_not_jump(epochs_and_films: Filmed) -> None:
    """They move less than on maps that are drawn for each epoch on its own."""
    epochs, films = epochs_and_films
    maps = map_epochs(epochs, films, "tsne", perplexity=8)
    alone = np.stack(
        [project(_values(each, films), "tsne", perplexity=8).points for each in epochs]
    )
    assert maps.points.shape == (3, len(films.films), 2)
    assert 0 < mean_step(maps.points) < mean_step(alone)


def test_components_are_those_of_all_epochs(epochs_and_films: Filmed) -> None:
    """One set of axes: what moves on the maps has moved in the features."""
    epochs, films = epochs_and_films
    maps = map_epochs(epochs, films, "pca")
    values = [_values(each, films) for each in epochs]
    reference = PCA(2, random_state=0).fit(np.concatenate(values))
    for points, each in zip(maps.points, values, strict=True):
        assert points == pytest.approx(reference.transform(each), abs=0.02)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_same_seed_gives_the_same_maps(epochs_and_films: Filmed, method: str) -> None:
    epochs, films = epochs_and_films
    first, again = (map_epochs(epochs, films, method, perplexity=8, seed=3) for _ in range(2))
    assert np.array_equal(first.points, again.points)


def test_each_epoch_is_told_and_judged(epochs_and_films: Filmed) -> None:
    epochs, films = epochs_and_films
    maps: EpochMaps = map_epochs(epochs, films, "pca")
    assert maps.figures["epoch"].tolist() == [1, 2, 3]
    assert maps.figures["validation_auc"].tolist() == [each.validation_auc for each in epochs]
    assert maps.figures["purity"].between(0, 1).all()
    assert sum(maps.explained) <= 1
    table = maps.as_table()
    assert len(table) == 3 * len(films.films)
    last = table[table["epoch"] == 3]
    assert last[["x", "y"]].to_numpy() == pytest.approx(maps.points[-1])
    assert last["id"].tolist() == films.films["id"].tolist()


def test_features_are_computed_once_and_progress_goes_on_to_the_end(
    epochs_and_films: Filmed,
) -> None:
    epochs, films = epochs_and_films
    looked: list[float] = []
    drawn: list[float] = []
    for _ in range(2):
        map_epochs(
            epochs,
            films,
            perplexity=8,
            looking=lambda done, total: looked.append(done / total),
            drawing=lambda done, total: drawn.append(done / total),
        )
    assert looked == sorted(looked)
    assert looked[-1] == 1
    half = len(drawn) // 2
    assert drawn[:half] == drawn[half:] == sorted(drawn[:half])
    assert drawn[-1] == 1


def test_many_epochs_are_thinned_evenly() -> None:
    template = KeptEpoch("run", 1, Path("gone"), training_config(), 0.5)
    epochs = [replace(template, number=number) for number in range(1, 61)]
    numbers = [each.number for each in evenly(epochs)]
    assert len(numbers) == MOST_EPOCHS
    assert (numbers[0], numbers[-1]) == (1, 60)
    assert set(np.diff(numbers)) == {2, 3}


def test_a_single_epoch_and_other_maps_are_sentences(
    epochs_and_films: Filmed,
) -> None:
    epochs, films = epochs_and_films
    with pytest.raises(PneumoError, match="Train with --keep-epochs"):
        map_epochs(epochs[:1], films)
    with pytest.raises(PneumoError, match="can't be mapped by 'umap'"):
        map_epochs(epochs, films, "umap")


def _values(epoch: KeptEpoch, films: Dataset) -> np.ndarray:
    """The epoch's features by the way that checkpoints go: batches of decoded films."""
    runtime = epoch.runtime()
    store = runtime.open_store(films)
    return runtime.run_store(store, films.films["id"].tolist()).features
