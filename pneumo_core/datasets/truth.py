"""Labels of a dataset's files by the id that the audit log gives them."""

from pathlib import Path

import pandas as pd

from pneumo_core.audit import image_digest
from pneumo_core.core.parallel import each_of
from pneumo_core.core.progress import Progress
from pneumo_core.datasets.dataset import Dataset

__all__ = ["labels_by_file"]


def labels_by_file(dataset: Dataset, progress: Progress | None = None) -> pd.DataFrame:
    """Return a row for each file, with ``film`` (its SHA-256), ``label`` and ``patient``.

    Every file is read once; those that are gone are left out, and so are the X-rays of an array,
    which are no files of their own.
    """
    films = dataset.films.drop_duplicates("path", keep=False)
    paths = [Path(each) for each in films["path"]]
    table = films[["label", "patient"]].assign(film=each_of(_digest, paths, progress))
    return table[table["film"] != ""].reset_index(drop=True)


def _digest(path: Path) -> str:
    try:
        return image_digest(path)
    except OSError:
        return ""
