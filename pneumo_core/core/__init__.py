"""Shared foundations: settings, files, threads, progress."""
