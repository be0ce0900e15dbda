"""Runs in processes of their own, which outlive the page, the server or the terminal that asked."""

from pneumo_core.jobs.control import cancel, delete, made_by, rename, resume, start, sweep, wait

__all__ = ["cancel", "delete", "made_by", "rename", "resume", "start", "sweep", "wait"]
