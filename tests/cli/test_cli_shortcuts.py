"""``pneumo data audit`` and ``pneumo evaluate --shortcuts``."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pneumo_core as pn
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.evaluation.shortcuts import audit, measure_dataset, summary

pytestmark = pytest.mark.usefixtures("few_trees")

Run = Callable[..., object]
Maker = Callable[..., Path]


@pytest.fixture
def framed(tmp_path: Path) -> Path:
    """Noise: 12 X-rays of each label in train and test; ill ones are twice as wide."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for label, width in (("NORMAL", 64), ("PNEUMONIA", 128)):
            folder = tmp_path / "framed" / split / label
            folder.mkdir(parents=True)
            for k in range(12):
                pixels = random.integers(0, 255, (64, width), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{split}{label}{k}.png")
    return tmp_path / "framed"


def test_the_audit_says_what_tells_the_label(pneumo: Run, framed: Path) -> None:
    done = pneumo("data", "audit", framed)
    assert done.code == 0
    dataset = scan(framed)
    for sentence in summary(audit(dataset, measure_dataset(dataset))):
        assert sentence in done.out
    assert "Train: the label can be predicted without the lungs." in done.out
    assert "The proportions of the image." in done.out, "what it means"
    assert "not always a shortcut" in done.out, "what it can't tell"


def test_python_gives_what_the_command_gives(pneumo: Run, framed: Path) -> None:
    found = pn.audit_dataset(str(framed), input_sizes=[48])
    told = json.loads(pneumo("data", "audit", framed, "--input-size", "48", "--json").out)
    assert json.loads(json.dumps(found.as_dict())) == told
    assert pn.audit_dataset(pn.load_dataset(framed)).summary() == found.summary()
    with pytest.raises(ValueError, match="16 pixels can't be audited. Give 32 to 1024 pixels"):
        pn.audit_dataset(framed, input_sizes=[16])


def test_json_and_csv_hold_the_same_figures(pneumo: Run, framed: Path) -> None:
    told = json.loads(pneumo("data", "audit", framed, "--json").out)
    width = next(row for row in told["label"] if row["property"] == "width_over_height")
    assert (width["auc"], width["higher_in"], width["n_normal"]) == (1, "PNEUMONIA", 12)
    assert "lung_height" in told["not_measured"]
    meaning = told["properties"]["width_over_height"]["means"]
    assert meaning.startswith("The proportions of the image.")
    rows = list(csv.DictReader(io.StringIO(pneumo("data", "audit", framed, "--csv").out)))
    first = next(row for row in rows if row["property"] == "width_over_height")
    assert float(first["auc"]) == 1
    assert (first["means"], first["remedy"][:5]) == (meaning, "Frame")
    assert {row["kind"] for row in rows} == {"label", "all together", "shift"}


def test_what_only_differs_between_the_splits_is_explained(pneumo: Run, film_folder: Maker) -> None:
    folder = film_folder({"train": 12, "test": 12})
    for path in folder.glob("test/*/*.png"):
        with Image.open(path) as picture:
            wide = picture.resize((2 * picture.width, picture.height))
        wide.save(path)
    told = pneumo("data", "audit", folder).out
    assert "normal X-rays in width / height: median 2.00 against 1.00" in told
    assert "Width / height\n  The proportions of the image." in told


def test_what_is_the_same_in_every_x_ray_is_named(pneumo: Run, film_folder: Maker) -> None:
    told = pneumo("data", "audit", film_folder({"train": 12})).out
    (line,) = [line for line in told.splitlines() if "the value tells nothing:" in line]
    assert "width / height, the number of pixels" in line


def test_the_input_of_a_network_is_audited_too(pneumo: Run, framed: Path) -> None:
    sizes = ("--input-size", "48", "--input-size", "96")
    told = json.loads(pneumo("data", "audit", framed, *sizes, "--json").out)
    keys = {row["property"] for row in told["label"]}
    assert {"input_detail_48", "input_detail_96", "width_over_height"} <= keys
    assert "Finest detail of" in pneumo("data", "audit", framed, *sizes).out


def test_properties_from_a_file_are_audited_as_if_measured(
    pneumo: Run, film_folder: Maker, tmp_path: Path
) -> None:
    folder = film_folder({"train": 12})
    films = scan(folder).films
    sizes = tmp_path / "sizes.csv"
    films.assign(width=200 + 100 * films["label"], height=100, age=1)[
        ["id", "width", "height", "age"]
    ].to_csv(sizes, index=False)
    told = json.loads(pneumo("data", "audit", folder, "--properties", sizes, "--json").out)
    width = next(row for row in told["label"] if row["property"] == "width_over_height")
    assert (width["auc"], width["median_normal"], width["median_pneumonia"]) == (1, 2, 3)
    assert "age" in told["constant"]
    assert told["properties"]["age"]["means"] == "From sizes.csv."
    found = pn.audit_dataset(folder, properties=sizes)
    assert json.loads(json.dumps(found.as_dict())) == told
    sizes.write_text("id,age\nelsewhere.png,3\n")
    refused = pneumo("data", "audit", folder, "--properties", sizes)
    assert refused.code == 1
    assert "names none of these X-rays" in refused.err


def test_evaluate_counts_mistakes_by_quartile_of_a_property_from_a_file(
    checkpoint: Checkpoint, pneumo: Run, film_folder: Maker, tmp_path: Path
) -> None:
    folder = film_folder({"train": 4, "test": 24})
    films = scan(folder).films
    ages = tmp_path / "ages.csv"
    table = films.assign(age=range(len(films)))[["id", "age"]]
    table[films["split"] == "test"].to_csv(ages, index=False)
    given = ("evaluate", "--data", folder, "--properties", ages)
    done = pneumo(*given, "--shortcuts", "--json")
    of = [r for r in json.loads(done.out)["shortcuts"] if r["property"] == "age"]
    assert sum(row["n"] for row in of) == 48
    assert "8 of 56 X-rays have no row in ages.csv." in done.err
    assert "--properties needs --shortcuts" in pneumo(*given).err


def test_what_cant_be_read_is_said_and_fails(pneumo: Run, framed: Path) -> None:
    (framed / "test/NORMAL/broken.png").write_bytes(b"no X-ray")
    done = pneumo("data", "audit", framed, "--json")
    assert done.code == 1
    assert "Left out: broken.png" in done.err
    assert "1 X-ray could not be read and was left out." in json.loads(done.out)["notes"]


def test_evaluate_counts_mistakes_by_quartile(
    pneumo: Run, checkpoint: Checkpoint, film_folder: Maker
) -> None:
    folder = film_folder({"train": 4, "test": 24})
    plain = json.loads(pneumo("evaluate", "--data", folder, "--json").out)
    told = json.loads(pneumo("evaluate", "--data", folder, "--shortcuts", "--json").out)
    rows = told.pop("shortcuts")
    assert told == plain
    wrong = {"false alarms": plain["confusion"][0][1], "misses": plain["confusion"][1][0]}
    for error, number in wrong.items():
        of = [r for r in rows if (r["property"], r["error"]) == ("brightness", error)]
        assert sum(row["n"] for row in of) == 24
        assert sum(row["errors"] for row in of) == number
    assert (
        "Shortcuts: errors by quartile" in pneumo("evaluate", "--data", folder, "--shortcuts").out
    )
