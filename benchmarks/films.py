"""Films to measure on: the public set where it is at hand, else films drawn from a sample.

PNEUMO_DATA names the public set at 224 pixels, PNEUMO_ORIGINALS a folder of films at original size.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from pneumo_core.imaging import read_radiograph
from pneumo_core.reading import samples

__all__ = ["folder_of_copies", "original_films", "small_films", "where"]

_SIZES = ((1500, 1200), (2090, 1858), (1300, 950), (1028, 650))


def small_films(home: Path, count: int = 256) -> list[Path]:
    """X-rays of 224 × 224 pixels."""
    given = os.environ.get("PNEUMO_DATA", "").strip()
    return _listed(Path(given)) if given else _drawn(home / "small", count, ((224, 224),))


def original_films(home: Path) -> list[Path]:
    """X-rays as an X-ray machine gives them, 1,000 to 2,000 pixels wide."""
    given = os.environ.get("PNEUMO_ORIGINALS", "").strip()
    return _listed(Path(given)) if given else _drawn(home / "original", 24, _SIZES)


def where() -> str:
    """Which X-rays were measured on, in words."""
    given = [name for name in ("PNEUMO_DATA", "PNEUMO_ORIGINALS") if os.environ.get(name)]
    drawn = "X-rays drawn from a sample X-ray of pydicom-data"
    return {2: "the public set", 0: drawn}.get(
        len(given), f"{given[0]} and {drawn}" if given else ""
    )


def folder_of_copies(films: list[Path], folder: Path, count: int) -> Path:
    """A dataset folder of ``count`` films, made of different bytes but the same few pictures.

    A third are normal; they lie in train, and every eighth in test.
    """
    if (folder / "done").is_file():
        return folder
    for number in range(count):
        label, film = ("NORMAL", "PNEUMONIA")[number % 3 > 0], films[number % len(films)]
        split = "test" if number % 8 == 0 else "train"
        patient = f"IM-{number:06d}-0001" if label == "NORMAL" else f"person{number}_virus_1"
        target = folder / split / label / f"{patient}.jpeg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(film.read_bytes() + number.to_bytes(4, "big"))  # after the end: unread
    (folder / "done").touch()
    return folder


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg"))


def _drawn(folder: Path, count: int, sizes: tuple[tuple[int, int], ...]) -> list[Path]:
    """JPEG X-rays that differ a little in grey and noise."""
    films = [folder / f"{number:04d}.jpeg" for number in range(count)]
    if not films[-1].is_file():
        folder.mkdir(parents=True, exist_ok=True)
        grey = read_radiograph(samples()[0].path).pixels
        for number, film in enumerate(films):
            random = np.random.default_rng(number)
            picture = Image.fromarray(grey ** random.uniform(0.7, 1.4))
            pixels = np.array(picture.resize(sizes[number % len(sizes)]))
            pixels = 255 * pixels + random.normal(0, 4, pixels.shape)
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(film, quality=92)
    return films
