"""What waits until it is needed, each in a fresh process."""

import subprocess
import sys
from pathlib import Path

import pytest

from pneumo_core.inference import open_runtime
from tests.app.test_pages import film

LIGHT = ("pneumo_core", "pneumo_core.imaging", "pneumo_core.datasets", "pneumo_core.metrics")


@pytest.mark.parametrize("module", LIGHT)
def test_images_and_numbers_need_no_torch(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'onnxruntime', 'streamlit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_frame_of_a_page_comes_before_torch() -> None:
    code = "import sys, pneumo_core.app.page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_pages_that_train_nothing_open_before_torch() -> None:
    pages = ("reading_room.reading_page", "compare.side_by_side", "evaluate.evaluate_page")
    modules = ", ".join(f"pneumo_core.app.{each}" for each in (*pages, "log.log_table"))
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL)
    assert ended.returncode == 0
