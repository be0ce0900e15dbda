"""The compare page: checkpoints side by side, on films and on numbers."""
