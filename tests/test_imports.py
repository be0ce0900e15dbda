"""What waits until it is needed, each in a fresh process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_core.inference import open_runtime
from tests.app.test_pages import film

HEAVY = ("torch", "onnxruntime", "streamlit")
_PAGES = ("reading_room.reading_page", "compare.side_by_side", "evaluate.evaluate_page")
WAITS = (
    *((module, HEAVY) for module in ("pneumo_core", "pneumo_core.imaging", "pneumo_core.datasets")),
    ("pneumo_core.metrics", (*HEAVY, "scipy.stats", "scipy.optimize")),
    ("pneumo_core.app.page", ("torch",)),
    *((f"pneumo_core.app.{page}", ("torch",)) for page in (*_PAGES, "log.log_table")),
)
"""Modules, each with what it does not import. Pages that train nothing open before torch."""
_IMPORT = """
import importlib, json, sys
for module, waits in json.loads(sys.argv[1]):
    importlib.import_module(module)
    for each in waits:
        if each in sys.modules:
            sys.exit(f"{module} imports {each}")
"""


def test_images_numbers_and_pages_need_no_torch() -> None:
    """All in one process, one after the other."""
    command = [sys.executable, "-c", _IMPORT, json.dumps(WAITS)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.usefixtures("checkpoint")
def test_a_film_is_read_without_torch_once_its_graph_is_kept(tmp_path: Path) -> None:
    open_runtime("cnn_94")  # writes the graph
    (tmp_path / "film.png").write_bytes(film())
    code = (
        "import sys; from pneumo_core.reading import open_reader; "
        "reading = open_reader('cnn_94', gate=False).read_file(sys.argv[1]); "
        "sys.exit(reading.probability is None or 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "film.png")], check=False)
    assert ended.returncode == 0
