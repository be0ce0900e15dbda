"""A file becomes a reading, whatever it holds; words, label and map say what the number says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core import errors
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.errors import CheckpointError, UnknownName, UnreadableImage
from pneumo_core.explanations import heat_map
from pneumo_core.imaging import read_radiograph, to_input
from pneumo_core.lungs import find_lungs
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reader, Reading, open_reader, samples


@pytest.fixture
def reader(checkpoint: Checkpoint) -> Reader:
    return open_reader(checkpoint.name)


@pytest.fixture
def film(film_folder: Callable[..., Path]) -> Path:
    return film_folder({"test": 1}, side=200) / "test/PNEUMONIA/person1_bacteria_1.png"


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def point(threshold: float, name: str = "by hand") -> OperatingPoint:
    rate = Estimate(1.0, 1.0, 1.0)
    return OperatingPoint(name, threshold, "by hand", "val", rate, rate)


# --- a reading ---------------------------------------------------------------------------------


def test_a_film_is_read(reader: Reader, film: Path) -> None:
    reading = reader.read_file(film)
    pixels = to_input(read_radiograph(film).pixels, 100)[np.newaxis]
    assert reading.status == "read"
    assert reading.file == "person1_bacteria_1.png"
    assert reading.probability == reader.runtime.probabilities(pixels)[0]
    assert reading.predicted == int(reading.probability >= 0.5)
    assert reading.predicted_name == ("NORMAL", "PNEUMONIA")[reading.predicted]
    assert (reading.operating_point, reading.threshold) == ("balanced", 0.5)
    assert (reading.model, reading.version) == ("cnn_94", reader.checkpoint.card.version)
    assert (reading.reasons, reading.warnings) == ((), ())


def test_former_names_warn(reader: Reader, film: Path) -> None:
    reading = reader.read_file(film)
    with pytest.warns(DeprecationWarning, match="Reading.predicted"):
        assert reading.label == reading.predicted
    with pytest.warns(DeprecationWarning, match="Reading.predicted_name"):
        assert reading.label_name == reading.predicted_name
    with pytest.warns(DeprecationWarning, match="UnreadableImage"):
        assert errors.UnreadableFilm is UnreadableImage  # type: ignore[attr-defined]


def test_bytes_give_the_reading_of_their_file(reader: Reader, film: Path) -> None:
    assert reader.read_file(film.read_bytes(), name=film.name) == reader.read_file(film)


def test_many_files_are_read_in_their_order_whatever_they_hold(
    reader: Reader, film_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_THREADS", "3")
    films = sorted(film_folder({"test": 6}, side=200).rglob("*.png"))
    sources = [*films, b"no film", *reversed(films)]
    together = list(reader.read_files(sources))
    for reading, source in zip(together, sources, strict=True):
        alone = reader.read_file(source)
        assert (reading.file, reading.status) == (alone.file, alone.status)
        assert reading.probability == pytest.approx(alone.probability, abs=1e-6)


def test_the_sample_chest_is_read_and_the_sample_leg_refused(reader: Reader) -> None:
    chest, leg = (reader.read_file(sample.path) for sample in samples())
    assert chest.status == "read"
    assert (leg.status, leg.probability, leg.predicted) == ("refused", None, None)
    assert leg.verdict == "Not read"
    assert "another body part" in leg.reasons[0]


def test_without_the_gate_everything_that_decodes_is_read(checkpoint: Checkpoint) -> None:
    open_gate = open_reader(checkpoint.name, gate=False)
    assert open_gate.read_file(samples()[1].path).status == "read"


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"not a film at all", "text"), (b"\x89PNG\r\n", "film")]
)
def test_a_file_that_fails_becomes_a_reading(reader: Reader, content: bytes, words: str) -> None:
    reading = reader.read_file(content, name="some/where/film.png")
    assert (reading.status, reading.file) == ("failed", "film.png")
    assert (reading.probability, reading.predicted, reading.predicted_name) == (None, None, None)
    (reason,) = reading.reasons
    assert reason.startswith("film.png: ")
    assert words in reason
    assert reading.verdict == "Not read"


def test_a_file_that_is_missing_becomes_a_reading(reader: Reader, tmp_path: Path) -> None:
    reading = reader.read_file(tmp_path / "nowhere.png")
    assert reading.status == "failed"
    assert reading.reasons == ("nowhere.png: the file does not exist. Check the path.",)


def test_a_small_film_is_read_with_a_warning(reader: Reader) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 90), dtype=np.uint8)
    reading = reader.read_file(png(noise), name="small.png")
    assert reading.status == "read"
    assert reading.warnings == ("The X-ray is only 90 × 80 pixels; fine signs may be lost.",)


def test_threads_may_share_a_reader(reader: Reader, film: Path) -> None:
    expected = reader.read_file(film)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: reader.read_file(film), range(8))) == {expected}


# --- words and labels --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "predicted", "words"),
    [
        (0.0, 0, "Signs of pneumonia unlikely"),
        (0.24, 0, "Signs of pneumonia unlikely"),
        (0.26, 0, "Uncertain: between 0.25 and 0.50"),
        (0.2999, 0, "Uncertain: between 0.25 and 0.50"),
        (0.3, 1, "Uncertain: between 0.25 and 0.50"),
        (0.34, 1, "Uncertain: between 0.25 and 0.50"),
        (0.49, 1, "Uncertain: between 0.25 and 0.50"),  # "likely" at 0.49 would confuse
        (0.51, 1, "Signs of pneumonia likely"),
        (1.0, 1, "Signs of pneumonia likely"),
    ],
)
def test_words_and_prediction_around_the_threshold(
    probability: float, predicted: int, words: str
) -> None:
    reading = Reading("a.png", "read", "m", "v", "p", 0.5, probability=probability)
    there = reading.at(point(0.3))
    assert (there.predicted, there.verdict) == (predicted, words)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.49, "Signs of pneumonia unlikely"),
        (0.51, "Uncertain: between 0.50 and 0.85"),
        (0.74, "Uncertain: between 0.50 and 0.85"),
        (0.86, "Signs of pneumonia likely"),
    ],
)
def test_words_around_a_high_threshold(probability: float, words: str) -> None:
    reading = Reading("a.png", "read", "m", "v", "p", 0.5, probability=probability)
    assert reading.at(point(0.8)).verdict == words


def test_a_failed_file_has_no_prediction_at_any_point() -> None:
    failed = Reading("a.png", "failed", "m", "v", "p", 0.5, reasons=("a.png: it is empty.",))
    assert failed.at(point(0.0)).predicted is None
    assert failed.at(point(0.0)).verdict == "Not read"


def test_another_operating_point_changes_the_prediction_alone(reader: Reader, film: Path) -> None:
    at_default, at_screening = reader.read_file(film), reader.at("screening").read_file(film)
    assert at_screening.probability == at_default.probability
    assert (at_screening.operating_point, at_screening.threshold) == ("screening", 0.2)
    assert at_screening == at_default.at(reader.checkpoint.card.operating_point("screening"))
    assert reader.operating_point.name == "balanced"


def test_a_reader_is_opened_at_an_operating_point(checkpoint: Checkpoint) -> None:
    assert open_reader("cnn_94", "screening").operating_point.threshold == 0.2


# --- heat maps ---------------------------------------------------------------------------------


def test_a_heat_map_is_that_of_the_film_as_the_model_sees_it(reader: Reader, film: Path) -> None:
    radiograph = read_radiograph(film)
    for label in (0, 1):
        heat = reader.heat_map(radiograph, label)
        expected = heat_map(reader.runtime, to_input(radiograph.pixels, 100), label)
        assert np.array_equal(heat.parts[0], expected.parts[0])
        assert (heat.label, heat.method, heat.layer) == (label, "grad_cam", None)


def test_a_leg_has_a_heat_map_but_no_share_inside_lungs(reader: Reader) -> None:
    chest, leg = (read_radiograph(sample.path) for sample in samples())
    heat = reader.heat_map(chest, 1, method="activation")
    assert heat.inside_lungs is not None
    assert 0 < heat.inside_lungs < 1
    assert heat.lungs_box == find_lungs(chest).box
    heat = reader.heat_map(leg, 1, method="activation")
    assert (heat.inside_lungs, heat.lungs_box) == (None, None)
    assert heat.lungs_sentence.startswith("No lungs were found")


def test_a_heat_map_by_another_method_and_layer(reader: Reader, film: Path) -> None:
    told: list[tuple[int, int]] = []
    heat = reader.heat_map(
        read_radiograph(film),
        0,
        method="layer_cam",
        layer="conv 2",
        progress=lambda done, total: told.append((done, total)),
    )
    assert (heat.label, heat.method, heat.layer) == (0, "layer_cam", "conv 2")
    assert heat.parts[0].shape == (47, 47)
    assert heat.found
    assert told == [(1, 1)]


# --- opening -----------------------------------------------------------------------------------


def test_the_default_reader_is_the_first_checkpoint(checkpoint: Checkpoint) -> None:
    assert open_reader().checkpoint.name == "cnn_94"


def test_opening_what_is_not_there(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no model named 'cnn_95'"):
        open_reader("cnn_95")
    with pytest.raises(UnknownName, match="no operating point named 'best'"):
        open_reader("cnn_94", "best")


def test_opening_where_nothing_was_trained() -> None:
    with pytest.raises(CheckpointError, match="There is no model in"):
        open_reader()


def test_samples_are_real_files() -> None:
    assert [sample.title for sample in samples()] == ["Chest", "Leg"]
    assert all(sample.path.is_file() for sample in samples())


# --- films that are no files ---------------------------------------------------------------------


def test_a_film_in_memory_gets_the_probability_of_its_file(reader: Reader, film: Path) -> None:
    expected = reader.read_file(film)
    with Image.open(film) as image:
        array = np.asarray(image)
        radiograph = read_radiograph(film)
        with film.open("rb") as file:
            sources = [film, str(film), film.read_bytes(), file, array, image, radiograph]
            found = [reader.read(source) for source in sources]
    floats = reader.read(np.float32(array / 255))  # a division's rounding apart
    assert {each.status for each in found} == {"read"}
    assert {each.probability for each in found} == {expected.probability}
    assert floats.probability == pytest.approx(expected.probability, abs=1e-3)
    assert [each.file for each in found[:2]] == [film.name] * 2
    assert reader.read_file(array, name="mine").file == "mine"


def test_a_film_in_memory_that_cannot_be_read_is_a_failed_reading(reader: Reader) -> None:
    reading = reader.read(np.zeros((200, 200, 2), np.uint8))
    assert reading.status == "failed"
    assert "with the shape (200, 200, 2)" in reading.reasons[0]


def test_a_wrong_type_is_told_in_a_sentence(reader: Reader, film: Path) -> None:
    with pytest.raises(TypeError, match="An X-ray must be a path, .*, not None"):
        reader.read(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="An X-ray must be .*, not int"):
        reader.read_file(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="The sources must be a list of X-rays, not str"):
        list(reader.read_files(str(film)))
    with pytest.raises(TypeError, match="The X-ray must be a Radiograph.*, not str"):
        reader.heat_map(str(film), 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="A model's name must be a str, not int"):
        open_reader(5)  # type: ignore[arg-type]
