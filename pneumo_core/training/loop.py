"""The training loop, the same for one CPU, one GPU and many devices."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel

from pneumo_core.core.log_levels import log_level
from pneumo_core.datasets.quality import Balance
from pneumo_core.errors import TrainingError
from pneumo_core.inference import Runtime
from pneumo_core.metrics import area_under_roc, confusion
from pneumo_core.models import (
    InputFormat,
    PneumoniaNetwork,
    resolve_source,
    start_network,
)
from pneumo_core.training.augmentation import build_augmentation
from pneumo_core.training.cluster import agree, gathered, place_of, share_buffers
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.depthwise import QuickDepthwise
from pneumo_core.training.epochs import keep_epoch
from pneumo_core.training.freezing import first_blocks
from pneumo_core.training.heat_map_snapshots import picture_epoch
from pneumo_core.training.lung_attention import LatestPass, outside_share
from pneumo_core.training.relay import Listener, relay_events
from pneumo_core.training.state import EpochReport, Progressed, load_state, save_state
from pneumo_core.training.training_set import Films

__all__ = ["fit"]

_TRAINING_ERROR = f"{TrainingError.__module__}.{TrainingError.__qualname__}: "


# It announces its precision and its processes on the user's terminal.
@log_level("lightning_fabric", logging.WARNING)
def fit(
    config: TrainingConfig, train: Films, val: Films, state: Path, listener: Listener | None = None
) -> Progressed:
    """Train until the last epoch or early stopping, resuming from ``state`` if it exists.

    The state is saved after every epoch, and each epoch's weights in ``epochs`` beside it if the
    config asks for them. Random numbers of an epoch depend on (seed, epoch) alone, so a resumed run
    gives the same result as an uninterrupted one. In a process that torchrun or SLURM started, it
    takes part in their common training; only the first process saves and calls the listener.
    Raises TrainingError when the X-rays can't be used for training.
    """
    for name, films in (("train", train), ("val", val)):
        if set(np.unique(films.labels)) != {0, 1}:
            raise TrainingError(
                f"The {name} split needs X-rays of both classes. Add some, or use another dataset."
            )
    place = place_of(config)
    fabric = Fabric(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=config.devices,
        num_nodes=config.nodes,
        strategy="ddp" if place else "auto" if config.devices == 1 else "ddp_spawn",
        precision=_precision(config),
    )
    here = bool(place) or config.devices == 1
    with torch.random.fork_rng(), relay_events(listener, here=here) as events:
        work = partial(_fit, config=config, train=train, val=val, state=state, listener=events)
        try:
            fabric.launch(work)  # in spawned processes, where there are several devices
        except ProcessRaisedException as error:
            last_line = str(error).strip().splitlines()[-1]
            raise TrainingError(last_line.removeprefix(_TRAINING_ERROR)) from error
    return load_state(state, {})


@log_level("lightning_fabric", logging.WARNING)  # also in a spawned process
def _fit(
    fabric: Fabric,
    *,
    config: TrainingConfig,
    train: Films,
    val: Films,
    state: Path,
    listener: Listener | None,
) -> None:
    agree(fabric, config, (train, val), state)
    torch.manual_seed(config.seed)
    network, takes = _network(config, fresh=not state.is_file())
    frozen = _freeze(network, config.frozen_blocks)
    objective = _Objective(config, network, takes, _class_weights(config, train).to(fabric.device))
    optimizer = _optimizer(config, network)
    weights = _Weights(network, config.average, fabric.device)
    progressed = load_state(state, weights.modules, optimizer)
    wrapped, optimizer = fabric.setup(network, optimizer)
    if listener and fabric.is_global_zero:
        listener.begin(progressed)

    order = _order(config, train)
    steps = max(1, len(order) // config.batch_size)

    for epoch in range(progressed.epoch + 1, config.epochs + 1):
        if _out_of_patience(config, progressed):
            break
        started = time.perf_counter()
        torch.manual_seed(_epoch_seed(config.seed, epoch, fabric.global_rank))
        shuffled = np.random.default_rng((config.seed, epoch)).permutation(order)
        losses = torch.zeros(steps)
        wrapped.train()
        for module in frozen:
            module.eval()
        for step in range(steps):
            batch = shuffled[step * config.batch_size : (step + 1) * config.batch_size]
            films, labels = _load(train, batch[fabric.global_rank :: fabric.world_size], fabric)
            loss = objective(wrapped, films, labels)
            _set_rate(config, optimizer, (epoch - 1) * steps + step, config.epochs * steps, steps)
            optimizer.zero_grad(set_to_none=True)
            with QuickDepthwise():  # type: ignore[no-untyped-call]
                fabric.backward(loss)
            optimizer.step()
            weights.follow()
            losses[step] = loss.detach()
            if listener and fabric.is_global_zero:
                listener.step(step + 1, steps, float(losses[step]))

        _check_losses(losses, epoch)
        losses = cast(Tensor, fabric.all_reduce(losses, reduce_op="mean"))
        judged = share_buffers(fabric, weights.judged.eval())
        runtime = Runtime.of(judged, takes, mirror=config.mirror)
        validation = _judge(fabric, runtime, val)
        if fabric.is_global_zero:
            report = _report(
                epoch,
                losses,
                validation,
                rate=optimizer.param_groups[-1]["lr"],
                seconds=time.perf_counter() - started,
                films=len(order),
            )
            progressed = _advance(progressed, report, judged, config.keep)
            if config.keep_epochs:
                keep_epoch(state.parent, epoch, judged)
            save_state(state, progressed, weights.modules, optimizer)
            picture_epoch(state.parent, epoch, runtime, val)
            if listener:
                listener.epoch(progressed, _seconds_left(config, progressed))
        progressed = fabric.broadcast(progressed)


def _network(config: TrainingConfig, *, fresh: bool) -> tuple[PneumoniaNetwork, InputFormat]:
    """Return the network to start from, and its input format.

    When resuming, its weights come from the saved state: their original source may be gone.
    """
    source = resolve_source(config.model, config.pretrained)
    network = start_network(config.model, source if fresh else "none", config.size).network
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, replace(config, pretrained=source).input


def _freeze(network: PneumoniaNetwork, blocks: int) -> list[nn.Module]:
    """Freeze blocks and return their modules; their normalisation keeps its statistics, too."""
    modules = first_blocks(network, blocks)
    for module in modules:
        module.requires_grad_(False)
    return modules


class _Objective:
    """The loss of a batch: cross-entropy, plus evidence outside the lungs if configured."""

    def __init__(
        self,
        config: TrainingConfig,
        network: PneumoniaNetwork,
        takes: InputFormat,
        class_weights: Tensor,
    ) -> None:
        self._config, self._network, self._takes = config, network, takes
        self._class_weights = class_weights
        self._augment = build_augmentation(config.augmentation, takes.size)

    def __call__(
        self, forward: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor
    ) -> Tensor:
        """Return the loss () of images (n, 1, S, S), or (n, 2, S, S) with their lung masks."""
        images, lungs = self._augment(images).split([1, images.shape[1] - 1], dim=1)
        with LatestPass(self._network) as seen:
            logits = forward(self._takes.normalise(images)).float()  # (n, 2)
        smoothing, attention = self._config.label_smoothing, self._config.lung_attention
        loss = cross_entropy(logits, labels, self._class_weights, label_smoothing=smoothing)
        if not attention:
            return loss
        # Of the network's own logits: Fabric lets nobody differentiate what it has converted.
        return loss + attention * outside_share(seen.maps, seen.logits, labels, lungs)


def _check_losses(losses: Tensor, epoch: int) -> None:
    if not torch.isfinite(losses).all():
        raise TrainingError(
            f"Training diverged in epoch {epoch}: the loss is NaN or infinite. Restart with a "
            "lower learning rate."
        )


def _load(train: Films, batch: NDArray[np.int64], fabric: Fabric) -> tuple[Tensor, Tensor]:
    """Return a batch on the device: images (n, 1, S, S) or (n, 2, S, S), and labels (n,).

    Images are float in [0, 1], with lung masks as second channel where there are any; labels
    int64."""
    rows = train.rows[batch]
    stores = (train.store, train.lungs) if train.lungs else (train.store,)
    pixels = torch.from_numpy(np.stack([each.pixels[rows] for each in stores], axis=1))
    labels = torch.from_numpy(train.labels[batch]).to(fabric.device)
    return pixels.to(fabric.device).float() / 255, labels


@dataclass(frozen=True)
class _Validation:
    """Cross-entropy, AUC, and sensitivity and specificity at probability 0.5, uncalibrated."""

    loss: float
    auc: float
    sensitivity: float
    specificity: float


def _judge(fabric: Fabric, runtime: Runtime, val: Films) -> _Validation:
    """Return the validation of X-rays that are spread over the processes."""
    mine = val.rows[fabric.global_rank :: fabric.world_size]
    margins = gathered(fabric, runtime.run_rows(val.store.pixels, mine).margins, len(val))
    probabilities = runtime.calibrated(margins)
    counts = confusion(val.labels, probabilities, 0.5)
    signed = margins.astype(np.float64) * np.where(val.labels == 1, -1, 1)
    return _Validation(
        loss=float(np.logaddexp(0, signed).mean()),
        auc=area_under_roc(val.labels, probabilities),
        sensitivity=counts.sensitivity,
        specificity=counts.specificity,
    )


def _report(
    epoch: int, losses: Tensor, validation: _Validation, *, rate: float, seconds: float, films: int
) -> EpochReport:
    return EpochReport(
        epoch=epoch,
        train_loss=float(losses.mean()),
        val_loss=validation.loss,
        val_auc=validation.auc,
        val_sensitivity=validation.sensitivity,
        val_specificity=validation.specificity,
        learning_rate=rate,
        seconds=seconds,
        films_per_second=films / seconds,
    )


def _advance(
    progressed: Progressed, report: EpochReport, network: nn.Module, keep: str
) -> Progressed:
    """Add the epoch; keep its weights if it is the best so far, or the last one is wanted."""
    reports = (*progressed.reports, report)
    best = progressed.reports[progressed.best_epoch - 1] if progressed.best_epoch else None
    if keep == "best" and best is not None and report.val_auc <= best.val_auc:
        return Progressed(reports, progressed.best_epoch, progressed.best_weights)
    weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
    return Progressed(reports, report.epoch, weights)


def _out_of_patience(config: TrainingConfig, progressed: Progressed) -> bool:
    return bool(config.patience) and progressed.epoch - progressed.best_epoch >= config.patience


def _seconds_left(config: TrainingConfig, progressed: Progressed) -> float:
    """Return the seconds until the last epoch; early stopping may end training sooner."""
    recent = [report.seconds for report in progressed.reports[-3:]]
    return (config.epochs - progressed.epoch) * sum(recent) / len(recent)


def _order(config: TrainingConfig, train: Films) -> NDArray[np.int64]:
    """Return the indices into the split that make up an epoch."""
    everyone = np.arange(len(train))
    if config.balance == "repeat_normals":
        return np.concatenate([everyone, np.flatnonzero(train.labels == 0)])
    return everyone


def _class_weights(config: TrainingConfig, train: Films) -> Tensor:
    if config.balance != "weights":
        return torch.ones(2)
    normal, pneumonia = np.bincount(train.labels, minlength=2)
    return torch.tensor(Balance(int(normal), int(pneumonia)).weights)


def _optimizer(config: TrainingConfig, network: PneumoniaNetwork) -> torch.optim.AdamW:
    backbone = [each for each in network.backbone_parameters() if each.requires_grad]
    known = {id(parameter) for parameter in network.backbone_parameters()}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups: list[dict[str, Any]] = []
    if backbone and config.backbone_factor:
        groups.append({"params": backbone, "factor": config.backbone_factor})
    for parameter in backbone if not config.backbone_factor else ():
        parameter.requires_grad_(False)
    groups.append({"params": rest, "factor": 1.0})
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )


def _set_rate(
    config: TrainingConfig, optimizer: torch.optim.Optimizer, step: int, total: int, per_epoch: int
) -> None:
    """Set the learning rate of a step; as a function of the step alone it needs no saved state."""
    if config.schedule == "one_cycle":
        warm_up = max(1, total // 5)
        rising = min(1.0, (step + 1) / warm_up)
        falling = max(0.0, (step - warm_up) / max(1, total - warm_up))
        factor = rising * (1 + np.cos(np.pi * falling)) / 2
    elif config.schedule == "exponential":
        factor = 0.96 ** (step // per_epoch)
    else:
        factor = 1.0
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * group["factor"] * float(factor)


class _Weights:
    """A network in training, and the weights that epochs are judged by.

    These are its own where ``decay`` is 0, else their moving average."""

    def __init__(self, network: PneumoniaNetwork, decay: float, device: torch.device) -> None:
        self.network = network
        self.average = (
            AveragedModel(network, device, avg_fn=_averaging(decay), use_buffers=True)
            if decay
            else None
        )

    @property
    def judged(self) -> PneumoniaNetwork:
        return cast(PneumoniaNetwork, self.average.module) if self.average else self.network

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Return the modules that a saved state must contain."""
        own: dict[str, nn.Module] = {"network": self.network}
        return {**own, "average": self.average} if self.average else own

    def follow(self) -> None:
        """Update the moving average after a step."""
        if self.average:
            self.average.update_parameters(self.network)


def _averaging(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Return a moving average whose decay grows to ``decay``, to forget the random start fast."""

    def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        keep = min(decay, (1 + float(count)) / (10 + float(count)))
        return averaged.lerp(current, 1 - keep) if averaged.is_floating_point() else current

    return average


def _epoch_seed(seed: int, epoch: int, rank: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])


def _precision(config: TrainingConfig) -> Literal["32-true", "bf16-mixed"]:
    if config.precision != "auto":
        return config.precision
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    # Without these instructions a CPU emulates bfloat16, slower than float32.
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"
