"""How familiar a picture is: the numbers by hand, what a fit learns, and how it is kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumo_core.checkpoints import Checkpoint, add_gate, load_checkpoint, save_checkpoint
from pneumo_core.datasets import Dataset, PixelStore, open_store, scan
from pneumo_core.errors import CheckpointError, DatasetError
from pneumo_core.gate import KINDS, Familiarity, fit, fit_familiarity, fit_gate, open_familiarity
from pneumo_core.gate.ood import THUMBNAIL, describe_cells
from pneumo_core.gate.synthetic_outliers import augmented, outliers_of, synthetic_images
from pneumo_core.inference import open_runtime
from pneumo_core.reading import open_reader
from tests.conftest import FEATURES, HISTORY, SCORES, draw_film, make_card

PIXELS = THUMBNAIL**2


def by_hand(**changes: np.ndarray) -> Familiarity:
    """One channel on one cell, one direction: a description is (cell, missed, thumbnail)."""
    numbers = 2 + PIXELS
    basis = np.zeros((numbers, 1), np.float32)
    basis[0] = 1  # only the cell counts as a component
    fitted = Familiarity(
        channel_mean=np.float32([1]),
        directions=np.float32([[1]]),
        mean=np.zeros(numbers, np.float32),
        spread=np.ones(numbers, np.float32),
        basis=basis,
        variances=np.float32([4]),
        rest=np.float32([PIXELS]),
        hidden=np.zeros((numbers, 2), np.float32),
        hidden_bias=np.float32([1, 0]),
        weights=np.zeros((2, len(KINDS)), np.float32),
        bias=np.zeros(len(KINDS), np.float32),
        limits=np.float32([[0, 1, 2], [0, 4, 5]]),
    )
    return replace(fitted, **changes)


def cells_of(value: float) -> np.ndarray:
    return np.full((1, 1, 1, 1), value, np.float32)


BLACK = np.zeros((1, 32, 32), np.uint8)
WHITE = np.full((1, 32, 32), 255, np.uint8)


# --- by hand -----------------------------------------------------------------------------------


def test_the_distance_is_the_deviation_in_the_films_own_units() -> None:
    # Cell 7 lies 6 beyond its mean 1: 36 / 4 = 9 variances. A white thumbnail is missed by the
    # component: 256 squared ones over the 256 that training films leave over = 1.
    verdicts = by_hand().verdicts(cells_of(7), BLACK)
    assert verdicts.distance[0] == pytest.approx(0.5 * np.log(9))
    verdicts = by_hand().verdicts(cells_of(7), WHITE)
    assert verdicts.distance[0] == pytest.approx(0.5 * np.log(9 + 1), rel=1e-5)


def test_the_odds_are_those_of_all_kinds_but_the_film() -> None:
    # A hidden unit of 1 gives the film log 7 and "part" log 2 more than the others' 0.
    weights = np.zeros((2, len(KINDS)), np.float32)
    weights[0, 0], weights[0, KINDS.index("part")] = np.log(7), np.log(2)
    verdicts = by_hand(weights=weights).verdicts(cells_of(1), WHITE)
    assert verdicts.odds[0] == pytest.approx(np.log((6 + 2) / 7), rel=1e-5)
    assert KINDS[verdicts.kinds[0]] == "part"


def test_a_likeness_is_scaled_by_its_limits() -> None:
    # 36 over a variance of 36 / e^3 is a distance of 1.5: three quarters of the way from 0 to 2,
    # and beyond the unusual 1.
    far = by_hand(variances=np.float32([36 / np.exp(3)]))
    (likeness,) = far.likeness(cells_of(7), BLACK)
    assert likeness.distance == pytest.approx(0.75, abs=1e-5)
    assert (likeness.familiar, likeness.unusual) == (True, True)
    (beyond,) = replace(far, limits=far.limits / 2).likeness(cells_of(7), BLACK)
    assert beyond.strangeness == pytest.approx(1.5, abs=1e-5)
    assert not beyond.familiar
    (near,) = replace(far, limits=far.limits * 2).likeness(cells_of(7), BLACK)
    assert not near.unusual


def test_what_the_directions_miss_is_counted() -> None:
    cells = np.float32([3, 4]).reshape(1, 2, 1, 1)
    described = describe_cells(cells, np.zeros(2, np.float32), np.float32([[1], [0]]))
    assert described.tolist() == [[3, 4]]


# --- what the fit sees --------------------------------------------------------------------------


def test_every_kind_is_shown_and_films_stay_films() -> None:
    film, other = draw_film(0, side=48), draw_film(1, side=48)
    random = np.random.default_rng(0)
    shown = [*outliers_of(film, other, random), *synthetic_images(2, 48, random)]
    assert {kind for kind, _ in shown} | {"film"} == set(KINDS)
    pictures = [picture for _, picture in shown] + [augmented(film, random)]
    assert all(each.shape == (48, 48) and each.dtype == np.uint8 for each in pictures)
    assert np.array_equal(dict(shown)["inverted"], 255 - film)


def test_a_disguised_film_shows_the_same_thing_in_nearly_the_same_place() -> None:
    """Upright, not inverted, a finding stays within a fifth of the side, or is mirrored."""
    y, x = np.mgrid[:60, :60]
    film = (40 + 160 * np.exp(-((y - 15) ** 2 + (x - 20) ** 2) / 50)).astype(np.uint8)
    random = np.random.default_rng(0)
    for _ in range(30):
        row, column = np.unravel_index(augmented(film, random).argmax(), film.shape)
        assert abs(row - 15) < 12
        assert min(abs(column - 20), abs(column - 39)) < 12


def test_the_cells_are_the_last_maps_on_a_grid(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    films = np.stack([draw_film(1, side=100, seed=seed) for seed in range(2)])
    cells = runtime.run(films, cells=True).cells
    member = runtime.members[0]
    maps = member.network.features(member.input.normalise(torch.tensor(films)[:, None] / 255))
    assert cells.shape == (2, 24, 3, 3)
    assert np.allclose(cells[:, :, 1, 2], maps[:, :, 7:14, 14:].mean(dim=(2, 3)), atol=1e-5)
    assert runtime.run(films).cells.shape == (2, 0, 3, 3)


def test_a_mirrored_film_has_mirrored_cells_where_the_mirror_is_read_too(
    checkpoint: Checkpoint,
) -> None:
    runtime = replace(open_runtime(checkpoint), mirror=True)
    films = draw_film(1, side=100)[np.newaxis]
    straight = runtime.run(films, cells=True).cells
    mirrored = runtime.run(films[:, :, ::-1], cells=True).cells
    assert np.allclose(straight, mirrored[:, :, :, ::-1], atol=1e-5)


# --- the fit -----------------------------------------------------------------------------------


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit of a second."""
    for name, value in {"_VALIDATION": 60, "_MISTAKEN": 24, "_DRAWN": 6, "MIN_IMAGES": 40}.items():
        monkeypatch.setattr(fit, name, value)


@pytest.fixture
def films(film_folder: Callable[..., Path], tmp_path: Path) -> tuple[Dataset, PixelStore]:
    """160 films of chests as blobs above a dark belly, so that they have an up and a down."""
    folder = film_folder({"train": 50, "val": 52, "test": 4}, name="chest")
    dataset = scan(folder)
    store = open_store(dataset, 100, home=tmp_path / "home")
    shade = np.linspace(1, 0.2, 100)[:, np.newaxis]
    pixels = np.maximum(store.pixels * shade, 40 * shade).astype(np.uint8)
    return dataset, replace(store, pixels=pixels)


def rows_of_test(dataset: Dataset, store: PixelStore) -> np.ndarray:
    return store.rows(dataset.split("test").films["id"])


@pytest.mark.usefixtures("brief")
def test_a_fit_knows_films_and_what_is_none(
    checkpoint: Checkpoint, films: tuple[Dataset, PixelStore]
) -> None:
    dataset, store = films
    runtime = open_runtime(checkpoint)
    fitted = fit_familiarity(runtime, dataset, store)
    assert fitted is not None

    def familiar(pictures: np.ndarray) -> float:
        cells = runtime.run(pictures, cells=True).cells
        return float(np.mean([each.familiar for each in fitted.likeness(cells, pictures)]))

    test = store.pixels[rows_of_test(dataset, store)]
    noise = np.random.default_rng(5).integers(0, 256, (8, 100, 100), np.uint8)
    assert familiar(test) >= 0.75
    assert familiar(255 - test) == 0
    assert familiar(test[:, ::-1]) <= 0.25
    assert familiar(noise) == 0


@pytest.mark.usefixtures("brief")
def test_the_same_films_give_the_same_fit_whatever_the_test_films_are(
    checkpoint: Checkpoint, films: tuple[Dataset, PixelStore]
) -> None:
    dataset, store = films
    runtime = open_runtime(checkpoint)
    pixels = np.array(store.pixels)
    pixels[rows_of_test(dataset, store)] = 255
    one, other = (
        fit_familiarity(runtime, dataset, each) for each in (store, replace(store, pixels=pixels))
    )
    assert one is not None
    assert other is not None
    assert all(np.array_equal(one.arrays()[name], other.arrays()[name]) for name in one.arrays())


def test_too_few_films_give_no_fit(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = scan(film_folder({"train": 4}))
    store = open_store(dataset, 100, home=tmp_path / "home")
    assert fit_familiarity(open_runtime(checkpoint), dataset, store) is None


def test_a_gate_is_fitted_on_the_films_the_checkpoint_learned_from(
    checkpoint: Checkpoint, film_folder: Callable[..., Path]
) -> None:
    with pytest.raises(DatasetError, match="was trained on other X-rays"):
        fit_gate(checkpoint, film_folder({"train": 4}))


# --- on disk -----------------------------------------------------------------------------------


@pytest.fixture
def own(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Checkpoint:
    """The checkpoint in a folder of its own, with a gate."""
    root = tmp_path / "own"
    weights = checkpoint.networks()[0].state_dict()
    saved = save_checkpoint(
        *(make_card(), weights),
        **{"scores": SCORES, "features": FEATURES, "history": HISTORY},
        gate=by_hand().arrays(),
        root=root,
    )
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(root))
    return saved


def test_a_gate_comes_back_as_it_was_stored(own: Checkpoint) -> None:
    opened = open_familiarity(own)
    assert opened is not None
    for name, array in by_hand().arrays().items():
        assert np.array_equal(opened.arrays()[name], array)
    assert not (own.folder / ".gate.safetensors").exists()
    assert open_reader("cnn_94").familiarity is not None
    assert open_reader("cnn_94", gate=False).familiarity is None


def test_a_checkpoint_may_have_no_gate_and_get_one(checkpoint: Checkpoint, own: Checkpoint) -> None:
    assert open_familiarity(checkpoint) is None
    (own.folder / "gate.safetensors").unlink()
    assert open_familiarity(load_checkpoint("cnn_94")) is None
    assert open_familiarity(add_gate(own, by_hand().arrays())) is not None


def test_a_gate_of_other_weights_is_not_used(own: Checkpoint) -> None:
    card = own.folder / "card.json"
    card.write_text(card.read_text().replace(own.card.weights_sha256, "0" * 64))
    with pytest.raises(CheckpointError, match="fitted for other weights than it has. Fit it"):
        open_familiarity(load_checkpoint("cnn_94"))


def test_a_damaged_gate_is_named(own: Checkpoint) -> None:
    (own.folder / "gate.safetensors").write_bytes(b"no tensors here")
    with pytest.raises(CheckpointError, match="its image check can't be read"):
        open_familiarity(own)


@pytest.mark.parametrize(
    "changed",
    [{"bias": np.zeros(3, np.float32)}, {"limits": np.full((2, 3), np.nan, np.float32)}],
)
def test_a_gate_whose_parts_disagree_is_not_used(
    own: Checkpoint, changed: dict[str, np.ndarray]
) -> None:
    add_gate(own, {**by_hand().arrays(), **changed})
    with pytest.raises(CheckpointError, match="another version of Pneumo"):
        open_familiarity(load_checkpoint("cnn_94"))
