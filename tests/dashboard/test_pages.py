"""The pages as Streamlit runs them, without a browser: what stands on them, in which case."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.page import RESEARCH_LINE

ROOT = Path(__file__).parents[2]
VERDICTS = ("Signs of pneumonia", "Uncertain")


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    """Readers are kept by name and version, which the tests' checkpoints share."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def open_app(page: str | None = None, **query: str) -> AppTest:
    """The app on its home page, or on ``page`` with a query."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    if page:
        app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def reading_page(**query: str) -> AppTest:
    return open_app("pages/read.py", **query)


def told(app: AppTest) -> str:
    """Every word on the page, Markdown's escapes undone."""
    elements = (app.main, app.sidebar)
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error")
    words = [each.value for part in elements for kind in kinds for each in part.get(kind)]
    return "\n".join(words + [each.value for each in app.code]).replace("\\", "")


def verdict(app: AppTest) -> str:
    (header,) = app.header
    return str(header.value)


def film(side: int = 128) -> bytes:
    """A grey PNG with a bright blob."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    file = BytesIO()
    Image.fromarray((40 + 180 * np.exp(-8 * (x**2 + y**2))).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


PNG = ("film*1*.png", film(), "image/png")
TEXT = ("notes.txt", b"not a film", "text/plain")


@pytest.mark.parametrize("page", [None, "pages/read.py"])
def test_each_page_opens_and_says_once_what_it_is_for(
    page: str | None, checkpoint: Checkpoint
) -> None:
    app = open_app(page)
    assert not app.exception
    assert not app.error
    assert told(app).count(RESEARCH_LINE) == 1


@pytest.mark.parametrize("page", [None, "pages/read.py"])
def test_without_a_checkpoint_each_page_says_how_to_train_one(page: str | None) -> None:
    app = open_app(page)
    assert not app.exception
    assert "pneumo train --data" in told(app)


@pytest.mark.parametrize("page", [None, "pages/read.py"])
def test_a_damaged_card_is_a_sentence(
    page: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ck" / "broken").mkdir(parents=True)
    (tmp_path / "ck" / "broken" / "card.json").write_text("{")
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    app = open_app(page)
    assert not app.exception
    assert "'broken' can't be used" in told(app)


def test_damaged_weights_are_a_sentence(
    checkpoints_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(checkpoints_root, tmp_path / "ck")
    (tmp_path / "ck" / "cnn_94" / "weights.safetensors").write_bytes(b"nothing")
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    app = reading_page(sample="chest")
    assert not app.exception
    assert "its weights can't be read" in app.error[0].value


def test_home_shows_the_checkpoints_figures(checkpoint: Checkpoint) -> None:
    words = told(open_app())
    figures = checkpoint.card.evaluation["test"]
    assert f"{figures.n} test films" in words
    assert f"{figures.sensitivity.value:.3f} ({figures.sensitivity.low:.3f}–" in words
    assert "balanced (0.500)" in words


def test_home_names_the_dataset(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No dataset is set" in told(open_app())
    monkeypatch.setenv("PNEUMO_DATA", str(tmp_path))
    assert str(tmp_path) in told(open_app())


def test_nothing_is_read_before_it_is_asked_for(checkpoint: Checkpoint) -> None:
    app = reading_page()
    assert not app.header
    assert "Nothing to read yet" in told(app)


def test_the_chest_sample_gets_a_verdict_and_a_probability(checkpoint: Checkpoint) -> None:
    app = reading_page()
    app.pills(key="sample").set_value("chest").run()
    assert verdict(app).startswith(VERDICTS)
    assert "Probability of pneumonia" in told(app)
    assert checkpoint.card.version in told(app)


def test_the_leg_sample_is_refused_without_a_probability(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="leg")
    assert verdict(app) == "Not read"
    assert "another body part" in told(app)
    assert "Probability" not in told(app)
    assert not app.toggle
    assert len(app.image) == 1, "a refused film is still shown"


def test_a_batch_is_read_to_its_end(checkpoint: Checkpoint) -> None:
    app = reading_page()
    app.file_uploader[0].set_value([TEXT, PNG]).run()
    (films,) = app.radio
    assert films.label == "2 films: 1 read, 1 failed"
    assert verdict(app) == "Not read"
    assert "notes.txt" in app.warning[0].value.replace("\\", "")
    films.set_value(1).run()
    assert verdict(app).startswith(VERDICTS)


def test_a_file_name_is_not_markdown(checkpoint: Checkpoint) -> None:
    app = reading_page()
    app.file_uploader[0].set_value([PNG, TEXT]).run()
    assert app.radio[0].options[0] == r"film\*1\*\.png"


def test_the_operating_point_changes_the_threshold_and_not_the_probability(
    checkpoint: Checkpoint,
) -> None:
    app = reading_page(sample="chest")
    probability = next(line for line in told(app).splitlines() if "Probability" in line)
    assert "0.500 and above" in told(app)
    app.selectbox(key="point").set_value("screening").run()
    assert "0.200 and above" in told(app)
    assert probability in told(app)


def test_a_link_carries_the_choice(checkpoint: Checkpoint) -> None:
    app = reading_page(checkpoint="cnn_94", point="screening", sample="chest")
    assert app.selectbox(key="point").value == "screening"
    assert verdict(app).startswith(VERDICTS)
    assert app.query_params["point"] == "screening"


def test_a_stale_link_says_so(checkpoint: Checkpoint) -> None:
    app = reading_page(checkpoint="gone", point="strict", sample="cat")
    assert not app.exception
    for word in ("gone", "strict", "cat"):
        assert f"named '{word}'" in told(app)


def test_an_upload_puts_the_sample_away(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="leg")
    app.file_uploader[0].set_value([PNG]).run()
    assert verdict(app).startswith(VERDICTS)
    assert "sample" not in app.query_params


def test_where_it_looked_is_asked_for(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest")
    assert not app.slider
    app.toggle(key="look").set_value(True).run()
    assert not app.exception
    assert app.slider(key="opacity").value == 0.5
    assert "Grad-CAM" in told(app)
