"""What fuzzing found once, made again byte by byte."""

import io
import json
from pathlib import Path

import gdcm
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import CheckpointError, DatasetError, UnreadableImage
from pneumo_core.evaluation import shipped_scores
from pneumo_core.imaging import read_radiograph
from pneumo_core.imaging.formats import dicom_codecs as _stored
from tests.fuzz.apart import LIMIT_MB, forget_peak, peak_mb
from tests.fuzz.checkpoint import NAME, parts, put
from tests.fuzz.documents import zipped
from tests.fuzz.pictures import packed_png
from tests.fuzz.seeds import seeds
from tests.imaging.images import dataset, encoded, limits, written


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


@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 2, "RescaleIntercept": -9}])
def test_a_deflated_film_takes_little_more_than_its_values_and_its_grey(
    rescale: dict[str, int],
) -> None:
    pixels = np.tile(np.arange(4000, dtype=np.uint16), (4000, 1))
    film = dataset(pixels, WindowCenter=2000, WindowWidth=3000, **rescale)
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = written(film)
    before = forget_peak()
    if not before:
        pytest.skip("this system does not tell peaks of memory")
    read_radiograph(data, limits=limits(max_pixels=16_000_000))
    # Four copies of 2 bytes while it is unpacked; with a copy at every step it took 13 to 15.
    assert peak_mb() - before < 12 * 16 < LIMIT_MB  # pages of memory come and go by a few


def test_gdcm_may_not_take_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = lossless_jpeg(tmp_path, np.zeros((4000, 4000), np.uint16))
    assert read_radiograph(film).facts.width == 4000
    # Its libraries are loaded and take more than this, so it gets nothing for 32 MB of pixels.
    monkeypatch.setattr(_stored, "_MEMORY", -8 * 32_000_000)
    with pytest.raises(UnreadableImage, match="its JPEG picture cannot be decoded"):
        read_radiograph(film)


def test_gdcm_may_not_take_all_time(monkeypatch: pytest.MonkeyPatch) -> None:
    film = seeds("dicom")["SC_rgb_jpeg_gdcm.dcm"]
    monkeypatch.setattr(_stored, "_PATIENCE_S", 0.05)
    with pytest.raises(UnreadableImage, match=r"took longer than .* less busy"):
        read_radiograph(film)


def lossless_jpeg(folder: Path, pixels: np.ndarray) -> bytes:
    """A DICOM file as JPEG Lossless, which GDCM alone decodes."""
    (folder / "plain.dcm").write_bytes(written(dataset(pixels)))
    reader, change, writer = (
        gdcm.ImageReader(),
        gdcm.ImageChangeTransferSyntax(),
        gdcm.ImageWriter(),
    )
    reader.SetFileName(str(folder / "plain.dcm"))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(folder / "jpeg.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return (folder / "jpeg.dcm").read_bytes()


def test_a_jpeg_whose_scans_never_end() -> None:
    film = bytearray(encoded(Image.new("CMYK", (96, 96)), "JPEG", progressive=True))
    frame = film.index(b"\xff\xc2")
    film[frame + 5 : frame + 9] = (4000).to_bytes(2, "big") * 2
    scan, end = film.index(b"\xff\xda"), film.rindex(b"\xff\xd9")
    film[end:end] = film[scan:end] * 500  # half a minute and more
    with pytest.raises(UnreadableImage, match="scans of the whole picture"):
        read_radiograph(bytes(film))


def test_a_small_jpeg_may_have_many_scans() -> None:
    film = bytearray(encoded(Image.new("L", (96, 96)), "JPEG", progressive=True))
    scan, end = film.index(b"\xff\xda"), film.rindex(b"\xff\xd9")
    film[end:end] = film[scan:end] * 20
    assert read_radiograph(bytes(film)).facts.width == 96


def test_a_phones_video_behind_its_picture_is_no_scan() -> None:
    film = encoded(Image.new("L", (4000, 3000)), "JPEG")
    assert read_radiograph(film + b"\xff\xda" * 500).facts.width == 4000


def test_a_jpeg_2000_whose_boxes_lead_nowhere() -> None:
    film = bytearray(seeds("dicom")["GDCMJ2K_TextGBR.dcm"])
    box = film.index(b"ftyp") - 4
    film[box : box + 4] = bytes(4)  # pydicom 3.0 stays there for ever
    with pytest.raises(UnreadableImage, match="a box of its JPEG 2000 picture has no end"):
        read_radiograph(bytes(film))


@pytest.mark.parametrize(
    "changes",
    [{"std": [0.25, 0.25]}, {"mean": []}, {"std": [0.0] * 3}, {"size": 10**6}, {"channels": 4}],
)
def test_a_card_whose_input_no_film_can_be_made_into(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    card = json.loads(parts()["card.json"])
    card["input"] |= changes
    put(tmp_path / NAME, "card.json", json.dumps(card).encode())
    with pytest.raises(CheckpointError, match="its input must have a size of 1 to 4096 pixels"):
        load_checkpoint(NAME, tmp_path)


@pytest.mark.parametrize(
    "changes", [{"label": 7}, {"label": "x"}, {"probability": 2.0}, {"probability": np.nan}]
)
def test_scores_of_a_checkpoint_that_can_be_none(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    whole = pd.read_parquet(io.BytesIO(parts()["scores.parquet"]))
    for table in (whole.assign(**changes), whole.drop(columns=list(changes))):
        put(tmp_path / NAME, "scores.parquet", table.to_parquet(index=False))
        with pytest.raises(CheckpointError, match="its scores"):
            shipped_scores(load_checkpoint(NAME, tmp_path), "test")
