"""The sdist and the wheel, installed outside the clone, have all that Pneumo needs."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumo_core import __version__
from pneumo_core.reading import samples
from tests.gateway.parts import free_port

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(os.name == "nt", reason="the paths are those of Linux and macOS"),
]

ROOT = Path(__file__).parents[1]
LARGEST = 100_000_000
"""Bytes: what the public package index takes."""
PARTS = (
    *("checkpoints", "pages", "pneumo_core", ".streamlit"),
    *("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py", "streamlit_app.py"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that was built from it."""
    source = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "secrets.toml", ".*")
    for name in PARTS:
        part = ROOT / name
        copy = shutil.copyfile if part.is_file() else shutil.copytree
        copy(part, source / name, **({} if part.is_file() else {"ignore": ignored}))
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", "."]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "dist"


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own that has the wheel, and beside it the packages of this one."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    own = home / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (site / "beside.pth").write_text(sysconfig.get_path("purelib"))
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(own), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--quiet", str(wheel)], check=True)
    return own


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing points to the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMO_")}
    kept.pop("PYTHONPATH", None)
    return kept | {"PNEUMO_HOME": str(tmp_path / "home")}


def run(python: Path, outside: dict[str, str], cwd: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sdist_and_the_wheel_can_be_published(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    assert wheel.name == f"pneumo-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST
    assert sdist.stat().st_size < LARGEST
    names = zipfile.ZipFile(wheel).namelist()
    assert "pneumo_core/shipped/pneumo/weights.safetensors" in names
    assert not any(name.startswith(("tests/", "pages/")) for name in names)


def test_the_installed_library_is_not_that_of_the_clone(
    python: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import pneumo_core as pn; print(pn.__file__, pn.__version__, pn.load_reader is not None)"
    )
    where = run(python, outside, tmp_path, "-c", code)
    assert where.startswith(str(python.parents[1]))
    assert where.split()[1:] == [__version__, "True"]
    assert run(python, outside, tmp_path, "-m", "pneumo_core", "--version").count("model ") == 4


def test_the_installed_command_reads_an_x_ray(
    python: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    chest = samples()[0].path
    command = str(python.parent / "pneumo")
    done = subprocess.run(
        [command, "predict", str(chest), "--json"],
        cwd=tmp_path,
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    line = json.loads(done.stdout)
    assert line["status"] == "read", done.stderr
    assert line["model"] == "pneumo"
    assert 0 <= line["probability"] <= 1


@pytest.fixture
def served(python: Path, outside: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the dashboard that ``pneumo app`` serves."""
    port = free_port()
    process = subprocess.Popen(
        [python.parent / "pneumo", "app", "--port", str(port)],
        cwd=tmp_path,
        env=outside | {"STREAMLIT_SERVER_HEADLESS": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield f"http://127.0.0.1:{port}"
    os.killpg(process.pid, 15)
    process.wait(20)


def test_the_installed_dashboard_answers(served: str) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{served}/_stcore/health", timeout=5) as answer:
                assert answer.read() == b"ok"
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the dashboard did not answer within two minutes")
