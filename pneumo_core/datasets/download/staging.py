"""Staging of a new dataset: inspect it first, then keep or discard it."""

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import LABELS, MANIFEST, Dataset, layout_root, read_manifest, scan
from pneumo_core.datasets.download.catalogue import Source
from pneumo_core.datasets.download.http import Patience, download
from pneumo_core.datasets.download.installed import (
    About,
    KeptDataset,
    check_dataset_name,
    datasets_home,
    staging,
    write_about,
)
from pneumo_core.datasets.download.medmnist_files import unpack_npz
from pneumo_core.datasets.download.unpack import Limits, unpack
from pneumo_core.errors import DatasetError

__all__ = ["Staged", "fetch", "stage"]

Stages = Callable[[str], Progress]
"""A maker of progress bars, one for each stage of the work by its title."""

_LARGEST_NPZ = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Staged:
    """A hidden dataset until it is kept or discarded."""

    name: str
    folder: Path
    place: Path
    dataset: Dataset
    about: About

    @property
    def location(self) -> Path:
        """The location for ``scan``, until it is kept or discarded."""
        return _location(self.folder, self.name)

    @property
    def scratch(self) -> Path:
        """Temporary folder, for example for decoded X-rays; removed with it."""
        return self.folder.with_name(f"{self.folder.name}-scratch")

    def keep(self) -> KeptDataset:
        """Move it to its place atomically. Raises DatasetError if the name is taken."""
        check_dataset_name(self.name, self.place.parent)
        inner = layout_root(self.folder)
        try:
            write_about(inner, self.about)
            inner.rename(self.place)
            self.discard()  # what lay around the layout
        except OSError as error:
            raise DatasetError(
                f"The dataset '{self.name}' can't be kept in '{self.place.parent}': "
                f"{error.strerror or error}. Add it again."
            ) from error
        return KeptDataset(self.name, self.place, self.about)

    def discard(self) -> None:
        """Remove what is left of it from the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)


def fetch(
    source: Source,
    name: str,
    *,
    home: Path | None = None,
    stages: Stages | None = None,
    patience: Patience | None = None,
) -> KeptDataset:
    """Download a public dataset, unpack it, and keep it under ``name``.

    ``home``: the folder of datasets, default that of PNEUMO_HOME. The download is kept in
    ``PNEUMO_HOME/downloads`` until it is unpacked, so that it can be resumed. ``stages`` gives a
    bar for each stage, the first in bytes. Raises DatasetError.
    """
    home = home or datasets_home()
    check_dataset_name(name, home)
    stages = stages or _silent
    downloads = settings().home / "downloads"
    file = download(
        source, downloads, progress=stages(f"Downloading {source.file}"), patience=patience
    )
    staged = stage(file, name, home=home, stages=stages)
    about = replace(
        staged.about,
        origin=source.page,
        licence=source.licence,
        citation=source.citation,
        checksum=f"{source.algorithm}:{source.checksum}",
    )
    kept = replace(staged, about=about).keep()
    file.unlink(missing_ok=True)
    return kept


def stage(
    file: Path,
    name: str,
    *,
    home: Path | None = None,
    root: Path | None = None,
    base: Path | None = None,
    stages: Stages | None = None,
) -> Staged:
    """Unpack or copy a dataset into a staging folder, and scan it.

    ``file``: a ZIP of labelled folders or with a ``manifest.csv``, a MedMNIST archive, or a CSV
    manifest, whose X-rays are copied. ``root``: the only folder that a CSV may name X-rays in,
    default anywhere; ``base``: where its relative paths start, default beside it. Nothing is left
    on the disk when it fails. Raises DatasetError.
    """
    home = home or datasets_home()
    check_dataset_name(name, home)
    stages = stages or _silent
    limit = settings().max_dataset_bytes
    if not file.is_file():
        raise DatasetError(f"There is no file '{file}'. Check the path.")
    with staging(home) as folder:
        match file.suffix.lower():
            case ".zip":
                bar = stages(f"Unpacking {file.name}")
                unpack(file, folder, limits=Limits(limit), progress=bar)
            case ".npz":
                most = min(limit, _LARGEST_NPZ)
                unpack_npz(file, folder, limit=most, name=name, progress=stages("Writing X-rays"))
            case ".csv" | ".tsv":
                _gather(file, folder, root, base, stages("Copying X-rays"))
            case _:
                raise DatasetError(
                    f"'{file.name}' is neither a ZIP, a CSV manifest nor a MedMNIST .npz archive. "
                    "Use one of these; a folder need not be added, give its path with --data."
                )
        dataset = replace(scan(_location(folder, name)), name=name)
    about = About(date.today().isoformat(), file.name, len(dataset), dataset.fingerprint)
    return Staged(name, folder, home / name, dataset, about)


def _location(folder: Path, name: str) -> Path:
    archive = folder / f"{name}.npz"
    return archive if archive.is_file() else folder


def _gather(
    manifest: Path, folder: Path, root: Path | None, base: Path | None, progress: Progress
) -> None:
    """Copy every X-ray of a manifest, and write a manifest of the copies with the same ids."""
    films = read_manifest(manifest, within=root, base=base)
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(["path", "label", "split", "patient", "subtype", "id"])
    limit, copied = settings().max_dataset_bytes, 0
    try:
        for number, film in enumerate(films.to_dict("records")):
            original = Path(film["path"])
            copied += original.stat().st_size
            if copied > limit:
                raise DatasetError(
                    f"The X-rays of '{manifest.name}' are more than {limit / 1e6:.0f} MB. Raise "
                    "PNEUMO_MAX_DATASET_MB, or use the manifest where it is, with --data."
                )
            copy = Path("films") / f"{number // 1000:04d}" / f"{number:06d}{original.suffix}"
            (folder / copy).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, folder / copy)
            kept = [film[name] for name in ("split", "patient", "subtype", "id")]
            rows.writerow([copy.as_posix(), LABELS[film["label"]], *kept])
            progress(number + 1, len(films))
        (folder / MANIFEST).write_text(out.getvalue(), encoding="utf-8")
    except OSError as error:
        raise DatasetError(
            f"The X-rays of '{manifest.name}' can't be copied to '{folder}': "
            f"{error.strerror or error}. Free some space, or use the manifest where it is."
        ) from error


def _silent(title: str) -> Progress:
    return lambda done, total: None
