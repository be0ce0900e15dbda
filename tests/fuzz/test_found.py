"""What fuzzing found once, made again byte by byte."""

from pathlib import Path

import pytest

from pneumo_core.data import read_radiograph, scan
from pneumo_core.errors import DatasetError
from tests.data.films import limits
from tests.fuzz.apart import LIMIT_MB, forget_peak, peak_mb
from tests.fuzz.documents import zipped
from tests.fuzz.pictures import packed_png


@pytest.mark.parametrize("header", ["(" * 60, "{" * 90, "\0" * 60, "'''"])
def test_an_array_whose_header_never_ends(tmp_path: Path, header: str) -> None:
    array = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode()
    archive = tmp_path / "films.npz"
    archive.write_bytes(zipped([("train_images.npy", array), ("train_labels.npy", array)]))
    with pytest.raises(DatasetError, match="neither a folder nor a readable"):
        scan(archive)


@pytest.mark.parametrize("colour", [2, 6])
def test_a_colour_picture_takes_little_more_than_itself_and_its_grey(colour: int) -> None:
    film = packed_png(4000, 4000, 8, colour)
    before = forget_peak()
    if not before:
        pytest.skip("this system does not tell peaks of memory")
    read_radiograph(film, limits=limits(max_pixels=16_000_000))
    # 4 bytes a pixel in Pillow, 4 of grey; all at once it took 21 to 25 bytes.
    assert peak_mb() - before < 12 * 16 < LIMIT_MB
