"""Every notebook of examples/ runs from top to bottom, offline, on small X-rays."""

import ast
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pneumo_core.explanations import methods
from pneumo_core.models import registry

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
SHIPPED = ("pneumo", "cnn_94")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models that notebooks name, in a folder to which they may add their own."""
    folder = tmp_path / "models"
    for name in SHIPPED:
        shutil.copytree(ROOT / "checkpoints" / name, folder / name)
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(folder))


def test_there_is_a_notebook_for_each_part_of_the_library() -> None:
    assert [each.stem for each in NOTEBOOKS] == [
        *("embedding", "evaluation", "own_architecture", "own_explanation", "quick_start")
    ]


@pytest.fixture
def films(film_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The dataset that notebooks find in the environment."""
    monkeypatch.setenv("PNEUMO_DATA", str(film_folder({"train": 8, "test": 6})))


@pytest.fixture
def registries() -> Iterator[None]:
    """What notebooks register is forgotten afterwards."""
    before = [(each, dict(each)) for each in (registry._registered, methods._methods)]
    yield
    for each, entries in before:
        each.clear()
        each.update(entries)


@pytest.mark.slow
@pytest.mark.usefixtures("models", "films", "registries")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_run(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In this process: a kernel costs ten seconds of imports. The thorough test starts kernels."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("default")
        run_cells(nbformat.read(path, as_version=4))
    assert not [each for each in warned if "pneumo_core" in each.filename]
    assert not [each for each in caplog.records if each.name.startswith("pneumo_core")]


def run_cells(notebook: nbformat.NotebookNode) -> None:
    """Run each cell, and show the value of its last expression as a notebook does."""
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            shown = getattr(value, "_repr_html_", value.__repr__)()
            assert shown


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.usefixtures("models", "films")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    said = "".join(
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stderr"
    )
    assert "pneumo_core" not in said, said  # a warning of ours


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 10_000
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
