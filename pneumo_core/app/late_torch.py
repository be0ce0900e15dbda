"""Let threads compute while another thread imports PyTorch.

SciPy and scikit-learn look for ``sys.modules["torch"].Tensor`` in every computation. While torch is
being imported, which takes seconds, that attribute is missing and they fail.
"""

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from functools import cache

__all__ = ["allow_late_torch"]


@cache
def allow_late_torch() -> None:
    """Give torch an empty class ``Tensor`` until its import defines the real one."""
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds torch as Python itself does, once."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader.create_module = _create  # type: ignore[method-assign]
        return spec


def _create(spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
    module = types.ModuleType(spec.name)
    module.Tensor = type("Tensor", (), {})  # type: ignore[attr-defined]
    return module
