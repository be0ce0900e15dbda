"""Synthetic out-of-distribution images and in-distribution augmentations for fitting the check.

All are uint8 (S, S) and drawn from a random generator, so that a fit needs no images besides its
dataset and is reproducible.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

__all__ = ["augmented", "outliers_of", "synthetic_images"]

Film = NDArray[np.uint8]
Random = np.random.Generator


def augmented(film: Film, random: Random) -> Film:
    """Return a plausible variant of an X-ray, which should still be accepted.

    Slightly rotated, cropped or padded, brighter or darker, mirrored.
    """
    side = len(film)
    picture = Image.fromarray(film[:, ::-1] if random.random() < 0.5 else film)
    picture = picture.rotate(random.uniform(-7, 7), Image.Resampling.BILINEAR)
    left, top, right, bottom = random.uniform(-0.08, 0.06, 4) * side
    picture = picture.transform(
        (side, side),
        Image.Transform.EXTENT,
        (left, top, side - right, side - bottom),
        Image.Resampling.BILINEAR,
    )
    tones = (np.asarray(picture, np.float32) / 255) ** random.uniform(0.7, 1.4)
    tones = (tones - 0.5) * random.uniform(0.75, 1.2) + 0.5 + random.uniform(-0.06, 0.06)
    return _in_8_bits(tones)


def outliers_of(film: Film, other: Film, random: Random) -> Iterator[tuple[str, Film]]:
    """Yield (kind, image) for each way in which an X-ray can be presented wrongly.

    ``other`` is the second X-ray of images with two."""
    yield "inverted", 255 - film
    yield "on its side", np.rot90(film, 1 if random.random() < 0.5 else 3).copy()
    yield "upside down", np.rot90(film, 2).copy()
    yield "upside down", film[::-1].copy()
    for _ in range(2):
        yield "part", _piece(film, random)
    yield "part", _half(film, random)
    yield "small", _on_a_page(film, random)
    yield "small", _two(film, other, random)


def synthetic_images(count: int, side: int, random: Random) -> Iterator[tuple[str, Film]]:
    """Yield (kind, image) of images that are not chest X-rays: ``count`` of each sort."""
    sorts: tuple[tuple[str, Callable[[int, Random], NDArray[np.float64]]], ...] = (
        ("limb", _limb),
        ("picture", _noise),
        ("picture", _gradient),
        ("picture", _leaves),
        ("picture", _shapes),
        ("picture", _page),
        ("picture", _blob),
    )
    for kind, draw in sorts:
        for _ in range(count):
            picture = draw(side, random)
            yield kind, _in_8_bits(picture)


# --- X-rays presented wrongly -------------------------------------------------------------------


def _piece(film: Film, random: Random) -> Film:
    """Return a rectangle of at most a third of the X-ray's area, enlarged."""
    side = len(film)
    area, aspect = random.uniform(0.1, 0.33), np.exp(random.uniform(-0.7, 0.7))
    height = min(int(side * np.sqrt(area * aspect)), side)
    width = min(int(side * np.sqrt(area / aspect)), side)
    top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
    return _resized(film[top : top + height, left : left + width], side, side)


def _half(film: Film, random: Random) -> Film:
    """Return one lung, or the part above or below the middle of the lungs."""
    side = len(film)
    share = int(side * random.uniform(0.33, 0.52))
    begins = random.random() < 0.5
    kept = slice(0, share) if begins else slice(side - share, side)
    piece = film[kept] if random.random() < 0.5 else film[:, kept]
    return _resized(piece, side, side)


def _on_a_page(film: Film, random: Random) -> Film:
    """Return the X-ray at half its size or less on a uniform page."""
    side, grey = len(film), int(random.integers(0, 256))
    page = np.full((side, side), random.choice([0, 0, 255, 255, grey]), np.uint8)
    height, width = (random.uniform(0.25, 0.58, 2) * side).astype(int)
    top, left = random.integers(0, side - height), random.integers(0, side - width)
    page[top : top + height, left : left + width] = _resized(film, height, width)
    return page


def _two(film: Film, other: Film, random: Random) -> Film:
    pair = np.concatenate([film, other], axis=int(random.integers(2)))
    return _resized(pair, len(film), len(film))


# --- images that are not X-rays ------------------------------------------------------------------


def _limb(side: int, random: Random) -> NDArray[np.float64]:
    """Draw bright bones in soft tissue, on a dark background or, as often, filling the image."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    turn = random.uniform(-0.6, 0.6) + random.choice([0, np.pi / 2], p=[0.8, 0.2])
    across = x * np.cos(turn) + y * np.sin(turn) + random.uniform(-0.25, 0.25)
    along = y * np.cos(turn) - x * np.sin(turn)
    wide = random.uniform(0.25, 1.1) * (1 + 0.25 * np.cos(2 * along + random.uniform(0, 6)))
    picture = random.uniform(0.2, 0.5) * np.sqrt(np.clip(1 - (across / wide) ** 2, 0, 1))
    for _ in range(random.integers(1, 6)):
        bone = wide * random.uniform(0.08, 0.3)
        offset = random.uniform(-0.7, 0.7) * wide
        inside = 1 - ((across - offset) / bone) ** 2
        ends = np.abs(along - random.uniform(-0.6, 0.6)) < random.uniform(0.3, 2)
        shade = (0.35 + 0.25 * (1 - np.clip(inside, 0, 1))) * np.clip(inside * 5, 0, 1) * ends
        picture = np.maximum(picture, random.uniform(0.7, 1.4) * shade + picture * 0.6)
    blurred = ndimage.gaussian_filter(picture, side / 200)
    return np.asarray(blurred + random.normal(0, 0.01, (side, side)))


def _noise(side: int, random: Random) -> NDArray[np.float64]:
    """Draw noise with a power spectrum of 1 / frequency^b, b from white to clouds."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = 1
    waves = np.fft.fft2(random.normal(size=(side, side))) / frequency ** random.uniform(0, 1.8)
    field = np.fft.ifft2(waves).real
    return np.asarray(0.5 + random.uniform(0.1, 0.3) * (field - field.mean()) / field.std())


def _gradient(side: int, random: Random) -> NDArray[np.float64]:
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    turn = random.uniform(0, 2 * np.pi)
    ramp = x * np.cos(turn) + y * np.sin(turn)
    if random.random() < 0.5:
        ramp = random.choice([-1, 1]) * np.hypot(x - ramp.mean(), y - random.uniform(-0.5, 0.5))
    return np.asarray(_stretched(ramp) ** random.uniform(0.5, 2))


def _leaves(side: int, random: Random) -> NDArray[np.float64]:
    """Draw overlapping discs, which have the statistics of photographs.

    Lee, Mumford, Huang 2001, doi 10.1023/A:1011109015675.
    """
    y, x = np.mgrid[:side, :side]
    picture = np.full((side, side), random.random())
    for _ in range(120):
        radius = min(side * 0.4, side * 0.02 / random.random() ** 0.9)
        top, left = random.uniform(0, side, 2)
        picture[np.hypot(y - top, x - left) < radius] = random.random()
    return np.asarray(ndimage.gaussian_filter(picture, random.uniform(0.3, side / 60)))


def _shapes(side: int, random: Random) -> NDArray[np.float64]:
    picture = Image.new("L", (side, side), int(random.integers(0, 256)))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(1, 20)):
        (left, right), (top, bottom) = np.sort(random.integers(0, side, (2, 2)), axis=1).tolist()
        shape = (draw.ellipse, draw.rectangle, draw.line)[random.integers(3)]
        shape((left, top, right + 1, bottom + 1), fill=int(random.integers(0, 256)))
    return np.asarray(picture, np.float64) / 255


def _page(side: int, random: Random) -> NDArray[np.float64]:
    """Draw lines of words, dark on light or light on dark."""
    page = np.zeros((side, side))
    height = int(random.integers(2, max(4, side // 16)))
    margin = int(side * random.uniform(0.02, 0.15))
    for top in range(margin, side - margin, height * 2):
        left = margin
        while left < side - margin and random.random() < 0.95:
            word = int(random.integers(1, 9) * height * 0.6) + 1
            shown = page[top : top + height, left : min(left + word, side - margin)]
            shown[:] = random.random(shown.shape) < 0.6
            left += word + max(1, height // 2)
    strong = random.uniform(0.4, 1)
    return 1 - strong * page if random.random() < 0.7 else 0.1 + strong * page


def _blob(side: int, random: Random) -> NDArray[np.float64]:
    """Draw a bright, round, textured body on black, like slices and scans."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    height, width = random.uniform(0.4, 1, 2)
    radius = np.hypot((y - random.normal(0, 0.1)) / height, (x - random.normal(0, 0.1)) / width)
    inside = np.clip((1 - radius) * random.uniform(4, 20), 0, 1)
    ring = np.exp(-(((radius - random.uniform(0.8, 1)) / random.uniform(0.03, 0.1)) ** 2))
    body = _noise(side, random) * random.uniform(0.5, 1)
    return np.asarray(inside * body + random.uniform(0, 0.8) * ring)


def _stretched(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    return np.asarray((values - low) / max(high - low, 1e-9))


def _in_8_bits(tones: NDArray[np.floating]) -> Film:
    return np.asarray(np.rint(np.clip(tones, 0, 1) * 255), np.uint8)


def _resized(film: Film, height: int, width: int) -> Film:
    picture = Image.fromarray(np.ascontiguousarray(film))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
