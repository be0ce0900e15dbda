"""Less garbage collection: Streamlit looks through all objects after each run of a page.

Most of them belong to libraries and live as long as the server. Looking through them takes 0.1 to
0.3 s, during which every session waits.
"""

import gc
import sys
import time

__all__ = ["Exemption"]

_RENEWED_S = 300
"""Garbage among what is exempt stays in memory for so long at most."""


class Exemption:
    """Exempts what lives from garbage collection, and collects it anew from time to time."""

    def __init__(self) -> None:
        self._modules = 0
        self._since = time.monotonic()

    def renew(self, *, closed: bool) -> None:
        """Collect all garbage, and exempt the rest, if there is a reason to.

        Reasons: a session was ``closed``, libraries were loaded, or five minutes have passed.
        """
        modules, now = len(sys.modules), time.monotonic()
        if closed or modules != self._modules or now - self._since > _RENEWED_S:
            self._modules, self._since = modules, now
            gc.unfreeze()
            gc.collect()
            gc.freeze()
