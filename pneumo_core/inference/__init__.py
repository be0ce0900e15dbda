"""Inference: predictor, ensembles, ONNX Runtime backend."""

from pneumo_core.inference.onnx_backend import Engine, Stages, Stored, forget_answers, open_engine
from pneumo_core.inference.predictor import (
    Member,
    Outputs,
    Runtime,
    accelerated,
    dataset_for,
    open_runtime,
)

__all__ = [
    "Engine",
    "Member",
    "Outputs",
    "Runtime",
    "Stages",
    "Stored",
    "accelerated",
    "dataset_for",
    "forget_answers",
    "open_engine",
    "open_runtime",
]
