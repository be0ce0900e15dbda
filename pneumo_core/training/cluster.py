"""Training as one of several processes, which torchrun or SLURM started, perhaps on many machines.

Only the first process saves anything. The others get its state over the network, so that machines
need not share a disk.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from numpy.typing import NDArray
from torch import nn

from pneumo_core.errors import TrainingError
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.training_set import Films

__all__ = ["Place", "agree", "gathered", "place_of", "share_buffers", "started_together"]

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Place:
    """One process among those that train together; ``rank`` 0 is the first."""

    rank: int
    processes: int


def place_of(config: TrainingConfig) -> Place | None:
    """Return this process's place; None if it trains alone or starts its own processes.

    Raises TrainingError if torchrun or SLURM started another number of processes than the config
    has devices.
    """
    environment = _environment(config)
    if environment is None:
        return None
    wanted, started = config.nodes * config.devices, environment.world_size()
    if wanted != started:
        raise TrainingError(
            f"{started} processes were started for {config.nodes} × {config.devices} devices "
            "(nodes × devices). Start one process for each device."
        )
    return Place(environment.global_rank(), started)


def _environment(config: TrainingConfig) -> ClusterEnvironment | None:
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if config.nodes == 1:
        return None
    try:
        if SLURMEnvironment.detect():
            return SLURMEnvironment()
    except RuntimeError as error:  # it names the variable that is missing
        raise TrainingError(str(error)) from error
    raise TrainingError(
        f"Training on {config.nodes} machines must be started on each of them, by torchrun or "
        "SLURM: see 'Many X-rays' in the documentation."
    )


def started_together(config: TrainingConfig) -> bool:
    """Return whether torchrun or SLURM started this process. Raises ``place_of``'s errors."""
    return place_of(config) is not None


def agree(fabric: Fabric, config: TrainingConfig, splits: Sequence[Films], state: Path) -> None:
    """Give every process the first one's saved state, after a check that all train the same.

    Raises TrainingError, in every process, if their X-rays or settings differ, or if the state
    can't be written.
    """
    if fabric.world_size > 1:
        _check_alike(fabric, config, splits)
    if place_of(config):
        _share_state(fabric, state)


def _check_alike(fabric: Fabric, config: TrainingConfig, splits: Sequence[Films]) -> None:
    # Weights to start from may lie elsewhere on each machine; the first process's are used.
    digest = hashlib.sha256(repr(replace(config, pretrained="")).encode())
    for films in splits:
        digest.update(films.labels.tobytes())
        digest.update(films.store.folder.name.encode() + films.rows.tobytes())
    mine = int.from_bytes(digest.digest()[:7], "big")
    if len(set(torch.as_tensor(fabric.all_gather(torch.tensor(mine))).flatten().tolist())) > 1:
        raise TrainingError(
            "The processes have different X-rays or settings. Use the same dataset and the same "
            "command on every machine."
        )


def _share_state(fabric: Fabric, state: Path) -> None:
    """Write the first process's saved state to every other one's own file."""
    first = fabric.is_global_zero
    known = state.read_bytes() if first and state.is_file() else None
    shared = fabric.broadcast(known)
    if first:
        return
    try:
        state.unlink(missing_ok=True)
        if shared is not None:
            state.write_bytes(shared)
    except OSError as error:
        raise TrainingError(f"'{state}' can't be written: {error.strerror}.") from error


def share_buffers(fabric: Fabric, network: Network) -> Network:
    """Return the network with the first process's running statistics.

    They differ between processes by what each has seen.
    """
    if fabric.world_size > 1:
        here = {name: values.cpu() for name, values in network.named_buffers()}
        for name, values in fabric.broadcast(here).items():
            network.get_buffer(name).copy_(values)
    return network


def gathered(fabric: Fabric, mine: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return the values (n,) of which each process has every ``world_size``-th.

    ``mine``: those at ``rank``, ``rank + world_size``, ...
    """
    if fabric.world_size == 1:
        return mine
    padded = torch.zeros(-(-n // fabric.world_size), device=fabric.device)
    padded[: len(mine)] = torch.from_numpy(mine)
    everyone = torch.as_tensor(fabric.all_gather(padded))  # (processes, k)
    return np.asarray(everyone.T.reshape(-1)[:n].cpu().numpy(), dtype=np.float32)
