"""The list of training runs: progress, curves and actions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from pneumo_core.app.actions import cancel_run, delete_run, rename_run, resume_run
from pneumo_core.app.sign_in import may_change, only_admitted, person
from pneumo_core.app.widgets.comparison_link import link_to_comparison
from pneumo_core.app.words import duration_text, plain
from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.errors import PneumoError
from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures.training import (
    LearningCurve,
    area_curves,
    learning_rate_curves,
    loss_curves,
    rate_curves,
)
from pneumo_core.runs import (
    Now,
    Run,
    RunState,
    Status,
    ahead_of,
    list_runs,
    losses_of,
    now_of,
)
from pneumo_core.training import EpochReport, epoch_pictures

__all__ = ["show_curves", "show_runs"]

_EVERY = timedelta(seconds=1)
_SHOWN = 10
_LOG_LINES = 15
_BADGES = {
    RunState.QUEUED: ("gray", "schedule"),
    RunState.RUNNING: ("blue", "model_training"),
    RunState.FINISHING: ("blue", "hourglass_bottom"),
    RunState.DONE: ("green", "check_circle"),
    RunState.FAILED: ("red", "error"),
    RunState.CANCELLED: ("orange", "stop_circle"),
    RunState.LOST: ("red", "help"),
}


def show_runs() -> None:
    """Show every run, the latest first, including those started by other people."""
    st.header("Training runs", anchor=False)
    _draw()


# The fragment always refreshes: switching that on and off would rerun the page, and a click on a
# button meanwhile would be lost.
@st.fragment(run_every=_EVERY)
def _draw() -> None:
    only_admitted()
    runs, problems = list_runs()
    statuses = {run.id: run.status for run in runs}
    for problem in problems:
        st.warning(plain(problem), icon=":material/broken_image:")
    if not runs:
        st.info("No training runs yet. Choose an architecture and press Start training.")
        return
    may_change("cancel, resume, rename or delete runs")
    shown = runs if st.session_state.get("all runs") else runs[:_SHOWN]
    made = {each.card.run: each for each in list_checkpoints()[0]}
    _show_run(runs[0], statuses[runs[0].id], made.get(runs[0].id))
    _show_curves(runs, statuses)
    for run in shown[1:]:
        _show_run(run, statuses[run.id], made.get(run.id))
    if len(runs) > _SHOWN:
        st.toggle(f"All {len(runs)} runs", key="all runs")


def _show_curves(runs: list[Run], statuses: dict[str, Status]) -> None:
    known = {run.id: run for run in runs}
    begun = [run.id for run in runs if statuses[run.id].started]
    if not begun:
        return
    latest = [run_id for run_id in begun if statuses[run_id].active] or begun[:1]
    chosen = st.multiselect(
        "Curves of",
        begun,
        latest,
        format_func=lambda run_id: f"{known[run_id].name} ({run_id[-4:]})",
        key=f"curves {latest[0]}",
    )
    show_curves([known[run_id] for run_id in chosen if run_id in known], "runs")


def show_curves(runs: Sequence[Run], key: str) -> None:
    """Show loss, AUC, sensitivity and specificity, and learning rate of runs, two in a row.

    Before the first epoch has ended there is only the loss, and at first not even that.
    """
    curves = [_curve(run) for run in runs]
    plots = [
        (loss_curves, "losses", "Loss by epoch."),
        (area_curves, "areas", "Validation AUC by epoch."),
        (rate_curves, "rates", "Validation sensitivity and specificity at 0.5, by epoch."),
        (learning_rate_curves, "learning rates", "Learning rate by epoch."),
    ]
    if all(curve.epochs.empty for curve in curves):
        plots = plots[:1] if any(len(curve.losses) for curve in curves) else []
    for first in range(0, len(plots), 2):
        pair = plots[first : first + 2]
        for column, (draw, name, alt) in zip(st.columns(2, gap="small"), pair, strict=True):
            column.plotly_chart(
                draw(curves), config={"displayModeBar": False}, key=f"{name} {key}", alt=alt
            )


def _curve(run: Run) -> LearningCurve:
    columns = list(EpochReport.__dataclass_fields__)
    epochs = pd.DataFrame([vars(report) for report in run.history], columns=columns)
    return LearningCurve(f"{run.name} ({run.id[-4:]})", losses_of(run.folder), epochs)


def _show_run(run: Run, status: Status, made: Checkpoint | None) -> None:
    with st.container(border=True, key=f"run {run.id}"):
        head, buttons = st.columns([3, 2], vertical_alignment="center")
        colour, icon = _BADGES[status.state]
        head.markdown(
            f"**{plain(run.name)}** :{colour}-badge[:material/{icon}: {status.state}] "
            f":gray[{plain(run.config.model)}, {status.queued:%Y-%m-%d %H:%M} UTC]"
        )
        with buttons.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="center"
        ):
            _show_buttons(run, status, made)
        if status.active:
            _show_progress(run, status)
        elif status.reason:
            st.caption(plain(status.reason))
        st.caption(_summary(run))
        if status.state == RunState.DONE:
            _link_to_pages(status.checkpoint)
        if st.toggle("Heat maps and log", key=f"details {run.id}"):
            _show_details(run)


def _link_to_pages(checkpoint: str) -> None:
    """Link to the pages that use a finished run's model."""
    links = (
        ("read", "Read X-rays with it", "pulmonology", {"checkpoint": checkpoint}),
        ("evaluate", "Evaluate it", "query_stats", {"checkpoint": checkpoint}),
    )
    with st.container(horizontal=True, gap="small"):
        for page, label, icon, query in links:
            st.page_link(
                f"pages/{page}.py",
                label=label,
                icon=f":material/{icon}:",
                query_params=query,
                width="content",
            )
        link_to_comparison(checkpoint)


def _show_progress(run: Run, status: Status) -> None:
    now = now_of(run.folder)
    if status.state == RunState.QUEUED:
        before = ahead_of(run.folder)
        word = "run is" if before == 1 else "runs are"
        waited = duration_text((datetime.now(UTC) - status.queued).total_seconds())
        waits = f"{before} {word} ahead in the queue" if before else "Loading the training library"
        st.caption(f"{waits}, for {waited}.")
    elif now:
        st.progress(min(1.0, now.done / max(1, now.total)), text=_told(now))
    else:
        st.caption("Preparing the X-rays.")


def _told(now: Now) -> str:
    unit = f"{now.unit} " if now.unit else ""
    told = f"{now.stage}: {unit}{now.done:,} of {now.total:,}" if now.total else now.stage
    if now.films_per_second:
        told += f", {now.films_per_second:.0f} X-rays a second"
    if now.seconds_left is not None:
        told += f", about {duration_text(now.seconds_left)} left"
    return plain(told)


def _summary(run: Run) -> str:
    history = run.history
    unit = "epoch" if run.config.all_epochs == 1 else "epochs"
    told = f"{len(history)} of {run.config.all_epochs} {unit}"
    if history:
        told += f", best validation AUC {format_rate(max(report.val_auc for report in history))}"
    return told


def _show_details(run: Run) -> None:
    if pictures := epoch_pictures(run.folder):
        epoch = _choose_epoch(run, list(pictures))
        st.image(
            pictures[epoch].read_bytes(),
            caption=f"Grad-CAM for PNEUMONIA after epoch {epoch}: two normal validation X-rays, "
            "then two with pneumonia",
            alt=f"Four X-rays under their heat maps after epoch {epoch}",
            width="stretch",
        )
    if lines := run.log(_LOG_LINES):
        st.code("\n".join(lines), language=None, wrap_lines=True)
    st.caption(
        f"X-rays in {plain(str(run.data))}. For TensorBoard: "
        f"{plain(f'tensorboard --logdir {run.folder}')}"
    )


def _choose_epoch(run: Run, epochs: list[int]) -> int:
    """Ask for the epoch; the latest one by default."""
    if len(epochs) == 1:
        return epochs[0]
    key = f"epoch {run.id} {epochs[-1]}"
    chosen: int = st.select_slider("After epoch", epochs, epochs[-1], key=key)
    return chosen


def _show_buttons(run: Run, status: Status, made: Checkpoint | None) -> None:
    reader = person().role == "reader"
    if status.active:
        st.button("Cancel", key=f"cancel {run.id}", on_click=_cancel, args=(run,), disabled=reader)
        return
    if status.state != RunState.DONE:
        st.button("Resume", key=f"resume {run.id}", on_click=_resume, args=(run,), disabled=reader)
    with st.popover("Rename", disabled=reader):
        _offer_name(run)
    with st.popover("Delete", icon=":material/delete:", disabled=reader):
        _ask_to_delete(run, made)


def _offer_name(run: Run) -> None:
    name = st.text_input("Name", run.name, key=f"name {run.id}").strip()
    st.button(
        "Rename",
        key=f"rename {run.id}",
        disabled=name == run.name,
        on_click=_rename,
        args=(run, name),
    )


def _ask_to_delete(run: Run, made: Checkpoint | None) -> None:
    st.markdown(
        f"Delete the training run **{plain(run.name)}** with its weights, curves and log? "
        "This cannot be undone."
    )
    with_checkpoint = False
    if made:
        asked = f"Also delete its model {plain(made.name)}"
        with_checkpoint = st.checkbox(asked, key=f"with checkpoint {run.id}")
    st.button(
        "Delete the run",
        key=f"delete {run.id}",
        type="primary",
        on_click=_delete,
        args=(run, with_checkpoint),
    )


def _cancel(run: Run) -> None:
    with _refusals():
        cancel_run(run)


def _resume(run: Run) -> None:
    with _refusals():
        resume_run(run)


def _rename(run: Run, name: str) -> None:
    with _refusals():
        rename_run(run, name)


def _delete(run: Run, with_checkpoint: bool) -> None:
    with _refusals():
        deleted = delete_run(run, with_checkpoint=with_checkpoint)
        st.toast(f"Deleted: {plain(deleted)}.", icon=":material/delete:")


@contextmanager
def _refusals() -> Iterator[None]:
    """Show a PneumoError as a toast, which survives reruns."""
    try:
        yield
    except PneumoError as error:
        st.toast(plain(str(error)), icon=":material/error:", duration="long")
