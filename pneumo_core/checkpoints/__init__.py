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
    "OperatingPoint",
    "add_gate",
    "best_for",
    "check_free",
    "check_name",
    "default_checkpoint",
    "delete_checkpoint",
    "free_name",
    "list_checkpoints",
    "load_checkpoint",
    "rename_checkpoint",
    "save_checkpoint",
    "save_recalibrated",
]
