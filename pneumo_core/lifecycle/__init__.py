"""What a run is doing and when its turn comes: files and locks, nothing heavy."""

from pneumo_core.lifecycle.queue import ahead_of, queue_up, turn
from pneumo_core.lifecycle.status import (
    Diary,
    Now,
    RunState,
    Status,
    ask_to_stop,
    asked_to_stop,
    at_work,
    enqueue,
    is_held,
    now_of,
    start_lock,
    status_of,
    stop_if_asked,
    work_lock,
)

__all__ = [
    "Diary",
    "Now",
    "RunState",
    "Status",
    "ahead_of",
    "ask_to_stop",
    "asked_to_stop",
    "at_work",
    "enqueue",
    "is_held",
    "now_of",
    "queue_up",
    "start_lock",
    "status_of",
    "stop_if_asked",
    "turn",
    "work_lock",
]
