"""Read first: no answer is shown or told to the log before the reader's own call is on record."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pneumo_core.app.reading_room.reader_calls import (
    Call,
    Decision,
    OwnCalls,
    answer_of,
    marks_of,
    marks_text,
)
from pneumo_core.app.reading_room.worklist import Worklist, next_hidden
from pneumo_core.audit import open_log
from pneumo_core.audit.reader_study import second_opinions
from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.reading import samples
from tests.app.test_pages import ROOT, VERDICTS, reading_page, told, upload, verdict
from tests.app.test_pages import film as png
from tests.app.test_worklist import film, reading

ANSWERS = (*VERDICTS, "Probability", "PNEUMONIA at", "The models", "models:")


@pytest.fixture(autouse=True)
def _a_log_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'log.sqlite'}")
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def deeds() -> list[str]:
    return open_log().search()["deed"].tolist()[::-1]


def own_of(app: AppTest) -> OwnCalls:
    worklist: Worklist = app.session_state["worklist"]
    return worklist.own


def hides_all_answers(app: AppTest) -> bool:
    tables = [frame.value for frame in app.dataframe]
    known = [table[["Probability", "Models"]].replace("", None).notna() for table in tables]
    verdicts = "".join(table["Result"].str.cat() for table in tables)
    said = any(each in told(app) + verdicts for each in ANSWERS)
    return not said and not any(each.to_numpy().any() for each in known)


def called(app: AppTest, name: str) -> AppTest:
    return app.button(key=f"call {name}").click().run()


def two_films() -> tuple[tuple[str, bytes, str], ...]:
    (chest,) = (each for each in samples() if each.title == "Chest")
    content = Path(chest.path).read_bytes()
    return (("one.png", content, "image/png"), ("two.png", content + b" ", "image/png"))


def test_the_answer_comes_after_the_call_on_the_page_and_in_the_log(
    checkpoint: Checkpoint,
) -> None:
    app = reading_page(sample="chest", first="1")
    assert verdict(app) == "What do you see?"
    assert hides_all_answers(app)
    assert deeds() == []
    app = called(app, "5")
    assert not app.exception
    assert verdict(app).startswith(VERDICTS)
    assert "You called it **PNEUMONIA** after" in told(app)
    assert deeds() == ["called", "read"]
    first, answer = open_log().search().iloc[::-1].itertuples()
    assert first.film == answer.film
    assert 0 < first.seconds < 60
    (opinion,) = second_opinions(open_log().called_films())
    assert (opinion.counts.n, opinion.too_late) == (1, 0)


def test_a_reader_agrees_or_overrides_with_a_reason_and_may_decide_again(
    checkpoint: Checkpoint,
) -> None:
    app = called(reading_page(sample="chest", first="1"), "3")
    assert "You could not tell" in told(app)
    assert app.button(key="override").disabled, "not without a reason"
    (reason,) = (each for each in app.selectbox if (each.key or "").startswith("reason"))
    reason.select("Too faint to call").run()
    app = app.button(key="override").click().run()
    assert "You overrode it" in told(app)
    next(each for each in app.button if each.label == "Change decision").click().run()
    app = app.button(key="agree").click().run()
    assert "You agreed" in told(app)
    assert deeds() == ["called", "read", "overrode", "agreed"]
    found = open_log().search()
    results = dict(zip(found["deed"], found["result"], strict=True))
    assert results["agreed"] == results["read"]
    assert results["overrode"] != results["read"]
    assert found.set_index("deed").loc["overrode", "reason"] == "Too faint to call"


def test_a_log_that_refuses_keeps_the_answer_hidden(checkpoint: Checkpoint, tmp_path: Path) -> None:
    app = reading_page(sample="chest", first="1")
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no space'); END"
    )
    app = called(app, "5")
    assert verdict(app) == "What do you see?"
    assert hides_all_answers(app)
    assert "the log could not record it" in told(app)
    connection.execute("DROP TRIGGER full")
    connection.commit()
    connection.close()
    app = called(app, "5")
    assert verdict(app).startswith(VERDICTS)
    assert "the log could not record it" not in told(app)


def test_a_list_hides_what_waits_for_a_call_and_leads_to_the_next(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(first="1"), *two_films())
    assert verdict(app) == "What do you see?"
    assert hides_all_answers(app)
    assert "2 X-rays: 2 to be called by you" in told(app)
    app = called(app, "1")
    (table,) = app.dataframe
    assert sorted(table.value["Your call"]) == ["", "NORMAL"]
    assert "After your call" in table.value["Result"].tolist()
    app = app.button(key="next to call").click().run()
    assert verdict(app) == "What do you see?"


def test_turning_it_off_shows_and_records_every_answer_and_asks_for_none_again(
    checkpoint: Checkpoint,
) -> None:
    app = upload(reading_page(first="1"), *two_films())
    assert deeds() == []
    app = app.toggle(key="read first").set_value(False).run()
    assert verdict(app).startswith(VERDICTS)
    assert deeds() == ["read", "read"]
    assert "first" not in app.query_params
    app = app.toggle(key="read first").set_value(True).run()
    assert verdict(app).startswith(VERDICTS), "what was seen can't be called first"


def test_a_film_that_is_none_needs_no_call(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(first="1"), ("notes.txt", b"not an X-ray", "text/plain"))
    assert verdict(app) == "Not read"


def test_films_to_be_called_are_not_shown_on_the_page_compare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    app = reading_page(sample="chest", first="1", checkpoint="cnn_94")
    app.switch_page("pages/compare.py").run()
    app.multiselect(key="compared").set_value(["cnn_94", "cnn_v2"]).run()
    app.segmented_control(key="compare view").set_value("single").run()
    assert not app.exception
    assert "awaiting your own call" in told(app)
    assert hides_all_answers(app)
    assert deeds() == []
    app.switch_page("pages/read.py").run()
    app = called(app, "5")
    assert len(deeds()) == 1 + len(list_checkpoints()[0]), "each answer that is shown now"
    app.switch_page("pages/compare.py").run()
    app.multiselect(key="compared").set_value(["cnn_94", "cnn_v2"]).run()
    app.segmented_control(key="compare view").set_value("single").run()
    assert "Overlap of the heat maps" in told(app)
    assert deeds().count("called") == 1


def test_time_on_a_film_leaves_out_the_time_on_others() -> None:
    own = OwnCalls(wanted=True)
    own.look("a", 0.0)
    own.look("a", 2.0)
    own.look("b", 3.0)
    own.look("a", 10.0)
    assert own.seconds("a", 11.0) == 4.0
    own.look(None, 12.0)
    assert (own.seconds("a", 99.0), own.seconds("b", 99.0)) == (5.0, 7.0)


def test_a_forgotten_film_was_still_seen() -> None:
    worklist = Worklist(own=OwnCalls(wanted=True))
    worklist.add([film("a"), film("b")])
    worklist.own.calls["a"] = Call(1, 2.0)
    assert not worklist.own.hides("a")
    worklist.own.told.add("a")
    said = replace(reading(0.9), file="a")
    worklist.own.decisions[answer_of("a", said)] = Decision.to_agree(said)
    worklist.remove("a")
    worklist.clear()
    worklist.add([film("a"), film("b")])
    assert not worklist.own.hides("a")
    assert worklist.own.hides("b")
    assert not worklist.own.calls
    assert not worklist.own.decisions


def test_the_next_film_to_call_goes_round_the_order_shown() -> None:
    worklist = Worklist(own=OwnCalls(wanted=True))
    worklist.add([film("a"), film("b"), film("c"), film("d")])
    worklist.shown = ("c", "b", "a")
    assert next_hidden(worklist, "b") == ("a", 4)
    worklist.own.told.update({"a", "d"})
    assert next_hidden(worklist, "b") == ("c", 2)
    worklist.own.told.update({"b", "c"})
    assert next_hidden(worklist, "b") == (None, 0)


def test_names_and_their_order_give_nothing_away_before_the_call(checkpoint: Checkpoint) -> None:
    files = [(f"person{n}_bacteria_{n}.png", png(64 + n), "image/png") for n in range(6)]
    app = upload(reading_page(first="1"), *files)
    (table,) = app.dataframe
    assert sorted(table.value["File"]) == [f"X-ray {n}" for n in range(1, 7)]
    assert list(table.value["File"]) != sorted(table.value["File"]), "not in the files' order"
    assert "bacteria" not in told(app)


def test_a_call_keeps_its_confidence_and_marks_and_outlives_a_reload(
    checkpoint: Checkpoint,
) -> None:
    app = reading_page(sample="chest", first="1", seed="7")
    own = own_of(app)
    assert own.seed == 7
    (key,) = app.session_state["worklist"].films
    own.mark(key, [[0.25, 0.5], [1.5, 0.5]])  # the second one lies outside
    app = called(app, "4")
    assert "probably pneumonia." in told(app)
    entry = open_log().search(deed="called").iloc[0]
    assert (entry["confidence"], entry["marks"]) == (4, "0.250 0.500")

    again = reading_page(sample="chest", first="1")
    assert "probably pneumonia." in told(again)
    assert own_of(again).calls[key] == own.calls[key]
    assert deeds().count("called") == 1


def test_the_random_order_is_that_of_its_seed() -> None:
    keys = [str(each) for each in range(50)]
    orders = [sorted(keys, key=OwnCalls(seed=seed).place_of) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != keys


def test_five_steps_are_three_calls() -> None:
    labels = [Call.at_step(step, 1.0).label for step in (1, 2, 3, 4, 5)]
    assert labels == [0, 0, None, 1, 1]
    assert marks_of(marks_text(((0.25, 0.5), (0.7, 0.1)))) == ((0.25, 0.5), (0.7, 0.1))
    assert marks_of(None) == ()
