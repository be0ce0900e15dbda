"""Sample X-rays from the package pydicom-data, to try Pneumo on."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Sample", "samples"]


@dataclass(frozen=True)
class Sample:
    """A sample X-ray on this machine."""

    title: str
    about: str
    path: Path


_SAMPLES = (
    ("Chest", "An adult's chest X-ray, PA view (computed radiography)", "RG1_UNCR.dcm"),
    ("Leg", "A child's lower leg: refused by the image check", "RG3_UNCR.dcm"),
)


@cache
def samples() -> tuple[Sample, ...]:
    """Return the sample X-rays of the package pydicom-data (MIT), if installed."""
    if find_spec("pydicom") is None:
        return ()
    from pydicom.data import get_testdata_file  # pydicom takes half a second: only when asked

    found = []
    for title, about, file in _SAMPLES:
        path = get_testdata_file(file, download=False)
        if path is not None:
            found.append(Sample(title, about, Path(str(path))))
    return tuple(found)
