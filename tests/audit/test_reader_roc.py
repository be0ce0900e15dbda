"""ROC curves of readers and models: areas worked out by hand, and what counts."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from pneumo_core.audit import CANNOT_TELL, CONFIDENCE, AuditLog, Entry, image_digest
from pneumo_core.audit.reader_roc import ReaderRoc, reader_rocs, rocs_table
from pneumo_core.datasets import labels_by_file, scan

WORDS = {1: "NORMAL", 2: "NORMAL", 3: CANNOT_TELL, 4: "PNEUMONIA", 5: "PNEUMONIA"}


def film(number: int) -> str:
    return image_digest(f"film {number}".encode())


def called(number: int, step: int | None, who: str = "ada") -> Entry:
    word = WORDS[step or 3]
    return Entry(who=who, deed="called", film=film(number), result=word, confidence=step)


def answered(number: int, probability: float, who: str = "ada") -> Entry:
    return Entry(
        who=who, deed="read", film=film(number), checkpoint="net", version="v1",
        operating_point="balanced", threshold=0.5, result="NORMAL", probability=probability,
    )  # fmt: skip


def rocs(tmp_path: Path, entries: Sequence[Entry], labels: Sequence[int]) -> list[ReaderRoc]:
    log = AuditLog(f"sqlite:///{tmp_path / 'audit.sqlite'}")
    log.record(entries)
    found = log.called_films()
    log.close()
    films = range(len(labels))
    truth = {"film": map(film, films), "label": labels, "patient": [str(each) for each in films]}
    return reader_rocs(found, pd.DataFrame(truth))


STEPS = ((5, 1), (3, 1), (4, 0), (1, 0), (2, 0))
"""Confidence and label. Of 6 pairs of pneumonia and normal, 5 are in order, 1 (3 and 4) is not."""


def test_the_area_of_a_reader_is_the_share_of_pairs_in_order(tmp_path: Path) -> None:
    entries = []
    for number, (step, label) in enumerate(STEPS):
        entries += [called(number, step), answered(number, 0.1 + 0.8 * label)]
    (found,) = rocs(tmp_path, entries, [label for _, label in STEPS])
    assert (found.who, found.checkpoint, found.films, found.pneumonia) == ("ada", "net", 5, 2)
    assert found.areas.first.value == pytest.approx(5 / 6)
    assert found.areas.second.value == 1.0
    assert list(zip(found.reader.x, found.reader.y, strict=True))[1] == (0.0, 0.5), "at step 5"
    (row,) = rocs_table([found]).to_dict("records")
    assert row["difference_auc"] == pytest.approx(5 / 6 - 1)


def test_calls_after_a_result_without_confidence_or_without_a_label_do_not_count(
    tmp_path: Path,
) -> None:
    entries = [answered(0, 0.9), called(0, 5)]
    for number, step in ((1, 4), (2, 1), (3, None), (4, 2)):
        entries += [called(number, step), answered(number, 0.2)]
    (found,) = rocs(tmp_path, entries, [1, 1, 0, 0])
    assert found.films == 2


def test_a_curve_needs_both_labels(tmp_path: Path) -> None:
    entries = [called(0, 5), answered(0, 0.9), called(1, 4), answered(1, 0.8)]
    assert rocs(tmp_path, entries, [1, 1]) == []


def test_the_steps_are_in_order() -> None:
    assert list(CONFIDENCE) == [1, 2, 3, 4, 5]
    assert CONFIDENCE[3] == CANNOT_TELL


def test_a_file_of_a_dataset_is_known_by_the_id_of_the_log(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for row, name in enumerate(("NORMAL", "PNEUMONIA")):
            place = tmp_path / split / name
            place.mkdir(parents=True)
            Image.new("L", (64, 64), 60 * row + len(split)).save(place / f"{split}.png")
    table = labels_by_file(scan(tmp_path)).set_index("film")
    for row, name in enumerate(("NORMAL", "PNEUMONIA")):
        digest = image_digest(tmp_path / "test" / name / "test.png")
        assert table.loc[digest, "label"] == row
