"""Two checkpoints on the same films: matched by id, tested, and told in words."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import Scores, compare, compare_pairs, on_common, seed_groups, spread_of
from pneumo_core.metrics import compare_areas, evaluate, holm, mcnemar
from tests.evaluation.tables import scores

LABELS = [0, 0, 0, 1, 1, 1]
FIRST = [0.1, 0.2, 0.7, 0.8, 0.9, 0.4]
SECOND = [0.1, 0.6, 0.3, 0.7, 0.2, 0.95]


def test_the_figures_are_those_of_the_metrics() -> None:
    found = compare(scores(LABELS, FIRST), scores(LABELS, SECOND), (0.5, 0.65))
    patients = [f"p{row}" for row in range(6)]
    calls = [(np.array(p) >= t).astype(int) for p, t in ((FIRST, 0.5), (SECOND, 0.65))]
    assert found.mcnemar == mcnemar(LABELS, *calls)
    assert found.evaluations[0].confusion == evaluate(LABELS, FIRST, 0.5, patients).confusion
    areas = compare_areas(LABELS, FIRST, SECOND, patients)
    assert found.areas is not None
    assert found.areas.difference.value == pytest.approx(areas.difference.value)
    assert found.areas.p == pytest.approx(areas.p)


def test_films_are_matched_by_id_not_by_row() -> None:
    first, second = scores(LABELS, FIRST), scores(LABELS, SECOND)
    shuffled = Scores(second.table.sample(frac=1, random_state=0), "test films")
    straight, crossed = compare(first, second, (0.5, 0.5)), compare(first, shuffled, (0.5, 0.5))
    assert straight.table.equals(crossed.table)


def test_films_predicted_differently_come_first_the_farthest_apart_before_others() -> None:
    found = compare(scores(LABELS, FIRST), scores(LABELS, SECOND), (0.5, 0.5))
    apart = found.disagreements
    assert apart["id"].str[-5].tolist() == ["4", "5", "1", "2"]
    assert found.table.head(4)["id"].tolist() == apart["id"].tolist()


def test_films_of_one_side_only_are_left_out_and_counted() -> None:
    first, second = scores(LABELS, FIRST), scores(LABELS, SECOND)
    fewer = Scores(second.table.head(5), "test films")
    assert compare(first, fewer, (0.5, 0.5)).left_out == 1


def test_nothing_in_common_and_labels_that_disagree_are_sentences() -> None:
    first, second = scores(LABELS, FIRST), scores(LABELS, SECOND)
    other = Scores(second.table.assign(id=second.table["id"] + "x"), "test films")
    with pytest.raises(PneumoError, match="no labelled X-ray in common"):
        compare(first, other, (0.5, 0.5))
    turned = Scores(second.table.assign(label=[1, 0, 0, 1, 1, 1]), "test films")
    with pytest.raises(PneumoError, match="have different labels for 1 X-rays"):
        compare(first, turned, (0.5, 0.5))


def test_the_sentence_says_who_is_better_or_that_nobody_is() -> None:
    labels = [0, 1] * 40
    right = [0.1 + 0.8 * label for label in labels]
    guess = np.random.default_rng(0).uniform(0, 1, 80).tolist()
    told = compare(scores(labels, right), scores(labels, guess), (0.5, 0.5)).sentence
    assert told.startswith("The first ranks the X-rays better")
    assert "The first gets more X-rays right" in told
    same = compare(scores(labels, right), scores(labels, right), (0.5, 0.5)).sentence
    assert same.startswith(
        "Both rank the X-rays in the same order. Neither clearly gets more X-rays right"
    )
    single = compare(scores([1, 1], [0.4, 0.9]), scores([1, 1], [0.6, 0.9]), (0.5, 0.5))
    assert single.areas is None
    assert "one class only" in single.sentence


def test_seeds_of_one_network_are_one_group(checkpoint: Checkpoint) -> None:
    def seeded(seed: int, **changes: object) -> Checkpoint:
        training = {**checkpoint.card.training, "seed": seed, **changes}
        return replace(checkpoint, card=replace(checkpoint.card, training=training))

    one, two, other = seeded(0), seeded(1), seeded(2, epochs=5)
    assert seed_groups([one, other, two]) == [[one, two], [other]]


def test_the_spread_of_seeds_by_hand() -> None:
    found = [evaluate(LABELS, p, 0.5, range(6)) for p in (FIRST, SECOND)]
    spread = spread_of(found)["accuracy"]
    assert (spread.mean, spread.n) == (pytest.approx((4 / 6 + 4 / 6) / 2), 2)
    assert spread.deviation == 0


def test_every_pair_is_tested_and_p_corrected_for_their_number() -> None:
    labels = [0, 1] * 40
    random = np.random.default_rng(0)
    right = [0.1 + 0.8 * label for label in labels]
    guesses = [random.uniform(0, 1, 80).tolist() for _ in range(2)]
    three = [scores(labels, each) for each in (right, *guesses)]
    found = compare_pairs(three, (0.5, 0.5, 0.5))
    assert [(each.first, each.second) for each in found] == [(0, 1), (0, 2), (1, 2)]
    alone = [compare(three[i], three[j], (0.5, 0.5)) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [each.mcnemar for each in found] == [each.mcnemar for each in alone]
    assert [each.calls_p for each in found] == pytest.approx(
        holm([each.mcnemar.p for each in alone])
    )
    assert [each.differ for each in found] == [len(each.disagreements) for each in alone]
    told = found[0].sentence(("best", "one", "other"))
    assert told.startswith("best ranks the X-rays better")
    assert " only by best, 0 only by one;" in told


def test_one_pair_needs_no_correction() -> None:
    two = [scores(LABELS, FIRST), scores(LABELS, SECOND)]
    (found,) = compare_pairs(two, (0.5, 0.5))
    assert found.areas is not None
    assert (found.areas_p, found.calls_p) == (found.areas.p, found.mcnemar.p)


def test_models_are_compared_on_the_x_rays_that_all_of_them_scored() -> None:
    whole = scores([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8])
    part = replace(whole, table=whole.table.iloc[1:3])
    kept, left_out = on_common([whole, part])
    assert left_out == 2
    assert [list(each.table["id"]) for each in kept] == [list(part.table["id"])] * 2
