"""Errors speak in sentences and travel between processes; settings come from the environment."""

import pickle
from pathlib import Path

import pytest

import pneumo_core.errors
from pneumo_core.core import settings as settings_module
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError, UnknownName, UnreadableImage


def test_every_error_is_a_pneumo_error() -> None:
    public = (getattr(pneumo_core.errors, name) for name in pneumo_core.errors.__all__)
    errors = [each for each in public if isinstance(each, type)]
    assert errors
    assert all(issubclass(each, PneumoError) for each in errors)


def test_an_unreadable_film_names_file_reason_and_remedy() -> None:
    error = UnreadableImage("a.png", "it is empty", "Send it again")
    assert str(error) == "a.png: it is empty. Send it again."


def test_an_unknown_name_offers_the_known_ones_in_order() -> None:
    error = UnknownName("model", "resnet", ["cnn_v2", "cnn_94"])
    assert str(error) == "There is no model named 'resnet'. Choose one of: cnn_94, cnn_v2."


def test_an_unknown_name_among_none_says_so() -> None:
    assert "There is none yet." in str(UnknownName("checkpoint", "a", []))


@pytest.mark.parametrize(
    "error",
    [
        PneumoError("A sentence."),
        UnreadableImage("a.png", "it is empty", "Send it again"),
        UnknownName("model", "resnet", ["cnn_94"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_cross_process_borders(error: PneumoError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PNEUMO_HOME", "here")
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", "~/there")
    monkeypatch.setenv("PNEUMO_DATA", str(tmp_path))
    assert settings().home == tmp_path.resolve() / "here"
    assert settings().checkpoints == (Path.home() / "there").resolve()
    assert settings().data == tmp_path.resolve()


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_variable_means_the_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    for variable in ("PNEUMO_HOME", "PNEUMO_CHECKPOINTS", "PNEUMO_DATA", "PNEUMO_MAX_FILE_MB"):
        monkeypatch.delenv(variable, raising=False)
        if value is not None:
            monkeypatch.setenv(variable, value)
    clone = Path(__file__).resolve().parents[2]
    monkeypatch.setattr(settings_module, "repository_root", lambda: clone)
    assert settings().home == clone / ".pneumo"
    assert settings().checkpoints == clone / "checkpoints"
    assert settings().data is None
    assert settings().max_file_bytes == 64_000_000
    assert settings().max_pixels == 100_000_000


def test_without_a_clone_the_home_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "repository_root", lambda: None)
    monkeypatch.delenv("PNEUMO_HOME")
    assert settings().home == Path.home() / ".pneumo"


def test_limits_may_be_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_MAX_FILE_MB", "0.5")
    monkeypatch.setenv("PNEUMO_MAX_MEGAPIXELS", "2.25")
    assert settings().max_file_bytes == 500_000
    assert settings().max_pixels == 2_250_000


@pytest.mark.parametrize("variable", ["PNEUMO_MAX_FILE_MB", "PNEUMO_MAX_MEGAPIXELS"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "64 MB", "1e308", "1e-9"])
def test_a_senseless_limit_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(PneumoError, match=f"{variable} is '{value}'. Set it to a number above 0"):
        settings()


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "2.0", "1_000", "99999999999"])
@pytest.mark.parametrize("variable", ["PNEUMO_THREADS", "PNEUMO_BATCH"])
def test_a_senseless_count_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(PneumoError, match=f"{variable} is '{value}'. Set it to a whole number"):
        settings()


@pytest.mark.parametrize("variable", ["PNEUMO_HOME", "PNEUMO_DATA", "PNEUMO_CHECKPOINTS"])
def test_the_home_of_nobody_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "~no-such-user/x")
    with pytest.raises(PneumoError, match=f"{variable} is '~no-such-user/x'"):
        settings()


def test_a_path_too_long_for_any_disk_is_no_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_DATA", "x" * 300)
    assert settings().data == Path("x" * 300).resolve()


def test_what_computes_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (settings().engine, settings().batch) == ("onnxruntime", None)
    assert settings().threads == settings_module.cores() >= 1
    for name, value in {"THREADS": "3", "BATCH": "5", "ENGINE": "torch"}.items():
        monkeypatch.setenv(f"PNEUMO_{name}", value)
    assert (settings().threads, settings().batch, settings().engine) == (3, 5, "torch")
    monkeypatch.setenv("PNEUMO_ENGINE", "fast")
    with pytest.raises(PneumoError, match="'fast'. Set it to onnxruntime or torch"):
        settings()


@pytest.mark.parametrize(("quota", "most"), [("100000 100000", 1), ("50000 100000", 1)])
def test_a_container_may_grant_fewer_cores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, most: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(settings_module, "_QUOTA", tmp_path / "cpu.max")
    assert settings_module.cores() == most
