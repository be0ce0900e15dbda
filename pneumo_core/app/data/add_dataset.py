"""Download public datasets, and add your own as a ZIP or a CSV."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pneumo_core.app.actions import (
    add_staged_dataset,
    delete_dataset,
    download_dataset,
    stage_upload,
)
from pneumo_core.app.data.quality_findings import say_findings
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.widgets.missing_images import by_megabyte
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable
from pneumo_core.app.words import plain
from pneumo_core.core.settings import settings
from pneumo_core.datasets.download import (
    SOURCES,
    KeptDataset,
    Source,
    Staged,
    check_dataset_name,
    datasets_home,
    list_datasets,
)
from pneumo_core.datasets.quality import Finding, inspect_dataset
from pneumo_core.errors import PneumoError

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["acquire_section"]

_STAGED, _FOUND = "staged dataset", "found in the staged dataset"
_SAID, _FAILED = "said of datasets", "failed with a dataset"
_MEGA = 1_000_000


def acquire_section() -> None:
    """Show the tabs to download, add and delete datasets."""
    with st.container():  # always there: tabs that move on the page jump back to the first one
        if said := st.session_state.pop(_SAID, None):
            st.success(plain(said), icon=":material/check:")
        if failed := st.session_state.pop(_FAILED, None):
            st.error(plain(failed), icon=":material/error:")
    public, own, here = st.tabs(["Download a public dataset", "Add your own", "Installed datasets"])
    with public:
        _public()
    with own:
        _own()
    with here:
        _here()


# --- public datasets ------------------------------------------------------------------------------


def _public() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Source",
            list(SOURCES),
            format_func=lambda each: f"{SOURCES[each].title}: {_size(SOURCES[each].size)}",
            key="source",
        )
        source = SOURCES[name]
        chosen = st.text_input("Name", source.name, key=f"name for {name}", max_chars=64, width=240)
    st.caption(
        f"{source.films:,} chest X-rays of children, {_size(source.size)}, from "
        f"{plain(source.page)}. Licence {plain(source.licence)}. {plain(source.citation)}."
    )
    with st.expander("How the download is verified, and how to download it yourself"):
        st.markdown(
            f"By its size and its {source.algorithm.upper()}, `{source.checksum}`, "
            f"{plain(source.vouched)}. An interrupted download resumes. The X-rays are "
            f"stored in `{datasets_home()}`."
        )
        st.markdown(plain(source.by_hand(settings().home / "downloads")))
    try:
        check_dataset_name(chosen)
    except PneumoError as error:
        st.info(plain(str(error)), icon=":material/info:")
        return
    if not may_change("add datasets"):
        return
    try:
        kept = cancellable(f"Download {source.file}", lambda report: _fetch(source, chosen, report))
    except Cancelled:
        return
    except PneumoError as error:
        _again(f"Download {source.file}", failed=str(error))
    else:
        _again(f"Download {source.file}", said=_kept_words(kept))


def _fetch(source: Source, name: str, report: Report) -> KeptDataset:
    return download_dataset(source, name, stages=lambda title: by_megabyte(title, report))


def _again(work: str, *, said: str = "", failed: str = "") -> None:
    """Rerun the page with the button back and the outcome at the top."""
    st.session_state.pop(f"wanted {work}", None)
    if said:
        st.session_state[_SAID] = said
    if failed:
        st.session_state[_FAILED] = failed
    st.rerun()


# --- uploads -------------------------------------------------------------------------------------


def _own() -> None:
    if not may_change("add datasets"):
        return
    staged: Staged | None = st.session_state.get(_STAGED)
    if staged is not None and staged.folder.is_dir():
        _decide(staged)
        return
    st.markdown(_how())
    most = settings().max_upload_bytes
    upload = st.file_uploader(
        f"A ZIP, a CSV or a MedMNIST .npz, up to {_size(most)}",
        type=["zip", "csv", "tsv", "npz"],
        key="own dataset",
        max_upload_size=max(1, most // _MEGA),
        help="For larger files use pneumo data add FILE --name NAME on the server.",
    )
    if upload is None:
        return
    if upload.size > most:
        st.warning(f"This file has more than {_size(most)}, the most that can be uploaded here.")
        return
    name = st.text_input("Name", _suggested(upload.name), key="own name", max_chars=64)
    title = "Check"
    try:
        check_dataset_name(name)
    except PneumoError as error:
        st.info(plain(str(error)), icon=":material/info:")
        return
    try:
        checked = cancellable(title, lambda report: _stage(upload, name, report))
        st.session_state[_STAGED], st.session_state[_FOUND] = checked
    except Cancelled:
        st.caption("Nothing is saved until you have seen the findings.")
    except PneumoError as error:
        _again(title, failed=str(error))
    else:
        _again(title)


def _how() -> str:
    root = settings().data
    where = (
        f"Paths in a CSV on its own are relative to `{root}` and must stay inside it."
        if root and root.is_dir()
        else "A CSV on its own refers to images on the server, which must be under `PNEUMO_DATA`."
    )
    return (
        "- **A ZIP** of folders `train/NORMAL`, `train/PNEUMONIA`, `test/…`, or of `NORMAL` and "
        "`PNEUMONIA` only.\n"
        "- **A ZIP with X-rays and a `manifest.csv`**: columns `path` and `label` (0 or NORMAL, 1 "
        "or PNEUMONIA), optionally `split`, `patient`, `subtype`, `id`.\n"
        f"- **A CSV** of the same columns. {where} The X-rays are copied.\n\n"
        "Everybody who can open this dashboard will see these X-rays. Upload none that carry "
        "names."
    )


def _stage(upload: "UploadedFile", name: str, report: Report) -> tuple[Staged, tuple[Finding, ...]]:
    """Unpack the upload into a staging folder, and return it with its findings."""
    file_name = f"{_suggested(upload.name)}{Path(upload.name).suffix.lower()}"
    staged = stage_upload(
        file_name, upload.getbuffer(), name, stages=lambda title: by_megabyte(title, report)
    )
    try:
        found = inspect_dataset(
            staged.dataset,
            decoding=report("Decoding X-rays"),
            comparing=report("Comparing X-rays"),
            home=staged.scratch,
        )
        return staged, tuple(found.findings)
    except BaseException:  # including a click on Cancel
        staged.discard()
        raise


def _decide(staged: Staged) -> None:
    """Show the findings, and ask whether to add the dataset."""
    st.subheader(plain(staged.name), anchor=False)
    counts = staged.dataset.as_found().counts()
    st.dataframe(counts, width="content", alt="X-rays for each split and label")
    say_findings(st.session_state[_FOUND])
    with st.container(horizontal=True):
        st.button("Add dataset", type="primary", on_click=_keep, args=(staged,))
        st.button("Discard", on_click=_discard, args=(staged,))


def _keep(staged: Staged) -> None:
    _forget_staged()
    try:
        kept = add_staged_dataset(staged)
        st.session_state[_SAID] = _kept_words(kept)
    except PneumoError as error:
        staged.discard()
        st.session_state[_FAILED] = str(error)


def _discard(staged: Staged) -> None:
    staged.discard()
    _forget_staged()


def _forget_staged() -> None:
    st.session_state.pop(_STAGED, None)
    st.session_state.pop(_FOUND, None)


# --- installed -----------------------------------------------------------------------------------


def _here() -> None:
    found = list_datasets()
    if not found:
        st.info("No dataset is installed yet. Download or add one in the other tabs.")
    reader = not may_change("delete datasets") if found else False
    for each in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            about = each.about
            told = f"{about.films:,} X-rays, added {plain(about.added)}" if about else "X-rays"
            origin = f", from {plain(about.origin)}" if about else ""
            st.markdown(f"**{plain(each.name)}**: {told}{origin}", width="stretch")
            with st.popover("Delete", icon=":material/delete:", disabled=reader):
                st.markdown(f"Delete **{plain(each.name)}** with all its X-rays from the disk?")
                st.button(
                    "Delete dataset",
                    key=f"delete {each.name}",
                    type="primary",
                    on_click=_delete,
                    args=(each.name,),
                )


def _delete(name: str) -> None:
    try:
        delete_dataset(name)
    except PneumoError as error:
        st.session_state[_FAILED] = str(error)
    else:
        st.session_state[_SAID] = f"Deleted the dataset {name}."


def _kept_words(kept: KeptDataset) -> str:
    films = f"{kept.about.films:,} X-rays" if kept.about else "X-rays"
    return f"Added {kept.name}: {films}. It is now available on every page."


def _suggested(file: str) -> str:
    """Suggest a dataset name: the file name without characters that are not allowed."""
    letters = (each if each.isascii() and each.isalnum() else "-" for each in Path(file).stem)
    return "".join(letters).strip("-")[:64] or "films"


def _size(n: int) -> str:
    return f"{n / 1e9:.2f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"
