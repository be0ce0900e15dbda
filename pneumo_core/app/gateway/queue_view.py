"""The gateway's queue: received, waiting, failed; pause, send again, read again; drift."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pneumo_core.app.actions import pause_gateway, read_again, send_again
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.words import plain
from pneumo_core.core.extras import require
from pneumo_core.errors import MissingExtra

if TYPE_CHECKING:  # the extra may not be installed
    from pneumo_core.gateway import Queue
    from pneumo_core.gateway.config import Drift

__all__ = ["show_gateway"]

_NAMES = {
    "number": "X-ray",
    "received": "Received",
    "state": "State",
    "reason": "Reason",
    "probability": "Probability",
    "modality": "Modality",
    "device": "Device",
    "sender": "Sender",
    "model": "Model",
    "undelivered": "Waiting to be sent",
}


def show_gateway() -> None:
    """Show the queue of the gateway that PNEUMO_GATEWAY configures, for analysts only."""
    st.markdown(
        "X-rays that arrived from the PACS, their results, and what is still to be sent. "
        "Patients' names and IDs are not shown. Set-up: 'The gateway' in the documentation."
    )
    if not may_change("see the gateway"):
        return
    try:
        require("gateway", "pynetdicom", "prometheus_client")
    except MissingExtra as missing:
        st.info(plain(str(missing)))
        return
    from pneumo_core.gateway import Queue, read_config

    config = read_config()
    if not (config.folder / "queue.sqlite").exists():
        st.info(
            plain(
                f"No gateway has run in {config.folder} yet. Start one with "
                "'pneumo gateway start --config FILE', and set PNEUMO_GATEWAY to the same file for "
                "this page."
            ),
            icon=":material/hub:",
        )
        return
    queue = Queue(config.folder)
    try:
        _show(queue, config.drift)
    finally:
        queue.close()


def _show(queue: "Queue", drift: "Drift") -> None:
    from pneumo_core.gateway import overview

    found = overview(queue)
    _switch(queue, paused=found["paused"])
    waiting = sum(found["waiting"].values())
    columns = st.columns(5)
    told = (
        ("Waiting to be read", found["states"].get("received", 0)),
        ("Results to be sent", waiting),
        ("Sent", found["states"].get("sent", 0)),
        ("Refused", found["states"].get("refused", 0)),
        ("Failed", found["states"].get("failed", 0)),
    )
    for column, (name, count) in zip(columns, told, strict=True):
        column.metric(name, f"{count:,}")
    today, distribution = st.tabs(["X-rays", "Distribution"])
    with today:
        _show_films(queue)
    with distribution:
        _show_distribution(queue, drift)


def _switch(queue: "Queue", *, paused: bool) -> None:
    if paused:
        st.warning("Reading and sending are paused. X-rays are still received.")
    if st.button("Resume" if paused else "Pause", key="gateway pause"):
        pause_gateway(queue, paused=not paused)
        st.rerun()


def _show_films(queue: "Queue") -> None:
    from pneumo_core.gateway import received_since, turned_away

    days = st.segmented_control(
        "Received", [1, 7, 30], default=1, required=True, format_func=_days, key="gateway days"
    )
    since = datetime.now() - timedelta(days=days)
    films = received_since(queue, since)
    if films.empty:
        st.info("No X-rays arrived in this time.", icon=":material/inbox:")
    else:
        shown = films[list(_NAMES)].rename(columns=_NAMES)
        st.dataframe(shown, hide_index=True, width="stretch", alt="X-rays received")
        _again(queue, films)
    away = turned_away(queue, since)
    if not away.empty:
        st.subheader("Not received", anchor=False)
        st.dataframe(away, hide_index=True, alt="Files not received, with reasons")


def _again(queue: "Queue", films: pd.DataFrame) -> None:
    chosen = st.multiselect("X-rays", films["number"].tolist(), key="gateway chosen")
    with st.container(horizontal=True):
        send = st.button("Send again", disabled=not chosen, key="gateway send")
        read = st.button("Read again", disabled=not chosen, key="gateway read")
    if not (send or read):
        return
    gone = (send_again if send else read_again)(queue, chosen)
    if gone:
        numbers = ", ".join(map(str, gone))
        st.warning(plain(f"The files of {numbers} were removed. Send the X-rays from the PACS."))


def _show_distribution(queue: "Queue", rules: "Drift") -> None:
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.gateway.drift import by_day_and_device, recent_drift

    model = queue.one("SELECT model FROM films WHERE model IS NOT NULL ORDER BY number DESC")
    if model is None:
        st.info("No X-ray has been read yet.")
        return
    figures = recent_drift(queue, load_checkpoint(str(model).split()[0]), rules)
    (st.error if figures.alarm else st.caption)(plain(figures.sentence))
    st.dataframe(
        by_day_and_device(queue, 30),
        hide_index=True,
        alt="X-rays read, refusals and probabilities by day and device",
    )


def _days(days: int) -> str:
    return "Last 24 hours" if days == 1 else f"Last {days} days"
