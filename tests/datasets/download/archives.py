"""ZIPs and MedMNIST archives made for tests, good ones and others."""

import stat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np


def make_zip(path: Path, members: dict[str, bytes], *, packing: int = ZIP_DEFLATED) -> Path:
    """A ZIP whose members are called exactly so, whatever that means."""
    with ZipFile(path, "w", packing) as zipped:
        for name, content in members.items():
            info = ZipInfo("x")
            info.filename = info.orig_filename = name
            info.compress_type = packing
            zipped.writestr(info, content)
    return path


def make_link(path: Path, name: str, target: str) -> Path:
    with ZipFile(path, "w") as zipped:
        info = ZipInfo(name)
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(info, target)
    return path


def zip_folder(folder: Path, path: Path, *, top: str = "") -> Path:
    """Everything in a folder, below the folder ``top`` of the ZIP."""
    with ZipFile(path, "w") as zipped:
        for file in sorted(folder.rglob("*")):
            zipped.write(file, f"{top}{file.relative_to(folder)}")
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """The file with some bytes replaced by as many others."""
    content = path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))
    return path


def pictures(side: int = 64, **films: int) -> dict[str, np.ndarray]:
    """The arrays of a MedMNIST archive with so many films in each split, half of them NORMAL."""
    random = np.random.default_rng(3)
    arrays = {}
    for split, count in films.items():
        arrays[f"{split}_images"] = random.integers(0, 255, (count, side, side), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    return arrays


def make_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path
