"""Films of a dataset as a folder of their own, to take away."""

from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZIP_STORED, ZipFile

import pandas as pd

from pneumo_core.data.dataset import LABELS
from pneumo_core.data.scan import find_film
from pneumo_core.errors import DatasetError

__all__ = ["folder_of"]


def folder_of(location: Path, films: pd.DataFrame) -> bytes:
    """A ZIP that unpacks to a dataset folder of these films, their files unchanged.

    ``films``: id, split and label of films of the dataset at ``location``. Films of an archive
    become PNG files. A film keeps its id, so what is known of it by id still holds. Raises
    DatasetError for films that aren't there.
    """
    file = BytesIO()
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for film_id, split, label in zip(films["id"], films["split"], films["label"], strict=True):
            found = find_film(location, film_id)
            if found is None:
                raise DatasetError(f"'{film_id}' is not in '{location}' any more. Look again.")
            if isinstance(found, Path):
                archive.write(found, film_id)
            else:
                name = PurePosixPath(film_id).name
                archive.writestr(f"{split}/{LABELS[label]}/{name}.png", found)
    return file.getvalue()
