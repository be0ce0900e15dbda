"""A new run: what it trains, on which films, what it will cost."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pneumo_core.app.actions import done
from pneumo_core.app.memory import shared
from pneumo_core.app.sign_in import may_change, require_analyst
from pneumo_core.app.train.settings_form import SWEEPABLE, choose_settings
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.progress import Cancelled, cancellable
from pneumo_core.app.words import duration_text, plain
from pneumo_core.checkpoints import free_name
from pneumo_core.datasets import Dataset, scan
from pneumo_core.errors import PneumoError
from pneumo_core.models import MODELS, TIMM
from pneumo_core.runs import control
from pneumo_core.training import RECIPES, Pace, TrainingConfig, measure_pace, recipe

__all__ = ["new_run"]

_OTHER = "another backbone of timm"
_RECIPES = {"strong": "strong: what works here", "paper": "paper: what the paper did"}


def new_run() -> None:
    """The form, its cost, and the button that starts a run or several."""
    st.header("New run", anchor=False)
    with st.container(border=True):
        try:
            data = _find_data()
            config = _choose_config()
            dataset = _scanned(data, config) if data else None
            if data and dataset:
                _show_cost(config, dataset)
                _start(data, config)
        except PneumoError as error:
            st.error(plain(str(error)), icon=":material/error:")


def _find_data() -> Path | None:
    """The dataset in use; the page Data brings others, the sidebar chooses among several."""
    data = dataset_in_use()
    if data is None:
        st.info("There are no films to train on yet. Get some first.")
        st.page_link("pages/data.py", label="Get films", icon=":material/folder_open:")
    else:
        st.markdown(f"Films: **{plain(data.name)}**")
    return data


def _choose_config() -> TrainingConfig:
    model_box, recipe_box = st.columns(2)
    names = [*MODELS, _OTHER]
    model = model_box.selectbox("Model", names, format_func=_model_title, key="model")
    if model == _OTHER:
        given = model_box.text_input(
            "Backbone", "tf_efficientnet_lite0", help="A name that timm knows: convnext_nano"
        )
        model = TIMM + given.strip().removeprefix(TIMM)
    chosen = recipe_box.selectbox("Recipe", RECIPES, format_func=_RECIPES.__getitem__, key="recipe")
    return choose_settings(recipe(chosen, model), f"{model} {chosen}")


def _model_title(name: str) -> str:
    model = MODELS.get(name)
    return f"{model.title}: {model.about[0].lower()}{model.about[1:]}" if model else name


def _scanned(data: Path, config: TrainingConfig) -> Dataset:
    """The films as this run would see them; looked at again after a while."""
    cut = (config.validation, config.validation_cut)
    return _scan(str(data), cut, config.validation_fraction)


@st.cache_data(ttl=600, max_entries=4, show_spinner="Looking at the films")
def _scan(data: str, cut: tuple[Any, Any], fraction: float) -> Dataset:
    return scan(Path(data), validation=cut[0], cut=cut[1], fraction=fraction)


def _show_cost(config: TrainingConfig, dataset: Dataset) -> None:
    counts = {split: int((dataset.films["split"] == split).sum()) for split in ("train", "val")}
    st.markdown(
        f"**{counts['train']:,}** training films and **{counts['val']:,}** validation films, "
        f"**{config.epochs}** epochs."
    )
    try:
        # What the pace does not depend on is left out, so that a changed seed asks for no new one.
        alike = replace(config, seed=0, epochs=1, learning_rate=1e-3)
        pace = shared("pace", alike, lambda: _measured(config), most=50)
    except Cancelled:
        st.caption("It trains a few batches on this machine: seconds, or half a minute.")
        return
    seconds = pace.epoch_seconds(config, dataset)
    st.markdown(
        f"About **{duration_text(seconds * config.epochs)}** on this machine as busy as it was "
        f"when measured: {duration_text(seconds)} an epoch, {pace.training:.0f} films a second. "
        "Decoding the films the first time and evaluating the checkpoint come on top."
    )


def _measured(config: TrainingConfig) -> Pace:
    return cancellable(
        "Estimate the time", lambda report: measure_pace(config, report("Training a few batches"))
    )


def _start(data: Path, config: TrainingConfig) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    proposed = free_name(re.sub(r"[^A-Za-z0-9_-]+", "_", config.model))
    name = left.text_input("Name of the checkpoint", proposed, key=f"name {proposed}").strip()
    allowed = may_change("start runs")
    pressed = right.button(
        "Start the run",
        type="primary",
        width="stretch",
        icon=":material/play_arrow:",
        disabled=not allowed,
    )
    # A place of its own, pressed or not: else what stands below would move while a run is started,
    # and the browser would show it a second time, greyed.
    starting = st.empty()
    if pressed:
        require_analyst("start runs")
        with starting, st.spinner("Starting"):
            run = control.start(data, name, config, numbered=True)
        done("started", subject=run.name)
        st.toast(f"{plain(run.name)} is {run.status.state}.", icon=":material/play_arrow:")
    with st.expander("A sweep: several runs that differ in one setting"):
        _sweep(data, name, config, allowed)


def _sweep(data: Path, name: str, config: TrainingConfig, allowed: bool) -> None:
    which, what = st.columns([1, 2])
    setting = which.selectbox("Setting", SWEEPABLE, SWEEPABLE.index("seed"), key="sweep setting")
    given = what.text_input("Values", "0, 1, 2", help="Numbers with commas between", key="values")
    try:
        values = [
            float(each) if "." in each or "e" in each else int(each) for each in _parts(given)
        ]
    except ValueError:
        st.error("The values must be numbers with commas between, such as 0, 1, 2.")
        return
    word = "run" if len(values) == 1 else "runs"
    pressed = st.button(
        f"Start {len(values)} {word}",
        disabled=not (values and allowed),
        icon=":material/playlist_play:",
    )
    starting = st.empty()
    if pressed:
        require_analyst("start runs")
        with starting, st.spinner("Starting"):
            runs = control.sweep(data, name, config, setting, values)
        for run in runs:
            done("started", subject=run.name)
        st.toast(f"{len(runs)} {word} wait in line.", icon=":material/playlist_play:")


def _parts(given: str) -> list[str]:
    return [part for each in given.lower().split(",") if (part := each.strip())]
