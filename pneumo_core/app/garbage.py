"""Less garbage collection: Streamlit looks through all objects after each run of a page.

Most of them belong to libraries and live as long as the server. While they are looked through, 0.1
to 0.3 s, no session goes on.
"""

import gc

__all__ = ["exempt_living"]


def exempt_living() -> None:
    """Collect all garbage, and exempt what is left from collection until this is called again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
