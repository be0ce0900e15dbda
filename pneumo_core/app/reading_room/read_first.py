"""Read first: ask for the reader's call before the result, and for their decision after it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import isnan
from typing import Any

import streamlit as st

from pneumo_core.app.audit_log import digest_of, record, record_done, record_readings
from pneumo_core.app.reading_room.reader_calls import (
    Call,
    Decision,
    answer_of,
    marks_of,
    marks_text,
)
from pneumo_core.app.reading_room.worklist import Item, Worklist, next_hidden
from pneumo_core.app.sign_in import person
from pneumo_core.app.words import duration_text, plain
from pneumo_core.audit import CONFIDENCE, open_log
from pneumo_core.datasets import LABELS
from pneumo_core.errors import AuditError, PneumoError
from pneumo_core.reading import Reading, entry_of

__all__ = ["ask_for_call", "choose_read_first", "restore_calls", "show_decision", "tell"]

_FIRST, _SEED = "first", "seed"
_REASONS = (
    "The evidence is in the wrong place",
    "An artefact, device or positioning",
    "Another finding explains it",
    "The clinical picture says otherwise",
    "An earlier X-ray says otherwise",
    "Too faint to call",
)
_LONGEST = 500


def choose_read_first(worklist: Worklist) -> None:
    """Show a toggle in step with the query parameter ``first``."""
    own = worklist.own
    own.wanted = st.toggle(
        "Read first",
        own.wanted or st.query_params.get(_FIRST) == "1",
        key="read first",
        width="content",
        help="Make your own call before you see the result. Your call, the time it took and "
        "your decision afterwards are logged, so that an analyst can see how well readers and "
        "models agree.",
    )
    if own.wanted:
        st.query_params[_FIRST] = "1"
        _choose_seed(worklist)
    else:
        st.query_params.pop(_FIRST, None)
        st.query_params.pop(_SEED, None)


def restore_calls(worklist: Worklist) -> None:
    """Restore this person's earlier calls on X-rays of the list from the log, as after a reload."""
    own = worklist.own
    new = {key: digest_of(film) for key, film in worklist.films.items() if key not in own.looked_up}
    if not own.wanted or not new:
        return
    try:
        found = open_log().calls_of(person().name, [each for each in new.values() if each])
    except AuditError:
        return  # the page says so when a call is recorded
    own.looked_up |= new.keys()
    calls = {row.film: row for row in found.itertuples()}
    before = len(own.calls)
    for key, digest in new.items():
        if digest in calls and key not in own.calls:
            own.calls[key] = _call_in(calls[digest])
    if restored := len(own.calls) - before:
        what = "1 X-ray was" if restored == 1 else f"{restored} X-rays were"
        st.toast(f"{what} called before; the calls were restored.", icon=":material/history:")


def tell(worklist: Worklist, items: Sequence[Item]) -> None:
    """Log results before they are shown for the first time."""
    told = worklist.own.told
    new = [item for item in items if item.reading and item.film.key not in told]
    record_readings([(item.film, said) for item in new for said in _answers(item)])
    told.update(
        item.film.key for item in new if item.reading and item.reading.predicted is not None
    )


def ask_for_call(worklist: Worklist, item: Item) -> None:
    """Ask for the reader's call, in place of the result."""
    st.header("What do you see?", anchor=False, icon=":material/visibility:")
    with st.container(gap="xsmall", key="calls"):
        for step, words in reversed(tuple(CONFIDENCE.items())):
            st.button(
                words.capitalize(),
                shortcut=f"Alt+{step}",
                width="stretch",
                on_click=_kept,
                args=(worklist, item, partial(_call, worklist, item, step)),
                key=f"call {step}",
            )
    _say_trouble(worklist, item)
    st.caption(
        "The result appears after your call. Time is measured while the X-ray is open. Mark what "
        "you see with the pin below the X-ray (K)."
    )


def show_decision(worklist: Worklist, item: Item) -> None:
    """Compare the reader's call with the result, and ask for their final decision."""
    call, reading = item.call, item.reading
    if call is None or reading is None:
        return
    st.markdown(_compared(call, reading))
    if reading.predicted is not None:
        _decide(worklist, item, reading)
    _say_trouble(worklist, item)


def _decide(worklist: Worklist, item: Item, reading: Reading) -> None:
    answer = answer_of(item.film.key, reading)
    decision = worklist.own.decisions.get(answer)
    with st.container(
        horizontal=True,
        vertical_alignment="center" if decision else "bottom",  # a select box has a line above
        gap="small",
        key="decision",
    ):
        if decision:
            st.markdown(_decided(decision), width="content")
            undo = worklist.own.undecide
            st.button("Change decision", type="tertiary", on_click=undo, args=(answer,))
        else:
            _offer_decisions(worklist, item, reading)
        _offer_next(worklist, item)


def _offer_decisions(worklist: Worklist, item: Item, reading: Reading) -> None:
    agree = Decision.to_agree(reading)
    st.button(
        f"Agree: {LABELS[agree.label]}",
        icon=":material/check:",
        shortcut="Alt+A",
        on_click=_kept,
        args=(worklist, item, partial(_record, worklist, item, agree)),
        key="agree",
    )
    reason = st.selectbox(
        "Or override it, because",
        _REASONS,
        index=None,
        placeholder="Choose or write a reason; no names",
        accept_new_options=True,
        width=330,
        key=f"reason {item.film.key}",
    )
    override = Decision.to_override(reading, (reason or "").strip()[:_LONGEST])
    st.button(
        f"Override: {LABELS[override.label]}",
        icon=":material/swap_horiz:",
        disabled=not override.reason,
        help=None if override.reason else "Give a reason first.",
        on_click=_kept,
        args=(worklist, item, partial(_record, worklist, item, override)),
        key="override",
    )


def _offer_next(worklist: Worklist, item: Item) -> None:
    key, left = next_hidden(worklist, item.film.key)
    if key is not None:
        st.button(
            f"Next X-ray ({left} left)",
            icon=":material/skip_next:",
            type="primary",
            on_click=worklist.open,
            args=(key,),
            key="next to call",
        )


def _compared(call: Call, reading: Reading) -> str:
    """Return a sentence that compares the call with the result."""
    took = duration_text(call.seconds)
    if call.label is None:
        return f"You could not tell (after {took})."
    sure = f": {CONFIDENCE[call.confidence]}" if call.confidence else ""
    yours = f"You called it **{call.word}** after {took}{sure}."
    if reading.predicted is None:
        return f"{yours} There is no result to compare it with."
    if call.label == reading.predicted:
        return f":material/handshake: {yours} The model says the same."
    return f":material/call_split: {yours} The model says **{LABELS[reading.predicted]}**."


def _decided(decision: Decision) -> str:
    if decision.agreed:
        return f"You agreed: **{LABELS[decision.label]}**."
    return f"You overrode it: **{LABELS[decision.label]}**. {plain(decision.reason)}"


def _answers(item: Item) -> list[Reading]:
    return [said for said in (item.reading, *item.opinions) if said]


def _choose_seed(worklist: Worklist) -> None:
    """Ask for the seed of the random order, in step with the query parameter ``seed``."""
    asked = st.query_params.get(_SEED, "")
    start = int(asked) if asked.isdecimal() and len(asked) < 7 else worklist.own.seed
    worklist.own.seed = int(
        st.number_input(
            "Seed of the order",
            0,
            999_999,
            start,
            key="order seed",
            label_visibility="collapsed",
            width=120,
            icon=":material/shuffle:",
            help="X-rays that wait for your call come in a random order, the same for everybody "
            "who uses this number.",
        )
    )
    st.query_params[_SEED] = str(worklist.own.seed)


def _call_in(row: Any) -> Call:
    """Return the call in an entry of the log."""
    words = {word: label for label, word in enumerate(LABELS)}
    step = None if row.confidence is None or isnan(row.confidence) else int(row.confidence)
    return Call(words.get(row.result), row.seconds or 0.0, step, marks_of(row.marks))


def _call(worklist: Worklist, item: Item, step: int) -> bool:
    """Record the call; the result is shown only once the call is in the log."""
    key = item.film.key
    seconds = round(worklist.own.seconds(key, time.monotonic()), 1)
    call = Call.at_step(step, seconds, worklist.own.marks.get(key, ()))
    kept = record_done(
        "called",
        film=digest_of(item.film),
        result=call.word,
        seconds=call.seconds,
        confidence=step,
        marks=marks_text(call.marks),
    )
    if kept:
        worklist.own.calls[key] = call
    return kept


def _record(worklist: Worklist, item: Item, decision: Decision) -> bool:
    reading = item.reading
    if reading is None:
        return True
    entry = replace(
        entry_of(reading, digest_of(item.film), person().name),
        deed="agreed" if decision.agreed else "overrode",
        result=LABELS[decision.label],
        reason=decision.reason or None,
    )
    kept = record([entry])
    if kept:
        worklist.own.decisions[answer_of(item.film.key, reading)] = decision
    return kept


def _kept(worklist: Worklist, item: Item, change: partial[bool]) -> None:
    """Apply a change only if the log accepts it; otherwise keep the reason."""
    try:
        told = "" if change() else "Nothing was changed, because the log could not record it."
    except PneumoError as refused:
        told = str(refused)
    worklist.own.trouble = (item.film.key, told)


def _say_trouble(worklist: Worklist, item: Item) -> None:
    key, told = worklist.own.trouble
    if told and key == item.film.key:
        st.error(plain(told), icon=":material/error:")
