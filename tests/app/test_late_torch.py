"""A page computes while another thread imports PyTorch."""

import subprocess
import sys
from pathlib import Path

_SLOW_TORCH = """
import builtins, time
builtins.begun.set()
builtins.may_end.wait(60)
class Tensor: real = True
"""

_CHILD = """
import builtins, sys, threading
builtins.begun, builtins.may_end = threading.Event(), threading.Event()
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "allowed":
    from pneumo_core.app.late_torch import allow_late_torch
    allow_late_torch()
importing = threading.Thread(target=lambda: __import__("torch"))
importing.start()
begun.wait(60)
try:
    from pneumo_core.metrics import rate
    print(rate(3, 10))
finally:
    may_end.set()
    importing.join()
assert sys.modules["torch"].Tensor.real
"""


def computed(folder: Path, how: str) -> "subprocess.CompletedProcess[str]":
    (folder / "torch").mkdir(exist_ok=True)
    (folder / "torch" / "__init__.py").write_text(_SLOW_TORCH)
    command = [sys.executable, "-c", _CHILD, str(folder), how]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_rate_is_computed_while_torch_is_imported(tmp_path: Path) -> None:
    done = computed(tmp_path, "allowed")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0.300 (")


def test_scipy_still_needs_it(tmp_path: Path) -> None:
    """When this fails, ``late_torch`` can go."""
    assert "has no attribute 'Tensor'" in computed(tmp_path, "alone").stderr
