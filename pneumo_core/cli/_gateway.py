"""``pneumo gateway``: receive X-rays from a PACS, read them, send the results back."""

import json
import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from pneumo_core.cli._shared import JsonOption, app
from pneumo_core.cli._terminal import err
from pneumo_core.core.extras import require
from pneumo_core.errors import PneumoError, UnknownName

if TYPE_CHECKING:
    from pneumo_core.gateway import Queue

gateway = typer.Typer(help="Connect to a PACS: receive X-rays, send results.", no_args_is_help=True)
app.add_typer(gateway, name="gateway")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The gateway's TOML file; default: PNEUMO_GATEWAY, else default settings."
    ),
]
FilesArgument = Annotated[
    list[int], typer.Argument(help="Numbers of X-rays, as status shows them.")
]


@gateway.command("start")
def start(config: ConfigOption = None) -> None:
    """Receive, read and send until stopped (Ctrl-C or SIGTERM)."""
    _require_extra()
    from pneumo_core.gateway import Gateway, read_config

    _log_to_stderr()
    service = Gateway(read_config(config))
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    service.start()
    while not stopped.wait(1):
        pass
    err.print("Stopping. X-rays that are being read are finished first.")
    service.stop()


@gateway.command("status")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show how many X-rays arrived, wait and failed, and why."""
    _require_extra()
    from pneumo_core.gateway import overview

    found = overview(_open_queue(config))
    if as_json:
        print(json.dumps(found))
        return
    print(", ".join(f"{count} {state}" for state, count in found["states"].items()) or "No X-rays.")
    for destination, count in found["waiting"].items():
        print(f"{destination}: {count} results are waiting to be sent.")
    for film in found["failed"]:
        print(f"X-ray {film['number']} failed: {film['reason']}")
    if found["paused"]:
        print("Reading and sending are paused.")


@gateway.command("pause")
def pause(config: ConfigOption = None) -> None:
    """Pause reading and sending; X-rays are still received."""
    _switch(config, paused=True)


@gateway.command("resume")
def resume(config: ConfigOption = None) -> None:
    """Resume reading and sending."""
    _switch(config, paused=False)


@gateway.command("send-again")
def send_again(films: FilesArgument, config: ConfigOption = None) -> None:
    """Send the results of X-rays to every destination again."""
    _require_extra()
    queue = _open_queue(config)
    missing = [number for number in films if not queue.send_again(number)]
    if missing:
        numbers = ", ".join(map(str, missing))
        raise PneumoError(
            f"The results of {numbers} were removed. Send the X-rays from the PACS again."
        )


@gateway.command("read-again")
def read_again(films: FilesArgument, config: ConfigOption = None) -> None:
    """Read X-rays again, such as those that failed, if their files are still here."""
    _require_extra()
    queue = _open_queue(config)
    missing = [number for number in films if not queue.read_again(number)]
    if missing:
        numbers = ", ".join(map(str, missing))
        raise PneumoError(
            f"The files of {numbers} were removed. Send the X-rays from the PACS again."
        )


@gateway.command("poll")
def poll_source(
    name: Annotated[str, typer.Argument(help="The source's name in the configuration.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Query a PACS once, and fetch X-rays that are not here yet."""
    _require_extra()
    from pneumo_core.gateway import Queue, read_config
    from pneumo_core.gateway.dimse import quiet_libraries
    from pneumo_core.gateway.intake import Intake
    from pneumo_core.gateway.polling import poll

    quiet_libraries()
    told = read_config(config)
    sources = {each.name: each for each in told.source}
    if name not in sources:
        raise UnknownName("source", name, sources)
    queue = Queue(told.folder)
    done = poll(sources[name], told, queue, Intake(queue, told.keep))
    if as_json:
        print(json.dumps(vars(done)))
    else:
        print(f"{done.found} X-rays found, {done.new} new, {done.taken} queued.")


def _switch(config: Path | None, *, paused: bool) -> None:
    _require_extra()
    _open_queue(config).pause(paused)


def _open_queue(config: Path | None) -> "Queue":
    from pneumo_core.gateway import Queue, read_config

    return Queue(read_config(config).folder)


def _require_extra() -> None:
    require("gateway", "pynetdicom", "dicomweb_client", "prometheus_client")


def _log_to_stderr() -> None:
    """Log to stderr with times: Pneumo's own messages only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("pneumo")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
