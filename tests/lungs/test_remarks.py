"""Datasets are framed without anybody's look at each X-ray: what is odd is corrected or named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.datasets import Dataset, open_store, scan
from pneumo_core.evaluation import dataset_scores, evaluate_dataset
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.imaging.orientation import inverted_radiograph
from pneumo_core.lungs import NetworkInput, framing_sentences
from pneumo_core.models import Framing
from pneumo_core.reading import open_reader, samples

CHEST, LEG = (sample.path for sample in samples())
AS_FILMED, SWAPPED = "NORMAL/a.png", "NORMAL/b.png"
LYING, NO_CHEST = "PNEUMONIA/c.png", "PNEUMONIA/d.png"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A chest X-ray, the same inverted, the same on its side, and a leg."""
    folder = tmp_path_factory.mktemp("odd")
    chest, leg = (read_radiograph(path).pixels for path in (CHEST, LEG))
    drawn = {AS_FILMED: chest, SWAPPED: 1 - chest, LYING: np.rot90(chest), NO_CHEST: leg}
    for name, pixels in drawn.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(file)
    return scan(folder)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint("cnn_94", Path(__file__).parents[2] / "checkpoints")


def test_a_store_keeps_what_is_odd_about_an_xray(dataset: Dataset) -> None:
    store = open_store(dataset, NetworkInput(64, Framing(1.1)))
    assert store.remarks == {SWAPPED: "inverted", LYING: "no_lungs", NO_CHEST: "no_lungs"}
    again = open_store(dataset, NetworkInput(64, Framing(1.1)))
    assert again.remarks == store.remarks
    assert open_store(dataset, NetworkInput(64)).remarks == {}, "whole X-rays need no lungs"


def test_an_inverted_xray_gets_one_number_in_a_dataset_and_alone(
    dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(checkpoint.folder.parent))
    result = evaluate_dataset(checkpoint, dataset, "all")
    found = result.scores.set_index("id")["probability"]
    assert found[SWAPPED] == pytest.approx(found[AS_FILMED], abs=0.01)
    reader, film = open_reader("cnn_94", gate=False), dataset.source.radiograph(SWAPPED)
    reading = reader.read(film)
    assert reading.inverted
    assert reading.probability == pytest.approx(found[SWAPPED], abs=1e-4)
    assert result.remarks == result.as_dict()["remarks"] == dataset_remarks(checkpoint, dataset)


def dataset_remarks(checkpoint: Checkpoint, dataset: Dataset) -> dict[str, str]:
    """What scores say that were kept, too."""
    dataset_scores(checkpoint, dataset)
    return dataset_scores(checkpoint, dataset).remarks


def test_the_sentences_name_the_first_xrays_and_count_the_others() -> None:
    remarks = dict.fromkeys("abcde", "no_lungs") | {"x": "inverted"}
    assert framing_sentences(remarks) == (
        "No lungs were found in 5 X-rays, so the model saw the whole image. Reading refuses it: "
        "a, b, c and 2 more.",
        "Black and white were swapped back in 1 X-ray: x.",
    )
    assert framing_sentences({}) == ()


def test_the_input_is_the_same_whichever_is_white(dataset: Dataset) -> None:
    film = dataset.source.radiograph(AS_FILMED)
    seen = NetworkInput(64, Framing(1.1))
    difference = seen(film).astype(int) - seen(inverted_radiograph(film))
    assert np.abs(difference).mean() < 2
    squashed = NetworkInput(64)
    assert np.abs(squashed(film).astype(int) - squashed(_swapped(film))).mean() > 20


def _swapped(film: Radiograph) -> Radiograph:
    return inverted_radiograph(film)
