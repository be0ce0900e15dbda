"""The saved state of a run: one safetensors file, replaced atomically every epoch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pneumo_core.core.files import write_whole
from pneumo_core.errors import TrainingError

__all__ = ["EpochReport", "Progressed", "load_state", "save_state", "write_atomically"]


@dataclass(frozen=True)
class EpochReport:
    """The results of one epoch: cross-entropy losses, and validation metrics at 0.5."""

    epoch: int
    train_loss: float
    val_loss: float
    val_auc: float
    val_sensitivity: float
    val_specificity: float
    learning_rate: float
    seconds: float
    films_per_second: float

    def line(self, epochs: int, seconds_left: float) -> str:
        """Return a one-line summary of the epoch, for a terminal or a log."""
        return (
            f"epoch {self.epoch}/{epochs}  loss {self.train_loss:.3f}  "
            f"validation: loss {self.val_loss:.3f}, AUC {self.val_auc:.4f}, "
            f"sensitivity {self.val_sensitivity:.3f}, specificity {self.val_specificity:.3f}  "
            f"{self.films_per_second:.0f} X-rays/s, {seconds_left / 60:.1f} min left"
        )


@dataclass(frozen=True)
class Progressed:
    """A run's progress: its finished epochs, and its best epoch's weights."""

    reports: tuple[EpochReport, ...] = ()
    best_epoch: int = 0
    best_weights: Mapping[str, Tensor] | None = None

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.reports)


def save_state(
    path: Path, progressed: Progressed, modules: Mapping[str, nn.Module], optimizer: Optimizer
) -> None:
    """Write everything to ``path`` atomically.

    Raises TrainingError when the file can't be written.
    """
    tensors = {
        f"{role}/{name}": tensor.detach().cpu().contiguous().clone()
        for role, module in modules.items()
        for name, tensor in module.state_dict().items()
    }
    for name, tensor in (progressed.best_weights or {}).items():
        tensors[f"best/{name}"] = tensor.detach().cpu().contiguous().clone()
    for index, slots in optimizer.state_dict()["state"].items():
        for slot, tensor in slots.items():
            tensors[f"optimizer/{index}/{slot}"] = tensor.detach().cpu().contiguous().clone()
    facts = {
        "reports": [vars(report) for report in progressed.reports],
        "best_epoch": progressed.best_epoch,
    }
    write_atomically(path, safetensors.torch.save(tensors, {"facts": json.dumps(facts)}))


def load_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: Optimizer | None = None
) -> Progressed:
    """Load a saved state into the modules and the optimizer, and return the progress.

    A run without a saved state has no epochs yet. Raises TrainingError for a damaged file.
    """
    if not path.is_file():
        return Progressed()
    try:
        tensors = safetensors.torch.load_file(path)
        with safetensors.safe_open(path, framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
        for role, module in modules.items():
            module.load_state_dict(_under(tensors, role))
        if optimizer is not None:
            _restore(optimizer, _under(tensors, "optimizer"))
    except (OSError, KeyError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise TrainingError(
            f"The saved state '{path}' is damaged, so the run can't be resumed. Start a new one."
        ) from error
    reports = tuple(EpochReport(**report) for report in facts["reports"])
    return Progressed(reports, facts["best_epoch"], _under(tensors, "best") or None)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a run's file atomically. Raises TrainingError when it can't be written."""
    remedy = "Free some space, then resume the run."
    write_whole(path, content, error=TrainingError, remedy=remedy)


def _under(tensors: Mapping[str, Tensor], role: str) -> dict[str, Tensor]:
    prefix = f"{role}/"
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _restore(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, slot = name.split("/")
        slots.setdefault(int(index), {})[slot] = _match_layout(tensor, parameters[int(index)])
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def _match_layout(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Return the tensor in the parameter's memory layout, which the fused optimizer relies on."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype, requires_grad=False).copy_(tensor)
