"""The pages for analysts as Streamlit runs them: what stands on them, in which case."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.metrics import format_rate
from pneumo_core.reading import samples
from pneumo_core.runs import Run
from tests.app.test_pages import ROOT, open_app, press, told
from tests.shipped_models import predicted, shipped_model

Maker = Callable[..., Path]


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))


def screening() -> tuple[float, str]:
    """The threshold of cnn_94, and the label of its button."""
    threshold = shipped_model().card.operating_point("screening").threshold
    return threshold, f"Screening {format_rate(threshold)}"


def false_alarms() -> int:
    return shipped_model().card.evaluation["test"].confusion.fp


def evaluate_page(**query: str) -> AppTest:
    return open_app("pages/evaluate.py", **query)


def with_file(text: str) -> AppTest:
    """The evaluate page with an uploaded scores file."""
    app = evaluate_page(films="file", checkpoint="cnn_94")
    return app.file_uploader[0].set_value(("scores.csv", text.encode(), "text/csv")).run()


@pytest.mark.usefixtures("shipped")
def test_a_fresh_clone_evaluates_its_checkpoints() -> None:
    app = evaluate_page(checkpoint="cnn_94")
    assert not app.exception
    assert str(shipped_model().card.evaluation["test"].sensitivity) in told(app)
    assert "at its card" not in told(app)
    assert len(app.get("plotly_chart")) == 5


@pytest.mark.usefixtures("shipped")
def test_an_operating_point_moves_the_threshold_and_the_link() -> None:
    threshold, button = screening()
    app = press(evaluate_page(checkpoint="cnn_94"), button)
    assert app.slider(key="evaluate threshold").value == round(threshold, 3)
    assert app.query_params["threshold"] == f"{threshold:.3f}"
    found = predicted("cnn_94", threshold).query("label")["called"].mean()
    assert f"Sensitivity | {format_rate(found)} (" in told(app)


@pytest.mark.usefixtures("shipped")
def test_model_threshold_and_cell_outlive_a_walk_to_another_page() -> None:
    threshold, button = screening()
    app = press(evaluate_page(checkpoint="cnn_94", cell="fp"), button)
    walk(app, "streamlit_app.py", "pages/evaluate.py")
    assert app.selectbox(key="checkpoint").value == "cnn_94"
    assert app.slider(key="evaluate threshold").value == round(threshold, 3)
    alarms = predicted("cnn_94", threshold).query("not label")["called"].sum()
    assert f"{alarms} X-rays, worst errors first" in told(app)


def walk(app: AppTest, *pages: str) -> None:
    """Open pages from the menu, whose links have no query."""
    for page in pages:
        app.query_params.clear()
        app.switch_page(page).run()
        assert not app.exception


@pytest.mark.usefixtures("shipped")
def test_choices_on_every_page_outlive_a_walk_to_another() -> None:
    app = open_app("pages/compare.py", checkpoints="cnn_94,cnn_v2,pneumo")
    app.selectbox(key="compared films").set_value("val").run()
    walk(app, "pages/embeddings.py")
    app.selectbox(key="mapped films").set_value("test").run()
    app.selectbox(key="map").set_value("pca").run()
    app.toggle(key="three").set_value(True).run()
    walk(app, "pages/data.py", "pages/compare.py")
    assert app.multiselect(key="compared").value == ["cnn_94", "cnn_v2", "pneumo"]
    assert app.selectbox(key="compared films").value == "val"
    walk(app, "pages/embeddings.py")
    assert app.selectbox(key="mapped films").value == "test"
    assert app.toggle(key="three").value


@pytest.mark.usefixtures("shipped")
def test_a_link_names_what_it_shows_whatever_was_shown_before() -> None:
    app = evaluate_page(checkpoint="cnn_94", films="val")
    walk(app, "streamlit_app.py")
    app.query_params["checkpoint"] = "cnn_v2"
    app.switch_page("pages/evaluate.py").run()
    assert app.selectbox(key="checkpoint").value == "cnn_v2"
    assert app.selectbox(key="films").value == "test"


@pytest.mark.usefixtures("shipped")
def test_a_link_brings_threshold_and_cell() -> None:
    app = evaluate_page(checkpoint="cnn_94", threshold="0.500", cell="fn")
    assert app.slider(key="evaluate threshold").value == 0.5
    assert "Missed: pneumonia predicted as NORMAL: " in told(app).replace("**", "")
    assert "are not on this machine" in told(app)
    assert not evaluate_page(threshold="high", cell="none").exception


@pytest.mark.usefixtures("shipped")
def test_images_of_another_dataset_are_one_sentence(
    film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 4, "test": 3})))
    app = evaluate_page(checkpoint="cnn_94", cell="fp")
    assert not app.exception
    assert told(app).count("not in the dataset in use") == 1
    assert len(app.dataframe[0].value) == false_alarms()


@pytest.mark.usefixtures("shipped")
def test_the_cells_can_be_chosen_by_name() -> None:
    app = evaluate_page(checkpoint="cnn_94")
    app.segmented_control(key="cell by name").set_value("fp").run()
    assert f"{false_alarms()} X-rays, worst errors first" in told(app)
    assert len(app.dataframe[0].value) == false_alarms()
    assert (app.dataframe[0].value["label"] == "NORMAL").all()
    press(app, "Clear")
    assert not app.dataframe


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("drawer", ["slices", "shortcuts", "doubts", "results"])
def test_every_drawer_opens(drawer: str) -> None:
    app = evaluate_page(checkpoint="cnn_94")
    app.session_state[drawer] = True
    app.run()
    assert not app.exception
    assert not app.error


def test_scores_of_another_version_get_a_sentence(checkpoint: Checkpoint) -> None:
    app = evaluate_page()
    assert not app.exception
    assert "may be from another version" in told(app)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a,1,0.2", "b,1,0.9"], "Every X-ray is PNEUMONIA: only sensitivity can be computed"),
        (["a,0,0.2", "b,0,0.9"], "Every X-ray is NORMAL: only specificity can be computed"),
        (["a,,0.2", "b,,0.9"], "None of these X-rays has a label"),
        ([f"{n},{n % 2},0.{n}" for n in range(10)], "Only 10 X-rays"),
        (["a,1,0.2", "b,0,0.9", "c,,0.5"], "Left out of all figures: 1 X-ray without a label."),
        (["a,7,0.2"], "the label '7'"),
    ],
)
def test_special_files_get_a_page_or_a_sentence(rows: list[str], words: str) -> None:
    app = with_file("\n".join(["id,label,probability", *rows]))
    assert not app.exception
    assert words in told(app)


@pytest.mark.usefixtures("shipped")
def test_a_file_of_another_version_is_warned_about() -> None:
    app = with_file(
        "id,label,probability,checkpoint,version\na,1,0.9,cnn_94,00000000\nb,0,0.1,cnn_94,00000000"
    )
    assert "version 00000000; you have chosen cnn_94" in told(app)


def test_a_dataset_is_scored_when_asked_and_its_films_are_shown(
    checkpoint: Checkpoint, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 4, "test": 3})))
    app = evaluate_page(films="dataset test")
    assert "Not scored yet" in told(app)
    press(app, "Score test X-rays with cnn_94")
    assert not app.exception
    assert "6 X-rays" in told(app)
    app.segmented_control(key="cell by name").set_value("tp").run()
    chosen = len(app.dataframe[0].value) if app.dataframe else 0
    assert len(app.get("image")) == chosen


def test_mistakes_by_quartile_are_measured_when_asked_and_reported(
    checkpoint: Checkpoint, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"test": 24})))
    app = press(evaluate_page(films="dataset test"), "Score test X-rays with cnn_94")
    app.session_state["shortcuts"] = True
    press(app.run(), "Measure the X-rays of films")
    assert not app.exception
    (table,) = (each.value for each in app.dataframe if "Lowest" in each.value)
    assert {"Brightness", "Contrast"} < set(table["Property"])
    assert set(table["Error"]) == {"false alarms", "misses"}
    shown = app.selectbox(key="quartile")
    shown.set_value(len(table) - 1).run()
    assert not app.exception


@pytest.mark.usefixtures("shipped")
def test_without_the_x_rays_the_quartiles_say_what_is_needed() -> None:
    app = evaluate_page(checkpoint="cnn_94")
    app.session_state["shortcuts"] = True
    assert "This needs the image files" in told(app.run())


def test_a_film_of_the_dataset_opens_in_the_reading_room(
    checkpoint: Checkpoint, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = film_folder({"test": 2}, side=128)
    film = next(folder.rglob("*.png")).relative_to(folder).as_posix()
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    app = open_app("pages/read.py", film=film)
    assert not app.exception
    assert "Probability of pneumonia" in told(app)
    assert app.query_params["film"] == film
    for elsewhere in ("test/NORMAL/gone.png", "../../etc/passwd"):
        app = open_app("pages/read.py", film=elsewhere)
        assert not app.exception
        assert "is not on this machine" in told(app)


@pytest.mark.usefixtures("shipped")
def test_two_checkpoints_are_compared() -> None:
    app = open_app("pages/compare.py", checkpoints="cnn_94,cnn_v2")
    assert not app.exception
    assert "difference in AUC" in told(app)
    table = app.dataframe[0].value
    assert table["Model"].tolist()[:2] == ["cnn_94", "cnn_v2"]
    assert "| CNN_94 | 0.946 |" in told(app)
    first, second = (predicted(name)["called"] for name in ("cnn_94", "cnn_v2"))
    assert f"Predicted differently: {(first != second).sum()} X-rays" in told(app)


@pytest.mark.usefixtures("shipped")
def test_a_film_is_read_side_by_side() -> None:
    app = open_app("pages/compare.py", checkpoints="cnn_94,cnn_v2")
    app.segmented_control(key="compare view").set_value("single").run()
    assert "upload one above" in told(app)
    press(app, "Chest")
    assert not app.exception
    assert "Overlap of the heat maps" in told(app)
    assert told(app).count("Probability 0.") == 2


@pytest.mark.usefixtures("shipped")
def test_one_checkpoint_alone_is_not_compared() -> None:
    app = open_app("pages/compare.py", checkpoints="cnn_94")
    assert "Choose at least two" in told(app)
    assert "named 'gone'" in told(open_app("pages/compare.py", checkpoints="gone"))


def test_two_seeds_are_one_row(
    checkpoints_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        shutil.copytree(checkpoints_root / "cnn_94", tmp_path / "ck" / name)
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    app = open_app("pages/compare.py")
    assert not app.exception
    assert "2 seeds (first, second)" in app.dataframe[0].value["Model"].iloc[0]


@pytest.mark.usefixtures("shipped")
def test_a_fresh_clone_maps_the_films_a_checkpoint_comes_with() -> None:
    app = open_app("pages/embeddings.py", checkpoint="cnn_94", films="test", map="pca")
    assert not app.exception
    assert "10-nearest-neighbour purity" in told(app)
    assert app.query_params["map"] == "pca"
    app.text_input[0].set_value("IM-0101").run()
    assert "Selected: 1 of 624 X-rays" in "\n".join(each.value for each in app.subheader)
    assert "Nearest to IM-0101-0001.jpeg" in told(app)
    assert "are not on this machine" in told(app)
    app.selectbox(key="map colour").set_value("outcome").run()
    assert "Selected: 1 of 624 X-rays" in "\n".join(each.value for each in app.subheader)


@pytest.mark.usefixtures("shipped")
def test_an_own_x_ray_stays_on_the_map_until_it_is_taken_off() -> None:
    app = open_app("pages/embeddings.py", checkpoint="cnn_94", map="pca")
    file = samples()[0].path.read_bytes()
    app.file_uploader(key="own film 0").set_value(("mine.dcm", file, "")).run()
    assert "Your X-ray" in told(app)
    walk(app, "pages/data.py", "pages/embeddings.py")
    assert "On the map: mine.dcm" in told(app)
    press(app, "Take it off the map")
    assert "Your X-ray" not in told(app)


@pytest.mark.usefixtures("shipped")
def test_three_dimensions_are_for_looking() -> None:
    app = open_app("pages/embeddings.py", checkpoint="cnn_94", films="val", map="pca")
    app.toggle(key="three").set_value(True).run()
    assert not app.exception
    assert "Selecting works in two dimensions" in told(app)


def test_before_and_after_the_network(
    checkpoint: Checkpoint, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 2, "test": 12})))
    app = open_app("pages/embeddings.py", films="dataset test", map="pca")
    assert not app.exception, app.exception
    assert "No map yet" in told(app)
    press(app, "Compute features of test X-rays (penultimate layer)")
    assert not app.exception
    app.toggle(key="before").set_value(True).run()
    press(app, "Compute features of test X-rays (pixels, before the network)")
    assert not app.exception
    assert told(app).count("10-nearest-neighbour purity") == 2


def test_too_few_films_are_a_sentence(checkpoint: Checkpoint) -> None:
    app = open_app("pages/embeddings.py")
    assert not app.exception
    assert "2 X-rays are too few for a map" in told(app)


def test_too_few_films_are_still_shown(checkpoint: Checkpoint) -> None:
    app = open_app("pages/embeddings.py")
    assert len(app.dataframe[0].value) == 2


def test_few_films_of_one_class_some_unreadable(
    checkpoint: Checkpoint, film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve films of one label and a broken one: sentences, and the map of the rest."""
    folder = film_folder({"train": 2, "test": 12})
    for film in (folder / "test" / "NORMAL").iterdir():
        film.unlink()
    (folder / "test" / "PNEUMONIA" / "person900_virus_1.png").write_bytes(b"no X-ray")
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    app = press(
        open_app("pages/embeddings.py", films="dataset test", map="pca"),
        "Compute features of test X-rays (penultimate layer)",
    )
    assert not app.exception
    assert "Only 12 X-rays" in told(app)
    assert "All these X-rays have the same label" in told(app)
    assert "1 X-ray could not be read" in "\n".join(each.label for each in app.expander)
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.usefixtures("shipped")
def test_every_column_gives_a_colour_and_a_link_carries_it() -> None:
    app = open_app(
        "pages/embeddings.py", checkpoint="cnn_94", films="test", map="pca", colour="patient"
    )
    assert not app.exception
    box = app.selectbox(key="map colour")
    assert box.value == "patient"
    assert {"label", "prediction", "outcome", "subtype", "patient"} <= set(box.options)


@pytest.mark.usefixtures("shipped")
def test_without_kept_epochs_the_page_says_how_to_keep_them() -> None:
    app = open_app("pages/embeddings.py", checkpoint="cnn_94", view="training")
    assert not app.exception
    assert "--keep-epochs" in told(app)


def test_training_in_pictures(
    checkpoint: Checkpoint, filmed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_HOME", str(filmed.folder.parents[1]))
    app = open_app("pages/embeddings.py", view="training", map="pca")
    assert not app.exception, app.exception
    assert "No map yet" in told(app)
    press(app, "Map test X-rays by 3 epochs (PCA)")
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Epoch"].tolist() == [1, 2, 3]
    assert table["Validation AUC"].between(0, 1).all()
    assert app.query_params["run"] == filmed.id
    app.text_input(key="map find").set_value("IM-0013").run()
    assert "Selected: 2 of 30 X-rays" in "\n".join(each.value for each in app.subheader)
    app.selectbox(key="map colour").set_value("subtype").run()
    assert "Selected: 2 of 30 X-rays" in "\n".join(each.value for each in app.subheader)
