"""Features are those of the network, by id, computed once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import Dataset, scan
from pneumo_core.embeddings import (
    LAST_MAPS,
    PENULTIMATE,
    PIXELS,
    feature_layers,
    features_of,
    image_features,
    input_of_layer,
    shipped_features,
)
from pneumo_core.errors import PneumoError, UnknownName
from pneumo_core.imaging import Radiograph, to_input
from pneumo_core.inference import open_runtime
from pneumo_core.models import Framing


@pytest.fixture
def films(film_folder: Callable[..., Path]) -> Dataset:
    return scan(film_folder({"train": 2, "test": 5})).split("test")


@pytest.mark.parametrize("layer", [PENULTIMATE, PIXELS, LAST_MAPS, "conv 2"])
def test_a_film_alone_has_the_features_it_has_among_others(
    checkpoint: Checkpoint, films: Dataset, layer: str
) -> None:
    found = features_of(checkpoint, films, layer)
    runtime = open_runtime(checkpoint)
    assert found.table["id"].tolist() == films.films["id"].tolist()
    for row in (0, 7):
        radiograph = films.source.radiograph(found.table["id"].iloc[row])
        alone = image_features(runtime, input_of_layer(runtime, layer)(radiograph), layer)
        assert found.values[row] == pytest.approx(alone, rel=2e-3, abs=2e-3)


def test_pixels_are_the_same_whatever_a_checkpoint_sees(
    checkpoint: Checkpoint, films: Dataset
) -> None:
    runtime = open_runtime(checkpoint)
    member = runtime.members[0]
    takes = replace(member.input, framing=Framing())
    framed = replace(runtime, members=(replace(member, input=takes),))
    assert framed.input.framing is not None
    assert input_of_layer(framed, PIXELS) == input_of_layer(runtime, PIXELS)


def test_the_probability_comes_with_them(checkpoint: Checkpoint, films: Dataset) -> None:
    runtime = open_runtime(checkpoint)
    found = features_of(checkpoint, films)
    inputs = [to_input(films.source.radiograph(i).pixels, 100) for i in found.table["id"]]
    assert found.table["probability"].to_numpy() == pytest.approx(
        runtime.probabilities(np.stack(inputs)), abs=1e-4
    )
    assert "probability" not in features_of(checkpoint, films, PIXELS).table


def test_they_are_computed_once_and_again_when_damaged(
    checkpoint: Checkpoint, films: Dataset, tmp_path: Path
) -> None:
    looked: list[int] = []

    def looking(done: int, _total: int) -> None:
        looked.append(done)

    first = features_of(checkpoint, films, looking=looking, home=tmp_path / "home")
    again = features_of(checkpoint, films, looking=looking, home=tmp_path / "home")
    assert looked == [10]
    assert again.values == pytest.approx(first.values, rel=1e-3)
    assert again.key == first.key
    (file,) = (tmp_path / "home" / "features").iterdir()
    file.write_bytes(b"nothing")
    features_of(checkpoint, films, looking=looking, home=tmp_path / "home")
    assert looked == [10, 10]


def test_more_ids_are_kept_than_a_header_holds(
    checkpoint: Checkpoint, films: Dataset, tmp_path: Path
) -> None:
    looked: list[int] = []
    prefix = "ä" * 2_000_000  # as JSON, ten of them exceed the 100 MB of a header

    class Renamed:
        def radiograph(self, film_id: str) -> Radiograph:
            return films.source.radiograph(film_id.removeprefix(prefix))

    ids = [prefix + each for each in films.films["id"]]
    renamed = replace(films, films=films.films.assign(id=ids), source=Renamed())
    for _ in range(2):
        found = features_of(
            checkpoint,
            renamed,
            PIXELS,
            looking=lambda done, _: looked.append(done),
            home=tmp_path / "home",
        )
        assert found.table["id"].tolist() == ids
    assert looked == [10]


def test_unreadable_films_are_left_out_and_named(
    checkpoint: Checkpoint, film_folder: Callable[..., Path]
) -> None:
    folder = film_folder({"test": 3})
    (folder / "test" / "NORMAL" / "broken.png").write_bytes(b"no film")
    found = features_of(checkpoint, scan(folder))
    assert len(found.table) == 6
    assert list(found.unreadable) == ["test/NORMAL/broken.png"]


def test_shipped_features_are_those_of_the_split(checkpoint: Checkpoint) -> None:
    found = shipped_features(checkpoint, "test")
    assert found.table["id"].tolist() == ["test/PNEUMONIA/b.png"]
    assert found.values.tolist() == [list(range(10, 20))]
    assert len(shipped_features(checkpoint).table) == 2
    with pytest.raises(PneumoError, match="no stored features of train X-rays"):
        shipped_features(checkpoint, "train")


def test_a_layer_that_is_not_there_is_named(checkpoint: Checkpoint, films: Dataset) -> None:
    assert feature_layers(checkpoint)[:3] == (PENULTIMATE, PIXELS, LAST_MAPS)
    with pytest.raises(UnknownName, match="conv 99"):
        features_of(checkpoint, films, "conv 99")
