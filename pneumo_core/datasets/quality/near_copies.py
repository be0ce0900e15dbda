"""Near copies of images: compressed, resized or brightened versions.

Chest X-rays resemble each other more than photographs do, so a picture's hash can't tell them
apart. Two X-rays are called copies when both hold:

- their outlines agree: the ranks of 16 × 16 grey values, which no change of brightness, contrast or
  gamma reorders, correlate by ``_OUTLINE`` or more;
- their details agree: what a blur takes away correlates by ``_DETAIL`` or more.

On the public set the details of different X-rays, some probably of one child, reach 0.60; those of
X-rays saved as JPEG at quality 10, halved, brightened by a quarter, noisy, or seen through another
gamma or contrast stay above 0.85. Of X-rays of 28 pixels those of different ones reach 0.80. Copies
that are cropped, turned or mirrored are not found.

Only X-rays whose outlines lie close are compared at all. They are found in the first principal
components, where no two X-rays lie further apart than they do in full, so that none is missed:
under a second for 5,840 X-rays, a minute and a half for 100,000, more where many are copies.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pneumo_core.core.progress import Progress

__all__ = ["Copies", "group_pairs", "look_alikes"]

_SIDE = 16
_OUTLINE = 0.98
_DETAIL = 0.82
_BLUR = 2.0
_COMPONENTS = 12
_LEARN_FROM = 5000
_BLOCK = 512
_PAIRS = 100_000


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of rows int64 (n, 2) that hold copies, and the rows int64 (m,) that hold no picture."""

    pairs: NDArray[np.int64]
    blank: NDArray[np.int64]


def look_alikes(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], *, progress: Progress | None = None
) -> Copies:
    """Return which of these rows of X-rays uint8 (N, S, S) are copies of each other.

    Rows that hold one grey value all over are blank, and copies of nothing.
    """
    steps = [_part(progress, number, len(rows)) for number in range(3)]
    outlines, flat = _outlines(pixels, rows, steps[0])
    seen, outlines = rows[~flat], outlines[~flat]
    near = _near(outlines, steps[1])
    return Copies(seen[near[_details_agree(pixels, seen[near], steps[2])]], rows[flat])


def group_pairs(pairs: NDArray[np.int64], n: int) -> list[list[int]]:
    """Return the groups of numbers below ``n`` connected by pairs (k, 2), in order."""
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, group = connected_components(links, directed=False)
    members: dict[int, list[int]] = {}
    for each in np.unique(pairs):
        members.setdefault(int(group[each]), []).append(int(each))
    return list(members.values())


def _part(progress: Progress | None, number: int, films: int) -> Callable[[float], None]:
    """Report the share in [0, 1] done in one of three parts of equal length."""

    def report(share: float) -> None:
        if progress:
            progress(number * films + int(films * min(1.0, share)), 3 * films)

    return report


def _outlines(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], report: Callable[[float], None]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return ranks of small X-rays, float32 (n, 256), standardised; and which are blank."""
    from scipy.stats import rankdata  # takes a second to import

    outlines = np.zeros((len(rows), _SIDE * _SIDE), np.float32)
    flat = np.zeros(len(rows), bool)
    for start in range(0, len(rows), _BLOCK):
        films = pixels[rows[start : start + _BLOCK]]
        here = slice(start, start + len(films))
        flat[here] = films.min(axis=(1, 2)) == films.max(axis=(1, 2))
        small = [
            np.asarray(Image.fromarray(film).resize((_SIDE, _SIDE), Image.Resampling.BOX))
            for film in films
        ]
        ranks = rankdata(np.reshape(small, (len(films), -1)), axis=1)
        outlines[here] = _unit(ranks)
        report((start + len(films)) / len(rows))
    return outlines, flat


def _near(outlines: NDArray[np.float32], report: Callable[[float], None]) -> NDArray[np.int64]:
    """Return pairs int64 (k, 2) of matching outlines; the smaller number is first."""
    if len(outlines) < 2:
        return np.empty((0, 2), np.int64)
    radius = float(np.sqrt(2 * (1 - _OUTLINE))) * (1 + 1e-5)  # for what float32 rounds away
    pairs = cKDTree(_reduced(outlines)).query_pairs(radius, output_type="ndarray")
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), _PAIRS):
        block = pairs[start : start + _PAIRS]
        agreement = np.einsum("ij,ij->i", outlines[block[:, 0]], outlines[block[:, 1]])
        found.append(block[agreement >= _OUTLINE])
        report((start + len(block)) / len(pairs))
    return np.concatenate(found)


def _reduced(outlines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first principal components, learned from some of the X-rays."""
    from sklearn.decomposition import PCA  # slow to import

    chosen = np.random.default_rng(0).permutation(len(outlines))[:_LEARN_FROM]
    components = min(_COMPONENTS, len(chosen))
    with np.errstate(invalid="ignore"):  # outlines that are all the same explain no variance
        learned = PCA(components, svd_solver="covariance_eigh").fit(outlines[chosen])
    points: NDArray[np.float32] = learned.transform(outlines).astype(np.float32)
    return points


def _details_agree(
    pixels: NDArray[np.uint8], pairs: NDArray[np.int64], report: Callable[[float], None]
) -> NDArray[np.bool_]:
    """Return whether the details of each pair of rows (k, 2) agree: bool (k,)."""
    agree = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _BLOCK):
        first, second = (_details(pixels[side]) for side in pairs[start : start + _BLOCK].T)
        agree[start : start + _BLOCK] = np.einsum("ij,ij->i", first, second) >= _DETAIL
        report((start + _BLOCK) / len(pairs))
    report(1.0)
    return agree


def _details(films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the fine detail, float32 (n, S × S), each row of mean 0 and length 1."""
    sharp = films.astype(np.float32)
    detail = sharp - gaussian_filter(sharp, (0, _BLUR, _BLUR))
    return _unit(detail.reshape(len(films), -1))


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(
        centred, length, out=np.zeros_like(centred), where=length > 0
    ).astype(np.float32)
    return unit
