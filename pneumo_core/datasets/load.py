"""Find a dataset by path or name, and load it."""

import os
from pathlib import Path

from pneumo_core.core.files import exists
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets.dataset import Dataset
from pneumo_core.datasets.formats.urls import dataset_url, table_of
from pneumo_core.datasets.scan import scan
from pneumo_core.datasets.validation import Validation
from pneumo_core.errors import DatasetError, UnknownName, wrong_type

__all__ = ["dataset_path", "find_dataset_path", "load_dataset"]


def load_dataset(
    data: Dataset | str | os.PathLike[str] | None = None,
    *,
    validation: Validation = "keep",
    progress: Progress | None = None,
) -> Dataset:
    """Load a dataset.

    Args:
        data: a folder, manifest or archive; a manifest, zip, tar or folder by URL
            (``s3://bucket/list.csv``); the name of a dataset that was downloaded or added; or None
            for the one that PNEUMO_DATA names. A Dataset is returned as it is.
        validation: "keep" its own validation split, or cut another from train; see ``scan``.
        progress: is called with the number of X-rays checked and their total.

    Returns:
        A table of X-rays (id, path, split, label, subtype, patient) and where their pixels are.

    Raises:
        UnknownName: no dataset has this name.
        DatasetError: nothing was given, or there is no dataset.
    """
    if isinstance(data, Dataset):
        return data
    return scan(dataset_path(data), validation=validation, progress=progress)


def dataset_path(data: str | os.PathLike[str] | None = None) -> Path:
    """Return ``find_dataset_path``; raises DatasetError if no dataset is given."""
    path = find_dataset_path(data)
    if path is None:
        raise DatasetError(
            "No dataset was given. Give a folder or a dataset's name, or set PNEUMO_DATA."
        )
    return path


def find_dataset_path(data: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the location of a dataset given as a path, a URL or a name; default PNEUMO_DATA.

    What a URL names is listed in a manifest, and the manifest's location returned. Returns None if
    nothing is given. Raises UnknownName if it is neither an existing file or folder nor an
    installed dataset, and DatasetError for a URL that can't be listed.
    """
    if data is not None and not isinstance(data, str | os.PathLike):
        raise wrong_type("A dataset", "a path or a name", data)
    asked = Path(data) if data else settings().data
    if asked is not None and (url := dataset_url(os.fspath(data or asked))):
        return table_of(url)
    if asked is None or exists(asked):
        return asked
    word = str(data) if data else asked.name
    if len(Path(word).parts) != 1 or (not data and asked.parent != Path.cwd()):
        return asked
    from pneumo_core.datasets.download import list_datasets  # which imports what is above

    known = {each.name: each.location for each in list_datasets()}
    if word in known:
        return known[word]
    if Path(word).suffix:
        return asked  # a file, which the reader of files misses
    raise UnknownName("folder here, and no dataset", word, known)
