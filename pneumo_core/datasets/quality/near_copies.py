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
components, where no two X-rays lie further apart than they do in full. What matters are the groups
that copies form, so two X-rays that others connect already are not compared.

Where most X-rays are copies, the pairs grow with the square of their number. An X-ray is therefore
compared with the 32 that lie closest. Where more lie close, some X-rays stand for each group found
so far, and are compared with 128, 512 and 2,048. Among 100,000 X-rays a copy or two in a thousand
can be missed, and if all are different the search takes minutes (docs/scaling.md).
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
_CLOSEST, _WIDER, _MOST = 32, 4, 2048
"""Neighbours that an X-ray is compared with; how many times more where more lie close; the most."""
_AT_ONCE = 4_000_000
_STAND_FOR_GROUP, _MOST_OTHERS = 8, 64
_JITTER = 1e-7
"""Added to points that a tree of neighbours can't divide while they are all the same."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Pairs of rows int64 (n, 2) that hold copies, and the rows int64 (m,) that hold no picture.

    The pairs connect all copies of an X-ray; they are not every pair of them.
    """

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
    pairs = _connect(pixels, seen, outlines, steps[1], steps[2])
    return Copies(seen[pairs], rows[flat])


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


class _Groups:
    """Numbers below n, of which some are connected; ``root``: the same for all of a group.

    ``others``: with how many of the same outline each was compared, of which it is no copy.
    """

    def __init__(self, n: int) -> None:
        self.root = np.arange(n)
        self.others = np.zeros(n, np.int64)
        self._members: dict[int, list[int]] = {}
        self.pairs: list[NDArray[np.int64]] = [np.empty((0, 2), np.int64)]

    def apart(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs (k, 2) that nothing connects yet."""
        different: NDArray[np.bool_] = self.root[pairs[:, 0]] != self.root[pairs[:, 1]]
        return pairs[different]

    def worth_comparing(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pairs (k, 2) that are apart, unless both X-rays were compared too often."""
        pairs = self.apart(pairs)
        fresh = self.others[pairs].min(axis=1, initial=_MOST_OTHERS) < _MOST_OTHERS
        return np.asarray(pairs[fresh], dtype=np.int64)

    def connect(self, pairs: NDArray[np.int64]) -> None:
        """Connect pairs (k, 2)."""
        for pair in pairs:
            small, large = sorted(map(int, self.root[pair]), key=self._size)
            if small != large:
                moved = self._members.pop(small, [small])
                self._members.setdefault(large, [large]).extend(moved)
                self.root[moved] = large
                self.pairs.append(pair[np.newaxis])

    def _size(self, root: int) -> int:
        return len(self._members.get(root, (root,)))


def _connect(
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    outlines: NDArray[np.float32],
    searching: Callable[[float], None],
    comparing: Callable[[float], None],
) -> NDArray[np.int64]:
    """Return pairs int64 (k, 2) that connect copies; the smaller number is first."""
    groups, chosen = _Groups(len(rows)), np.arange(len(rows))
    points = _reduced(outlines) if len(rows) > 1 else np.empty((0, 1))
    closest = _CLOSEST
    while len(chosen) > 1 and closest <= _MOST:
        near, crowd = cKDTree(points[chosen]), [chosen[:0]]
        for start in range(0, len(chosen), max(1, _AT_ONCE // closest)):
            asked = chosen[start : start + max(1, _AT_ONCE // closest)]
            found, crowded = _neighbours(near, points[asked], closest, searching)
            crowd.append(asked[crowded])
            for rank, column in enumerate(found.T):
                there = column >= 0
                pairs = np.stack([asked[there], chosen[column[there]]], axis=1)
                _compare(pixels, rows, outlines, groups, pairs)
                comparing((start + len(asked) * rank / len(found.T)) / len(chosen))
        searching, comparing = _at_end(comparing), _at_end(comparing)
        chosen = _standing_for(np.concatenate(crowd), groups.root)
        closest *= _WIDER
    comparing(1.0)
    return np.concatenate(groups.pairs)


def _at_end(report: Callable[[float], None]) -> Callable[[float], None]:
    """Return a report that stays at its end, for work that is not foreseen."""
    return lambda _share: report(1.0)


def _neighbours(
    tree: cKDTree, asked: NDArray[np.float64], closest: int, report: Callable[[float], None]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the closest in the tree to each point (n, d) within the radius, (n, k), -1 for none.

    And whether there may be more, bool (n,).
    """
    radius = float(np.sqrt(2 * (1 - _OUTLINE))) * (1 + 2e-5)  # for what float32 rounds away
    most = min(closest + 1, tree.n)  # each point is a neighbour of its own
    near = np.full((len(asked), most), -1, np.int64)
    for start in range(0, len(asked), max(1, _PAIRS // most)):
        here = slice(start, start + max(1, _PAIRS // most))
        _, found = tree.query(asked[here], most, distance_upper_bound=radius, workers=-1)
        near[here] = np.where(found == tree.n, -1, found)
        report(here.stop / len(asked))
    return near, (near[:, -1] >= 0) & (most < tree.n)


def _standing_for(numbers: NDArray[np.int64], root: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of the numbers of each group, evenly chosen, in order."""
    order = np.lexsort((numbers, root[numbers]))
    sorted_roots = root[numbers][order]
    _, start, size = np.unique(sorted_roots, return_index=True, return_counts=True)
    place = np.arange(len(numbers)) - np.repeat(start, size)
    share = np.minimum(1, _STAND_FOR_GROUP / np.repeat(size, size))
    picked = np.floor((place + 1) * share) > np.floor(place * share)
    return np.sort(numbers[order[picked]])


def _compare(
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    outlines: NDArray[np.float32],
    groups: _Groups,
    pairs: NDArray[np.int64],
) -> None:
    """Connect those of the pairs int64 (k, 2) whose outlines and details agree."""
    pairs = np.sort(groups.apart(pairs), axis=1)
    _, once = np.unique(pairs[:, 0] * len(rows) + pairs[:, 1], return_index=True)
    pairs = pairs[once]
    for start in range(0, len(pairs), _PAIRS):
        block = pairs[start : start + _PAIRS]
        agreement = np.einsum("ij,ij->i", outlines[block[:, 0]], outlines[block[:, 1]])
        alike = block[agreement >= _OUTLINE]
        for first in range(0, len(alike), _BLOCK):
            some = groups.worth_comparing(alike[first : first + _BLOCK])
            if len(some):
                agree = _details_agree(pixels, rows[some])
                groups.connect(some[agree])
                np.add.at(groups.others, some[~agree], 1)


def _reduced(outlines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the first principal components, learned from some of the X-rays, no two the same."""
    from sklearn.decomposition import PCA  # slow to import

    random = np.random.default_rng(0)
    chosen = random.permutation(len(outlines))[:_LEARN_FROM]
    components = min(_COMPONENTS, len(chosen))
    with np.errstate(invalid="ignore"):  # outlines that are all the same explain no variance
        learned = PCA(components, svd_solver="covariance_eigh").fit(outlines[chosen])
    points: NDArray[np.float64] = learned.transform(outlines).astype(np.float64)
    return points + random.normal(0, _JITTER, points.shape)


def _details_agree(pixels: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether the details of each pair of rows (k, 2) agree: bool (k,)."""
    first, second = (_details(pixels[side]) for side in pairs.T)
    return np.asarray(np.einsum("ij,ij->i", first, second) >= _DETAIL)


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
