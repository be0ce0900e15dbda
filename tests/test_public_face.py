"""What ``import pneumo_core as pn`` offers, and what a first session does with it."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

import pneumo_core as pn
from pneumo_core.lungs import NetworkInput
from pneumo_core.models import InputFormat, PneumoniaNetwork, registry
from pneumo_core.reading import samples
from tests.app.test_pages import film

NAMES = {
    *("Audit", "Checkpoint", "CheckpointError", "Comparison", "Dataset", "DatasetError"),
    *("DatasetEvaluation", "HeatMap", "Lungs", "PneumoError", "Radiograph", "Reader", "Reading"),
    *("TrainingConfig", "TrainingError", "UnknownName", "UnreadableImage", "__version__"),
    *("audit_dataset", "compare", "embed", "evaluate", "explain", "find_lungs", "list_checkpoints"),
    *("load_checkpoint", "load_dataset", "load_reader", "read", "read_radiograph", "recipe"),
    *("register_architecture", "train"),
}


def test_the_public_names_are_exactly_these():
    assert set(pn.__all__) == NAMES == set(dir(pn))
    for name in NAMES:
        assert getattr(pn, name) is not None


def test_type_checkers_see_the_names_that_python_does():
    tree = ast.parse(Path(pn.__file__).read_text())
    (checked,) = [n for n in tree.body if isinstance(n, ast.If)]
    seen = {each.name for node in checked.body for each in node.names}
    assert seen | {"__version__"} == NAMES


def test_importing_it_imports_only_what_imports_the_rest():
    code = "import sys, pneumo_core; print([m for m in sys.modules if 'pneumo_core.' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = ast.literal_eval(done.stdout)
    assert set(imported) == {"pneumo_core.core", "pneumo_core.core.lazy"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        _ = pn.predict


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "array", "picture", "radiograph"])
def test_every_kind_of_image_gives_the_same_number(
    checkpoint: pn.Checkpoint, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "chest.png"
    path.write_bytes(film())
    reader = pn.load_reader(checkpoint, image_check=False)
    with Image.open(path) as picture:
        given = {
            "path": path,
            "text": str(path),
            "bytes": film(),
            "array": np.asarray(picture),
            "picture": picture.copy(),
            "radiograph": pn.read_radiograph(path),
        }[kind]
    assert reader.read(given).probability == reader.read(path).probability


def test_a_first_session(checkpoint: pn.Checkpoint) -> None:
    chest = next(each for each in samples() if each.title == "Chest")
    result = pn.read(chest.path, model=checkpoint.name)
    assert result.to_dict()["model"] == checkpoint.name
    heat = pn.explain(chest.path, model=checkpoint, label="PNEUMONIA")
    assert heat.over((50, 40)).shape == (50, 40)
    assert pn.find_lungs(chest.path).found
    assert "img" in heat._repr_html_()
    assert checkpoint.name in result._repr_html_()
    assert len(repr(heat)) < 80


def test_evaluate_compare_and_embed_take_names_paths_and_objects(
    checkpoint: pn.Checkpoint, film_folder: Callable[..., Path]
) -> None:
    folder = film_folder({"train": 4, "test": 6})
    one = pn.evaluate(checkpoint, folder)
    other = pn.evaluate(checkpoint.name, pn.load_dataset(str(folder)))
    assert one.figures == other.figures
    assert one.figures.to_dict()["n"] == 12
    assert "12 X-rays" in repr(one.figures)
    compared = pn.compare(checkpoint, checkpoint, folder)
    assert compared.disagreements.empty
    table = pn.embed(checkpoint, folder, method="pca")
    assert list(table["id"]) == list(one.scores["id"])
    assert {"x", "y"} <= set(table)


def test_what_goes_wrong_is_a_built_in_error_too(checkpoint: pn.Checkpoint) -> None:
    with pytest.raises(LookupError):
        pn.load_reader("nobody")
    with pytest.raises(ValueError, match="can't be read|no such|not"):
        pn.find_lungs("/nowhere.png")
    assert issubclass(pn.TrainingError, RuntimeError)
    with pytest.raises(LookupError):
        pn.explain(film(), model=checkpoint, label="ILL")


def test_an_exported_model_gives_the_same_probability(
    checkpoint: pn.Checkpoint, tmp_path: Path
) -> None:
    path = checkpoint.export_onnx(tmp_path / "model.onnx")
    radiograph = pn.read_radiograph(film(), name="film.png")
    image = NetworkInput.of(checkpoint.card.input)(radiograph)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": image[np.newaxis]})
    reading = pn.load_reader(checkpoint, image_check=False).read(radiograph)
    assert found[0] == pytest.approx(reading.probability, abs=1e-5)
    assert isinstance(checkpoint.network(), nn.Module)


@pytest.fixture
def forget_outside() -> Iterator[None]:
    yield
    registry._registered.pop("outside", None)


def test_an_architecture_from_outside_trains_reads_and_explains(
    film_folder: Callable[..., Path], tmp_path: Path, forget_outside: None
) -> None:
    def build(_size: int) -> PneumoniaNetwork:
        features = nn.Sequential(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU())
        return PneumoniaNetwork(
            features, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(4, 2)
        )

    takes = InputFormat(size=64, channels=1, mean=(0.5,), std=(0.25,))
    pn.register_architecture("outside", build, takes, title="From outside")
    folder = film_folder({"train": 8, "test": 4})
    config = pn.TrainingConfig(model="outside", epochs=1, batch_size=4)
    trained = pn.train(folder, "mine", config)
    assert trained.card.architecture == "outside"
    reader = pn.load_reader("mine", image_check=False)
    assert reader.read(film()).probability is not None
    assert pn.explain(film(), model="mine").parts[0].shape == (15, 15)
    with pytest.raises(pn.TrainingError, match="already exists"):
        pn.register_architecture("outside", build, takes)
    with torch.no_grad():
        assert trained.network()(torch.zeros(1, 1, 64, 64)).shape == (1, 2)
