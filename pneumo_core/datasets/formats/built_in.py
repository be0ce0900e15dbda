"""The built-in dataset formats: folders, manifests and MedMNIST archives."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from pneumo_core.core.files import printable
from pneumo_core.core.progress import Progress
from pneumo_core.core.remote import is_url
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
from pneumo_core.datasets.formats.names import CLASS_NAMES, SPLIT_NAMES, patients_of, subtype_of
from pneumo_core.datasets.formats.registry import DatasetFormat
from pneumo_core.datasets.remote_images import fetch_image, url_digests
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.imaging.radiograph import Radiograph
from pneumo_core.imaging.read import read_radiograph

__all__ = ["BUILT_IN", "layout_root"]

_LAYOUT = "Expected train/NORMAL, train/PNEUMONIA, test/…, or NORMAL and PNEUMONIA directly."


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

    def find(self, location: Path, film_id: str) -> Path | bytes | None:
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

    def find(self, location: Path, film_id: str) -> Path | bytes | None:
        return _listed(image_paths(location), film_id)


class _Archive:
    """A MedMNIST ``.npz``; any other file is refused as one."""

    def recognises(self, location: Path) -> bool:
        return location.is_file()

    def scan(self, location: Path, _progress: Progress | None) -> Dataset:
        return _scan_npz(location)

    def find(self, location: Path, film_id: str) -> bytes | None:
        return archived_image(location, film_id)


def _listed(paths: dict[str, str], film_id: str) -> Path | bytes | None:
    if film_id not in paths:
        return None
    if is_url(paths[film_id]):
        try:
            return fetch_image(paths[film_id])
        except UnreadableImage:
            return None
    path = Path(paths[film_id])
    return path if path.is_file() else None


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
    films["digest"] = _listed_digests(within or path, paths, progress)
    source = ManifestSource(dict(zip(films["id"], paths, strict=True)))
    table = films[list(COLUMNS)].sort_values("id", ignore_index=True)
    return Dataset(printable(path.stem), table, source)


def _listed_digests(root: Path, paths: list[str], progress: Progress | None) -> list[str]:
    """Return the digests of a manifest's files and URLs, in order."""
    urls = [path for path in paths if is_url(path)]
    if not urls:
        return digests(root, paths, progress)
    files = [path for path in paths if not is_url(path)]
    known = dict(zip(urls, url_digests(urls, progress), strict=True))
    known |= zip(files, digests(root, files, progress), strict=True)
    return [known[path] for path in paths]


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


BUILT_IN: tuple[DatasetFormat, ...] = (_Folder(), _Manifest(), _Archive())
"""In the order in which they are tried."""
