"""Maps keep neighbours, repeat themselves, and take other films; their merit by hand."""

import math
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pneumo_core.embeddings import merit, nearest, project, tsne, with_outcome
from pneumo_core.errors import PneumoError
from tests.evaluation.tables import table

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1], 30)
FEATURES = (RANDOM.normal(0, 1, (60, 20)) + 6 * LABELS[:, np.newaxis]).astype(np.float32)
"""Two clouds of thirty films, far apart."""


def test_pca_is_scikit_learns() -> None:
    found = project(FEATURES, "pca", dimensions=3)
    reference = PCA(3, random_state=0).fit(FEATURES)
    assert found.points == pytest.approx(reference.transform(FEATURES), abs=1e-4)
    assert found.explained == pytest.approx(reference.explained_variance_ratio_)


def test_pca_places_films_exactly() -> None:
    found = project(FEATURES, "pca")
    assert found.place(FEATURES[:7]) == pytest.approx(found.points[:7], abs=1e-4)


def test_tsne_keeps_neighbours_together() -> None:
    found = project(FEATURES, "tsne", perplexity=10)
    assert found.points.shape == (60, 2)
    assert merit(found.points, LABELS).purity == 1


def test_the_same_seed_gives_the_same_map_and_another_one_another() -> None:
    first, again, other = (
        project(FEATURES, "tsne", iterations=50, seed=seed).points for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_film_that_is_on_the_map_lands_on_itself() -> None:
    found = project(FEATURES, "tsne", perplexity=10, iterations=100)
    narrow = FEATURES[5:8].astype(np.float16).astype(np.float32)
    assert np.array_equal(found.place(narrow), found.points[5:8])


def test_tsne_places_what_is_no_landmark_beside_its_like(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above so many X-rays, the time for each other one no longer grows with their number."""
    monkeypatch.setattr(tsne, "LANDMARKS", 30)
    done: list[tuple[int, int]] = []
    first, again = (
        project(FEATURES, "tsne", perplexity=8, progress=lambda *each: done.append(each))
        for _ in range(2)
    )
    assert np.array_equal(first.points, again.points)
    assert merit(first.points, LABELS).purity == 1
    assert len(np.unique(first.points, axis=0)) == 60, "none lies on another"
    assert done[len(done) // 2 - 1][0] == done[0][1], "the bar reaches its end"
    chosen = np.random.default_rng(0).permutation(60)[:30]
    few = project(FEATURES[chosen], "tsne", perplexity=8)
    assert merit(few.points, LABELS[chosen]).purity == 1
    assert first.place(FEATURES[chosen[:3]]) == pytest.approx(first.points[chosen[:3]])


def test_umap_keeps_neighbours_together_and_repeats_itself() -> None:
    pytest.importorskip("umap", reason="UMAP, an extra, is not installed")
    first, again = (project(FEATURES, "umap", perplexity=10).points for _ in range(2))
    assert np.array_equal(first, again)
    assert merit(first, LABELS).purity == 1


def test_without_umap_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(PneumoError, match="pip install -r requirements-umap.txt"):
        project(FEATURES, "umap")


def test_another_film_lands_in_its_cloud() -> None:
    found = project(FEATURES, "tsne", perplexity=10)
    centre = FEATURES[LABELS == 1].mean(axis=0, keepdims=True)
    placed = found.place(centre)[0]
    near = nearest(found.points, placed, 5).rows
    assert (LABELS[near] == 1).all()


def test_placing_an_image_reports_nothing_to_the_bar_of_the_map() -> None:
    told: list[tuple[int, int]] = []
    found = project(FEATURES, "tsne", iterations=100, progress=lambda *step: told.append(step))
    count = len(told)
    found.place(FEATURES[:1] + 1)
    assert len(told) == count


def test_progress_counts_to_the_end_and_can_stop_the_work() -> None:
    told: list[tuple[int, int]] = []
    project(FEATURES, "tsne", iterations=100, progress=lambda *step: told.append(step))
    assert told[-1] == (350, 350)
    assert told == sorted(told)

    def stop(done: int, _total: int) -> None:
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project(FEATURES, "tsne", progress=stop)


def test_a_map_that_has_settled_is_not_drawn_on() -> None:
    told: list[tuple[int, int]] = []
    few = project(FEATURES, "tsne", iterations=2000, progress=lambda *step: told.append(step))
    assert told[-1] == (2250, 2250)
    assert told[-2][0] < 1500
    more = project(FEATURES, "tsne", iterations=4000)
    np.testing.assert_array_equal(few.points, more.points)


def test_too_few_films_and_unknown_maps_are_sentences() -> None:
    with pytest.raises(PneumoError, match="9 X-rays are too few for a map"):
        project(FEATURES[:9])
    for settings in ({"method": "som"}, {"method": "pca", "dimensions": 4}):
        with pytest.raises(PneumoError, match="Unknown projection"):
            project(FEATURES, **settings)


def test_few_films_make_a_map_with_a_smaller_perplexity() -> None:
    assert project(FEATURES[:12], "tsne", iterations=20).points.shape == (12, 2)


def test_purity_and_silhouette_by_hand() -> None:
    """Twenty films in pairs of clouds: ten nearest of a cloud of eleven are its own."""
    points = np.concatenate([np.zeros((11, 2)), np.full((11, 2), 9.0)]).astype(np.float32)
    points += RANDOM.normal(0, 0.01, points.shape).astype(np.float32)
    found = merit(points, np.repeat([0, 1], 11), points)
    assert found.purity == 1
    assert found.silhouette == pytest.approx(1, abs=0.01)
    assert found.trustworthiness == pytest.approx(1)


def test_too_little_to_judge_is_nan() -> None:
    found = merit(FEATURES[:5, :2], np.zeros(5, np.int64))
    assert math.isnan(found.purity)
    assert math.isnan(found.silhouette)


def test_the_nearest_films_and_how_unlike_the_others_one_is() -> None:
    values = np.arange(10, dtype=np.float32).reshape(-1, 1)
    own = nearest(values, values[3], 2, row=3)
    assert sorted(own.rows.tolist()) == [2, 4]
    assert own.distances.tolist() == [1, 1]
    far = nearest(values, np.array([30], np.float32), 3)
    assert far.rows.tolist() == [9, 8, 7]
    assert far.nearer == 1
    assert nearest(values, np.array([3.5], np.float32)).nearer == 0


def test_outcomes_are_told_in_words() -> None:
    films = with_outcome(table([0, 0, 1, 1, -1], [0.1, 0.9, 0.1, 0.9, 0.9]), 0.5)
    assert films["outcome"].tolist() == [
        "correctly predicted NORMAL",
        "false alarm",
        "missed",
        "correctly predicted PNEUMONIA",
        "",
    ]
    predicted = ["NORMAL", "PNEUMONIA", "NORMAL", "PNEUMONIA", "PNEUMONIA"]
    assert films["predicted"].tolist() == predicted


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("different", [1, 3])
def test_copies_of_a_few_films_make_no_map(method: str, different: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(different, 20)).astype(np.float32).repeat(12, axis=0)
    values *= 1 + 1e-6 * random.normal(size=values.shape).astype(np.float32)  # as two batches round
    with pytest.raises(PneumoError, match=f"{different} different feature vectors"):
        project(values, method)


def test_features_that_are_no_numbers_make_no_map() -> None:
    values = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    values[3, 2] = np.nan
    with pytest.raises(PneumoError, match="not numbers"):
        project(values, "pca")
