"""Each extra works in an environment that has nothing but Pneumo's requirements and that extra.

The environments are new; packages are linked from this one, so that nothing is downloaded.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pneumo_core.checkpoints import Checkpoint
from tests.app.test_pages import film
from tests.test_extras import EXTRAS, REQUIRED, ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to link folders")

DICOM = """
from pneumo_core.reading import samples
assert pn.load_reader("cnn_94", image_check=False).read(samples()[0].path).status == "read"
"""
REPORTS = """
import sys
from pneumo_core.cli import main
sys.argv[1:] = ["predict", films[0], "--model", "cnn_94", "--pdf", "pdf", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
assert len(list(pathlib.Path("pdf").glob("*.pdf"))) == 1
"""
TRAIN = """
config = pn.TrainingConfig(model="cnn_94", epochs=1, batch_size=4, precision="32-true")
assert pn.train("films", "mine", config).name == "mine"
"""
APP = """
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(home, default_timeout=120).run()
assert not page.exception, page.exception
"""
GATEWAY = """
import pneumo_core.gateway.dimse, pneumo_core.gateway.http, pneumo_core.gateway.worker
from pneumo_core.gateway import Queue
Queue(pathlib.Path("queue")).close()
"""
PLAIN = """
reader = pn.load_reader("cnn_94", image_check=False)
assert reader.read(films[0]).status == "read"
assert pn.explain(films[0], model="cnn_94").parts
assert pn.embed("cnn_94", "films", method="pca").shape[0] == 12
assert pn.evaluate("cnn_94", "films").figures.n == 12
"""


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """The installed distributions that requirements need, and what those need, by name."""
    found: dict[str, Distribution] = {}
    open_ones = [(Requirement(each), "") for each in requirements]
    while open_ones:
        one, extra = open_ones.pop()
        name = canonicalize_name(one.name)
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        if name == "pneumo":
            open_ones += [(Requirement(r), "") for each in one.extras for r in EXTRAS[each]]
            continue
        if name in found and not one.extras:
            continue
        found[name] = distribution(one.name)
        for extra_of in ("", *one.extras):
            open_ones += [(Requirement(r), extra_of) for r in found[name].requires or ()]
    return found


def environment(folder: Path, requirements: list[str]) -> Path:
    """Make an environment with these packages and Pneumo; return its Python."""
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for each in needed(requirements).values():
        for top in {file.parts[0] for file in each.files or ()} - {".."}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(each.locate_file(top))))
    (site / "pneumo_core").symlink_to(ROOT / "pneumo_core")
    return folder / "bin" / "python"


def run(python: Path, code: str, folder: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", code], cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_metrics_need_numpy_and_scipy_alone(tmp_path: Path) -> None:
    python = environment(tmp_path / "bare", ["numpy", "scipy"])
    code = """
from pneumo_core.metrics import area_under_roc, evaluate
assert area_under_roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
assert evaluate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.5, list("abcd")).n == 4
"""
    run(python, code, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("", PLAIN),
        ("dicom", DICOM),
        ("reports", REPORTS),
        ("train", TRAIN),
        ("app", APP),
        ("gateway", GATEWAY),
    ],
)
def test_an_extra_alone_does_what_it_is_for(
    extra: str,
    code: str,
    checkpoint: Checkpoint,
    film_folder: Callable[..., Path],
    tmp_path: Path,
) -> None:
    film_folder({"train": 4, "test": 6})
    (tmp_path / "chest.png").write_bytes(film())
    try:
        python = environment(tmp_path / "env", [*REQUIRED, *EXTRAS.get(extra, ())])
    except PackageNotFoundError as missing:
        pytest.skip(f"{missing} is not installed here, so it can't be linked")
    head = f"""
import pathlib
import pneumo_core as pn
films = ["chest.png"]
home = {str(ROOT / "streamlit_app.py")!r}
"""
    run(python, head + code, tmp_path)
    assert python.parent.parent != Path(sys.prefix)
