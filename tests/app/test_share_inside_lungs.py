"""Beside every heat map stands how much of it lies inside the lungs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pneumo_core.checkpoints import load_checkpoint

ROOT = Path(__file__).parents[2]
SHARE = "of the heat map lies inside the lungs."


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.switch_page(f"pages/{name}.py")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def shares(app: AppTest) -> list[str]:
    """The captions about the lungs; in bold where they warn."""
    assert not app.exception
    return [each.value for each in app.main.get("caption") if SHARE in each.value]


def test_the_maps_of_two_models_have_a_share_each_and_only_one_a_warning() -> None:
    app = page("compare", checkpoints="pneumo,cnn_94")
    app.segmented_control(key="compare view").set_value("single").run()
    (chest,) = (each for each in app.button if each.label == "Chest")
    chest.click().run()
    inside, outside = shares(app)
    assert inside == f"95 % {SHARE}"
    assert outside == f"**Only 37 % {SHARE} Do not take it as evidence of pneumonia.**"


def test_a_second_view_has_the_share_of_its_own_map() -> None:
    app = page("read", checkpoint="pneumo", panel="cnn_94", sample="chest", look="1")
    assert shares(app) == [f"95 % {SHARE}"]
    app.selectbox(key="beside").set_value("Beside it: cnn_94").run()
    assert sorted(each.partition(" %")[0] for each in shares(app)) == ["**Only 37", "95"]
    app.selectbox(key="beside").set_value("Beside it: no heat map").run()
    assert len(shares(app)) == 1


def _similar(method: str | None) -> None:
    """Show the sample as the most similar training X-ray."""
    from types import SimpleNamespace

    import numpy as np

    from pneumo_core.app.reading_room.similar_images import _show
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.embeddings import Similar
    from pneumo_core.explanations import HeatMap
    from pneumo_core.imaging import read_radiograph
    from pneumo_core.reading import samples
    from pneumo_core.reports import Overlay

    chest = read_radiograph(samples()[0].path)
    source = SimpleNamespace(radiograph=lambda _: chest)
    films = SimpleNamespace(dataset=SimpleNamespace(source=source))
    look = Overlay(HeatMap((np.ones((2, 2), np.float32),), 1, method)) if method else None
    _show(Similar("chest", 1, 0.9), films, load_checkpoint("cnn_94"), look)  # type: ignore


@pytest.mark.parametrize("method", ["grad_cam", None])
def test_a_similar_x_ray_has_the_share_of_its_map(method: str | None) -> None:
    app = AppTest.from_function(_similar, default_timeout=60, kwargs={"method": method}).run()
    assert len(shares(app)) == (1 if method else 0)


def test_the_home_page_has_the_share_on_each_card() -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    table = app.dataframe[0].value.set_index("Model")
    shares = {name: load_checkpoint(name).card.inside_lungs["grad_cam"] for name in table.index}
    assert table["In lungs"].to_dict() == {n: f"{100 * s:.0f} %" for n, s in shares.items()}
