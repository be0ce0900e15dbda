"""Training runs: start, queue, cancel, resume, status.

What needs torch is imported on first use, so that pages can show runs without it.
"""

from functools import partial
from typing import TYPE_CHECKING

from pneumo_core.core.extras import require
from pneumo_core.core.lazy import lazy_names
from pneumo_core.runs.queue import ahead_of
from pneumo_core.runs.status import Now, RunState, Status, now_of, status_of

if TYPE_CHECKING:
    from pneumo_core.runs.control import cancel, delete, rename, resume, start, sweep, wait
    from pneumo_core.runs.epochs import KeptEpoch, kept_epochs, runs_with_epochs
    from pneumo_core.runs.execute import continue_run, execute_run, train
    from pneumo_core.runs.nodes import train_together
    from pneumo_core.runs.recorder import losses_of
    from pneumo_core.runs.run import Run, checkpoint_of, find_run, list_runs, rename_run, start_run
    from pneumo_core.runs.table import runs_table, settings_apart

__all__ = [
    "KeptEpoch",
    "Now",
    "Run",
    "RunState",
    "Status",
    "ahead_of",
    "cancel",
    "checkpoint_of",
    "continue_run",
    "delete",
    "execute_run",
    "find_run",
    "kept_epochs",
    "list_runs",
    "losses_of",
    "now_of",
    "rename",
    "rename_run",
    "resume",
    "runs_table",
    "runs_with_epochs",
    "settings_apart",
    "start",
    "start_run",
    "status_of",
    "sweep",
    "train",
    "train_together",
    "wait",
]

_MODULES = {
    "control": ("cancel", "delete", "rename", "resume", "start", "sweep", "wait"),
    "epochs": ("KeptEpoch", "kept_epochs", "runs_with_epochs"),
    "nodes": ("train_together",),
    "recorder": ("losses_of",),
    "run": ("Run", "find_run", "list_runs", "checkpoint_of", "rename_run", "start_run"),
    "table": ("runs_table", "settings_apart"),
    "execute": ("execute_run", "continue_run", "train"),
}

_needs_extra = partial(require, "train", "kornia", "lightning_fabric", "tensorboardX")

__getattr__, __dir__ = lazy_names(__name__, _MODULES, check=_needs_extra)
