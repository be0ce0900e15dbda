import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pneumo_core as pn
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.reading import open_reader, samples
from tests.bad_inputs import write_bad_inputs

Run = Callable[..., object]
FIELDS = {
    *("file", "status", "probability", "label", "operating_point", "threshold", "model", "reasons"),
}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    ramp = np.tile(np.linspace(0, 255, 128, dtype=np.uint8), (128, 1))
    Image.fromarray(ramp).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def test_every_bad_file_gets_its_own_sentence_and_the_good_one_is_read(
    film: Path, checkpoint: Checkpoint, tmp_path: Path
):
    """In a process of its own, as a shell would: exit code 1, no traceback."""
    names = write_bad_inputs(tmp_path / "mixed")
    film.rename(tmp_path / "mixed" / "good.png")
    command = [sys.executable, "-m", "pneumo_core", "predict", str(tmp_path / "mixed"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    readings = {Path(r["file"]).name: r for r in map(json.loads, done.stdout.splitlines())}
    assert readings.pop("good.png")["status"] == "read"
    assert sorted(readings) == names
    for name, reading in readings.items():
        assert reading["status"] == "failed", name
        assert reading["probability"] is None
        assert len(reading["reasons"]) == 1
        assert reading["reasons"][0].startswith(f"{name}: ")
    assert len({r["reasons"][0].split(": ", 1)[1] for r in readings.values()}) == len(names)


def test_json_has_the_fields_that_scripts_rely_on(pneumo: Run, film: Path, checkpoint: Checkpoint):
    done = pneumo("predict", film, "--json", "--model", "cnn_94")
    reading = json.loads(done.out)
    assert done.code == 0
    assert set(reading) >= FIELDS
    assert reading["file"] == str(film)
    assert reading["predicted"] == int(reading["probability"] >= reading["threshold"])
    assert reading["label"] == reading["predicted"], "the former name, for one release"
    assert reading["assumed_prevalence"] == 0.5


def test_the_number_is_the_library_s(pneumo: Run, film: Path, checkpoint: Checkpoint):
    printed = json.loads(pneumo("predict", film, "--json").out)
    assert printed["probability"] == open_reader().read_file(film).probability


def test_an_operating_point_brings_its_threshold(pneumo: Run, film: Path, checkpoint: Checkpoint):
    done = pneumo("predict", film, "--json", "--operating-point", "screening")
    assert json.loads(done.out)["threshold"] == 0.2


def test_words_for_people(pneumo: Run, film: Path, checkpoint: Checkpoint):
    done = pneumo("predict", film)
    assert "Probability 0." in done.out
    assert "balanced" in done.out


def test_the_gate_refuses_a_leg_and_can_be_switched_off(pneumo: Run, checkpoint: Checkpoint):
    leg = next(sample.path for sample in samples() if sample.title == "Leg")
    refused = pneumo("predict", leg, "--json")
    assert refused.code == 1
    assert json.loads(refused.out)["status"] == "refused"
    assert pneumo("predict", leg, "--json", "--no-gate").code == 0


def test_heat_maps_are_written_where_asked(
    pneumo: Run, film: Path, checkpoint: Checkpoint, tmp_path: Path
):
    pneumo("predict", film, "--heatmaps", tmp_path / "maps" / "deep")
    (picture,) = (tmp_path / "maps" / "deep").iterdir()
    with Image.open(picture) as drawn:
        assert drawn.size == (128, 128)


def test_python_saves_the_heat_map_that_the_command_line_writes(
    pneumo: Run, film: Path, checkpoint: Checkpoint, tmp_path: Path
):
    pneumo("predict", film, "--heatmaps", tmp_path / "maps")
    (picture,) = (tmp_path / "maps").iterdir()
    probability = pn.read(film).probability
    mine = pn.explain(film).save(tmp_path / "mine.png", film, probability=probability)
    assert mine.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "unknown"), "There is no model named 'unknown'. Choose one of: cnn_94"),
        (("--operating-point", "best"), "Choose one of: balanced, screening"),
        (("--wrong-option",), "No such option"),
    ],
)
def test_wrong_usage_is_code_2(
    pneumo: Run, film: Path, checkpoint: Checkpoint, arguments: tuple[str, ...], words: str
):
    done = pneumo("predict", film, *arguments)
    assert done.code == 2
    assert words in done.err
    assert not done.out


def test_without_a_checkpoint_it_says_how_to_get_one(pneumo: Run, film: Path):
    done = pneumo("predict", film)
    assert done.code == 1
    assert "pneumo train" in done.err


def test_a_file_that_is_not_there_is_a_reading_too(
    pneumo: Run, checkpoint: Checkpoint, tmp_path: Path
):
    done = pneumo("predict", tmp_path / "gone.png", "--json")
    assert done.code == 1
    assert json.loads(done.out)["reasons"] == ["gone.png: the file does not exist. Check the path."]
