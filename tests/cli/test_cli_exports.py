"""``pneumo predict --pdf --dicom``: the same result as files."""

import json
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path

import numpy as np
import pydicom
import pypdfium2
import pytest
from PIL import Image

from pneumo_core.audit import open_log
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.cli._lungs_tally import LungsTally
from pneumo_core.explanations import HeatMap
from pneumo_core.lungs import ConfidenceLimits
from pneumo_core.reading import Reader
from tests.cli.conftest import Finished
from tests.imaging.images import RAMP12, dicom, encoded
from tests.lying import LYING, know_lying_films

Run = Callable[..., Finished]

PATIENT = {"PatientName": "Musterfrau^Erika", "PatientID": "ID-4711", "StudyInstanceUID": "1.2.3"}


@pytest.fixture
def films(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    """A folder with a picture and a DICOM film of a patient."""
    folder = tmp_path / "films"
    folder.mkdir()
    ramp = np.tile(np.linspace(0, 255, 128, dtype=np.uint8), (128, 1))
    Image.fromarray(ramp).save(folder / "a.png")
    (folder / "Musterfrau.dcm").write_bytes(dicom(RAMP12, BitsStored=12, HighBit=11, **PATIENT))
    return folder


def printed(done: Finished) -> dict[str, dict[str, object]]:
    """Rows by the file's name."""
    return {Path(row["file"]).name: row for row in map(json.loads, done.out.splitlines())}


def test_every_x_ray_gets_its_files_and_they_say_the_same_numbers(
    pneumo: Run, films: Path, tmp_path: Path
) -> None:
    folders = ("--dicom", tmp_path / "dcm", "--pdf", tmp_path / "deep" / "pdf")
    done = pneumo("predict", films, "--json", *folders)
    assert done.code == 0, done.err
    for name, row in printed(done).items():
        pdf, dcm = (Path(file) for file in row["exported"])
        made = pydicom.dcmread(dcm)
        assert f"probability={row['probability']};" in made.ImageComments
        words = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded()
        assert f"{row['probability']:.3f}" in words
        assert made.PatientIdentityRemoved == "YES", name
        assert "Musterfrau" not in f"{made}{words}{pdf.name}{dcm.name}"
    assert len(list((tmp_path / "dcm").iterdir())) == 2
    assert len(list((tmp_path / "deep" / "pdf").iterdir())) == 2


def test_the_patient_stays_where_that_is_asked_for(
    pneumo: Run, films: Path, tmp_path: Path
) -> None:
    done = pneumo("predict", films, "--json", "--dicom", tmp_path / "dcm", "--keep-identity")
    (file,) = printed(done)["Musterfrau.dcm"]["exported"]
    made = pydicom.dcmread(file)
    assert (made.PatientID, made.StudyInstanceUID) == ("ID-4711", "1.2.3")
    assert "Musterfrau" in Path(file).name


def test_the_same_command_again_writes_the_same_images(
    pneumo: Run, films: Path, tmp_path: Path
) -> None:
    seen = []
    for _ in range(2):
        pneumo("predict", films, "--dicom", tmp_path / "dcm")
        files = sorted((tmp_path / "dcm").iterdir())
        seen.append([(file.name, pydicom.dcmread(file).SOPInstanceUID) for file in files])
    assert seen[0] == seen[1]


def test_what_names_its_patient_in_its_pixels_is_told_and_the_rest_goes_on(
    pneumo: Run, films: Path, tmp_path: Path
) -> None:
    named = dicom(RAMP12, BitsStored=12, HighBit=11, BurnedInAnnotation="YES")
    (films / "Musterfrau.dcm").write_bytes(named)
    done = pneumo("predict", films, "--json", "--pdf", tmp_path / "pdf")
    assert done.code == 1
    assert "Not exported as PDF." in done.err
    assert "burned-in text" in done.err
    rows = printed(done)
    assert rows["Musterfrau.dcm"]["status"] == "read"
    assert rows["Musterfrau.dcm"]["exported"] == []
    assert len(rows["a.png"]["exported"]) == 1


def test_what_is_not_read_is_not_exported(pneumo: Run, films: Path, tmp_path: Path) -> None:
    (films / "Musterfrau.dcm").write_bytes(b"no X-ray")
    done = pneumo("predict", films, "--json", "--pdf", tmp_path / "pdf")
    assert done.code == 1
    assert printed(done)["Musterfrau.dcm"]["exported"] == []
    assert len(list((tmp_path / "pdf").iterdir())) == 1


@pytest.mark.parametrize("letter", ["x", "胸"])
def test_the_longest_name_has_a_heat_map(
    pneumo: Run, films: Path, tmp_path: Path, letter: str
) -> None:
    longest = letter * (250 // len(letter.encode())) + ".png"
    (films / "a.png").rename(films / longest)
    done = pneumo("predict", films / longest, "--heatmaps", tmp_path / "heat")
    assert done.code == 0, done.err
    assert len(list((tmp_path / "heat").iterdir())) == 1


@pytest.mark.parametrize("option", ["--pdf", "--dicom", "--heatmaps"])
@pytest.mark.linux
def test_a_folder_that_cant_be_written_is_one_sentence(
    pneumo: Run, films: Path, option: str
) -> None:
    for folder in (films / "a.png", films / "a.png" / "deep", Path("/proc/sys")):
        done = pneumo("predict", films, option, folder)
        assert done.code == 1
        assert not done.out
        assert done.err.startswith(f"Cannot write to the folder '{folder}': ")
        assert done.err.count("\n") == 1


def test_keeping_the_identity_of_nothing_is_wrong_usage(pneumo: Run, films: Path) -> None:
    done = pneumo("predict", films, "--keep-identity")
    assert done.code == 2
    assert "add --pdf or --dicom" in done.err


class _CornerFinder:
    """Finds lungs in a corner of images that are bright on the right, and none in others."""

    identity = "corner"
    limits = ConfidenceLimits()

    def chances(self, images: np.ndarray) -> np.ndarray:
        found = np.zeros(images.shape, np.float32)
        found[images[:, :, -8:].mean(axis=(1, 2)) > 128, :20, :20] = 1
        return found


@pytest.fixture
def three(films: Path, use_finder: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three pictures; two have lungs, in a corner where little of a map lies."""
    use_finder(_CornerFinder())
    never_empty = partialmethod(Reader.heat_map, method="activation")
    monkeypatch.setattr(Reader, "heat_map", never_empty)
    (films / "Musterfrau.dcm").unlink()
    ramp = np.asarray(Image.open(films / "a.png"))
    Image.fromarray(ramp[:, ::-1].copy()).save(films / "b.png")
    Image.fromarray(ramp).save(films / "c.png")
    return films


def test_json_has_the_share_of_each_map_inside_the_lungs(
    pneumo: Run, three: Path, tmp_path: Path
) -> None:
    (three / "text.png").write_text("no X-ray")
    done = pneumo("predict", three, "--json", "--heatmaps", tmp_path / "heat", "--no-gate")
    rows = printed(done)
    heat = rows["a.png"]["heat_map"]
    assert (heat["method"], heat["file"]) == ("activation", str(tmp_path / "heat" / "0000_a.png"))
    assert 0 <= heat["inside_lungs"] < 0.5
    edge = pytest.approx(20 / 112)
    assert heat["lungs_box"] == {"top": 0, "left": 0, "bottom": edge, "right": edge}
    assert rows["a.png"]["lungs"] == heat["lungs_box"]
    assert rows["b.png"]["heat_map"]["inside_lungs"] is rows["b.png"]["lungs"] is None
    assert rows["text.png"]["heat_map"] is None
    with Image.open(heat["file"]) as drawn:
        chunks = drawn.text  # type: ignore[attr-defined]
    assert chunks["Inside lungs"] == f"{heat['inside_lungs']:.4f}"
    assert (chunks["Model"], chunks["Version"]) == ("cnn_94", rows["a.png"]["version"])
    assert chunks["Method"] == "activation"
    assert not any("a.png" in words for words in chunks.values())
    assert "In 2 of 3 heat maps less than half lies inside the lungs: a.png, c.png." in done.err
    assert "In 1 of 3 heat maps" in done.err


def test_the_line_of_an_x_ray_says_where_its_map_lies(
    pneumo: Run, three: Path, tmp_path: Path
) -> None:
    done = pneumo("predict", three / "a.png", "--heatmaps", tmp_path / "heat", "--no-gate")
    assert " of the heat map lies inside the lungs. Do not take it as evidence" in done.out
    assert not done.err
    assert "heat map" not in pneumo("predict", three / "a.png", "--no-gate").out


def test_a_long_list_of_maps_outside_the_lungs_is_cut() -> None:
    tally = LungsTally()
    heat = HeatMap((np.ones((2, 2), np.float32),), 1, "grad_cam", inside_lungs=0.2)
    for n in range(8):
        tally.add(Path(f"{n}.png"), heat)
    assert tally.sentences() == [
        "In 8 of 8 heat maps less than half lies inside the lungs: "
        "0.png, 1.png, 2.png, 3.png, 4.png and 3 more."
    ]


def test_exports_are_in_the_log(pneumo: Run, films: Path, tmp_path: Path) -> None:
    pneumo("predict", films, "--pdf", tmp_path / "pdf", "--dicom", tmp_path / "dcm")
    told = pneumo("log", "--what", "exported", "--csv")
    assert told.code == 0
    assert told.out.count("PDF, without names") == 2
    assert told.out.count("DICOM, without names") == 2


def test_predicted_is_the_models_answer_and_label_its_old_name(pneumo: Run, films: Path) -> None:
    for row in printed(pneumo("predict", films, "--json")).values():
        assert row["predicted"] == row["label"] == int(row["probability"] >= row["threshold"])
        assert "exported" not in row


def test_a_large_x_ray_has_a_heat_map_that_is_quick_to_write(
    pneumo: Run, films: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000), dtype=np.uint8)
    Image.fromarray(noise).save(films / "a.png", compress_level=1)
    pneumo("predict", films / "a.png", "--heatmaps", tmp_path / "maps", "--no-gate")
    with Image.open(tmp_path / "maps" / "0000_a.png") as drawn:
        assert drawn.size == (1024, 768)


def test_a_film_on_its_side_is_rotated_where_that_is_asked_for(
    pneumo: Run, checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_lying_films(monkeypatch)
    (tmp_path / "side.png").write_bytes(encoded(LYING, "PNG"))
    refused = pneumo("predict", tmp_path / "side.png")
    assert refused.code == 1
    assert "lies on its side" in refused.out
    assert "--rotate" in refused.out

    folders = ("--dicom", tmp_path / "dcm", "--heatmaps", tmp_path / "heat")
    done = pneumo("predict", tmp_path / "side.png", "--json", "--rotate", *folders)
    (row,) = printed(done).values()
    assert (done.code, row["status"], row["rotated_left_degrees"]) == (0, "read", 90)
    made = pydicom.dcmread(row["exported"][0])
    assert "rotated_left_degrees=90" in made.ImageComments
    (heat,) = (tmp_path / "heat").iterdir()
    with Image.open(heat) as picture:
        assert picture.size == (128, 160)
    entries = open_log().search().dropna(subset="subject")
    subjects = dict(zip(entries.deed, entries.subject, strict=True))
    assert subjects["read"] == "rotated by 90° to the left"
    assert subjects["exported"] == "DICOM, without names, rotated by 90° to the left"
    assert pneumo("predict", tmp_path / "side.png", "--rotate", "--no-gate").code == 2
