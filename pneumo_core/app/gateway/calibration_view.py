"""Calibrate a model for a site on its own labelled X-rays, as ``pneumo calibrate`` does."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pneumo_core.app.actions import save_site_calibration
from pneumo_core.app.memory import cached
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.model_choice import choose_checkpoint
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, free_name
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import dataset_scores
from pneumo_core.evaluation.site_calibration import (
    LEAST_OF_A_LABEL,
    MIN_IMAGES,
    fit_site,
    scan_site,
)
from pneumo_core.metrics import format_rate

if TYPE_CHECKING:
    from pneumo_core.evaluation.site_calibration import SiteCalibration

__all__ = ["show_calibration"]

_SAVED = "saved calibration"
_FIGURES = {"brier": "Brier score", "ece": "Calibration error (ECE)"}


def show_calibration() -> None:
    """Show the section: choose model and dataset, fit, compare before and after, save."""
    st.header("Calibrate for this site", anchor=False)
    st.markdown(
        f"Fits temperature and operating points to {MIN_IMAGES} or more labelled X-rays of your "
        f"hospital, {LEAST_OF_A_LABEL} or more of each label, and saves them as a separate model "
        "beside the original. Its name is in every result. The network itself does not change."
    )
    if saved := st.session_state.pop(_SAVED, None):
        st.success(plain(saved), icon=":material/check:")
    if not may_change("calibrate models"):
        return
    data = dataset_in_use()
    if data is None:
        st.info("No dataset yet. Add your X-rays first, with NORMAL and PNEUMONIA as labels.")
        st.page_link("pages/data.py", label="Add a dataset", icon=":material/folder_open:")
        return
    checkpoint = choose_checkpoint(st.container())
    if checkpoint is None:
        return
    st.markdown(f"Dataset: **{plain(data.name)}**")
    try:
        fitted = _fitted(checkpoint, data)
    except Cancelled:
        return
    except PneumoError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _show_figures(checkpoint, fitted)
    _save(checkpoint, fitted)


def _fitted(checkpoint: Checkpoint, data: Path) -> "SiteCalibration":
    """Fit once, with a bar and a Cancel button. Raises Cancelled, PneumoError."""

    def compute(report: Report) -> "SiteCalibration":
        scores = dataset_scores(
            checkpoint,
            scan_site(checkpoint, data),
            decoding=report("Decoding X-rays"),
            scoring=report("Scoring X-rays"),
        )
        return fit_site(checkpoint.card, scores.labelled)

    key = (checkpoint.name, checkpoint.card.version, dataset_key(data))
    name = f"Calibrate {checkpoint.name} on {data.name}"
    return cancellable_once(cached, "site calibrations", key, name, compute, most=4)


def _show_figures(checkpoint: Checkpoint, fitted: "SiteCalibration") -> None:
    figures = [("Temperature", f"{checkpoint.card.temperature:.3f}", str(fitted.temperature))]
    figures += [
        (title, str(fitted.before[name]), str(fitted.after[name]))
        for name, title in _FIGURES.items()
    ]
    st.table(_table(figures, "Figure"))
    original = {each.name: format_rate(each.threshold) for each in checkpoint.card.operating_points}
    points = [
        (each.name, original.get(each.name, "none"), format_rate(each.threshold))
        for each in fitted.points
    ]
    st.table(_table(points, "Operating point: threshold"))
    st.caption(
        f"On {len(fitted.table):,} labelled X-rays, with 95 % intervals over patients. After: "
        "X-rays of patients that the fit had not seen (five folds)."
    )


def _table(rows: list[tuple[str, str, str]], first: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[first, "Before", "After"]).set_index(first)


def _save(checkpoint: Checkpoint, fitted: "SiteCalibration") -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Model name", free_name(f"{checkpoint.name}-site"), width=320).strip()
        pressed = st.button("Save the calibrated model", type="primary")
    if not pressed:
        return
    try:
        made = save_site_calibration(checkpoint, fitted, name)
    except PneumoError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[_SAVED] = (
        f"Saved as '{made.name}'. Set reading.model to this name in the gateway's file, and "
        "restart the gateway."
    )
    st.rerun()
