"""``pneumo --version``: the version of Pneumo, its commit, and of every model."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from pneumo_core import __version__
from pneumo_core.cli._shared import app
from pneumo_core.cli._terminal import err

__all__ = ["commit"]

_ROOT = Path(__file__).resolve().parents[2]


def commit() -> str | None:
    """Return the short hash of the git checkout that runs, with "+" if files differ from it.

    None outside a git checkout, and where git is not installed.
    """
    if not (_ROOT / ".git").exists():
        return None
    git = ["git", "-C", str(_ROOT)]
    try:
        described = subprocess.run(
            [*git, "describe", "--always", "--exclude=*", "--abbrev=7", "--dirty=+"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None


def _print_version(asked: bool) -> None:
    if not asked:
        return
    from pneumo_core.checkpoints import list_checkpoints

    found = commit()
    print(f"Pneumo {__version__}" + (f", commit {found}" if found else ""))
    checkpoints, problems = list_checkpoints()
    for each in checkpoints:
        print(f"model {each.name} {each.card.version} ({each.card.created})")
    for problem in problems:
        err.print(problem, markup=False)
    raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of Pneumo and of its models.",
        ),
    ] = False,
) -> None:
    """Detects pneumonia in chest X-rays and shows why. Research use only."""
