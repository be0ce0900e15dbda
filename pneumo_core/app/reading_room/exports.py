"""Export one X-ray's result as PDF, picture, JSON and DICOM, made when they are asked for."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from pneumo_core.app.audit_log import digest_of, logged_export
from pneumo_core.app.reading_room.cached_readings import radiograph_of
from pneumo_core.app.reading_room.worklist import Film
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.errors import PneumoError, UnreadableImage
from pneumo_core.imaging.orientation import rotation_text
from pneumo_core.reading import Reading
from pneumo_core.reports import (
    Kind,
    Overlay,
    Result,
    file_name,
    result_of,
    to_dicom,
    to_json,
    to_pdf,
    to_png,
)

__all__ = ["offer_result"]

_KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("pdf", "PDF", "application/pdf"),
    ("png", "PNG", "image/png"),
    ("json", "JSON", "application/json"),
    ("dcm", "DICOM", "application/dicom"),
)


def offer_result(
    film: Film,
    reading: Reading,
    checkpoint: Checkpoint,
    point: OperatingPoint,
    look: Overlay | None,
    prevalence: float | None,
    *,
    opinions: Sequence[Reading] = (),
) -> None:
    """Show a button for each form of the result, with the heat map that is on the screen.

    ``prevalence``: the reader's own, in (0, 1), if set. ``opinions``: of other models.
    """
    try:
        radiograph = radiograph_of(film, reading)
    except UnreadableImage:
        st.caption(
            "This file could not be read as an image; only its row of the list can be exported."
        )
        return
    named = st.checkbox(
        "Keep the file name and, for DICOM, the patient's identity",
        key=f"named {film.key}",
        help="Otherwise the result is de-identified: it names the X-ray by a hash of its pixels "
        "and takes nothing from the header that identifies the patient.",
    )
    result = result_of(
        reading,
        checkpoint,
        radiograph,
        point=point,
        overlay=look,
        deidentify=not named,
        prevalence=prevalence,
        opinions=opinions,
    )
    if result.withheld:
        st.warning(plain(result.withheld), icon=":material/error:")
        return
    try:
        makers = _makers(result, film.source)
    except PneumoError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    about = {"film": digest_of(film), "checkpoint": reading.model}
    with st.container(horizontal=True, gap="small"):
        for kind, title, mime in _KINDS:
            st.download_button(
                title,
                logged_export(makers[kind], **about, subject=_subject(title, reading, named)),
                file_name(result, kind),
                mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"take {kind}",
            )
    st.caption(
        f"Saved as {plain(file_name(result, 'pdf'))}, .png, .json or .dcm"
        + (
            ", with the heat map as shown, without measurements."
            if look
            else ", without a heat map. Turn on “Show heat map” to include one."
        )
    )


def _subject(title: str, reading: Reading, named: bool) -> str:
    rotated = f", rotated by {rotation_text(reading.rotated)}" if reading.rotated else ""
    return f"{title}, {'with' if named else 'without'} names{rotated}"


def _makers(result: Result, source: Path | bytes) -> dict[Kind, Callable[[], bytes]]:
    """Return a function for each format, called when its button is pressed.

    Prepare the export into the patient's study at once, so that a damaged header is reported on
    the page. Raises PneumoError.
    """
    if result.deidentified or result.radiograph.facts.format != "DICOM":
        dicom = partial(to_dicom, result, source)
    else:
        dicom = partial(bytes, to_dicom(result, source))
    return {
        "pdf": partial(to_pdf, result),
        "png": partial(to_png, result, legend=True),
        "json": lambda: to_json(result).encode(),
        "dcm": dicom,
    }
