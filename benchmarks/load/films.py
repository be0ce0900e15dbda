"""Films that can be told apart by their pixels, and what the library says of each."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pneumo_core.imaging import read_radiograph
from pneumo_core.reading import open_reader, samples

__all__ = ["NAME", "TaggedFilm", "number_in", "tagged_films"]

NAME = re.compile(r"load-(\d{2,})-(\d)\.jpeg")
"""The file names of these films: the person's number, and which of theirs it is."""

_SIDE, _BITS = 24, 12
_SIZES = ((1100, 900), (1500, 1200), (900, 1000))


@dataclass(frozen=True)
class TaggedFilm:
    """A film of one person: a number in squares along its lower edge, its name, its probability.

    ``probability`` is what the library gives for the file, None where the gate refuses it.
    """

    owner: int
    number: int
    path: Path
    probability: float | None


def tagged_films(people: int, each: int, folder: Path) -> list[list[TaggedFilm]]:
    """So many films for so many people, no two alike, written to a folder and read once."""
    folder.mkdir(parents=True, exist_ok=True)
    grey, reader = read_radiograph(samples()[0].path).pixels, open_reader()
    found = []
    for owner in range(people):
        own = []
        for which in range(each):
            number = owner * each + which
            path = folder / f"load-{owner:02d}-{which}.jpeg"
            _draw(grey, number, path)
            own.append(TaggedFilm(owner, number, path, reader.read_file(path).probability))
        found.append(own)
    return found


def number_in(picture: bytes) -> int:
    """The number that a film's squares spell, in any brightness and at any size."""
    with Image.open(io.BytesIO(picture)) as opened:
        pixels = np.asarray(opened.convert("L"), float)
    side = _SIDE * pixels.shape[1] / _width_of(pixels.shape)
    row = int(pixels.shape[0] - side / 2)
    columns = [int((place + 0.5) * side) for place in range(_BITS + 2)]
    squares = [pixels[row - 4 : row + 4, at - 4 : at + 4].mean() for at in columns]
    dark, bright = squares[0], squares[1]
    bits = [level > (dark + bright) / 2 for level in squares[2:]]
    return sum(bit << place for place, bit in enumerate(bits))


def _width_of(shape: tuple[int, ...]) -> int:
    """The width that a film of this shape was drawn with."""
    ratio = shape[1] / shape[0]
    return min(_SIZES, key=lambda size: abs(size[0] / size[1] - ratio))[0]


def _draw(grey: np.ndarray, number: int, path: Path) -> None:
    random = np.random.default_rng(number)
    picture = Image.fromarray(grey ** random.uniform(0.75, 1.3))
    pixels = 255 * np.array(picture.resize(_SIZES[number % len(_SIZES)]))
    pixels += random.normal(0, 4, pixels.shape)
    for place, level in enumerate(_squares(number)):
        pixels[-_SIDE:, place * _SIDE : (place + 1) * _SIDE] = level
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=92)


def _squares(number: int) -> Iterable[int]:
    """A black and a white one to measure by, then the number's bits, the lowest first."""
    bits = ((number >> place) & 1 for place in range(_BITS))
    return [0, 255, *(255 * bit for bit in bits)]
