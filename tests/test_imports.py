"""What waits until it is needed, each in a fresh process."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["pneumo_core", "pneumo_core.data", "pneumo_core.metrics"])
def test_films_and_numbers_need_no_torch(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'onnxruntime', 'streamlit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_frame_of_a_page_comes_before_torch() -> None:
    code = "import sys, pneumo_core.dashboard.page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
