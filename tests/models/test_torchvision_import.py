"""torchvision imports beside a CPU build of torch, and is left alone where it imports by itself."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from pneumo_core.models import _torchvision
from pneumo_core.models._torchvision import import_torchvision

FRESH = """
import sys
try:
    import torchvision
    alone = True
except RuntimeError:
    alone = False
from pneumo_core.models._torchvision import import_torchvision
declared = [import_torchvision(), import_torchvision()]
import torch, torchvision.ops, torchvision.transforms, timm
assert callable(torch.ops.torchvision.nms)
print(alone, *declared)
"""


@pytest.fixture
def undeclared(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The operators that this process declares from here on."""
    declared: list[object] = []
    monkeypatch.setattr(_torchvision, "_declared", declared)
    return declared


@pytest.mark.thorough
def test_operators_are_declared_exactly_where_torchvision_needs_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRESH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() in (["False", "True", "True"], ["True", "False", "False"])


def test_a_torchvision_that_imports_is_left_alone(
    undeclared: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    assert import_torchvision() is False
    assert undeclared == []


def test_what_else_is_wrong_with_torchvision_is_told(
    undeclared: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('built for another Python')")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="built for another Python"):
        import_torchvision()
    assert undeclared == []
