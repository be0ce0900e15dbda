"""Choose the models to compare and the X-rays to compare them on."""

from collections.abc import Sequence
from itertools import combinations

import streamlit as st

from pneumo_core.app.evaluate.score_cache import FILE, scores_for, source_names
from pneumo_core.app.widgets.linked_choice import choose_linked, choose_segment
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.errors import UnknownName
from pneumo_core.evaluation import Scores

__all__ = ["MOST", "choose_checkpoints", "choose_images", "choose_pair", "choose_view"]

MOST = 4

_VIEWS = {"many": "On many X-rays", "single": "On your own X-rays"}


def choose_checkpoints() -> list[Checkpoint]:
    """Ask for two to four checkpoints, in step with the query parameter ``checkpoints``."""
    by_name = {each.name: each for each in list_checkpoints()[0]}
    names = list(by_name)
    asked = [name for name in st.query_params.get("checkpoints", "").split(",") if name]
    for name in asked:
        if name not in by_name:
            st.warning(plain(str(UnknownName("model", name, names))))
    start = [name for name in asked if name in by_name][:MOST] or names[:2]
    chosen = st.multiselect(
        f"Models (2 to {MOST})",
        names,
        start,
        max_selections=MOST,
        key="compared",
        help="Every pair is tested.",
    )
    st.query_params["checkpoints"] = ",".join(chosen)
    return [by_name[name] for name in chosen]


def choose_images(checkpoints: list[Checkpoint]) -> list[Scores] | None:
    """Ask for one source of X-rays; None until all scores are there.

    Raises PneumoError.
    """
    sources = {
        source: words for source, words in source_names(checkpoints[0]).items() if source != FILE
    }
    source = choose_linked(st.container(), "X-rays", "films", sources, key="compared films")
    scores = [scores_for(each, source) for each in checkpoints]
    there = [each for each in scores if each is not None]
    return there if len(there) == len(scores) else None


def choose_pair(names: Sequence[str]) -> tuple[int, int]:
    """Ask for two of the models by their places, in step with the query parameter ``pair``."""
    pairs = list(combinations(range(len(names)), 2))
    if len(pairs) == 1:
        return pairs[0]
    titles = {
        f"{names[one]},{names[other]}": f"{names[one]} and {names[other]}" for one, other in pairs
    }
    chosen = choose_linked(
        st.container(width=420), "Pair to look at", "pair", titles, key=f"pair of {','.join(names)}"
    )
    return pairs[list(titles).index(chosen)]


def choose_view() -> str:
    """Ask whether to compare on many X-rays ("many") or one by one ("single")."""
    return choose_segment("View", "view", _VIEWS, key="compare view")
