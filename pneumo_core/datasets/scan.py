"""Scan of folders, manifests and archives for datasets."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from pneumo_core.core.files import printable
from pneumo_core.core.progress import Progress
from pneumo_core.datasets.dataset import COLUMNS, Dataset
from pneumo_core.datasets.digests import digest_of, digests
from pneumo_core.datasets.formats.folders import Aside, find_files, place_of, subfolders
from pneumo_core.datasets.formats.manifest import (
    MANIFEST,
    ManifestSource,
    image_paths,
    is_manifest,
    is_manifest_name,
    read_manifest,
)
from pneumo_core.datasets.formats.medmnist import ArchiveSource, archived_image, read_archive
from pneumo_core.datasets.formats.names import (
    CLASS_NAMES,
    SPLIT_NAMES,
    patient_of,
    patients_of,
    subtype_of,
)
from pneumo_core.datasets.formats.registry import DatasetFormat, registered_formats
from pneumo_core.datasets.validation import Validation, ValidationCut, ensure_validation
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.imaging.radiograph import Radiograph
from pneumo_core.imaging.read import read_radiograph

__all__ = ["find_image", "layout_root", "patient_of", "scan", "subtype_of"]

_LAYOUT = "Expected train/NORMAL, train/PNEUMONIA, test/…, or NORMAL and PNEUMONIA directly."


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
    formats = (*registered_formats(), _Folder(), _Manifest(), _Archive())
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


class _Folder:
    """Folders of splits and classes, or with a ``manifest.csv``."""

    def recognises(self, location: Path) -> bool:
        return location.is_dir()

    def scan(self, location: Path, progress: Progress | None) -> Dataset:
        try:
            return _scan_folder(location, progress)
        except OSError as error:
            at = printable(str(error.filename or location))
            raise DatasetError(f"'{at}' can't be opened: {error.strerror}. Check it.") from error

    def find(self, location: Path, film_id: str) -> Path | None:
        root = layout_root(location)
        if _has_manifest(root):
            return _listed(image_paths(root / MANIFEST, within=root), film_id)
        return place_of(root, film_id)


class _Manifest:
    """A CSV or TSV that lists X-rays."""

    def recognises(self, location: Path) -> bool:
        return location.is_file() and is_manifest_name(location)

    def scan(self, location: Path, progress: Progress | None) -> Dataset:
        return _scan_manifest(location, progress)

    def find(self, location: Path, film_id: str) -> Path | None:
        return _listed(image_paths(location), film_id)


class _Archive:
    """A MedMNIST ``.npz``; any other file is refused as one."""

    def recognises(self, location: Path) -> bool:
        return location.is_file()

    def scan(self, location: Path, _progress: Progress | None) -> Dataset:
        return _scan_npz(location)

    def find(self, location: Path, film_id: str) -> bytes | None:
        return archived_image(location, film_id)


def _listed(paths: dict[str, str], film_id: str) -> Path | None:
    path = Path(paths[film_id]) if film_id in paths else None
    return path if path and path.is_file() else None


# --- folders ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FolderSource:
    root: Path

    def radiograph(self, film_id: str) -> Radiograph:
        place = place_of(self.root, film_id)
        if place is None:
            name = film_id.rpartition("/")[2]
            raise UnreadableImage(name, "the file does not exist", "Check the path")
        return read_radiograph(place)


def _scan_folder(root: Path, progress: Progress | None) -> Dataset:
    root = layout_root(root)
    if _has_manifest(root):
        manifest = _scan_manifest(root / MANIFEST, progress, within=root)
        return replace(manifest, name=printable(root.name))
    aside = Aside(root)
    found = list(_found(root, aside))
    if not found:
        raise DatasetError(
            f"'{printable(str(root))}' has no X-rays in a layout that Pneumo supports. {_LAYOUT}"
        )
    films = _table(found, digests(root, [each.path for each in found], progress))
    left = aside.all
    notes = tuple(each.sentence for each in left)
    return Dataset(printable(root.name), films, _FolderSource(root), notes, left_aside=left)


@dataclass(frozen=True, slots=True)
class _Found:
    """An X-ray in a class folder; ``start``: leading folders of its id that are split and class."""

    path: str
    id: str
    split: str
    label: int
    subtype: str
    start: int


def _table(found: list[_Found], digests: list[str]) -> pd.DataFrame:
    ids = [PurePosixPath(each.id) for each in found]
    patients = patients_of(ids, [each.label for each in found], [each.start for each in found])
    columns = {
        "id": [each.id for each in found],
        "path": _paths([each.path for each in found]),
        "split": [each.split for each in found],
        "label": [each.label for each in found],
        "subtype": [
            each.subtype or subtype_of(film, each.label)
            for each, film in zip(found, ids, strict=True)
        ],
        "patient": patients,
        "digest": digests,
    }
    return pd.DataFrame(columns).sort_values("id", ignore_index=True)


def _paths(paths: list[str]) -> "pd.Series[str]":
    """Return a column of paths; pandas strings can't hold names that are not UTF-8."""
    odd = any(printable(path) != path for path in paths)
    return pd.Series(paths, dtype=object) if odd else pd.Series(paths)


def layout_root(root: Path) -> Path:
    """Return the folder with the layout, which archives often nest in another folder."""
    folders = subfolders(root)
    while len(folders) == 1 and not _known(folders[0]) and not _has_manifest(root):
        root, folders = folders[0], subfolders(folders[0])
    return root


def _found(root: Path, aside: Aside) -> Iterator[_Found]:
    unknown = []
    for folder in subfolders(root, aside):
        name = folder.name.lower()
        if name in SPLIT_NAMES:
            for inner in subfolders(folder, aside):
                if inner.name.lower() in CLASS_NAMES:
                    yield from _found_in_class(root, inner, SPLIT_NAMES[name], aside)
                else:
                    unknown.append(inner)
        elif name in CLASS_NAMES:
            yield from _found_in_class(root, folder, "train", aside)
        elif _is_dataset(folder):
            aside.put("datasets", folder)
        else:
            unknown.append(folder)
    if unknown:
        names = ", ".join(f"'{folder.relative_to(root)}'" for folder in unknown[:5])
        raise DatasetError(
            printable(
                f"'{root}' has folders that are neither a split nor a class: {names}. {_LAYOUT} "
                "Rename or move them."
            )
        )


def _found_in_class(root: Path, folder: Path, split: str, aside: Aside) -> Iterator[_Found]:
    label, subtype = CLASS_NAMES[folder.name.lower()]
    above = folder.relative_to(root)
    for path, film in find_files(folder, aside):
        film_id = f"{above.as_posix()}/{film}"
        yield _Found(path, film_id, split, label, subtype, len(above.parts))


def _is_dataset(folder: Path) -> bool:
    """Return whether a folder has a layout of its own, as the copy in the public archive."""
    return any(_known(inner) for inner in subfolders(folder))


def _has_manifest(root: Path) -> bool:
    """Return whether a folder's manifest defines the dataset: if valid, or without a layout."""
    manifest = root / MANIFEST
    known = any(map(_known, subfolders(root)))
    return manifest.is_file() and (not known or is_manifest(manifest))


def _known(folder: Path) -> bool:
    return folder.name.lower() in SPLIT_NAMES or folder.name.lower() in CLASS_NAMES


# --- manifests and archives -------------------------------------------------------------------


def _scan_manifest(path: Path, progress: Progress | None, within: Path | None = None) -> Dataset:
    films = read_manifest(path, within=within)
    paths = films["path"].tolist()
    films["digest"] = digests(within or path, paths, progress)
    source = ManifestSource(dict(zip(films["id"], paths, strict=True)))
    table = films[list(COLUMNS)].sort_values("id", ignore_index=True)
    return Dataset(printable(path.stem), table, source)


def _scan_npz(path: Path) -> Dataset:
    rows = []
    for split, images, labels in read_archive(path):
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            film_id = f"{split}/{row:06d}"
            subtype = "normal" if label == 0 else ""
            digest = digest_of(image.tobytes())
            rows.append((film_id, str(path), split, int(label), subtype, film_id, digest))
    films = pd.DataFrame(rows, columns=list(COLUMNS))
    return Dataset(printable(path.stem), films, ArchiveSource(path))
