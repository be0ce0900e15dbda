"""Preview of a recipe's augmentation: its settings and sixteen random draws."""

import numpy as np
import pandas as pd
import streamlit as st

from pneumo_core.app.data.thumbnails import next_draw
from pneumo_core.app.words import plain
from pneumo_core.datasets.quality import Inspection
from pneumo_core.imaging import jpeg
from pneumo_core.lungs import NetworkInput
from pneumo_core.models import MODELS
from pneumo_core.training import RECIPES, TrainingConfig, augmented, recipe, settings_of

__all__ = ["show_augmentation"]

_DRAWS = 16
_SIDE = 148


def show_augmentation(inspection: Inspection) -> None:
    """Show an X-ray unchanged and as a recipe augments it."""
    films = inspection.dataset.films
    films = films[~films["id"].isin(list(inspection.unreadable))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Recipe", RECIPES, key="preview recipe", width=150)
        model = st.selectbox(
            "Architecture",
            list(MODELS),
            key="preview model",
            width=220,
            format_func=lambda name: MODELS[name].title,
        )
        asked = st.text_input(
            "X-ray",
            key="preview film",
            placeholder="part of a name; empty: any training X-ray",
            width=320,
        ).strip()
        st.button("Another X-ray", on_click=next_draw, args=("film",), icon=":material/shuffle:")
        st.button("Draw again", on_click=next_draw, args=("changes",), icon=":material/casino:")
    film_id = _film(films, asked)
    if film_id is None:
        st.info(f"No readable X-ray matches {plain(asked)}. Type part of a file name.")
        return
    config = recipe(chosen, model)
    _show_draws(inspection, film_id, config)
    _show_settings(config)


def _film(films: pd.DataFrame, asked: str) -> str | None:
    """Draw a random X-ray whose id contains the text, else any training X-ray."""
    here = films[films["id"].str.contains(asked, case=False, regex=False)] if asked else films
    if not asked and (films["split"] == "train").any():
        here = films[films["split"] == "train"]
    if here.empty:
        return None
    random = np.random.default_rng(_drawn("film"))
    return str(here["id"].iloc[random.integers(len(here))])


def _show_draws(inspection: Inspection, film_id: str, config: TrainingConfig) -> None:
    size = config.input.size
    radiograph = inspection.dataset.source.radiograph(film_id)
    film = NetworkInput.of(config.input)(radiograph)
    wide = config.training_input(radiograph)
    draws = augmented(config.augmentation, wide, _DRAWS, size=size, seed=_drawn("changes"))
    st.markdown(
        f"**{plain(film_id)}** as the network sees it, {size} × {size} pixels, and sixteen draws"
    )
    with st.container(horizontal=True, gap="small"):
        st.image(jpeg(film), width=_SIDE, alt=f"{film_id}, original", caption="original")
        for number, drawn in enumerate(draws, 1):
            st.image(jpeg(drawn), width=_SIDE, alt=f"Draw {number}", caption=f"{number}")


def _show_settings(config: TrainingConfig) -> None:
    st.subheader("Recipe settings", anchor=False)
    told = settings_of(config.augmentation)
    st.markdown(
        "\n".join(
            f"- **{plain(name)}** {plain(value)}: {plain(about)}" for name, value, about in told
        )
    )
    st.caption(
        "Augmentation is drawn anew for every X-ray in every epoch. Validation and test X-rays are "
        "never changed."
    )


def _drawn(what: str) -> int:
    return int(st.session_state.get(f"draw of {what}", 0))
