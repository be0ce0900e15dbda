"""The films that a visitor holds: uploads, which live in memory for this session, and samples."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pneumo_core.dashboard.words import plain
from pneumo_core.errors import UnknownName
from pneumo_core.reading import Sample, samples
from pneumo_core.settings import settings

__all__ = ["Film", "choose_films"]

_SAMPLE = "sample"


@dataclass(frozen=True)
class Film:
    """A file to be read, not yet decoded.

    ``key`` names the contents: equal keys, equal bytes. ``name`` is what people call it.
    """

    key: str
    name: str
    source: Path | UploadedFile

    def contents(self) -> Path | bytes:
        """What ``read_radiograph`` takes."""
        return self.source if isinstance(self.source, Path) else self.source.getvalue()


def choose_films() -> list[Film]:
    """Widgets to upload films or to take a sample; the chosen sample comes first.

    The query parameter ``sample`` carries the sample. A new upload puts the sample away, so that
    what was sent last is what is seen.
    """
    asked = st.query_params.get(_SAMPLE)
    found = {each.title.lower(): each for each in samples()}
    uploader, shelf = st.columns([5, 2])
    with uploader:
        uploads = st.file_uploader(
            "Films: PNG, JPEG, TIFF, BMP, WebP, DICOM",
            accept_multiple_files=True,
            max_upload_size=max(1, round(settings().max_file_bytes / 1e6)),
            on_change=_put_sample_away,
            help="One or many. The format is told from the bytes, whatever the file is called. "
            "Films stay in this session's memory and are never written to disk.",
        )
    with shelf:
        sample = _choose_sample(found, asked)
    if asked and asked not in found:
        st.warning(plain(str(UnknownName("sample film", asked, found))))
    return [*([sample] if sample else []), *map(_uploaded, uploads)]


def _choose_sample(found: Mapping[str, Sample], asked: str | None) -> Film | None:
    if not found:
        return None
    chosen = st.pills(
        "Or a sample",
        list(found),
        default=asked if asked in found else None,
        format_func=lambda key: found[key].title,
        key=_SAMPLE,
        help="  \n".join(f"{each.title}: {each.about}" for each in found.values()),
    )
    if chosen is None:
        st.query_params.pop(_SAMPLE, None)
        return None
    st.query_params[_SAMPLE] = chosen
    return Film(str(found[chosen].path), f"{found[chosen].title} sample", found[chosen].path)


def _put_sample_away() -> None:
    st.session_state[_SAMPLE] = None
    st.query_params.pop(_SAMPLE, None)


def _uploaded(file: UploadedFile) -> Film:
    return Film(_digest(file.file_id, file), file.name, file)


@st.cache_data(scope="session", max_entries=5000, show_spinner=False)
def _digest(file_id: str, _file: UploadedFile) -> str:
    """Of the contents; each upload is digested once, not at each rerun."""
    return hashlib.sha256(_file.getbuffer()).hexdigest()
