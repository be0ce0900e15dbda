"""Everything on the pages that changes what others see.

Each function checks the role, calls the library, and adds an entry to the audit log. Pages call
these and never the library's own functions for changes; an import contract keeps it so.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pneumo_core.app.audit_log import record_done
from pneumo_core.app.sign_in import require_analyst
from pneumo_core.audit import Deed, run_words
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import download
from pneumo_core.errors import PneumoError
from pneumo_core.runs import control

if TYPE_CHECKING:
    from pneumo_core.checkpoints import Checkpoint
    from pneumo_core.evaluation.site_calibration import SiteCalibration
    from pneumo_core.gateway import Queue
    from pneumo_core.runs import Run
    from pneumo_core.training import TrainingConfig

__all__ = [
    "add_staged_dataset",
    "analyst_action",
    "cancel_run",
    "delete_dataset",
    "delete_run",
    "download_dataset",
    "pause_gateway",
    "read_again",
    "rename_run",
    "resume_run",
    "save_site_calibration",
    "send_again",
    "stage_upload",
    "start_run",
    "start_sweep",
]

Action = TypeVar("Action", bound=Callable[..., Any])


def analyst_action(
    may: str, deed: Deed | None = None, subjects: Callable[[Any], Iterable[str]] = lambda made: ()
) -> Callable[[Action], Action]:
    """Decorate a function so that only an analyst can call it and the audit log records it.

    Args:
        may: what it does, to complete "Only an analyst may …".
        deed: the deed in the log; None if nothing lasting has been done yet.
        subjects: gets the function's result, and returns the subject of each entry.

    The function raises AccessError, before it does anything, for anyone who is not an analyst.
    """

    def decorate(act: Action) -> Action:
        @wraps(act)
        def checked(*args: Any, **options: Any) -> Any:
            require_analyst(may)
            made = act(*args, **options)
            if deed is not None:
                for subject in subjects(made):
                    record_done(deed, subject=subject)
            return made

        return checked  # type: ignore[return-value]

    return decorate


# --- training runs --------------------------------------------------------------------------------


@analyst_action("start runs", "started", lambda run: [run.name])
def start_run(data: Path, name: str, config: "TrainingConfig") -> "Run":
    """Start a training run, or queue it; a taken name gets a number."""
    return control.start(data, name, config, numbered=True)


@analyst_action("start runs", "started", lambda runs: [run.name for run in runs])
def start_sweep(
    data: Path, name: str, config: "TrainingConfig", setting: str, values: list[Any]
) -> list["Run"]:
    """Queue one training run for each value of a setting."""
    return control.sweep(data, name, config, setting, values)


@analyst_action("cancel runs", "cancelled", lambda name: [name])
def cancel_run(run: "Run") -> str:
    """Cancel a run, and return its name."""
    control.cancel(run)
    return run.name


@analyst_action("resume runs", "resumed", lambda name: [name])
def resume_run(run: "Run") -> str:
    """Resume a cancelled or failed run, and return its name."""
    control.resume(run)
    return run.name


@analyst_action("rename runs", "renamed", lambda change: [change])
def rename_run(run: "Run", name: str) -> str:
    """Rename a run and its checkpoint, and return the change in words."""
    control.rename(run, name)
    return f"{run.name} to {name}"


@analyst_action("delete runs", "deleted", lambda deleted: [deleted])
def delete_run(run: "Run", *, with_checkpoint: bool) -> str:
    """Delete a run, and its checkpoint if asked to; return what was deleted, in words."""
    control.delete(run, checkpoint=with_checkpoint)
    return run_words(run.name, checkpoint=with_checkpoint)


# --- datasets -------------------------------------------------------------------------------------


@analyst_action("add datasets", "added", lambda kept: [f"dataset {kept.name}"])
def download_dataset(
    source: download.Source, name: str, *, stages: Callable[[str], Progress]
) -> download.KeptDataset:
    """Download, verify and install a public dataset."""
    return download.fetch(source, name, stages=stages)


@analyst_action("add datasets")
def stage_upload(
    file_name: str, content: memoryview, name: str, *, stages: Callable[[str], Progress]
) -> download.Staged:
    """Unpack an uploaded ZIP, CSV or .npz into a staging folder; nothing is installed yet.

    ``file_name``: a plain name; the dataset's description gives it as the origin.
    """
    root = settings().data
    if Path(file_name).suffix in (".csv", ".tsv") and (root is None or not root.is_dir()):
        raise PneumoError(
            "A CSV on its own refers to images under PNEUMO_DATA, which is not set. Upload a ZIP "
            "with the images and this file as manifest.csv."
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, file_name)
        file.write_bytes(content)
        return download.stage(file, name, root=root, base=root, stages=stages)


@analyst_action("add datasets", "added", lambda kept: [f"dataset {kept.name}"])
def add_staged_dataset(staged: download.Staged) -> download.KeptDataset:
    """Install a staged dataset."""
    return staged.keep()


@analyst_action("delete datasets", "deleted", lambda name: [f"dataset {name}"])
def delete_dataset(name: str) -> str:
    """Delete an installed dataset with its X-rays, and return its name."""
    download.delete_dataset(name)
    return name


# --- the gateway ----------------------------------------------------------------------------------


@analyst_action("pause the gateway")
def pause_gateway(queue: "Queue", *, paused: bool) -> None:
    """Pause reading and sending, or resume them; X-rays are still received."""
    queue.pause(paused)


@analyst_action("send results again", "exported", lambda _gone: ["sent again by the gateway"])
def send_again(queue: "Queue", numbers: list[int]) -> list[int]:
    """Send the results of X-rays again, and return the X-rays whose files are gone."""
    return [number for number in numbers if not queue.send_again(number)]


@analyst_action("send results again", "exported", lambda _gone: ["read again by the gateway"])
def read_again(queue: "Queue", numbers: list[int]) -> list[int]:
    """Read X-rays again, and return those whose files are gone."""
    return [number for number in numbers if not queue.read_again(number)]


@analyst_action("calibrate models", "added", lambda made: [f"model {made.name}"])
def save_site_calibration(
    checkpoint: "Checkpoint", fitted: "SiteCalibration", name: str
) -> "Checkpoint":
    """Save a model that was calibrated for a site, and return it."""
    from pneumo_core.evaluation.site_calibration import save_site

    return save_site(checkpoint, fitted, name)
