"""Checkpoints: trained networks on disk with their model cards."""

from pneumo_core.checkpoints.card import (
    ENSEMBLE,
    SCHEMA_VERSION,
    Card,
    DatasetFacts,
    MemberFacts,
    OperatingPoint,
)
from pneumo_core.checkpoints.checkpoint import Checkpoint
from pneumo_core.checkpoints.graphs import NetworkGraph, add_graphs, read_graphs, tensors_of
from pneumo_core.checkpoints.operating_points import choose_operating_points
from pneumo_core.checkpoints.store import (
    SHIPPED,
    add_gate,
    check_free,
    check_name,
    default_checkpoint,
    delete_checkpoint,
    free_name,
    list_checkpoints,
    load_checkpoint,
    rename_checkpoint,
    save_checkpoint,
    save_recalibrated,
)
from pneumo_core.checkpoints.strengths import best_for

__all__ = [
    "ENSEMBLE",
    "SCHEMA_VERSION",
    "SHIPPED",
    "Card",
    "Checkpoint",
    "DatasetFacts",
    "MemberFacts",
    "NetworkGraph",
    "OperatingPoint",
    "add_gate",
    "add_graphs",
    "best_for",
    "check_free",
    "check_name",
    "choose_operating_points",
    "default_checkpoint",
    "delete_checkpoint",
    "free_name",
    "list_checkpoints",
    "load_checkpoint",
    "read_graphs",
    "rename_checkpoint",
    "save_checkpoint",
    "save_recalibrated",
    "tensors_of",
]
