"""Training settings: one frozen config, validated on creation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

from pneumo_core.datasets import Validation, ValidationCut
from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.lungs import NetworkInput
from pneumo_core.models import Framing, InputFormat, find_model, input_of

__all__ = ["Augmentation", "TrainingConfig", "training_config", "with_setting"]


CONTEXT = 1.4
"""Size of a training square relative to the network's input, where X-rays are framed by the lungs:
zoom, shift and rotation of the box need the surroundings."""

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


def _known_settings(kind: type, given: Any) -> Any:
    """Check the names of settings, given by a caller or saved by a run, before validation.

    Raises UnknownName for an unknown setting or model from a caller. A run's saved settings (a
    dict) may be those of another version: unknown ones are dropped, so that the run can still be
    shown.
    """
    if isinstance(given, dict):
        return {name: given[name] for name in given if name in _names_of(kind)}
    named = getattr(given, "kwargs", None) or {}
    _refuse_unknown_names(kind, named)
    if isinstance(named.get("model"), str):
        find_model(named["model"])
    return given


def _refuse_unknown_names(kind: type, given: Mapping[str, Any]) -> None:
    known = _names_of(kind)
    for name in given:
        if name not in known:
            raise UnknownName("setting", str(name), known)


def _names_of(kind: type) -> list[str]:
    return [each.name for each in dataclasses.fields(kind)]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of a training X-ray, drawn anew for every X-ray and epoch.

    Ranges are symmetric: scale 0.15 draws a factor from [0.85, 1.15] for each side independently;
    zoom is one factor for both sides.
    """

    resampled: Annotated[
        Share, Field(description="share of the X-rays that are rotated, shifted and scaled")
    ] = 1.0
    rotation: Annotated[float, Field(ge=0, le=180, description="degrees to either side")] = 15.0
    shift: Annotated[float, Field(ge=0, le=0.5, description="share of the side")] = 0.08
    scale: Annotated[float, Field(ge=0, le=0.5, description="change of each side")] = 0.15
    zoom: Annotated[
        tuple[Annotated[float, Field(ge=0.5, le=2)], Annotated[float, Field(ge=0.5, le=2)]],
        Field(description="factor of both sides, least and most"),
    ] = (1.0, 1.0)
    cut: Annotated[
        float,
        Field(ge=0, le=0.4, description="share of the lungs that is cut off at an edge, at most"),
    ] = 0.0
    mirror: Annotated[float, Field(ge=0, le=1, description="probability")] = 0.5
    gamma: Annotated[float, Field(ge=0, le=0.9, description="change of the exponent")] = 0.4
    contrast: Annotated[float, Field(ge=0, le=0.9, description="change of the factor")] = 0.2
    brightness: Annotated[float, Field(ge=0, le=0.5, description="change of the pixels")] = 0.1
    noise: Annotated[
        tuple[Share, Share], Field(description="standard deviation, least and most")
    ] = (0.03, 0.03)
    blur: Annotated[
        float, Field(ge=0, le=5, description="largest standard deviation, in pixels")
    ] = 0.0

    @pydantic.model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        return _known_settings(cls, given)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All settings of a training run, apart from the X-rays.

    The same config, X-rays, machine and thread count give the same weights on the CPU.
    """

    model: Annotated[str, Field(description="architecture")] = "cnn_94"
    pretrained: Annotated[
        str, Field(description="auto, hub, package, none, or a file of weights for the backbone")
    ] = "auto"
    size: Annotated[
        int | None,
        Field(ge=32, le=1024, description="side of a backbone's input in pixels; none: its own"),
    ] = None
    framing: Annotated[
        Literal["whole", "lungs"],
        Field(description="the whole X-ray, or the box around the lungs"),
    ] = "whole"
    folds: Annotated[
        int,
        Field(
            ge=0,
            le=20,
            description="cross-validation by patient: how many networks; 0: a single one",
        ),
    ] = 0
    epochs: Annotated[int, Field(ge=1, le=1000, description="passes over the training X-rays")] = 60
    batch_size: Annotated[int, Field(ge=2, le=4096, description="over all devices")] = 64
    learning_rate: Annotated[float, Field(gt=0, le=1, description="at its peak")] = 1e-3
    backbone_factor: Annotated[
        float,
        Field(ge=0, le=1, description="backbone's share of the learning rate; 0: frozen"),
    ] = 1.0
    frozen_blocks: Annotated[
        int, Field(ge=0, le=100, description="first blocks of a backbone that are not trained")
    ] = 0
    lung_attention: Annotated[
        float,
        Field(ge=0, le=10, description="loss weight of evidence outside the lungs; 0: none"),
    ] = 0.0
    schedule: Annotated[
        Literal["one_cycle", "exponential", "constant"],
        Field(description="warm-up then cosine; × 0.96 an epoch; neither"),
    ] = "one_cycle"
    weight_decay: Annotated[float, Field(ge=0, le=1, description="AdamW's weight decay")] = 0.05
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="label smoothing")] = 0.05
    balance: Annotated[
        Literal["weights", "repeat_normals", "none"],
        Field(description="class weights; normals a second time, as in the paper; neither"),
    ] = "weights"
    augmentation: Annotated[
        Augmentation, Field(description="random changes of the training X-rays")
    ] = Augmentation()
    average: Annotated[
        float, Field(ge=0, lt=1, description="decay of the moving average of the weights; 0: none")
    ] = 0.998
    mirror: Annotated[
        bool, Field(description="read each X-ray and its mirror image, and average")
    ] = False
    keep: Annotated[
        Literal["best", "last"],
        Field(description="the epoch with the highest validation AUC, or the last one"),
    ] = "best"
    keep_epochs: Annotated[
        bool, Field(description="keep every epoch's weights, for maps of the training")
    ] = False
    patience: Annotated[
        int, Field(ge=0, le=1000, description="epochs without a better validation AUC; 0: never")
    ] = 0
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed"],
        Field(description="numeric precision; auto: bfloat16 if it is fast here"),
    ] = "auto"
    devices: Annotated[
        int, Field(ge=1, le=64, description="number of CPUs or GPUs, on each machine")
    ] = 1
    nodes: Annotated[
        int, Field(ge=1, le=1024, description="number of machines, started by torchrun or SLURM")
    ] = 1
    seed: Annotated[
        int,
        Field(ge=0, le=2**31 - 1, description="random seed: the same gives the same weights"),
    ] = 0
    validation: Annotated[
        Validation,
        Field(
            description="keep: the dataset's own validation split; late, early, random: another, "
            "cut from train; large: its own if it has 100 X-rays"
        ),
    ] = "keep"
    validation_cut: Annotated[
        ValidationCut,
        Field(description="how validation patients are chosen if there is no validation split"),
    ] = "late"
    validation_fraction: Annotated[
        float, Field(gt=0, lt=0.5, description="share of the patients of each class")
    ] = 0.12

    @property
    def all_epochs(self) -> int:
        """Epochs over all folds."""
        return self.epochs * max(1, self.folds)

    @property
    def input(self) -> InputFormat:
        """The network's input format."""
        framing = Framing() if self.framing == "lungs" else None
        return input_of(self.model, self.pretrained, self.size, framing=framing)

    @property
    def training_input(self) -> NetworkInput:
        """The format of the squares that augmentation crops inputs from."""
        context = CONTEXT if self.framing == "lungs" else 1.0
        return replace(NetworkInput.of(self.input), context=context)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if isinstance(given, dict) and "validation" not in given:
            given = {**given, "validation": "large"}  # a run saved before this setting existed
        return _known_settings(cls, given)


def training_config(**settings: Any) -> TrainingConfig:
    """Build a config from settings by name; those that are None keep their default.

    Raises UnknownName for an unknown setting or model, TrainingError for an invalid value.
    """
    return _validate({name: value for name, value in settings.items() if value is not None})


def with_setting(config: TrainingConfig, setting: str, value: Any) -> TrainingConfig:
    """Return the config with one setting changed. Raises the errors of ``training_config``."""
    return _validate({**_CONFIG.dump_python(config), setting: value})


def _validate(given: Mapping[str, Any]) -> TrainingConfig:
    changes = given.get("augmentation")
    if isinstance(changes, Mapping):
        _refuse_unknown_names(Augmentation, changes)
    try:
        return TrainingConfig(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise TrainingError(f"The setting '{setting}' is invalid: {first['msg']}.") from error


_CONFIG = pydantic.TypeAdapter(TrainingConfig)
