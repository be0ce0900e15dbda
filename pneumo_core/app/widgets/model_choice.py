"""Choose the model, the operating point and the second opinions; all are in the query."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.linked_choice import choose_linked
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import SHIPPED, Checkpoint, OperatingPoint, list_checkpoints
from pneumo_core.core.settings import settings
from pneumo_core.errors import UnknownName
from pneumo_core.metrics import format_rate
from pneumo_core.reading.custom_threshold import CUSTOM, custom_point
from pneumo_core.reading.rates import rates_of

__all__ = [
    "DATASET",
    "choose_checkpoint",
    "choose_panel",
    "choose_reader",
    "dataset_sources",
    "say_what_is_missing",
]

DATASET = "dataset "
"""Prefix of the sources that are a split of the dataset."""
_PANEL = "panel"
"""Session key of the second opinions, by name; kept while another page is open."""


def choose_reader() -> tuple[Checkpoint, OperatingPoint] | None:
    """Ask in a popover for a checkpoint and its operating point; None without a checkpoint.

    Query parameters: ``checkpoint``, ``point`` and, for a custom threshold, ``threshold``.
    Raises CheckpointError.
    """
    by_name = {each.name: each for each in list_checkpoints()[0]}
    if not by_name:
        return None
    now = by_name[_current("checkpoint", list(by_name))]
    points = [point.name for point in now.card.operating_points]
    boxes = st.popover(
        f"{plain(now.name)}, {plain(_current('point', [*points, CUSTOM]))}",
        icon=":material/neurology:",
        key="reader",
    )
    checkpoint = by_name[_choose(boxes, "Model", "checkpoint", list(by_name))]
    name = _choose(boxes, "Operating point", "point", [*points, CUSTOM])
    if name == CUSTOM:
        with boxes:
            point = custom_point(checkpoint, _choose_threshold(checkpoint))
    else:
        st.query_params.pop("threshold", None)
        point = checkpoint.card.operating_point(name)
    rates = rates_of(checkpoint, point)
    told = (
        f"{format_rate(point.threshold)} or higher counts as PNEUMONIA. On {rates.films}: "
        f"sensitivity {rates.sensitivity}, specificity {rates.specificity}, with 95 % intervals."
    )
    boxes.caption(plain(f"{told} {rates.caution}"))
    return checkpoint, point


def choose_panel(chosen: Checkpoint) -> list[Checkpoint]:
    """Choose which other checkpoints give a second opinion; by default those that ship with Pneumo.

    Query parameter ``panel``: their names, if they differ from the default.
    """
    others = {each.name: each for each in list_checkpoints()[0] if each.name != chosen.name}
    if not others:
        return []
    usual = [name for name in others if name in SHIPPED]
    asked = st.query_params.get("panel")
    start = usual if asked is None else [name for name in asked.split(",") if name in others]
    picked: dict[str, bool] = st.session_state.setdefault(_PANEL, {})
    for name in others:
        before = picked.get(name, name in start)
        picked[name] = st.session_state.get(f"panel {name}", before)
    names = [name for name in others if picked[name]]
    with st.popover(f"Second opinions: {_models(len(names))}", icon=":material/groups:"):
        st.caption(
            "Other models that also read each X-ray. Models you trained yourself are off by "
            "default."
        )
        for name in others:
            st.checkbox(plain(name), picked[name], key=f"panel {name}")
    if names == usual:
        st.query_params.pop("panel", None)
    else:
        st.query_params["panel"] = ",".join(names)
    return [others[name] for name in names]


def _models(count: int) -> str:
    return {0: "none", 1: "1 model"}.get(count, f"{count} models")


def choose_checkpoint(boxes: DeltaGenerator) -> Checkpoint | None:
    """Ask for a checkpoint, in step with the query parameter; None if there is none."""
    by_name = {each.name: each for each in list_checkpoints()[0]}
    if not by_name:
        return None
    return by_name[_choose(boxes, "Model", "checkpoint", list(by_name))]


def say_what_is_missing() -> None:
    """Warn about damaged checkpoints; explain how to get one if there is none."""
    found, problems = list_checkpoints()
    for problem in problems:
        st.warning(plain(problem), icon=":material/broken_image:")
    if not found:
        _say_how_to_train()


def _say_how_to_train() -> None:
    with st.container(border=True):
        st.header("No model yet", anchor=False)
        st.markdown(
            f"Pneumo looks for trained models in `{settings().checkpoints}` "
            "(set `PNEUMO_CHECKPOINTS` to look elsewhere). Train one on the page Train, or with "
            "`pneumo train --data chest_xray --model cnn_94 --name mine`."
        )
        st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")


def dataset_sources(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the dataset's splits as sources: label by the word used in links.

    For a model trained by cross-validation all training X-rays are one split.
    """
    data = dataset_in_use()
    if data is None:
        return {}
    folds = checkpoint.card.training.get("folds")
    splits = {split: f"{split} X-rays" for split in ("test", *(() if folds else ("val",)), "train")}
    return {
        f"{DATASET}{split}": f"{data.stem if data.suffix == '.npz' else data.name}: {words}"
        for split, words in (splits | {"all": "all X-rays"}).items()
    }


def _current(parameter: str, names: Sequence[str]) -> str:
    """Return what a linked select box is about to show, for a label that comes before it."""
    asked = (st.session_state.get(parameter), st.query_params.get(parameter))
    return next((str(each) for each in asked if each in names), names[0])


def _choose(boxes: DeltaGenerator, label: str, parameter: str, names: list[str]) -> str:
    """Show a linked select box of names; warn if the link names an unknown one."""
    asked = st.query_params.get(parameter)
    named = dict(zip(names, names, strict=True))
    chosen = choose_linked(boxes, label, parameter, named, key=parameter)
    if asked and asked not in names:
        st.warning(plain(str(UnknownName(label.lower(), asked, names))))
    return chosen


def _choose_threshold(checkpoint: Checkpoint) -> float:
    """Show a threshold slider, starting at the query parameter or the default point."""
    start = checkpoint.card.operating_point().threshold
    try:
        start = min(1.0, max(0.0, float(st.query_params.get("threshold", start))))
    except ValueError:
        st.warning("The threshold in the link is not a number. Set it with the slider.")
    threshold: float = st.slider(
        "Threshold", 0.0, 1.0, round(start, 3), 0.005, format="%.3f", key="threshold"
    )
    st.query_params["threshold"] = f"{threshold:.3f}"
    return threshold
