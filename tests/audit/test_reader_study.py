"""Agreement of readers and checkpoints: what counts, and that the figures are the known ones."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from pneumo_core.audit import CANNOT_TELL, AuditLog, Entry, image_digest
from pneumo_core.audit.reader_study import SecondOpinion, opinions_table, second_opinions
from pneumo_core.metrics import cohens_kappa

NORMAL, PNEUMONIA = "NORMAL", "PNEUMONIA"


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(f"sqlite:///{tmp_path / 'audit.sqlite'}")


def film(number: int) -> str:
    return image_digest(f"film {number}".encode())


def called(number: int, result: str, who: str = "ada", seconds: float = 10.0) -> Entry:
    return Entry(who=who, deed="called", film=film(number), result=result, seconds=seconds)


def answered(number: int, result: str, who: str = "ada", checkpoint: str = "net") -> Entry:
    return Entry(
        who=who, deed="read", film=film(number), checkpoint=checkpoint, version="v1",
        operating_point="balanced", threshold=0.5, result=result, probability=0.5,
    )  # fmt: skip


def opinions(log: AuditLog, entries: Sequence[Entry]) -> list[SecondOpinion]:
    log.record(entries)
    return second_opinions(log.called_films())


def test_kappa_is_scikit_learns_and_its_interval_holds_it() -> None:
    draw = np.random.default_rng(3)
    one = draw.integers(2, size=80)
    other = np.where(draw.random(80) < 0.8, one, 1 - one)
    kappa = cohens_kappa(one, other)
    assert kappa.value == pytest.approx(cohen_kappa_score(one, other))
    observed, expected = (
        np.mean(one == other),
        (one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())),
    )
    error = math.sqrt(observed * (1 - observed) / 80) / (1 - expected)  # Cohen 1960, equation 7
    assert kappa.high - kappa.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert cohens_kappa([0, 1], [0, 1]).value == 1
    assert math.isnan(cohens_kappa([1, 1], [1, 1]).value)
    assert math.isnan(cohens_kappa([], []).value)
    with pytest.raises(ValueError, match="must both be"):
        cohens_kappa([0], [0, 1])
    with pytest.raises(ValueError, match="0 \\(NORMAL\\) or 1"):
        cohens_kappa([2], [0])


def test_calls_are_counted_beside_the_answers_that_followed(log: AuditLog) -> None:
    pairs = [(NORMAL, NORMAL), (NORMAL, PNEUMONIA), (PNEUMONIA, PNEUMONIA), (PNEUMONIA, NORMAL)]
    entries = []
    for number, (own, other) in enumerate([*pairs, pairs[0]]):
        entries += [called(number, own, seconds=number + 1.0), answered(number, other)]
    (found,) = opinions(log, entries)
    assert (found.who, found.checkpoint, found.operating_point) == ("ada", "net", "balanced")
    counts = found.counts
    assert (counts.tn, counts.fp, counts.tp, counts.fn) == (2, 1, 1, 1)
    assert found.agreement.value == 0.6
    assert found.seconds == 3.0
    own, other = zip(*[*pairs, pairs[0]], strict=True)
    assert found.kappa.value == pytest.approx(cohen_kappa_score(own, other))


def test_a_call_after_an_answer_was_shown_does_not_count(log: AuditLog) -> None:
    entries = [
        answered(0, PNEUMONIA), called(0, PNEUMONIA),
        called(1, NORMAL), answered(1, PNEUMONIA), called(1, PNEUMONIA),
        answered(2, NORMAL, who="bob"), called(2, NORMAL), answered(2, NORMAL),
    ]  # fmt: skip
    (found,) = opinions(log, entries)
    assert found.too_late == 1
    assert found.counts.n == 2, "what was shown to somebody else is no matter"
    assert found.counts.fp == 1, "the first call on a film counts, not the one after the answer"


def test_a_film_nobody_could_tell_and_one_that_was_refused_are_not_compared(
    log: AuditLog,
) -> None:
    entries = [
        called(0, CANNOT_TELL), answered(0, NORMAL),
        called(1, NORMAL), answered(1, "refused"),
        called(2, NORMAL), answered(2, NORMAL),
    ]  # fmt: skip
    (found,) = opinions(log, entries)
    assert (found.counts.n, found.not_told) == (1, 1)


def test_the_last_decision_on_a_film_is_the_one_that_counts(log: AuditLog) -> None:
    def decided(deed: str, number: int, result: str) -> Entry:
        values = answered(number, result).__dict__ | {"deed": deed, "reason": "why"}
        return Entry(**values)

    entries = [
        called(0, NORMAL), answered(0, PNEUMONIA), decided("overrode", 0, NORMAL),
        decided("agreed", 0, PNEUMONIA),
        called(1, NORMAL), answered(1, NORMAL), decided("overrode", 1, PNEUMONIA),
        called(2, NORMAL), answered(2, NORMAL), decided("agreed", 2, NORMAL),
    ]  # fmt: skip
    (found,) = opinions(log, entries)
    assert (found.agreed, found.overrode, found.changed) == (2, 1, 2)


def test_readers_and_checkpoints_have_a_row_each_and_the_table_all_of_it(log: AuditLog) -> None:
    entries = []
    for who in ("ada", "bob"):
        for number in range(3 if who == "ada" else 2):
            entries += [called(number, NORMAL, who)]
            entries += [answered(number, NORMAL, who, each) for each in ("net", "other")]
    found = opinions(log, entries)
    assert [(each.who, each.checkpoint) for each in found] == [
        ("ada", "net"), ("ada", "other"), ("bob", "net"), ("bob", "other"),
    ]  # fmt: skip
    table = opinions_table(found)
    assert table["films"].tolist() == [3, 3, 2, 2]
    assert table["both_normal"].tolist() == [3, 3, 2, 2]


def test_calls_are_chosen_by_reader_and_day(log: AuditLog) -> None:
    log.record([called(0, NORMAL), answered(0, NORMAL)])
    entries = log.called_films()
    now = datetime.now(UTC).replace(tzinfo=None)
    day = timedelta(days=1)
    assert len(second_opinions(entries, who="AD")) == 1
    assert len(second_opinions(entries, since=now - day, until=now + day)) == 1
    for none in ({"who": "bob"}, {"since": now + day}, {"until": now - day}):
        assert second_opinions(entries, **none) == []


def test_a_log_without_calls_has_no_second_opinion(log: AuditLog) -> None:
    assert opinions(log, [answered(0, NORMAL)]) == []
    assert opinions_table([]).empty
