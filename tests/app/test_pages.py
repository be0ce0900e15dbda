"""The pages as Streamlit runs them, without a browser: what stands on them, in which case."""

import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from pneumo_core.app.page import RESEARCH_LINE
from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.imaging import read_radiograph
from pneumo_core.metrics import adjusted_probability, format_rate

ROOT = Path(__file__).parents[2]
VERDICTS = ("Signs of pneumonia", "Uncertain")
PAGES = (None, *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py"))))


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
TEXT = ("notes.txt", b"not an X-ray", "text/plain")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_and_says_once_what_it_is_for(
    page: str | None, checkpoint: Checkpoint
) -> None:
    app = open_app(page)
    assert not app.exception
    assert not app.error
    assert told(app).count(RESEARCH_LINE) == 1


@pytest.mark.parametrize("page", PAGES)
def test_without_a_checkpoint_each_page_says_how_to_train_one(page: str | None) -> None:
    app = open_app(page)
    assert not app.exception
    assert "pneumo train --data" in told(app)


@pytest.mark.parametrize("page", PAGES)
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


def test_a_link_opens_a_film_with_its_heat_map(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest", look="1")
    assert not app.exception
    assert app.toggle(key="look").value
    app.toggle(key="look").set_value(False).run()
    assert "look" not in app.query_params


def test_home_shows_the_checkpoints_figures(checkpoint: Checkpoint) -> None:
    (table,) = open_app().dataframe
    (row,) = table.value.to_dict("records")
    figures = checkpoint.card.evaluation["test"]
    assert row["Model"] == checkpoint.name
    assert row["X-rays"] == f"{figures.n} test"
    assert row["Sensitivity"].startswith(f"{figures.sensitivity.value:.3f} (")
    assert row["Threshold"] == "0.500"
    assert row["Best for"] == "", "there is nothing to compare it with"


def test_home_names_the_dataset(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No dataset yet" in told(open_app())
    monkeypatch.setenv("PNEUMO_DATA", str(tmp_path))
    assert str(tmp_path) in told(open_app())


def test_nothing_is_read_before_it_is_asked_for(checkpoint: Checkpoint) -> None:
    app = reading_page()
    assert not app.header
    assert "No X-rays yet" in told(app)


def press(app: AppTest, label: str) -> AppTest:
    """The page after the button of that label."""
    return next(each for each in app.button if each.label == label).click().run()


def upload(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    return app.file_uploader[0].set_value(list(files)).run()


def viewers(app: AppTest) -> list[object]:
    """Every X-ray's viewer on the page; the sidebar's component is none."""
    return list(app.main.get("bidi_component"))


def place_of(app: AppTest, kind: str) -> tuple[int, ...]:
    """Where the first element of that kind stands: its number in each container around it."""

    def places(block: Block, above: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for number, child in block.children.items():
            if child.type == kind:
                yield (*above, number)
            if isinstance(child, Block):
                yield from places(child, (*above, number))

    return next(places(app.main, ()))


def opened(app: AppTest) -> str:
    """The name of the film on the screen."""
    return next(m.value for m in app.markdown if m.value.startswith("**")).split("**")[1]


def test_the_chest_sample_gets_a_verdict_and_a_probability(checkpoint: Checkpoint) -> None:
    app = press(reading_page(), "Chest")
    assert verdict(app).startswith(VERDICTS)
    assert "Probability of pneumonia" in told(app)
    assert checkpoint.card.version in told(app)
    assert app.query_params["sample"] == "chest"


def test_the_leg_sample_is_refused_without_a_probability(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="leg")
    assert verdict(app) == "Not read"
    assert "another body part" in told(app)
    assert "Probability" not in told(app)
    assert "Show heat map" not in [each.label for each in app.toggle]
    assert len(viewers(app)) == 1, "a refused X-ray is still shown"


def test_a_batch_is_read_to_its_end_and_its_failures_stay_on_the_list(
    checkpoint: Checkpoint,
) -> None:
    app = upload(reading_page(), TEXT, PNG)
    assert "2 X-rays: 1 read, 1 failed" in told(app)
    (table,) = app.dataframe
    assert table.value["File"].tolist() == ["film*1*.png", "notes.txt"], "what was read comes first"
    assert table.value["X-ray"].iloc[0].startswith("data:image/jpeg;base64,")
    assert "Failed: notes.txt" in table.value["Notes"].iloc[1]
    assert verdict(app).startswith(VERDICTS)
    press(app, "Next")
    assert verdict(app) == "Not read"
    assert "notes.txt" in app.warning[0].value.replace("\\", "")
    assert not viewers(app), "a file that is no X-ray has no picture"


def test_the_list_can_be_cut_down_and_ordered(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(), TEXT, PNG)
    app.text_input(key="search").set_value("NOTES").run()
    assert app.dataframe[0].value["File"].tolist() == ["notes.txt"]
    assert opened(app) == r"film\*1\*\.png", "an X-ray stays open when a filter hides its row"
    app.text_input(key="search").set_value("").run()
    app.selectbox(key="order").set_value("As added").run()
    assert app.dataframe[0].value["File"].tolist() == ["notes.txt", "film*1*.png"]
    app.text_input(key="search").set_value("nobody").run()
    assert not app.dataframe
    assert "Change the filter" in told(app)


def test_the_film_keeps_its_place_while_what_stands_above_it_comes_and_goes(
    checkpoint: Checkpoint,
) -> None:
    """Where the place changes, a browser draws the film anew, and twice for a while."""
    app = reading_page(sample="chest")
    worklist = app.session_state["worklist"]
    worklist.readings.clear()
    worklist.stopped = True
    assert "Waiting" in verdict(app.run())
    place = place_of(app, "bidi_component")
    assert "Waiting" not in verdict(press(app, "Continue"))
    assert place_of(app, "bidi_component") == place
    drawer = place_of(app, "expander")
    app.toggle(key="look").set_value(True).run()
    assert place_of(app, "expander") == drawer, "what the map is asked stands in its own place"
    upload(app, TEXT)
    assert app.dataframe
    worklist.opened = next(iter(worklist.films))
    app.run()
    assert place_of(app, "bidi_component") == place


def test_films_outlive_a_walk_to_another_page(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(), TEXT, PNG)
    app.switch_page("streamlit_app.py").run()
    app.switch_page("pages/read.py").run()
    assert "2 X-rays: 1 read, 1 failed" in told(app)
    press(app, "Remove")
    assert verdict(app) == "Not read", "the next X-ray is opened"
    press(app, "Clear")
    assert "No X-rays yet" in told(app)
    assert not app.session_state["worklist"].readings


def test_the_same_film_is_on_the_list_once(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(), PNG)
    upload(app, PNG, TEXT)
    assert "2 X-rays" in told(app)


def test_a_file_name_is_not_markdown(checkpoint: Checkpoint) -> None:
    assert opened(upload(reading_page(), PNG)) == r"film\*1\*\.png"


def test_the_operating_point_changes_the_threshold_and_not_the_probability(
    checkpoint: Checkpoint,
) -> None:
    app = reading_page(sample="chest")
    probability = next(line for line in told(app).splitlines() if "Probability" in line)
    assert "0.500 or higher" in told(app)
    app.selectbox(key="point").set_value("screening").run()
    assert "0.200 or higher" in told(app)
    assert probability in told(app)


def test_a_threshold_of_ones_own_tells_its_rates_and_travels_in_the_link(
    checkpoint: Checkpoint,
) -> None:
    app = reading_page(sample="chest", point="custom", threshold="0.24")
    assert "0.240 or higher" in told(app)
    assert "On 1 test X-ray: sensitivity > 0.999 (0.207–1)" in told(app), "it has 0.75"
    assert "specificity not known" in told(app), "there is no normal one"
    app.slider(key="threshold").set_value(0.3).run()
    assert app.query_params["threshold"] == "0.300"
    assert not reading_page(point="custom", threshold="high").exception


def test_a_link_carries_the_choice(checkpoint: Checkpoint) -> None:
    app = reading_page(checkpoint="cnn_94", point="screening", sample="chest")
    assert app.selectbox(key="point").value == "screening"
    assert verdict(app).startswith(VERDICTS)
    assert app.query_params["point"] == "screening"


def test_the_choice_outlives_a_walk_to_another_page(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(point="custom", threshold="0.24"), PNG)
    app.switch_page("streamlit_app.py").run()
    app.query_params.clear()  # a browser's menu opens pages without them
    app.switch_page("pages/read.py").run()
    assert app.selectbox(key="point").value == "custom"
    assert "0.240 or higher" in told(app)
    assert app.query_params["threshold"] == "0.240"


def test_a_stale_link_says_so(checkpoint: Checkpoint) -> None:
    app = reading_page(checkpoint="gone", point="strict", sample="cat")
    assert not app.exception
    for word in ("gone", "strict", "cat"):
        assert f"named '{word}'" in told(app)


def test_an_upload_is_opened_and_takes_the_sample_out_of_the_link(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="leg")
    upload(app, PNG)
    assert opened(app) == r"film\*1\*\.png"
    assert "sample" not in app.query_params
    press(app, "Leg")
    assert verdict(app) == "Not read"
    assert app.query_params["sample"] == "leg"


def test_where_it_looked_is_asked_for(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest")
    assert "Grad-CAM" not in told(app)
    app.toggle(key="look").set_value(True).run()
    assert not app.exception
    assert app.slider(key="opacity").value == 50
    assert "Grad-CAM" in told(app)
    app.selectbox(key="method").set_value("activation").run()  # never empty
    assert "the strongest response in this X-ray, however weak" in told(app)


def test_a_heat_map_opens_with_evidence_for_pneumonia_as_strong_as_its_probability(
    checkpoint: Checkpoint,
) -> None:
    """Whatever was predicted: one colour means one thing, and little evidence is faint."""
    app = reading_page(sample="chest", look="1", point="custom", threshold="0.999")
    (reading,) = app.session_state["worklist"].readings["cnn_94", checkpoint.card.version].values()
    (label,) = (each for each in app.segmented_control if each.label == "Evidence for")
    assert label.value == 1
    app.selectbox(key="method").set_value("occlusion").run()  # Grad-CAM may find nothing
    if "found no evidence" not in told(app):
        strength = format_rate(reading.probability)
        assert f"means a probability of 1 for PNEUMONIA; here it is {strength}" in told(app)
    app.segmented_control(key="scale").set_value("This X-ray").run()
    assert not app.exception
    assert "probability of 1 for" not in told(app)


def test_a_second_view_is_the_bare_film_or_another_one(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(sample="chest"), PNG)
    app.toggle(key="look").set_value(True).run()
    assert len(viewers(app)) == 1
    app.selectbox(key="beside").set_value("Beside it: no heat map").run()
    assert len(viewers(app)) == 2
    others = [each for each in app.selectbox(key="beside").options if "Chest" in each]
    others += [each for each in app.selectbox(key="beside").options if ".png" in each]
    app.selectbox(key="beside").set_value(others[0]).run()
    assert not app.exception
    assert len(viewers(app)) == 2


def test_a_link_carries_the_label(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = film_folder({"train": 1, "test": 1})
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    path = next(iter(sorted((folder / "test" / "NORMAL").iterdir())))
    name = path.relative_to(folder).as_posix()
    app = reading_page(film=name, label="NORMAL")
    assert "Label in the dataset: **NORMAL**" in told(app)
    assert app.query_params["label"] == "NORMAL"


@pytest.mark.parametrize("method", ["layer_cam", "activation", "occlusion"])
def test_every_kind_of_method_gives_a_map(checkpoint: Checkpoint, method: str) -> None:
    app = reading_page(sample="chest")
    app.toggle(key="look").set_value(True).run()
    app.selectbox(key="method").set_value(method).run()
    assert not app.exception
    assert not app.error


def test_maps_of_several_films_share_a_scale(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(sample="chest"), PNG)
    app.toggle(key="look").set_value(True).run()
    app.selectbox(key="method").set_value("activation").run()
    app.segmented_control(key="scale").set_value("All X-rays").run()
    assert not app.exception
    assert "so a weak map stays weak" in told(app)


def test_the_check_by_forgetting_answers_in_a_sentence(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest")
    app.toggle(key="look").set_value(True).run()
    app.selectbox(key="method").set_value("activation").run()
    press(app, "Sanity check: randomise the weights")
    assert not app.exception
    assert any(each.value.startswith("The map ") for each in app.markdown)


def test_a_prevalence_adjusts_the_probability_and_gives_predictive_values(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without scores the card speaks: sensitivity and specificity are 0.9 at screening."""
    shutil.copytree(checkpoint.folder, tmp_path / "ck" / "cnn_94")
    (tmp_path / "ck" / "cnn_94" / "scores.parquet").unlink()
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    app = reading_page(sample="chest", point="screening")
    (reading,) = app.session_state["worklist"].readings["cnn_94", checkpoint.card.version].values()
    assert "at a prevalence of 50 %" in told(app)
    assert "PPV" not in told(app), "nobody said how common pneumonia is"
    app.number_input(key="prevalence").set_value(20.0).run()
    adjusted = format_rate(adjusted_probability(reading.probability, 0.2))
    assert f"At 20 %: probability **{adjusted}**" in told(app)
    assert "| PPV | 69.2 % (interval not known) |" in told(app)
    assert "validation X-rays" in told(app)
    assert app.query_params["prevalence"] == "20"
    upload(app, TEXT)
    app.session_state["worklist"].opened = next(iter(app.session_state["worklist"].films))
    app.run()
    assert verdict(press(app, "Next")) == "Not read"
    press(app, "Previous")
    assert app.number_input(key="prevalence").value == 20, "it outlives a file that is no X-ray"


def test_one_s_own_model_gives_a_second_opinion_only_when_it_is_chosen(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cnn_94", "pneumo", "toy"):
        shutil.copytree(checkpoint.folder, tmp_path / "ck" / name)
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    app = reading_page(checkpoint="cnn_94", sample="chest")
    readings = app.session_state["worklist"].readings
    assert {name for name, _ in readings} == {"cnn_94", "pneumo"}
    assert "Both models: " in told(app)
    app.checkbox(key="panel toy").set_value(True).run()
    assert {name for name, said in readings.items() if said} >= {("toy", checkpoint.card.version)}
    assert "All 3 models: " in told(app)
    assert app.query_params["panel"] == "pneumo,toy"
    for name in ("pneumo", "toy"):
        app.checkbox(key=f"panel {name}").set_value(False).run()
    assert "models: " not in told(app)


def test_a_window_changes_what_is_seen_and_not_what_was_read(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest")
    probability = next(line for line in told(app).splitlines() if "Probability" in line)
    (window,) = [each for each in app.selectbox if each.label == "Window"]
    for name in window.options:
        window.set_value(name).run()
        assert not app.exception
        assert probability in told(app)


def test_without_the_training_films_it_says_how_to_get_them(checkpoint: Checkpoint) -> None:
    app = reading_page(sample="chest")
    app.session_state["similar"] = True
    app.run()
    assert "10.17632/rscbjbr9sj" in told(app)


@pytest.mark.real_data
def test_an_inverted_film_is_read_and_shown_corrected(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real film and its negative get the same probability; the negative is said to be one."""
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))
    path = min((real_data / "train" / "NORMAL").iterdir())
    swapped = BytesIO()
    pixels = np.rint(255 * (1 - read_radiograph(path).pixels)).astype(np.uint8)
    Image.fromarray(pixels).save(swapped, "PNG")
    kind = "image/jpeg"
    app = upload(reading_page(checkpoint="cnn_94"), ("straight.jpeg", path.read_bytes(), kind))
    upload(app, ("swapped.png", swapped.getvalue(), kind))
    version = load_checkpoint("cnn_94").card.version
    straight, turned = app.session_state["worklist"].readings["cnn_94", version].values()
    assert (straight.inverted, turned.inverted) == (False, True)
    assert turned.probability == pytest.approx(straight.probability, abs=0.01)
    assert opened(app) == r"swapped\.png"
    assert "This X-ray is inverted" in told(app)
    app.toggle(key="look").set_value(True).run()
    assert not app.exception
