"""Uploads, which live in this session's memory, and sample X-rays."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pneumo_core.app.memory import forget
from pneumo_core.app.reading_room.worklist import Film, Worklist
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.words import plain
from pneumo_core.core.settings import settings
from pneumo_core.datasets import LABELS, find_image
from pneumo_core.errors import UnknownName
from pneumo_core.reading import Sample, samples

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["add_films", "add_more", "carry", "follow_link", "my_worklist"]

_SAMPLE, _FILM, _LABEL = "sample", "film", "label"
_HELP = (
    "One X-ray or a whole folder. The format is detected from the contents, not the file name. "
    "X-rays stay in this session's memory, also while you are on another page, and are never "
    "written to disk."
)


def my_worklist() -> Worklist:
    """Return this session's worklist. It survives a change of page and ends with the tab."""
    worklist: Worklist = st.session_state.setdefault("worklist", Worklist())
    return worklist


def add_films(worklist: Worklist) -> None:
    """Show the uploader and the samples, with room to drop files.

    Query parameters: ``sample``, or ``film``, an id in the dataset, with its ``label``.
    """
    found = _samples()
    follow_link(worklist)
    _uploader(worklist, "films-in")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found:
            st.caption("Or try a sample", width="content")
        _sample_buttons(worklist, found)
        if worklist.films:
            _clear_button(worklist)


def add_more(worklist: Worklist) -> None:
    """Show the uploader as one line, with the samples and Clear behind small buttons."""
    _uploader(worklist, "films-more")
    found = _samples()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found:
            with st.popover("Samples", icon=":material/science:"):
                _sample_buttons(worklist, found)
        _clear_button(worklist)


def follow_link(worklist: Worklist) -> None:
    """Open the X-ray named in the link, once; afterwards the address follows the page."""
    found = _samples()
    asked = next(((p, st.query_params[p]) for p in (_FILM, _SAMPLE) if p in st.query_params), None)
    if asked and asked != st.session_state.get("followed"):
        parameter, name = asked
        if parameter == _FILM:
            _open_from_dataset(worklist, name)
        elif name in found:
            _open(worklist, name, found[name])
        else:
            st.warning(plain(str(UnknownName("sample X-ray", name, found))))
    st.session_state["followed"] = asked


def _samples() -> dict[str, Sample]:
    return {each.title.lower(): each for each in samples()}


def _uploader(worklist: Worklist, place: str) -> None:
    key = f"uploads {worklist.uploads}"
    most = f"{settings().max_file_bytes / 1e6:g} MB"
    with st.container(key=place):
        st.file_uploader(
            f"X-rays: PNG, JPEG, TIFF, BMP, WebP, DICOM; up to {most} each",
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(worklist, key),
            help=_HELP,
        )


def _sample_buttons(worklist: Worklist, found: Mapping[str, Sample]) -> None:
    for name, sample in found.items():
        st.button(sample.title, help=sample.about, on_click=_open, args=(worklist, name, sample))


def _clear_button(worklist: Worklist) -> None:
    st.button(
        "Clear",
        icon=":material/delete_sweep:",
        type="tertiary",
        on_click=_clear,
        args=(worklist,),
        help="Clears the list: removes all X-rays and their results from this session's memory.",
    )


def carry(film: Film | None) -> None:
    """Put what is on the screen into the address, so that it can be shared."""
    link = film.link if film else None
    if (
        film
        and link
        and link[0] == _FILM
        and not film.key.startswith(f"{_FILM}/{dataset_in_use()}/")
    ):
        link = None  # another dataset's X-ray: the link would open one of this dataset
    for parameter in (_SAMPLE, _FILM):
        if link and link[0] == parameter:
            st.query_params[parameter] = link[1]
        else:
            st.query_params.pop(parameter, None)
    if film and link and film.label is not None:
        st.query_params[_LABEL] = LABELS[film.label]
    else:
        st.query_params.pop(_LABEL, None)
    st.session_state["followed"] = link


def _open(worklist: Worklist, name: str, sample: Sample) -> None:
    film = Film(f"{_SAMPLE}/{name}", f"{sample.title} sample", sample.path, (_SAMPLE, name))
    worklist.add([film])
    worklist.opened = film.key


def _open_from_dataset(worklist: Worklist, film_id: str) -> None:
    data = dataset_in_use()
    source = find_image(data, film_id) if data else None
    if source is None:
        st.warning(
            f"The X-ray {plain(film_id)} in the link is not on this machine. Set "
            "PNEUMO_DATA to the dataset it belongs to, or upload it."
        )
        return
    asked = st.query_params.get(_LABEL)
    film = Film(
        f"{_FILM}/{data}/{film_id}",
        film_id.rpartition("/")[2],
        source,
        (_FILM, film_id),
        label=LABELS.index(asked) if asked in LABELS else None,
    )
    worklist.add([film])
    worklist.opened = film.key


def _clear(worklist: Worklist) -> None:
    worklist.clear()
    forget()


def _take(worklist: Worklist, key: str) -> None:
    """Move uploads to the list and empty the uploader."""
    films = _films(st.session_state[key])
    if not films:
        return
    repeated = worklist.add(films)
    worklist.uploads += 1
    worklist.opened = films[0].key if len(films) == 1 else None
    if repeated:
        what = "1 X-ray was" if repeated == 1 else f"{repeated} X-rays were"
        st.toast(f"{what} already on the list.", icon=":material/content_copy:")


def _films(uploads: Sequence["UploadedFile"]) -> list[Film]:
    films, enough = [], settings().max_file_bytes + 1
    for upload in uploads:
        contents = upload.getvalue()[
            :enough
        ]  # not copied; a file that is too large is reported later
        digest = hashlib.sha256(upload.name.encode(errors="replace") + b"\0")
        digest.update(contents)
        films.append(Film(digest.hexdigest(), upload.name, contents))
    return films
