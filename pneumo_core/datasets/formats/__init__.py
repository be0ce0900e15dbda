"""One module per layout that a dataset may have."""
