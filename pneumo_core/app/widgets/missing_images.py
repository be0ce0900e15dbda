"""Where X-rays are missing: buttons to download the public dataset or to add another."""

import streamlit as st

from pneumo_core.app.sign_in import may_change
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable
from pneumo_core.app.words import plain
from pneumo_core.core.progress import Progress
from pneumo_core.datasets.download import SOURCES, KeptDataset, Source
from pneumo_core.errors import PneumoError

__all__ = ["by_megabyte", "offer_images"]

PUBLIC = "chest_xray"
"""The source whose X-rays the models that ship with Pneumo were evaluated on."""
_MEGA = 1_000_000


def offer_images(
    key: str, why: str = "The image files are not on this machine, so only names are shown."
) -> None:
    """Show ``why`` X-rays are needed, with buttons to download or add a dataset."""
    source = SOURCES[PUBLIC]
    size = source.size / 1e9
    st.info(
        f"{plain(why)} The public dataset has {source.films:,} X-rays of children "
        f"({size:.1f} GB, {plain(source.licence)}).",
        icon=":material/image_not_supported:",
    )
    with st.container(horizontal=True, vertical_alignment="center", key=f"get films {key}"):
        if may_change("add datasets"):
            _download(source)
        st.page_link("pages/data.py", label="Add your own", icon=":material/folder_open:")


def _download(source: Source) -> None:
    name = f"Download the X-rays ({source.size / 1e9:.1f} GB)"
    try:
        cancellable(name, lambda report: _fetch(source, report))
    except Cancelled:
        return
    except PneumoError as error:
        st.session_state.pop(f"wanted {name}", None)
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state.pop(f"wanted {name}", None)
    st.rerun(scope="app")


def _fetch(source: Source, report: Report) -> KeptDataset:
    from pneumo_core.app.actions import download_dataset  # imports torch

    return download_dataset(source, source.name, stages=lambda title: by_megabyte(title, report))


def by_megabyte(title: str, report: Report) -> Progress:
    """Report bytes as megabytes still to come, so that the time left is right after a resume."""
    if not title.startswith(("Downloading", "Unpacking")):
        return report(title)
    step, begun = report(f"{title}, megabytes"), [-1]

    def tell(done: int, total: int) -> None:
        if begun[0] < 0:
            begun[0] = done
        step((done - begun[0]) // _MEGA, -(-(total - begun[0]) // _MEGA))

    return tell
