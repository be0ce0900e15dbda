"""``pneumo runs``: trainings that are under way, or were."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pneumo_core.cli._shared import JsonOption, noted, print_json, runs
from pneumo_core.cli._terminal import err, out, run_bars
from pneumo_core.errors import TrainingError

if TYPE_CHECKING:
    from pneumo_core.runs import Run

RunArgument = Annotated[str, typer.Argument(help="The run's id; 'pneumo runs list' shows it.")]


@runs.command("list")
def list_all(json: JsonOption = False) -> None:
    """Every run: its id, the checkpoint it makes, its state."""
    from pneumo_core.runs import list_runs

    found, problems = list_runs()
    if json:
        for run in found:
            print_json({"id": run.id, "name": run.name, "state": run.status.state})
    elif found:
        table = Table("id", "checkpoint", "state", "epochs", "queued (UTC)", box=None)
        for run in found:
            status = run.status
            epochs = f"{len(run.history)}/{run.config.epochs}"
            queued = f"{status.queued:%Y-%m-%d %H:%M}"
            table.add_row(run.id, run.name, status.state, epochs, queued)
        out.print(table)
    else:
        err.print("No runs yet. Start one: pneumo train --data FOLDER --name NAME")
    for problem in problems:
        err.print(problem, style="red", markup=False)


@runs.command("show")
def show(run_id: RunArgument) -> None:
    """A run's settings, its state and its epochs, as JSON."""
    from dataclasses import asdict

    from pneumo_core.runs import find_run, now_of

    run = find_run(run_id)
    now = now_of(run.folder) if run.status.active else None
    print_json(
        {
            **asdict(run),
            "id": run.id,
            "status": asdict(run.status),
            "now": asdict(now) if now else None,
            "history": [asdict(report) for report in run.history],
        }
    )


@runs.command("follow")
def follow_one(run_id: RunArgument) -> None:
    """Watch a run until it ends. Ctrl-C cancels the run."""
    from pneumo_core.runs import find_run

    out.print(f"Published as '{follow(find_run(run_id))}'.")


@runs.command("cancel")
def cancel(run_id: RunArgument) -> None:
    """Stop a run. It keeps its epochs so far, and can be resumed."""
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    control.cancel(run)
    noted("cancelled", subject=run.name)
    out.print(f"{run.id} is {run.status.state}.")


@runs.command("resume")
def resume(run_id: RunArgument) -> None:
    """Go on with a cancelled, failed or lost run, in the background."""
    from pneumo_core.runs import control, find_run

    run = control.resume(find_run(run_id))
    noted("resumed", subject=run.name)
    out.print(f"{run.id} is {run.status.state}. Watch it: pneumo runs follow {run.id}")


@runs.command("rename")
def rename(run_id: RunArgument, name: str) -> None:
    """Give a run, and its checkpoint, another name."""
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    renamed = control.rename(run, name)
    noted("renamed", subject=f"{run.name} to {renamed.name}")
    out.print(f"{run_id} is called '{renamed.name}'.")


@runs.command("delete")
def delete(
    run_id: RunArgument,
    checkpoint: Annotated[bool, typer.Option(help="Delete what it published, too.")] = False,
    yes: Annotated[bool, typer.Option(help="Don't ask.")] = False,
) -> None:
    """Remove a run that is not under way, for good."""
    from pneumo_core.audit import run_words
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    if not yes:
        typer.confirm(f"Delete the run {run.id} ('{run.name}') for good?", abort=True)
    control.delete(run, checkpoint=checkpoint)
    noted("deleted", subject=run_words(run.name, checkpoint=checkpoint))
    out.print(f"{run.id} is deleted.")


def follow(run: "Run") -> str:
    """Draw a run until it ends, and give its checkpoint's name. Ctrl-C cancels the run.

    Raises TrainingError, with the run's own reason, when it does not get to its end.
    """
    from pneumo_core.runs import RunState, control, now_of

    try:
        with run_bars(run.config.epochs) as bars:
            while (status := run.status).active:
                bars.show(now_of(run.folder), run.history)
                time.sleep(0.2)
            bars.show(None, run.history)
    except KeyboardInterrupt:
        control.cancel(run)
        noted("cancelled", subject=run.name)
        err.print(f"Cancelled. Go on with: pneumo runs resume {run.id}")
        raise typer.Exit(130) from None
    if status.state == RunState.DONE:
        return status.checkpoint
    raise TrainingError(f"{status.reason} Its run is {run.id}.")
