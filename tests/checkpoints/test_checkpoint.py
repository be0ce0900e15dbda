"""A checkpoint comes back as it was saved, or not at all; a damaged one is named, never run."""

import errno
import hashlib
import json
import math
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from torch import Tensor

from pneumo_core.checkpoints import (
    SHIPPED,
    Card,
    Checkpoint,
    check_name,
    default_checkpoint,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from pneumo_core.checkpoints.weights import stored_precision
from pneumo_core.errors import CheckpointError, UnknownName
from pneumo_core.inference import Runtime, open_runtime
from pneumo_core.metrics import evaluate
from pneumo_core.models import build_network

SCORES = pd.DataFrame(
    {
        "id": ["b", "a"],
        "patient": ["q", "p"],
        "split": ["val", "test"],
        "label": [1, 0],
        "subtype": ["virus", "normal"],
        "probability": np.array([0.1, 0.7], np.float32),
    }
)
FEATURES = np.array([[0.5, -2.0, 1.25], [3.0, 4.0, 1000.0]], np.float32)
HISTORY = pd.DataFrame({"epoch": [1, 2], "val_auc": [0.5, 0.75]})
RATE = {"value": 1.0, "low": 1.0, "high": 1.0}
POINT = {
    **{"name": "balanced", "threshold": 0.5, "rule": "by hand", "chosen_on": "val"},
    **{"sensitivity": RATE, "specificity": RATE},
}
FILES = [
    "card.json",
    "features.safetensors",
    "history.csv",
    "scores.parquet",
    "weights.safetensors",
]


@pytest.fixture
def root(checkpoints_root: Path, tmp_path: Path) -> Path:
    """A copy of the folder with the checkpoint cnn_94, to be damaged."""
    return Path(shutil.copytree(checkpoints_root, tmp_path / "copy"))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_network("cnn_94").state_dict()


@pytest.fixture
def save(root: Path, checkpoint: Checkpoint, weights: dict[str, Tensor]) -> Callable[..., Any]:
    """Saves those weights as ``name`` into ``root``."""

    def call(name: str = "mine", *, scores: pd.DataFrame = SCORES, **options: Any) -> Checkpoint:
        return save_checkpoint(
            replace(options.pop("card", checkpoint.card), name=name),
            options.pop("weights", weights),
            scores=scores,
            features=FEATURES,
            history=HISTORY,
            root=root,
            **options,
        )

    return call


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rewrite_card(folder: Path, **changes: Any) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# --- there and back --------------------------------------------------------------------------


def test_everything_comes_back(save: Callable[..., Checkpoint], root: Path) -> None:
    saved = save()
    found = load_checkpoint("mine", root)
    assert found.name == "mine"
    assert found.card == saved.card
    assert len(found.card.version) == 8
    pd.testing.assert_frame_equal(found.scores, SCORES, check_dtype=False)
    pd.testing.assert_frame_equal(found.history, HISTORY)
    assert found.features.dtype == np.float32
    assert np.array_equal(found.features, FEATURES)
    assert sorted(contents(root / "mine")) == FILES


def test_the_card_says_what_it_was_given(
    save: Callable[..., Checkpoint], checkpoint: Checkpoint
) -> None:
    card = save().card
    assert replace(card, name="cnn_94", weights_sha256="") == replace(
        checkpoint.card, weights_sha256=""
    )


def test_figures_that_are_not_there_survive_json(
    save: Callable[..., Checkpoint], checkpoint: Checkpoint
) -> None:
    nothing = evaluate([], [], 0.5, [])
    card = save(card=replace(checkpoint.card, evaluation={"test": nothing})).card
    assert math.isnan(card.evaluation["test"].auc.low)
    assert math.isnan(card.evaluation["test"].sensitivity.value)


def test_the_network_is_what_was_evaluated(
    save: Callable[..., Checkpoint], weights: dict[str, Tensor]
) -> None:
    network = save().networks()[0]
    expected = stored_precision(weights)
    assert network.state_dict().keys() == expected.keys()
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == weights[name].dtype
        assert torch.equal(tensor, expected[name])
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_stored_precision_is_that_of_float16() -> None:
    given = {"w": torch.tensor([1.0, 1 + 2**-10, 1 + 2**-12]), "n": torch.tensor(70_000)}
    stored = stored_precision(given)
    assert stored["w"].tolist() == [1.0, 1 + 2**-10, 1.0]
    assert stored["w"].dtype == torch.float32
    assert stored["n"].item() == 70_000


def test_rounding_to_float16_hardly_moves_a_probability(
    checkpoint: Checkpoint, save: Callable[..., Checkpoint], weights: dict[str, Tensor]
) -> None:
    network = build_network("cnn_94").eval()
    network.load_state_dict(weights)
    films = np.random.default_rng(0).integers(0, 256, (32, 100, 100), dtype=np.uint8)
    before = Runtime.of(network, checkpoint.card.input, checkpoint.card.calibration)
    moved = open_runtime(save()).probabilities(films) - before.probabilities(films)
    assert 0 < np.abs(moved).max() < 0.001


def test_loading_leaves_the_random_state_alone(checkpoint: Checkpoint) -> None:
    before = torch.get_rng_state()
    checkpoint.networks()[0]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_version_follows_the_weights(
    save: Callable[..., Checkpoint], weights: dict[str, Tensor]
) -> None:
    first, again = save("first"), save("again")
    other = save("other", weights={name: tensor * 1.01 for name, tensor in weights.items()})
    assert first.card.version == again.card.version != other.card.version


def test_operating_points_go_by_name(checkpoint: Checkpoint) -> None:
    assert checkpoint.card.operating_point().name == "balanced"
    assert checkpoint.card.operating_point("screening").threshold == 0.2
    with pytest.raises(UnknownName, match="no operating point named 'best'.*balanced, screening"):
        checkpoint.card.operating_point("best")


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "cnn_94", "Run-2", "9", "x" * 64])
def test_names_that_can_be_used(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", "a\\b", ".", "..", ".hidden", "-rf", "_a", "a b", "ä", "a\n", "x" * 65],
)
def test_names_that_can_not_be_used(name: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a valid model name. Use up to 64 letters"):
        check_name(name)
    with pytest.raises(CheckpointError, match="is not a valid model name"):
        load_checkpoint(name, tmp_path)


def test_a_senseless_name_is_not_saved(save: Callable[..., Checkpoint], root: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a valid model name"):
        save("../x")
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


def test_a_taken_name_is_refused(save: Callable[..., Checkpoint], root: Path) -> None:
    before = contents(root / "cnn_94")
    with pytest.raises(CheckpointError, match="named 'cnn_94' already exists. Choose another"):
        save("cnn_94")
    assert contents(root / "cnn_94") == before


def test_a_taken_name_may_be_overwritten(save: Callable[..., Checkpoint], root: Path) -> None:
    before = load_checkpoint("cnn_94", root).card.version
    assert save("cnn_94", overwrite=True).card.version != before
    assert sorted(contents(root / "cnn_94")) == FILES
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


def test_an_unknown_name_offers_the_known(root: Path) -> None:
    with pytest.raises(UnknownName, match="no model named 'cnn_95'. Choose one of: cnn_94"):
        load_checkpoint("cnn_95", root)


# --- the list --------------------------------------------------------------------------------


def test_the_best_known_come_first_then_by_name(root: Path) -> None:
    for name in ("alpha", "zeta", "pneumo"):
        shutil.copytree(root / "cnn_94", root / name)
    found, problems = list_checkpoints(root)
    assert [each.name for each in found] == ["pneumo", "cnn_94", "alpha", "zeta"]
    assert problems == []
    assert default_checkpoint(root).name == "pneumo"


def test_what_is_no_checkpoint_is_not_listed(root: Path) -> None:
    (root / "notes").mkdir()
    (root / "README.md").touch()
    shutil.copytree(root / "cnn_94", root / ".saving-x")
    found, problems = list_checkpoints(root)
    assert [each.name for each in found] == ["cnn_94"]
    assert problems == []


def test_a_damaged_card_is_a_problem_while_the_others_load(root: Path) -> None:
    shutil.copytree(root / "cnn_94", root / "torn")
    card = root / "torn/card.json"
    card.write_bytes(card.read_bytes()[:500])
    found, problems = list_checkpoints(root)
    assert [each.name for each in found] == ["cnn_94"]
    assert len(problems) == 1
    assert problems[0].startswith("The model 'torn' can't be used: its card.json is damaged")


def test_no_checkpoints_are_no_list(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "nowhere") == ([], [])
    with pytest.raises(CheckpointError, match="no model in .*Train one with 'pneumo train'"):
        default_checkpoint(tmp_path / "nowhere")


# --- damaged cards ----------------------------------------------------------------------------


def takes(**changes: Any) -> dict[str, Any]:
    """What CNN_94 takes, changed, as a card says it."""
    return {"input": {"size": 100, "channels": 1, "mean": [0.485], "std": [0.229]} | changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": 3}, "schema version 3, this Pneumo reads version 1 or 2"),
        ({"model": "vgg"}, "has the architecture 'vgg', which is not registered here"),
        ({"model": "efficientnet_b0"}, "disagrees with the model efficientnet_b0"),
        ({"operating_points": []}, "no operating point"),
        (takes(std=[0.2, 0.2]), "for each of them a mean and a standard deviation"),
        (takes(mean=[]), "for each of them a mean and a standard deviation"),
        (takes(std=[0.0]), "a standard deviation above 0"),
        (takes(std=[-1.0]), "a standard deviation above 0"),
        (takes(mean=[0.5, 0.5, 0.5]), "for each of them a mean"),
        ({"temperature": "hot"}, "card.json is damaged"),
        ({"temperature": 0.0}, "temperature"),
        ({"offset": "NaN"}, "offset"),
        ({"temperature": "NaN"}, "temperature"),
        ({"operating_points": [POINT | {"threshold": 1.5}]}, "thresholds"),
        ({"operating_points": [POINT | {"threshold": "Infinity"}]}, "thresholds"),
        ({"input": None}, "card.json is damaged"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(
    root: Path, changes: dict[str, Any], words: str
) -> None:
    rewrite_card(root / "cnn_94", **changes)
    with pytest.raises(CheckpointError, match=f"model 'cnn_94' .*{words}"):
        load_checkpoint("cnn_94", root)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_card_that_is_no_card_is_refused(root: Path, content: bytes) -> None:
    (root / "cnn_94/card.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"card\.json is damaged"):
        load_checkpoint("cnn_94", root)


# --- damaged weights --------------------------------------------------------------------------


def damaged(root: Path, content: bytes | None, *, digest: bool = True) -> str:
    """What opening says after the weights became ``content``, the card agreeing or not."""
    path = root / "cnn_94/weights.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
        if digest:
            rewrite_card(path.parent, weights_sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint("cnn_94", root).networks()[0]
    return str(caught.value)


def test_missing_weights_are_refused(root: Path) -> None:
    assert "weights can't be read" in damaged(root, None)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_truncated_weights_are_refused(root: Path, share: float) -> None:
    whole = (root / "cnn_94/weights.safetensors").read_bytes()
    assert "can't be used: its weights" in damaged(root, whole[: int(share * len(whole))])


def test_a_pickle_in_disguise_is_refused_unopened(root: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
            return eval, (f"open({str(tmp_path / 'went-off')!r}, 'w')",)

    assert "weights can't be read" in damaged(root, pickle.dumps(Bomb()))
    assert not (tmp_path / "went-off").exists()


def test_weights_of_another_training_are_refused(root: Path, weights: dict[str, Tensor]) -> None:
    other = safetensors.torch.save({name: tensor.half() for name, tensor in weights.items()})
    assert "don't match its card" in damaged(root, other, digest=False)


def test_weights_of_another_model_are_refused(root: Path) -> None:
    other = safetensors.torch.save(build_network("cnn_v2").state_dict())
    assert "its weights don't fit cnn_94" in damaged(root, other)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_numbers_are_refused(
    root: Path, weights: dict[str, Tensor], value: float
) -> None:
    spoilt = {name: tensor.clone() for name, tensor in weights.items()}
    spoilt["head.bias"][0] = value
    assert "values that are not numbers" in damaged(root, safetensors.torch.save(spoilt))


def test_every_refusal_says_what_to_do(root: Path) -> None:
    assert damaged(root, None).endswith("Train it again or restore it.")


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("scores.parquet", "scores"),
        ("features.safetensors", "features"),
        ("history.csv", "history"),
    ],
)
@pytest.mark.parametrize("content", [None, b"", b"\xff torn"])
def test_a_damaged_part_is_told_and_the_rest_works(
    root: Path, file: str, part: str, content: bytes | None
) -> None:
    path = root / "cnn_94" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    found = load_checkpoint("cnn_94", root)
    with pytest.raises(CheckpointError, match=f"its {part} can't be read"):
        getattr(found, part)
    assert found.networks()[0] is not None


# --- saving that fails -------------------------------------------------------------------------


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def nameless(*_: object, **__: object) -> None:
    raise OSError("the writer gave no number")


@pytest.mark.parametrize("writer", ["pandas.DataFrame.to_parquet", "pandas.DataFrame.to_csv"])
@pytest.mark.parametrize(
    ("refuse", "words"), [(full, "No space left on device"), (nameless, "gave no number")]
)
@pytest.mark.parametrize("name", ["mine", "cnn_94"])
def test_a_full_disk_leaves_what_was_there(
    save: Callable[..., Checkpoint],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: str,
    refuse: Callable[..., None],
    words: str,
    name: str,
) -> None:
    before = contents(root / "cnn_94")
    monkeypatch.setattr(writer, refuse)
    with pytest.raises(CheckpointError, match=f"'{name}' can't be written .*{words}. Free some"):
        save(name, overwrite=True)
    assert contents(root / "cnn_94") == before
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


def test_a_rename_that_fails_puts_the_old_checkpoint_back(
    save: Callable[..., Checkpoint], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(root / "cnn_94")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name.startswith(".saving-"):
            full()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CheckpointError, match="can't be written"):
        save("cnn_94", overwrite=True)
    assert contents(root / "cnn_94") == before
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


_LIMITED = """
import resource, sys
from pathlib import Path
from pneumo_core.checkpoints import load_checkpoint, save_checkpoint
from pneumo_core.errors import CheckpointError
root = Path(sys.argv[1])
old = load_checkpoint("cnn_94", root)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    save_checkpoint(
        old.card, old.networks()[0].state_dict(), scores=old.scores, features=old.features,
        history=old.history, root=root, overwrite=True,
    )
except CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE")
def test_a_disk_that_really_refuses_leaves_what_was_there(root: Path) -> None:
    before = contents(root / "cnn_94")
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, root], capture_output=True, text=True, check=True
    )
    assert "'cnn_94' can't be written" in done.stdout
    assert "File too large" in done.stdout
    assert contents(root / "cnn_94") == before
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


@pytest.mark.parametrize("value", [math.nan, 1e6])
def test_weights_that_float16_can_not_hold_are_not_saved(
    save: Callable[..., Checkpoint], root: Path, weights: dict[str, Tensor], value: float
) -> None:
    spoilt = weights | {"head.bias": torch.tensor([0.0, value])}
    with pytest.raises(CheckpointError, match=r"can't be written: .*head\.bias"):
        save(weights=spoilt)
    assert [each.name for each in root.iterdir()] == ["cnn_94"]


def test_saving_makes_the_folders_above(
    checkpoint: Checkpoint, weights: dict[str, Tensor], tmp_path: Path
) -> None:
    root = tmp_path / "not/yet"
    card: Card = checkpoint.card
    save_checkpoint(card, weights, scores=SCORES, features=FEATURES, history=HISTORY, root=root)
    assert load_checkpoint("cnn_94", root).card.model == "cnn_94"


def test_what_ships_is_known_by_name() -> None:
    """Second opinions come from these unless somebody asks for others."""
    root = Path(__file__).parents[2] / "checkpoints"
    assert [each.name for each in list_checkpoints(root)[0]][: len(SHIPPED)] == list(SHIPPED)
