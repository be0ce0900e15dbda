"""The Train page as Streamlit runs it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from pneumo_core.models import InputFormat, build_network, register_architecture, registry
from pneumo_core.runs import Run, RunState, control, list_runs, train
from pneumo_core.training import RECIPES, recipe, training_config
from tests import small_network
from tests.app.test_pages import open_app, press, told


@pytest.fixture
def films(film_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = film_folder({"train": 20, "test": 2})
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    yield
    for run in list_runs()[0]:
        control.cancel(run)


def train_page() -> AppTest:
    return open_app("pages/train.py")


def chosen(app: AppTest, label: str) -> object:
    return next(each for each in (*app.number_input, *app.selectbox) if each.label == label)


def test_without_films_it_says_how_to_get_some() -> None:
    app = train_page()
    assert "No dataset to train on" in told(app)
    assert "No training runs yet" in told(app)


def test_an_architecture_without_a_description_is_offered(films: Path) -> None:
    takes = InputFormat(size=64, channels=1, mean=(0.5,), std=(0.25,))
    register_architecture("plain", lambda _size: build_network("cnn_94"), takes)
    try:
        app = train_page()
    finally:
        registry._registered.pop("plain")
    assert not app.exception
    assert "plain" in next(each for each in app.selectbox if each.label == "Architecture").options


def test_films_that_are_gone_are_a_sentence(films: Path) -> None:
    shutil.rmtree(films)
    app = train_page()
    assert not app.exception
    assert str(films) in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("name", RECIPES)
def test_the_widgets_begin_at_the_recipe(films: Path, name: str) -> None:
    app = train_page()
    app.selectbox(key="model").set_value("cnn_v2").run()
    app.selectbox(key="recipe").set_value(name).run()
    config = recipe(name, "cnn_v2")
    assert chosen(app, "Epochs").value == config.epochs
    assert chosen(app, "Learning rate").value == config.learning_rate
    assert chosen(app, "Schedule").value == config.schedule
    assert chosen(app, "Rotation (degrees)").value == config.augmentation.rotation


def test_settings_stay_as_they_were_left_until_they_are_put_back(films: Path) -> None:
    app = train_page()
    app.selectbox(key="model").set_value("cnn_v2").run()
    chosen(app, "Epochs").set_value(3)
    chosen(app, "Rotation (degrees)").set_value(5.0).run()
    for page in ("streamlit_app.py", "pages/train.py"):
        app.query_params.clear()
        app.switch_page(page).run()
        assert not app.exception
    assert app.selectbox(key="model").value == "cnn_v2"
    assert chosen(app, "Epochs").value == 3
    chosen(app, "Batch size").set_value(8).run()
    assert chosen(app, "Epochs").value == 3
    assert chosen(app, "Rotation (degrees)").value == 5
    press(app, "Back to the recipe's settings")
    assert chosen(app, "Epochs").value == recipe("strong", "cnn_v2").epochs
    assert (
        chosen(app, "Rotation (degrees)").value == recipe("strong", "cnn_v2").augmentation.rotation
    )


def test_what_starts_is_what_the_widgets_say(films: Path) -> None:
    app = train_page()
    app.selectbox(key="model").set_value("cnn_v2").run()
    chosen(app, "Epochs").set_value(300)
    chosen(app, "Batch size").set_value(8)
    chosen(app, "Rotation (degrees)").set_value(5.0)
    press(app, "Start training")
    assert not app.exception
    (run,) = list_runs()[0]
    start = recipe("strong", "cnn_v2", epochs=300, batch_size=8, pretrained="none")
    assert run.config == replace(start, augmentation=replace(start.augmentation, rotation=5))
    press(app, "Cancel")
    assert run.status.state == RunState.CANCELLED
    assert "cancelled" in told(app)


def test_settings_that_make_no_sense_start_nothing(films: Path) -> None:
    app = train_page()
    chosen(app, "Learning rate").set_value(0.0).run()
    assert "learning_rate" in app.error[0].value.replace("\\", "")
    assert not [button for button in app.button if button.label == "Start training"]


def test_an_impossible_name_is_a_sentence(films: Path) -> None:
    app = train_page()
    next(box for box in app.text_input if box.label == "Model name").set_value("a/b")
    press(app.run(), "Start training")
    assert "is not a valid model name" in app.error[0].value.replace("\\", "")
    assert not list_runs()[0]


def test_the_time_is_measured_when_asked_for(films: Path) -> None:
    app = train_page()
    app.selectbox(key="model").set_value("cnn_v2").run()
    chosen(app, "Batch size").set_value(8).run()
    app = press(app, "Estimate the time")
    assert "on this machine" in told(app)
    chosen(app, "Seed").set_value(5).run()
    assert "on this machine" in told(app), "a seed costs no time"


def test_a_sweep_starts_a_run_for_each_value(films: Path) -> None:
    app = train_page()
    app.selectbox(key="model").set_value("cnn_v2").run()
    chosen(app, "Epochs").set_value(300)
    app.text_input(key="values").set_value("3, 4").run()
    press(app, "Start 2 runs")
    assert sorted(run.config.seed for run in list_runs()[0]) == [3, 4]
    app.text_input(key="values").set_value("three").run()
    assert "numbers" in app.error[0].value


@pytest.fixture
def trained(films: Path) -> Iterator[Run]:
    """A run of one epoch, named "mine" and done, of a network that only this process knows."""
    with small_network.registered():
        config = training_config(model=small_network.NAME, epochs=1, batch_size=8)
        train(films, "mine", config)
        (run,) = list_runs()[0]
        yield run


def test_a_refused_change_is_told(trained: Run) -> None:
    run = trained
    app = train_page()
    app.text_input(key=f"name {run.id}").set_value("not/possible").run()
    app.button(key=f"rename {run.id}").click().run()
    assert "is not a valid model name" in app.toast[0].value.replace("\\", "")
    assert [each.name for each in list_runs()[0]] == ["mine"]


def test_a_done_run_is_renamed_and_deleted_with_its_checkpoint(trained: Run) -> None:
    run = trained
    app = train_page()
    assert "1 of 1 epoch," in told(app)
    app.text_input(key=f"name {run.id}").set_value("yours").run()
    app.button(key=f"rename {run.id}").click().run()
    assert [each.name for each in list_runs()[0]] == ["yours"]
    app.checkbox(key=f"with checkpoint {run.id}").set_value(True).run()
    app.button(key=f"delete {run.id}").click().run()
    assert "No training runs yet" in told(app)
    assert control.checkpoint_of(run) is None


def test_nothing_moves_while_a_run_is_started(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves is shown a second time by the browser, greyed, until the page is done."""

    def places(app: AppTest) -> list[int]:
        def found(block: Block) -> Iterator[int]:
            for key, each in block.children.items():
                if getattr(each, "label", "").startswith("Sweep"):
                    yield key
                elif isinstance(each, Block):
                    yield from found(each)

        return list(found(app.main))

    class Started:
        name = "cnn_v2"
        status = control.Status()

    monkeypatch.setattr(control, "start", lambda *_, **__: Started)
    app = train_page()
    before = places(app)
    press(app, "Start training")
    assert not app.exception
    assert len(before) == 1
    assert places(app) == before


def test_a_run_is_deleted_after_a_question_and_told(films: Path) -> None:
    run = control.start(films, "mine", training_config(model="cnn_v2", epochs=300, batch_size=8))
    control.cancel(run)
    app = train_page()
    asked = "Delete the training run **mine** with its weights, curves and log?"
    assert asked in told(app)
    app.button(key=f"delete {run.id}").click().run()
    assert app.toast[0].value == "Deleted: run mine."
    assert not list_runs()[0]
