"""``pneumo runs``: manage training runs."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pneumo_core.cli._shared import JsonOption, log_action, print_json, runs
from pneumo_core.cli._terminal import err, out, print_table, run_bars
from pneumo_core.errors import TrainingError

if TYPE_CHECKING:
    from pneumo_core.runs import Run

RunArgument = Annotated[str, typer.Argument(help="The run's id; 'pneumo runs list' shows it.")]


@runs.command("list")
def list_all(json: JsonOption = False) -> None:
    """List the training runs: id, model, state."""
    from pneumo_core.runs import list_runs

    found, problems = list_runs()
    if json:
        for run in found:
            print_json({"id": run.id, "name": run.name, "state": run.status.state})
    elif found:
        table = Table("id", "model", "state", "epochs", "queued (UTC)", box=None)
        for run in found:
            status = run.status
            epochs = f"{len(run.history)}/{run.config.epochs}"
            queued = f"{status.queued:%Y-%m-%d %H:%M}"
            table.add_row(run.id, run.name, status.state, epochs, queued)
        print_table(table)
    else:
        err.print("No training runs yet. Start one: pneumo train --data FOLDER --name NAME")
    for problem in problems:
        err.print(problem, style="red", markup=False)


@runs.command("show")
def show(run_id: RunArgument) -> None:
    """Print a run's settings, state and epochs as JSON."""
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
    """Follow a run until it ends. Ctrl-C cancels the run."""
    from pneumo_core.runs import find_run

    out.print(f"Published as '{follow(find_run(run_id))}'.")


@runs.command("cancel")
def cancel(run_id: RunArgument) -> None:
    """Cancel a run. Its epochs so far are kept, and it can be resumed."""
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    control.cancel(run)
    log_action("cancelled", subject=run.name)
    out.print(f"{run.id} is {run.status.state}.")


@runs.command("resume")
def resume(run_id: RunArgument) -> None:
    """Resume a cancelled, failed or lost run in the background."""
    from pneumo_core.runs import control, find_run

    run = control.resume(find_run(run_id))
    log_action("resumed", subject=run.name)
    out.print(f"{run.id} is {run.status.state}. Follow it: pneumo runs follow {run.id}")


@runs.command("rename")
def rename(run_id: RunArgument, name: str) -> None:
    """Rename a run and its model."""
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    renamed = control.rename(run, name)
    log_action("renamed", subject=f"{run.name} to {renamed.name}")
    out.print(f"Renamed {run_id} to '{renamed.name}'.")


@runs.command("delete")
def delete(
    run_id: RunArgument,
    checkpoint: Annotated[bool, typer.Option(help="Also delete the model it published.")] = False,
    yes: Annotated[bool, typer.Option(help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete a run that is not active."""
    from pneumo_core.audit import run_words
    from pneumo_core.runs import control, find_run

    run = find_run(run_id)
    if not yes:
        typer.confirm(f"Delete the run {run.id} ('{run.name}')? This cannot be undone.", abort=True)
    control.delete(run, checkpoint=checkpoint)
    log_action("deleted", subject=run_words(run.name, checkpoint=checkpoint))
    out.print(f"Deleted {run.id}.")


def follow(run: "Run") -> str:
    """Show a run until it ends, and return its checkpoint's name. Ctrl-C cancels the run.

    Raises TrainingError with the run's reason if it does not finish.
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
        log_action("cancelled", subject=run.name)
        err.print(f"Cancelled. Resume with: pneumo runs resume {run.id}")
        raise typer.Exit(130) from None
    if status.state == RunState.DONE:
        return status.checkpoint
    raise TrainingError(f"{status.reason} Run: {run.id}.")
