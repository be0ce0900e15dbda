"""The form for a new training run, with its estimated time."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pneumo_core.app.actions import start_run, start_sweep
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.train.settings_form import SWEEPABLE, choose_settings, setting_label
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.linked_choice import choose_linked
from pneumo_core.app.widgets.missing_images import offer_images
from pneumo_core.app.widgets.progress import Cancelled, cancellable
from pneumo_core.app.words import duration_text, plain
from pneumo_core.checkpoints import free_name
from pneumo_core.datasets import Dataset, scan
from pneumo_core.errors import PneumoError
from pneumo_core.models import MODELS, TIMM
from pneumo_core.training import Pace, TrainingConfig, measure_pace, recipe

__all__ = ["new_run"]

_OTHER = "another timm backbone"
_RECIPES = {"strong": "strong: best results here", "paper": "paper: as in the paper"}


def new_run() -> None:
    """Show the form, the estimated time, and the buttons that start runs."""
    st.header("New training run", anchor=False)
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
    """Return the dataset in use, or link to the Data page."""
    data = dataset_in_use()
    if data is None:
        offer_images("train", "No dataset to train on yet.")
    else:
        st.markdown(f"Dataset: **{plain(data.name)}**")
    return data


def _choose_config() -> TrainingConfig:
    names = [*MODELS, _OTHER]
    titles = {name: _model_title(name) for name in names}
    model = choose_linked(st.container(), "Architecture", "model", titles, key="model")
    if model == _OTHER:
        given = st.text_input(
            "Backbone", "tf_efficientnet_lite0", help="Any timm model name, e.g. convnext_nano"
        )
        model = TIMM + given.strip().removeprefix(TIMM)
    chosen = choose_linked(st.container(), "Recipe", "recipe", _RECIPES, key="recipe")
    return choose_settings(recipe(chosen, model), f"{model} {chosen}")


def _model_title(name: str) -> str:
    model = MODELS.get(name)
    if model is None:
        return name
    about = f": {model.about[0].lower()}{model.about[1:]}" if model.about else ""
    return f"{model.title}{about}"


def _scanned(data: Path, config: TrainingConfig) -> Dataset:
    """Return the dataset with the splits of this run; rescanned after ten minutes."""
    cut = (config.validation, config.validation_cut)
    return _scan(str(data), cut, config.validation_fraction)


@st.cache_data(ttl=600, max_entries=4, show_spinner="Scanning the dataset")
def _scan(data: str, cut: tuple[Any, Any], fraction: float) -> Dataset:
    return scan(Path(data), validation=cut[0], cut=cut[1], fraction=fraction)


def _show_cost(config: TrainingConfig, dataset: Dataset) -> None:
    counts = {split: int((dataset.films["split"] == split).sum()) for split in ("train", "val")}
    st.markdown(
        f"**{counts['train']:,}** training X-rays and **{counts['val']:,}** validation X-rays, "
        f"**{config.epochs}** {'epoch' if config.epochs == 1 else 'epochs'}."
    )
    try:
        # Settings that do not affect the pace are left out, so that a new seed reuses the estimate.
        alike = replace(config, seed=0, epochs=1, learning_rate=1e-3)
        pace = cached_for_all(
            "pace", (alike, dataset.name), lambda: _measured(config, dataset), most=50
        )
    except Cancelled:
        st.caption("Trains a few batches on this machine, which takes up to half a minute.")
        return
    epoch = pace.epoch_seconds(config, dataset)
    decoding = pace.decoding_seconds(config, dataset)
    finishing = pace.finishing_seconds(dataset)
    training = epoch * config.all_epochs
    st.markdown(
        f"About **{duration_text(decoding + training + finishing)}** on this machine under its "
        f"current load: {duration_text(decoding)} to decode the X-rays, the first time only; "
        f"{duration_text(training)} to train, {duration_text(epoch)} per epoch; "
        f"{duration_text(finishing)} to evaluate the model and fit its image check."
    )


def _measured(config: TrainingConfig, dataset: Dataset) -> Pace:
    return cancellable(
        "Estimate the time",
        lambda report: measure_pace(config, dataset, report("Training a few batches")),
        primary=False,
    )


def _start(data: Path, config: TrainingConfig) -> None:
    proposed = free_name(re.sub(r"[^A-Za-z0-9_-]+", "_", config.model))
    name = st.text_input("Model name", proposed, key=f"name {proposed}").strip()
    allowed = may_change("start runs")
    pressed = st.button(
        "Start training",
        type="primary",
        width="stretch",
        icon=":material/play_arrow:",
        disabled=not allowed,
    )
    # Always reserved: otherwise elements below would move while a run starts, and the browser would
    # show them twice, greyed.
    starting = st.empty()
    if pressed:
        with starting, st.spinner("Starting"):
            run = start_run(data, name, config)
        st.toast(f"{plain(run.name)} is {run.status.state}.", icon=":material/play_arrow:")
    with st.expander("Sweep: several runs that differ in one setting"):
        _sweep(data, name, config, allowed)


def _sweep(data: Path, name: str, config: TrainingConfig, allowed: bool) -> None:
    setting = st.selectbox(
        "Setting",
        SWEEPABLE,
        SWEEPABLE.index("seed"),
        format_func=setting_label,
        key="sweep setting",
    )
    given = st.text_input("Values", "0, 1, 2", help="Numbers, separated by commas", key="values")
    try:
        values = [
            float(each) if "." in each or "e" in each else int(each) for each in _parts(given)
        ]
    except ValueError:
        st.error("Values must be numbers separated by commas, such as 0, 1, 2.")
        return
    word = "run" if len(values) == 1 else "runs"
    pressed = st.button(
        f"Start {len(values)} {word}",
        disabled=not (values and allowed),
        icon=":material/playlist_play:",
    )
    starting = st.empty()
    if pressed:
        with starting, st.spinner("Starting"):
            runs = start_sweep(data, name, config, setting, values)
        st.toast(f"{len(runs)} {word} queued.", icon=":material/playlist_play:")


def _parts(given: str) -> list[str]:
    return [part for each in given.lower().split(",") if (part := each.strip())]
