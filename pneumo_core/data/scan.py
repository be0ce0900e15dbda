"""Folders and archives become datasets."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812

import numpy as np
import pandas as pd
from PIL import Image

from pneumo_core.data._names import CLASS_NAMES, SPLIT_NAMES, patient_of, subtype_of
from pneumo_core.data._tones import divided, luma
from pneumo_core.data.dataset import COLUMNS, LABELS, SPLITS, Dataset
from pneumo_core.data.manifest import MANIFEST, ManifestSource, is_manifest, read_manifest
from pneumo_core.data.progress import Progress
from pneumo_core.data.radiograph import FilmFacts, Radiograph
from pneumo_core.data.read import read_radiograph
from pneumo_core.data.validation import ValidationCut, ensure_validation
from pneumo_core.errors import DatasetError

__all__ = ["find_film", "layout_root", "patient_of", "scan", "subtype_of"]

_NOT_FILMS = {"thumbs.db", "desktop.ini"}
_AT_ONCE = 256

_LAYOUT = "Expected train/NORMAL, train/PNEUMONIA, test/…, or NORMAL and PNEUMONIA directly."


def scan(
    location: Path,
    *,
    cut: ValidationCut = "late",
    fraction: float = 0.12,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dataset:
    """The dataset in a folder, in a CSV manifest, or in a MedMNIST ``.npz`` file.

    A folder has the layout split/CLASS/film or CLASS/film, or a ``manifest.csv`` (see
    ``read_manifest``) whose films lie in it; a manifest of another name may list any films.
    Every film's bytes are read once for its digest; nothing is decoded. Where fewer than 100
    validation films exist, a validation split is cut from train (see ``ensure_validation``).
    A folder without splits counts as train. Raises DatasetError.
    """
    location = Path(location).expanduser().resolve()
    if location.is_dir():
        try:
            dataset = _scan_folder(location, progress)
        except OSError as error:
            at = error.filename or location
            raise DatasetError(f"'{at}' can't be opened: {error.strerror}. Check it.") from error
    elif location.is_file():
        is_manifest = location.suffix.lower() == ".csv"
        dataset = _scan_manifest(location, progress) if is_manifest else _scan_npz(location)
    else:
        raise DatasetError(f"There is no folder or file '{location}'. Check the path.")
    return ensure_validation(dataset, cut=cut, fraction=fraction, seed=seed)


def find_film(location: Path, film_id: str) -> Path | bytes | None:
    """One film of the dataset there, by id, without looking at the others: its file or its bytes.

    None where it isn't; an id never leads out of the folder. Raises DatasetError for a damaged
    archive.
    """
    if location.is_dir():
        root = layout_root(location).resolve()
        if _has_manifest(root):
            return _listed(read_manifest(root / MANIFEST, within=root), film_id)
        path = (root / film_id).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    if not location.is_file():
        return None
    if location.suffix.lower() == ".csv":
        return _listed(read_manifest(location), film_id)
    images = {split: images for split, images, _ in _read_npz(location)}
    split, _, row = film_id.partition("/")
    if split not in images or not row.isdigit() or int(row) >= len(images[split]):
        return None
    file = BytesIO()
    Image.fromarray(images[split][int(row)]).save(file, "PNG")
    return file.getvalue()


def _listed(films: pd.DataFrame, film_id: str) -> Path | None:
    paths = [Path(path) for path in films.loc[films["id"] == film_id, "path"]]
    return paths[0] if paths and paths[0].is_file() else None


# --- folders ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FolderSource:
    root: Path

    def radiograph(self, film_id: str) -> Radiograph:
        return read_radiograph(self.root / film_id)


def _scan_folder(root: Path, progress: Progress | None) -> Dataset:
    root = layout_root(root)
    if _has_manifest(root):
        manifest = _scan_manifest(root / MANIFEST, progress, within=root)
        return replace(manifest, name=root.name)
    rows = list(_folder_rows(root))
    if not rows:
        raise DatasetError(f"'{root}' holds no films in the layout Pneumo knows. {_LAYOUT}")
    digests = _digests([row[1] for row in rows], progress)
    table = [(*row, digest) for row, digest in zip(rows, digests, strict=True)]
    films = pd.DataFrame(table, columns=list(COLUMNS)).sort_values("id", ignore_index=True)
    notes = tuple(
        f"The folder '{folder.name}' inside holds a dataset of its own and is left out."
        for folder in _subfolders(root)
        if not _known(folder) and _is_dataset(folder)
    )
    return Dataset(root.name, films, _FolderSource(root), notes)


def layout_root(root: Path) -> Path:
    """Archives often unpack into one folder inside a folder; go to the one with the layout."""
    folders = _subfolders(root)
    while len(folders) == 1 and not _known(folders[0]) and not _has_manifest(root):
        root, folders = folders[0], _subfolders(folders[0])
    return root


def _folder_rows(root: Path) -> Iterator[tuple[str, str, str, int, str, str]]:
    unknown = []
    for folder in _subfolders(root):
        name = folder.name.lower()
        if name in SPLIT_NAMES:
            for inner in _subfolders(folder):
                if inner.name.lower() in CLASS_NAMES:
                    yield from _class_rows(root, inner, SPLIT_NAMES[name])
                else:
                    unknown.append(inner)
        elif name in CLASS_NAMES:
            yield from _class_rows(root, folder, "train")
        elif not _is_dataset(folder):
            unknown.append(folder)
    if unknown:
        names = ", ".join(f"'{folder.relative_to(root)}'" for folder in unknown[:5])
        raise DatasetError(
            f"'{root}' holds folders that are neither a split nor a class: {names}. {_LAYOUT} "
            "Rename or move them."
        )


def _class_rows(
    root: Path, folder: Path, split: str
) -> Iterator[tuple[str, str, str, int, str, str]]:
    label, subtype = CLASS_NAMES[folder.name.lower()]
    for path in sorted(folder.rglob("*")):
        hidden = any(_hidden(part) for part in path.relative_to(folder).parts)
        if hidden or path.name.lower() in _NOT_FILMS or not path.is_file():
            continue
        film = path.relative_to(root)
        told = subtype or subtype_of(film, label)
        yield film.as_posix(), str(path), split, label, told, patient_of(film)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(c for c in folder.iterdir() if c.is_dir() and not _hidden(c.name))


def _hidden(name: str) -> bool:
    """Whether it is what systems leave behind: .DS_Store, .ipynb_checkpoints, __MACOSX."""
    return name.startswith((".", "__"))


def _is_dataset(folder: Path) -> bool:
    """Whether it has a layout of its own, as the copy inside the best-known public archive."""
    return any(_known(inner) for inner in _subfolders(folder))


def _has_manifest(root: Path) -> bool:
    """Whether its manifest says what the films are: a good one, or one beside no layout."""
    manifest = root / MANIFEST
    known = any(map(_known, _subfolders(root)))
    return manifest.is_file() and (not known or is_manifest(manifest))


def _known(folder: Path) -> bool:
    return folder.name.lower() in SPLIT_NAMES or folder.name.lower() in CLASS_NAMES


def _digests(paths: list[str], progress: Progress | None) -> list[str]:
    digests: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _AT_ONCE):
            digests += pool.map(_file_digest, paths[start : start + _AT_ONCE])
            if progress:
                progress(len(digests), len(paths))
    return digests


def _file_digest(path: str) -> str:
    return _digest(Path(path).read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


# --- manifests --------------------------------------------------------------------------------


def _scan_manifest(path: Path, progress: Progress | None, within: Path | None = None) -> Dataset:
    films = read_manifest(path, within=within)
    paths = films["path"].tolist()
    films["digest"] = _digests(paths, progress)
    source = ManifestSource(dict(zip(films["id"], paths, strict=True)))
    return Dataset(path.stem, films[list(COLUMNS)].sort_values("id", ignore_index=True), source)


# --- MedMNIST archives ------------------------------------------------------------------------


@dataclass(frozen=True)
class _ArchiveSource:
    path: Path

    @cached_property
    def _images(self) -> dict[str, np.ndarray]:
        return {split: images for split, images, _ in _read_npz(self.path)}

    def radiograph(self, film_id: str) -> Radiograph:
        split, row = film_id.split("/")
        image = self._images[split][int(row)]
        pixels = luma(image, 255) if image.ndim == 3 else divided(image, 255)
        height, width = pixels.shape
        facts = FilmFacts(format="NPZ", width=width, height=height, bits=8, colour=False)
        return Radiograph(name=film_id, pixels=pixels, facts=facts)


def _scan_npz(path: Path) -> Dataset:
    rows = []
    for split, images, labels in _read_npz(path):
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            film_id = f"{split}/{row:06d}"
            subtype = "normal" if label == 0 else ""
            digest = _digest(image.tobytes())
            rows.append((film_id, str(path), split, int(label), subtype, film_id, digest))
    films = pd.DataFrame(rows, columns=list(COLUMNS))
    return Dataset(name=path.stem, films=films, source=_ArchiveSource(path))


# What numpy and zipfile raise for damaged archives; the last line's first two for a file that holds
# an array, its others for headers of arrays that are no Python, or ask for too much.
_NO_ARCHIVE = (
    *(OSError, ValueError, EOFError, KeyError, NotImplementedError, BadZipFile, ZlibError),
    *(TypeError, AttributeError, MemoryError, RuntimeError, SyntaxError, TokenError),
)


def _read_npz(path: Path) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(split, images uint8 (N, S, S[, 3]), labels (N,)) of each split of a MedMNIST file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
    except _NO_ARCHIVE as error:
        raise DatasetError(
            f"'{path.name}' is neither a folder nor a readable .npz file. "
            "Give a folder of films or a MedMNIST archive."
        ) from error
    splits = [
        (split, members[f"{split}_images"], members[f"{split}_labels"].reshape(-1))
        for split in SPLITS
        if f"{split}_images" in members and f"{split}_labels" in members
    ]
    for split, images, labels in splits:
        _check_npz_split(path, split, images, labels)
    if not splits:
        raise DatasetError(
            f"'{path.name}' has no train_images and train_labels. Give a MedMNIST archive."
        )
    if not any(len(images) for _, images, _ in splits):
        raise DatasetError(f"'{path.name}' holds no films. Give a MedMNIST archive.")
    return splits


def _check_npz_split(path: Path, split: str, images: np.ndarray, labels: np.ndarray) -> None:
    shape_is_good = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)
    if images.dtype != np.uint8 or not shape_is_good or len(images) != len(labels):
        raise DatasetError(
            f"'{path.name}': {split}_images is {images.dtype} {images.shape} with {len(labels)} "
            "labels. Expected uint8 (N, S, S) and one label each."
        )
    if not np.isin(labels, range(len(LABELS))).all():
        raise DatasetError(
            f"'{path.name}': {split}_labels holds values other than 0 (NORMAL) and 1 (PNEUMONIA). "
            "Use PneumoniaMNIST, or map the labels first."
        )
