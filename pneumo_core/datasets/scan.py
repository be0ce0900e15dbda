"""Scan of folders, manifests and archives for datasets."""

from pathlib import Path

from pneumo_core.core.files import printable
from pneumo_core.core.progress import Progress
from pneumo_core.datasets.dataset import Dataset
from pneumo_core.datasets.formats.built_in import BUILT_IN, layout_root
from pneumo_core.datasets.formats.names import patient_of, subtype_of
from pneumo_core.datasets.formats.registry import DatasetFormat, registered_formats
from pneumo_core.datasets.validation import Validation, ValidationCut, ensure_validation
from pneumo_core.errors import DatasetError

__all__ = ["find_image", "layout_root", "patient_of", "scan", "subtype_of"]


def scan(
    location: Path,
    *,
    validation: Validation = "keep",
    cut: ValidationCut = "late",
    fraction: float = 0.12,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """Return the dataset in a folder, in a CSV manifest, or in a MedMNIST ``.npz`` file.

    A folder has the layout split/CLASS/film or CLASS/film, or a ``manifest.csv`` (see
    ``read_manifest``) whose X-rays are in it; a manifest of another name may list any X-rays.
    An X-ray's bytes are read for its digest, and not again while the file stays the same;
    nothing is decoded. A folder without splits counts as train. Other files
    (``Dataset.left_aside``) are not counted.

    Args:
        location: the folder or the file.
        validation: what to do with the dataset's own validation split, see ``ensure_validation``:
            "keep" keeps one that has both labels, however small; "late", "early" and "random" cut
            another one.
        cut: how to cut one if there is none to keep.
        fraction: share of the train patients that are cut, of each label.
        seed: of the cut "random".
        progress: counts X-rays.

    Raises:
        DatasetError: there is no dataset, or it can't be opened.
    """
    location = _resolved(location)
    known = _format_of(location)
    if known is None:
        at = printable(str(location))
        raise DatasetError(f"There is no folder or file '{at}'. Check the path.")
    dataset = known.scan(location, progress)
    return ensure_validation(dataset, validation=validation, cut=cut, fraction=fraction, seed=seed)


def find_image(location: Path, film_id: str) -> Path | bytes | None:
    """Find one X-ray of a dataset by id, without reading the others.

    An id with ".." never leads out of the folder; links in the folder are followed, as in ``scan``.
    Manifests and the last archive are cached in memory until the file changes.

    Returns:
        Its file, or the bytes of a PNG if it is in an archive; None if there is no such X-ray.

    Raises:
        DatasetError: a damaged manifest or archive.
    """
    known = _format_of(location)
    return known.find(location, film_id) if known else None


def _format_of(location: Path) -> DatasetFormat | None:
    formats = (*registered_formats(), *BUILT_IN)
    try:
        return next((each for each in formats if each.recognises(location)), None)
    except OSError:  # a name that is too long
        return None


def _resolved(location: Path) -> Path:
    try:
        return Path(location).expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # an unknown user, a zero byte
        at = printable(str(location)).replace("\0", "\N{REPLACEMENT CHARACTER}")
        raise DatasetError(f"'{at}' is not a valid path. Check the path.") from error
