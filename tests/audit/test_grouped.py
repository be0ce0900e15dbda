"""The entries of an X-ray as one row."""

from datetime import datetime
from pathlib import Path

from pneumo_core.audit import AuditLog, Entry, entries_of, group_by_image

FILMS = ("aa" * 32, "bb" * 32)


def read(film: str, model: str, result: str) -> Entry:
    return Entry(who="ada", deed="read", film=film, checkpoint=model, result=result)


def test_entries_of_an_x_ray_are_one_row_and_others_stand_alone(tmp_path: Path) -> None:
    log = AuditLog(f"sqlite:///{tmp_path / 'log.sqlite'}")
    log.record([read(FILMS[0], "one", "NORMAL"), read(FILMS[1], "one", "NORMAL")])
    log.record([Entry(who="bob", deed="started", subject="mine")])
    log.record([Entry(who="bob", deed="started", subject="other")])
    log.record([read(FILMS[0], "two", "PNEUMONIA")])
    found = log.search()
    grouped = group_by_image(found)
    assert sorted(grouped["film"]) == ["", "", *FILMS]
    row = grouped[grouped["film"] == FILMS[0]].iloc[0]
    assert (row["deed"], row["entries"], row["who"]) == ("read 2", 2, "ada")
    assert sorted(row["result"].split(", ")) == ["1 NORMAL", "1 PNEUMONIA"]
    assert grouped["moment"].is_monotonic_decreasing
    behind = entries_of(found, FILMS[0], int(row["first"]))
    assert behind["checkpoint"].tolist() == ["one", "two"]
    alone = grouped[grouped["subject"] == "mine"].iloc[0]
    assert len(entries_of(found, "", int(alone["first"]))) == 1
    assert not grouped.isna().any().any()


def test_no_entries_are_no_rows(tmp_path: Path) -> None:
    log = AuditLog(f"sqlite:///{tmp_path / 'log.sqlite'}")
    assert group_by_image(log.search(since=datetime(2020, 1, 1))).empty
