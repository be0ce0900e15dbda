"""``python -m pneumo_core.familiarity CHECKPOINT DATASET``: fit a stored checkpoint's gate."""

from pathlib import Path
from typing import Annotated

import typer

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.errors import PneumoError
from pneumo_core.familiarity.fit import fit_gate


def main(
    checkpoint: Annotated[str, typer.Argument(help="Its name.")],
    dataset: Annotated[Path, typer.Argument(help="The films it was trained on.")],
) -> None:
    """Fit a stored checkpoint's gate on the films it was trained on."""
    try:
        fitted = fit_gate(load_checkpoint(checkpoint), dataset)
    except PneumoError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"The gate of '{fitted.name}' was fitted.")


if __name__ == "__main__":
    typer.run(main)
