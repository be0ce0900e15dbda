"""What works without an extra, and what is said where one is missing."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pneumo_core.errors import MissingExtra
from tests.app.test_pages import film

ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIRED: list[str] = _PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = _PROJECT["optional-dependencies"]

_WITHOUT = """
import sys

missing = set(sys.argv[1].split(","))


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{name} is not installed here")


import importlib.util

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in missing else find(name)
sys.meta_path.insert(0, Missing())
"""
DICOM = "pydicom,gdcm,highdicom,openjpeg,libjpeg"
REPORTS = "reportlab,matplotlib,highdicom"
TRAIN = "kornia,lightning_fabric,tensorboardX"
APP = "streamlit,authlib"
GATEWAY = "pynetdicom,dicomweb_client,prometheus_client"


def run(missing: str, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    whole = f"{_WITHOUT}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", whole, missing, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("checkpoint")
def test_the_library_alone_reads_and_explains_a_png(tmp_path: Path) -> None:
    path = tmp_path / "chest.png"
    path.write_bytes(film())
    code = """
import pneumo_core as pn
reader = pn.load_reader("cnn_94", image_check=False)
print(reader.read(sys.argv[2]).probability, pn.explain(sys.argv[2], model="cnn_94").method)
print(pn.read(b"\\0" * 128 + b"DICM" + b"\\0" * 400, model="cnn_94").reasons[0])
"""
    done = run(",".join((DICOM, REPORTS, TRAIN, APP)), code, str(path))
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.endswith("grad_cam")
    assert "pip install 'pneumo[dicom]'" in second


USES = {
    "train": "from pneumo_core import train",
    "reports": "from pneumo_core.reports import to_pdf",
    "gateway": """
sys.argv[1:] = ["gateway", "start"]
from pneumo_core.cli import main
main()""",
    "umap": """
import numpy as np
from pneumo_core.embeddings import project
project(np.eye(20, dtype=np.float32), "umap")""",
    "app": """
sys.argv[1:] = ["app"]
from pneumo_core.cli import main
main()""",
}
"""By extra, code that needs it."""
_USE_ALL = """
import contextlib, io, json
said = {}
for extra, code in json.loads(sys.argv[2]).items():
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        try:
            exec(code)
        except BaseException as error:
            print(error, file=sys.stderr)
        else:
            told.write("nothing was missing")
    said[extra] = told.getvalue()
print(json.dumps(said))
"""


def test_a_missing_extra_is_named() -> None:
    """Every use in one process that lacks them all."""
    missing = ",".join((TRAIN, REPORTS, GATEWAY, "umap", APP))
    done = run(missing, _USE_ALL, json.dumps(USES))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    for extra in USES:
        assert f"pneumo[{extra}]" in " ".join(said[extra].split())


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        (["umap"], "umap, which is not installed. Install it:"),
        (["a", "b"], "a and b, which are not installed. Install them:"),
        (["a", "b", "c"], "a, b and c, which are not installed. Install them:"),
    ],
)
def test_a_sentence_counts_what_is_missing(modules: list[str], words: str) -> None:
    assert words in str(MissingExtra("gateway", modules))


def test_every_pin_of_the_application_lies_in_a_range_of_the_library() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    ranges = [Requirement(each) for group in (REQUIRED, *EXTRAS.values()) for each in group]
    by_name = {canonicalize_name(each.name): each.specifier for each in ranges}
    files = ("requirements.txt", "requirements-gateway.txt", "requirements-umap.txt")
    lines = [line for each in files for line in (ROOT / each).read_text().splitlines()]
    pins = [Requirement(line.partition("#")[0]) for line in lines if "==" in line]
    for pin in pins:
        (exact,) = pin.specifier
        assert by_name[canonicalize_name(pin.name)].contains(exact.version), pin
