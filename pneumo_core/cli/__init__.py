"""The command line. Each command wraps the library call that a page also makes.

Results go to standard output, progress and warnings to standard error. Exit codes: 0 all done,
1 something was refused or failed (the rest was done), 2 wrong usage. Slow
imports such as torch happen in the command that needs them, so that ``--help`` is fast.
"""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from pneumo_core.cli import (
    _calibrate,
    _checkpoints,
    _datasets,
    _downloads,
    _embed,
    _gateway,
    _log,
    _lungs,
    _reading,
    _robustness,
    _runs,
    _samples,
    _shortcuts,
    _study,
    _training,
    _version,
)
from pneumo_core.cli._shared import app
from pneumo_core.cli._terminal import err, write_any_letter
from pneumo_core.core.extras import require
from pneumo_core.core.settings import pages_folder
from pneumo_core.errors import PneumoError, UnknownName

__all__ = ["app", "main"]

_COMMANDS = (
    *(_reading, _training, _runs, _study, _embed, _robustness, _checkpoints),
    *(_datasets, _shortcuts, _downloads, _samples, _lungs, _log, _gateway, _calibrate, _version),
)
"""Modules that register their commands on import."""


def main() -> None:
    """Run the command line; a PneumoError becomes a message and an exit code."""
    write_any_letter()
    try:
        app()
    except PneumoError as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(2 if isinstance(error, UnknownName) else 1)
    except KeyboardInterrupt:
        err.print("Stopped.")
        sys.exit(130)


@app.command("app")
def run_app(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="Network address to listen on.")] = "127.0.0.1",
) -> None:
    """Start the dashboard."""
    from pneumo_core.audit.roles import OPEN_LINE, listens_beyond

    require("app", "streamlit", "plotly")
    root = pages_folder()
    if root is None:
        raise PneumoError(
            "The dashboard's pages are missing from this installation. Install Pneumo again."
        )
    if listens_beyond(address) and not _asks_to_sign_in(root):
        err.print(
            f"{OPEN_LINE} The documentation's page 'Running Pneumo for several users' says how to "
            "change that.",
            style="yellow",
        )
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    options = [f"--server.port={port}", f"--server.address={address}"]
    with subprocess.Popen([*command, *options], cwd=root) as server:
        # A service manager ends this process alone; its server would go on.
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        raise typer.Exit(server.wait())


def _asks_to_sign_in(root: Path) -> bool:
    """Return whether the configuration that Streamlit will read has [auth]."""
    for folder in (root, Path.home()):
        try:
            if "auth" in tomllib.loads((folder / ".streamlit" / "secrets.toml").read_text()):
                return True
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
    return False
