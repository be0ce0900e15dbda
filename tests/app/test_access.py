"""Who sees what of the pages, who may change what, and that no change forgets to ask."""

import ast
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pneumo_core import checkpoints
from pneumo_core.app import actions
from pneumo_core.app import sign_in as access
from pneumo_core.app.page import MENU, RESEARCH_LINE
from pneumo_core.audit.roles import OPEN_LINE
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import download
from pneumo_core.errors import AccessError
from pneumo_core.runs import Run, control, list_runs, start_run
from pneumo_core.training import training_config
from tests.app.test_pages import PAGES, ROOT, open_app, press, told

AUTH = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "cookie_secret": "a secret of more than thirty-two characters",
    "client_id": "pneumo",
    "client_secret": "secret",
    "server_metadata_url": "http://localhost:1/.well-known/openid-configuration",
}
ROLES = {"analyst": ["ann@x.org"], "reader": ["*@x.org"]}
MAY_TRAIN = "Only an analyst may start runs"


@pytest.fixture(autouse=True)
def _a_new_process() -> Iterator[None]:
    yield
    access._asked.cache_clear()
    st.cache_resource.clear()
    st.cache_data.clear()


def opened(
    page: str | None = None, email: str | None = None, *, run: bool = True, **secrets: object
) -> AppTest:
    """A page where people have to sign in, for somebody who has, or for nobody."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.secrets = {"auth": AUTH, "roles": ROLES} | secrets
    app.user = {"is_logged_in": True, "email": email} if email else {"is_logged_in": False}
    if page:
        app.switch_page(page)
    return app.run() if run else app


def buttons(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


# --- signing in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_sign_in_screen_and_nothing_else(
    page: str | None, checkpoint: Checkpoint, film_folder: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 2}, name="hidden")))
    app = opened(page)
    assert not app.exception
    assert buttons(app) == ["Sign in"]
    assert told(app).split("\n") == ["Pneumo", RESEARCH_LINE]
    assert not len(app.sidebar)


def test_a_deep_link_shows_nobody_anything() -> None:
    app = opened("pages/read.py", run=False)
    app.query_params["sample"] = "chest"
    app.query_params["dataset"] = "films"
    app.run()
    assert told(app).split("\n") == ["Pneumo", RESEARCH_LINE]


def test_each_provider_has_its_button() -> None:
    shared = {name: AUTH[name] for name in ("redirect_uri", "cookie_secret")}
    own = {name: value for name, value in AUTH.items() if name not in shared}
    app = opened(auth=shared | {"hospital": own, "university": own})
    assert buttons(app) == ["Sign in with Hospital", "Sign in with University"]


def test_who_is_signed_in_is_told_and_can_leave() -> None:
    app = opened(email="bob@x.org")
    assert [each.value for each in app.sidebar.text] == ["bob@x.org, reader"]
    press(app, "Sign out")
    assert buttons(app) == ["Sign in"]
    assert not app.text


def test_who_is_not_admitted_is_told_and_can_leave() -> None:
    app = opened(email="eve@y.org")
    assert "not allowed" in told(app)
    assert buttons(app) == ["Sign out"]
    assert not len(app.sidebar)


@pytest.mark.parametrize(
    ("secrets", "sentence"),
    [
        ({"auth": AUTH | {"cookie_secret": "xxx"}}, "can be guessed"),
        ({"auth": {"cookie_secret": "x" * 40}}, "names no identity provider"),
        ({"auth": "yes"}, "must be a table"),
        ({"roles": {"readers": []}}, "names 'readers'"),
    ],
)
def test_a_configuration_that_is_wrong_opens_nothing(secrets: dict, sentence: str) -> None:
    app = opened(email="ann@x.org" if "roles" in secrets else None, **secrets)
    assert not app.exception
    assert sentence in told(app)
    assert "Read an X-ray" not in buttons(app)


def test_roles_without_sign_in_open_nothing() -> None:
    app = opened(run=False)
    del app.secrets["auth"]
    assert "nobody can sign in" in told(app.run())


def test_sign_in_that_vanishes_from_the_configuration_opens_nothing() -> None:
    opened()
    assert "is gone from secrets.toml" in told(open_app())


def test_a_configuration_that_cannot_be_read_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets.toml").write_text("[auth")
    monkeypatch.setattr(st, "secrets", type(st.secrets)())
    monkeypatch.setattr("streamlit.config._main_script_path", None, raising=False)
    before = st.get_option("secrets.files")
    st.config._set_option("secrets.files", [str(tmp_path / "secrets.toml")], "test")
    try:
        app = open_app()
    finally:
        st.config._set_option("secrets.files", before, "test")
    assert "nobody can sign in" in told(app)
    assert "Read an X-ray" not in buttons(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_server_open_to_others_says_so_on_every_page(page: str | None) -> None:
    assert OPEN_LINE not in told(open_app(page))
    before = st.get_option("server.address")
    st.config._set_option("server.address", "0.0.0.0", "test")
    try:
        assert OPEN_LINE in told(open_app(page))
        assert OPEN_LINE not in told(opened(page, "ann@x.org"))
    finally:
        st.config._set_option("server.address", before, "test")


# --- changing things -----------------------------------------------------------------------------


@pytest.fixture
def films(film_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = film_folder({"train": 20, "test": 2})
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    return folder


@pytest.fixture
def run(films: Path) -> Run:
    """A run that waits to be carried out; nothing does."""
    return start_run(films, "theirs", training_config(model="cnn_94", epochs=1))


def forge(app: AppTest, label: str) -> AppTest:
    """A click that a browser's page wouldn't let a reader make, but any other client can send."""
    (button,) = [each for each in app.button if each.label == label]
    button.proto.disabled = False
    return button.click().run()


@pytest.mark.parametrize("label", ["Start training", "Start 3 runs"])
def test_a_readers_forged_click_starts_nothing(films: Path, label: str) -> None:
    app = opened("pages/train.py", "bob@x.org")
    assert MAY_TRAIN in told(app)
    assert next(each for each in app.button if each.label == label).disabled
    forge(app, label)
    assert not app.exception
    assert not list_runs()[0]


@pytest.mark.parametrize("label", ["Start training", "Start 3 runs"])
def test_a_button_that_was_left_enabled_starts_nothing_either(
    films: Path, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pneumo_core.app.train.start_form.may_change", lambda what: True)
    app = forge(opened("pages/train.py", "bob@x.org"), label)
    assert not app.exception
    assert f"{MAY_TRAIN}. You are signed in as bob@x.org, a reader." in told(app)
    assert not list_runs()[0]


@pytest.mark.parametrize("label", ["Resume", "Delete the run"])
def test_a_readers_forged_click_changes_no_run(run: Run, label: str) -> None:
    control.cancel(run)
    before = run.status
    app = opened("pages/train.py", "bob@x.org")
    assert "Only an analyst may cancel, resume, rename or delete runs" in told(app)
    forge(app, label)
    assert not app.exception
    assert [(each.name, each.status) for each in list_runs()[0]] == [("theirs", before)]


def test_a_reader_cancels_no_run(run: Run) -> None:
    before = run.status.state
    forge(opened("pages/train.py", "bob@x.org"), "Cancel")
    assert run.status.state == before


def test_a_reader_renames_no_run(run: Run) -> None:
    control.cancel(run)
    app = opened("pages/train.py", "bob@x.org")
    app.text_input(key=f"name {run.id}").set_value("mine").run()
    forge(app, "Rename")
    assert [each.name for each in list_runs()[0]] == ["theirs"]


def test_an_analyst_deletes_a_run(run: Run) -> None:
    control.cancel(run)
    app = opened("pages/train.py", "ann@x.org")
    assert MAY_TRAIN not in told(app)
    press(app, "Delete the run")
    assert not list_runs()[0]


def test_a_role_that_was_taken_away_counts_at_the_next_click(run: Run) -> None:
    control.cancel(run)
    app = opened("pages/train.py", "ann@x.org")
    app.secrets = {"auth": AUTH, "roles": {"reader": ["ann@x.org"]}}
    press(app, "Delete the run")
    assert len(list_runs()[0]) == 1


def test_who_was_signed_out_changes_nothing(run: Run) -> None:
    control.cancel(run)
    app = opened("pages/train.py", "ann@x.org")
    app.user = {"is_logged_in": False}
    press(app, "Delete the run")
    assert len(list_runs()[0]) == 1
    assert buttons(app) == ["Sign in"]


def test_a_reader_adds_no_dataset_and_deletes_none(
    films: Path, tmp_path: Path, film_folder: Callable[..., Path]
) -> None:
    kept = download.datasets_home() / "theirs"
    kept.parent.mkdir(parents=True)
    film_folder({"train": 2, "test": 2}, name="other").rename(kept)
    app = opened("pages/data.py", "bob@x.org")
    assert not app.exception
    assert "Only an analyst may add datasets" in told(app)
    assert not any(each.startswith("Download") for each in buttons(app))
    assert not app.get("file_uploader")
    app.button(key="delete theirs").click().run()
    assert kept.is_dir()
    assert "Only an analyst may delete datasets" in app.error[0].value


# --- changes go through app.actions ---------------------------------------------------------------

CHANGES = {
    "runs.control": {"start", "sweep", "cancel", "resume", "rename", "delete"},
    "datasets.download": {"fetch", "stage", "delete_dataset", "download", "unpack", "unpack_npz"},
    "checkpoints": {
        "save_checkpoint",
        "save_recalibrated",
        "add_gate",
        "add_graphs",
        "rename_checkpoint",
        "delete_checkpoint",
    },
    "runs": {"start_run", "continue_run", "execute_run", "rename_run", "train"},
    "training": {"make_ensemble", "fit"},
    "training.publish": {"publish"},
    "core.files": {"write_whole"},
    "evaluation.site_calibration": {"save_site"},
}
"""Functions of the library that change what others see: only app.actions may use them."""

LOOKS = {
    "runs.control": {"checkpoint_of", "wait"},
    "datasets.download": {"check_dataset_name", "datasets_home", "find_dataset", "list_datasets",
               "find_source"},
    "checkpoints": {"check_name", "check_free", "best_for", "choose_operating_points",
        "free_name", "list_checkpoints", "load_checkpoint",
                    "default_checkpoint", "read_graphs", "tensors_of"},
}  # fmt: skip
"""What changes nothing, of the modules that are about changes."""

METHODS = {"keep", "pause", "read_again", "send_again"}
"""Methods that change what others see: of a staged dataset, and of the gateway's queue."""

NAMES = {name for names in CHANGES.values() for name in names}


def _changes(node: ast.AST, modules: dict[str, set[str]], names: set[str]) -> bool:
    if isinstance(node, ast.Attribute):
        of_module = isinstance(node.value, ast.Name) and node.value.id in modules
        changes = modules[node.value.id] if of_module else METHODS
        return node.attr in changes
    return isinstance(node, ast.Name) and node.id in names


def changes_in(source: str) -> list[str]:
    """Where a file uses a function that changes things for others, as "name:line"."""
    tree = ast.parse(source)
    imported = [
        each
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("pneumo_core")
        and node.module != "pneumo_core.app.actions"
        for each in node.names
    ]
    names = {each.asname or each.name for each in imported if each.name in NAMES}
    modules = {name.rpartition(".")[2]: changes for name, changes in CHANGES.items()}
    return [
        f"{getattr(node, 'id', getattr(node, 'attr', '?'))}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute)) and _changes(node, modules, names)
    ]


def page_files() -> list[Path]:
    return [
        ROOT / "streamlit_app.py",
        *(ROOT / "pages").glob("*.py"),
        *(ROOT / "pneumo_core" / "app").rglob("*.py"),
    ]


def test_only_the_actions_change_things_for_others() -> None:
    """The import contract sees modules; a package hands out functions too."""
    told = {path.name: where for path in page_files() if (where := changes_in(path.read_text()))}
    assert set(told) == {"actions.py"}


@pytest.mark.parametrize(
    "source",
    [
        "from pneumo_core.runs import control\ndef f(run):\n    control.cancel(run)",
        "from pneumo_core.runs import control\n"
        "def f(run):\n    st.button('x', on_click=control.delete)",
        "from pneumo_core.datasets.download import delete_dataset as gone\ndef f():\n    gone('x')",
        "def f(staged):\n    staged.keep()",
        "def g():\n    require_analyst('x')\n    def f(staged):\n        staged.keep()",
    ],
)
def test_a_change_outside_the_actions_is_found(source: str) -> None:
    assert len(changes_in(source)) == 1


def test_what_changes_things_is_listed() -> None:
    for module in (control, download, checkpoints):
        name = module.__name__.removeprefix("pneumo_core.")
        functions = {
            each for each in module.__all__
            if callable(getattr(module, each)) and not isinstance(getattr(module, each), type)
        }  # fmt: skip
        assert functions == CHANGES[name] | LOOKS[name], name
    for name, listed in CHANGES.items():
        assert listed <= set(dir(importlib.import_module(f"pneumo_core.{name}"))), name


@pytest.mark.parametrize("name", sorted(set(actions.__all__) - {"analyst_action"}))
def test_every_action_refuses_a_reader_before_it_does_anything(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(may: str) -> None:
        raise AccessError(f"Only an analyst may {may}.")

    monkeypatch.setattr(actions, "require_analyst", refuse)
    with pytest.raises(AccessError, match="Only an analyst may"):
        getattr(actions, name)()


def test_an_action_is_logged_after_it_has_been_done_and_not_if_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[tuple[str, str]] = []
    monkeypatch.setattr(actions, "require_analyst", lambda may: None)
    monkeypatch.setattr(actions, "record_done", lambda deed, subject: log.append((deed, subject)))

    @actions.analyst_action("do it", "deleted", lambda made: [made])
    def act(fail: bool) -> str:
        if fail:
            raise OSError
        return "it"

    with pytest.raises(OSError):
        act(fail=True)
    assert not log
    assert act(fail=False) == "it"
    assert log == [("deleted", "it")]


def test_every_fragment_asks_whether_anybody_is_there() -> None:
    """It runs without its page, and so without the page's sign-in screen."""
    seen = 0
    for path in page_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                "st.fragment" in ast.unparse(each) for each in node.decorator_list
            ):
                seen += 1
                assert any(ast.unparse(each) == "only_admitted()" for each in node.body[:2]), path
    assert seen >= 5


def test_every_page_opens_itself_with_the_frame_that_asks() -> None:
    for file, _, _ in MENU:
        text = (ROOT / file).read_text()
        tree = ast.parse(text)
        drawn = [each for each in tree.body if not isinstance(each, (ast.Import, ast.ImportFrom))]
        assert [type(each) for each in drawn[1:]] == [ast.With], file
        assert ast.unparse(drawn[1]).startswith("with open_page("), file
