"""Public datasets: addresses, licences and checksums."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pneumo_core.errors import UnknownName

__all__ = ["SOURCES", "Source", "find_source"]


@dataclass(frozen=True)
class Source:
    """One public file with X-rays.

    ``size`` in bytes; ``checksum`` in hex digits of ``algorithm``, ``vouched``: who published
    it. ``kind``: a ZIP of labelled folders, or a MedMNIST archive.
    """

    name: str
    title: str
    file: str
    url: str
    page: str
    size: int
    algorithm: Literal["md5", "sha256"]
    checksum: str
    vouched: str
    kind: Literal["zip", "npz"]
    films: int
    licence: str
    citation: str

    def by_hand(self, place: object) -> str:
        """Return instructions for downloading the file manually. ``place``: where it belongs."""
        return (
            f"By hand: download {self.file} in a browser from {self.page}, put it into the folder "
            f"'{place}' and try again; or run 'pneumo data add {self.file} --name {self.name}'."
        )


_KERMANY = (
    "Kermany D, Zhang K, Goldbaum M (2018). Labeled Optical Coherence Tomography (OCT) and Chest "
    "X-Ray Images for Classification. Mendeley Data, V2. doi 10.17632/rscbjbr9sj.2"
)
_MEDMNIST = (
    "Yang J, Shi R, Wei D, Liu Z, Zhao L, Ke B, Pfister H, Ni B (2023). MedMNIST v2. Scientific "
    "Data 10:41. doi 10.1038/s41597-022-01721-8. X-rays: " + _KERMANY
)


def _pneumonia_mnist(side: int, file: str, size: int, md5: str) -> Source:
    return Source(
        name=f"pneumoniamnist_{side}",
        title=f"PneumoniaMNIST, {side} × {side} pixels",
        file=file,
        url=f"https://zenodo.org/records/10519652/files/{file}?download=1",
        page="https://zenodo.org/records/10519652",
        size=size,
        algorithm="md5",
        checksum=md5,
        vouched="published by MedMNIST",
        kind="npz",
        films=5856,
        licence="CC BY 4.0",
        citation=_MEDMNIST,
    )


_ALL = (
    Source(
        name="chest_xray",
        title="The full public set, original sizes",
        file="ChestXRay2017.zip",
        url=(
            "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
            "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded"
        ),
        page="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        size=1_235_512_464,
        algorithm="sha256",
        checksum="13efc055629733dbab07877f8b3c9f81097840dbcdaa326a8542322c2281ce36",
        vouched="recorded by several public projects that use the file, not by its publisher",
        kind="zip",
        films=5856,
        licence="CC BY 4.0",
        citation=_KERMANY,
    ),
    _pneumonia_mnist(
        224, "pneumoniamnist_224.npz", 214_384_716, "d6a3c71de1b945ea11211b03746c1fe1"
    ),
    _pneumonia_mnist(128, "pneumoniamnist_128.npz", 75_506_212, "05b46931834c231683c68f40c47b2971"),
    _pneumonia_mnist(64, "pneumoniamnist_64.npz", 20_606_998, "8f4eceb4ccffa70c672198ea285246c6"),
    _pneumonia_mnist(28, "pneumoniamnist.npz", 4_170_669, "28209eda62fecd6e6a2d98b1501bb15f"),
)

SOURCES: Mapping[str, Source] = MappingProxyType({each.name: each for each in _ALL})
"""Every source by its name, the full set first."""


def find_source(name: str) -> Source:
    """Return the source of that name. Raises UnknownName."""
    if name not in SOURCES:
        raise UnknownName("source", name, SOURCES)
    return SOURCES[name]
