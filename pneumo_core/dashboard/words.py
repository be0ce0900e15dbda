"""How pages write what is not theirs."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pneumo_core.metrics import Estimate

__all__ = ["count_text", "estimate_text", "plain"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def plain(text: str) -> str:
    """Text that Streamlit's Markdown shows letter by letter, whatever a file is called."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def estimate_text(estimate: "Estimate") -> str:
    """An estimate with its 95 % interval, "0.951 (0.933–0.966)"."""
    if math.isnan(estimate.value):
        return "not known"
    if math.isnan(estimate.low):
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"


def count_text(statuses: Sequence[str]) -> str:
    """How a batch went, by the status of each reading: "3 films: 2 read, 1 failed"."""
    films = "1 film" if len(statuses) == 1 else f"{len(statuses)} films"
    counts = [(statuses.count(each), each) for each in ("read", "refused", "failed")]
    return f"{films}: " + ", ".join(f"{n} {each}" for n, each in counts if n)
