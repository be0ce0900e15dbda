"""A recipe is a whole config: what the paper did, what works here, and what a person changes."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from efficientnet_pytorch.utils import url_map

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.cli import main
from pneumo_core.core.settings import settings
from pneumo_core.embeddings import feature_layers, image_features
from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.explanations import heat_map
from pneumo_core.inference import open_runtime
from pneumo_core.models import Framing, build_network, find_model
from pneumo_core.runs import find_run, start_run, train
from pneumo_core.training import RECIPES, Augmentation, TrainingConfig, recipe
from tests import small_network

TINY = "timm:test_efficientnet"

# --- the recipes -----------------------------------------------------------------------------


def test_a_small_network_learns_long_and_a_backbone_gently() -> None:
    small, backbone = recipe("strong", "cnn_94"), recipe("strong", "efficientnet_b0")
    assert (small.epochs, small.backbone_factor) == (60, 1.0)
    assert backbone.epochs < 10
    assert backbone.backbone_factor < 1
    assert small.mirror and backbone.mirror
    assert small.pretrained == backbone.pretrained == "auto"


def test_backbones_of_timm_are_trained_like_efficientnet_b0() -> None:
    b0, tiny = (vars(recipe("strong", model)) for model in ("efficientnet_b0", TINY))
    assert {**b0, "model": TINY} == tiny


def test_small_networks_and_backbones_learn_from_the_same_changes_to_x_rays() -> None:
    small, backbone = recipe("strong", "cnn_94"), recipe("strong", "efficientnet_b0")
    assert small.augmentation == backbone.augmentation
    assert replace(small, mirror=False, augmentation=Augmentation()) == TrainingConfig(
        framing="lungs"
    )


@pytest.mark.parametrize("model", ["cnn_94", "cnn_v2", "efficientnet_b0"])
def test_paper_is_what_the_paper_did(model: str) -> None:
    paper = recipe("paper", model)
    assert (paper.learning_rate, paper.epochs, paper.batch_size) == (1e-4, 30, 50)
    assert (paper.balance, paper.pretrained) == ("repeat_normals", "none")
    # Adam, which is AdamW without decay; no averages, nothing smoothed, no mirror images.
    assert (paper.weight_decay, paper.average, paper.label_smoothing) == (0, 0, 0)
    assert (paper.mirror, paper.patience, paper.precision) == (False, 0, "32-true")


def test_the_paper_turns_and_mirrors_its_films_and_nothing_else() -> None:
    changed = recipe("paper", "cnn_94").augmentation
    assert (changed.rotation, changed.mirror) == (75, 0.5)
    assert (changed.resampled, changed.noise, changed.zoom) == (1, (0, 0), (1, 1))
    rest = set(vars(Augmentation())) - {"rotation", "mirror", "resampled", "noise", "zoom"}
    assert {getattr(changed, name) for name in rest} == {0}


def test_what_is_given_changes_a_recipe_and_none_does_not() -> None:
    paper = recipe("paper", "cnn_v2", epochs=2, mirror=True, seed=None, pretrained=None)
    assert (paper.epochs, paper.mirror) == (2, True)
    assert (paper.batch_size, paper.pretrained, paper.seed) == (50, "none", 0)
    assert recipe("strong", "efficientnet_b0", mirror=False).mirror is False


def test_an_unknown_recipe_is_answered_with_the_known() -> None:
    with pytest.raises(UnknownName, match="no recipe named 'weak'. Choose one of: paper, strong"):
        recipe("weak", "cnn_94")


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("model", ["vgg", "timm:no_such_backbone"])
def test_an_unknown_model_is_refused(name: str, model: str) -> None:
    with pytest.raises(UnknownName, match="There is no"):
        recipe(name, model)


def test_a_senseless_change_is_named() -> None:
    with pytest.raises(TrainingError, match="The setting 'epochs'"):
        recipe("strong", "cnn_94", epochs=0)


# --- runs ------------------------------------------------------------------------------------


def test_the_papers_rate_falls_by_four_hundredths_an_epoch(folder: Path) -> None:
    checkpoint = train(folder, "paper", recipe("paper", small_network.NAME, epochs=3))
    rates = checkpoint.history["learning_rate"].to_numpy()
    assert rates == pytest.approx([1e-4, 0.96e-4, 0.96**2 * 1e-4])
    assert checkpoint.card.training["augmentation"]["rotation"] == 75


def test_the_papers_transfer_learning_trains_the_head_of_a_fresh_frozen_backbone(
    folder: Path,
) -> None:
    config = recipe("paper", TINY, epochs=1, batch_size=8)
    torch.manual_seed(config.seed)
    fresh = build_network(TINY).state_dict()
    checkpoint = train(folder, "frozen", config)
    trained = checkpoint.networks()[0].state_dict()
    assert checkpoint.card.input.size == 100
    moved = {
        name
        for name, tensor in trained.items()
        if tensor.is_floating_point() and not torch.equal(tensor, fresh[name].half().float())
    }
    assert {name for name in moved if "running_" not in name} == {"head.weight", "head.bias"}


def test_a_backbone_learns_from_films_of_the_size_asked_for(folder: Path) -> None:
    card = train(folder, "small", recipe("strong", TINY, epochs=1, size=64, pretrained="none")).card
    assert (card.input.size, card.training["size"]) == (64, 64)
    assert load_checkpoint("small").card.input.size == 64


def test_a_transformer_trains_reads_explains_embeds_and_runs_as_a_graph(folder: Path) -> None:
    model, size = "timm:test_vit", 64
    train(folder, "vit", recipe("strong", model, epochs=1, size=size, pretrained="none"))
    checkpoint, film = load_checkpoint("vit"), np.eye(size, dtype=np.uint8) * 255
    runtime = open_runtime(checkpoint)
    assert (checkpoint.card.input.size, runtime.size) == (size, size)
    assert runtime.members[0].engine is not None
    assert 0 < runtime.probabilities(film[None])[0] < 1
    assert sum(heat_map(runtime, film, label).parts[0] for label in (0, 1)).shape == (4, 4)
    widths = {
        layer: len(image_features(runtime, film, layer)) for layer in feature_layers(checkpoint)
    }
    assert widths["block 5"] == widths["penultimate"] == 64
    assert widths["last maps"] == 64 * 4 * 4  # of the places alone


def test_a_transformer_refuses_a_size_before_it_trains(folder: Path) -> None:
    config = recipe("strong", "timm:test_vit", size=100, pretrained="none")
    with pytest.raises(TrainingError, match="a multiple of 16 pixels, not 100. Give 96 or 112."):
        start_run(folder, "never", config)
    assert not (settings().home / "runs").exists()


def test_a_network_of_one_size_refuses_another_before_it_trains(folder: Path) -> None:
    with pytest.raises(TrainingError, match="cnn_v2 reads 100-pixel X-rays only"):
        start_run(folder, "never", recipe("strong", "cnn_v2", size=224))
    assert not (settings().home / "runs").exists()


def test_a_run_keeps_the_source_that_auto_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(url_map, "efficientnet-b0", (tmp_path / "nothing.pth").as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    run = start_run(folder, "later", recipe("strong", "efficientnet_b0"))
    assert run.config.pretrained == "package"
    assert find_run(run.id).config.pretrained == "package"


def test_the_card_of_a_small_network_says_that_it_started_fresh(folder: Path) -> None:
    card = train(folder, "small", recipe("strong", small_network.NAME, epochs=1)).card
    assert (card.training["pretrained"], card.origin) == ("none", "fresh weights")


def test_the_card_of_a_backbone_says_where_its_weights_came_from(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.safetensors"
    backbone = build_network(TINY).features.get_submodule("backbone")
    safetensors.torch.save_file(backbone.state_dict(), file)
    card = train(folder, "tiny", recipe("strong", TINY, epochs=1, pretrained=str(file))).card
    assert card.training["pretrained"] == str(file)
    assert card.origin == "the weights in mine.safetensors"
    assert (card.mirror, card.input) == (True, replace(find_model(TINY).input, framing=Framing()))


def test_a_start_that_is_not_to_be_had_leaves_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_arguments: object, **_options: object) -> None:
        raise OSError("the hub can't be reached")

    find_model(TINY)  # imports timm
    monkeypatch.setattr("timm.create_model", unreachable)
    with pytest.raises(TrainingError, match="No ImageNet weights"):
        start_run(folder, "never", recipe("strong", TINY))
    assert not (settings().home / "runs").exists()


# --- the command line ------------------------------------------------------------------------


def test_the_command_line_refuses_weights_for_a_network_without_a_backbone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--name", "mine", "--data", folder, "--model", "cnn_v2", "--pretrained", "package"]
    monkeypatch.setattr(sys, "argv", ["pneumo", "train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "cnn_v2 has no pretrained backbone. Use the source 'none'." in " ".join(
        capsys.readouterr().err.split()
    )
