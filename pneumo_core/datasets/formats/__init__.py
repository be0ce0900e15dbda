"""Dataset formats: the built-in ones (`built_in.py`) and other packages' (`registry.py`)."""
