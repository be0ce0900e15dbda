"""The metrics work where nothing but NumPy and SciPy is installed."""

import subprocess
import sys

_CODE = """
import sys, sysconfig

allowed = {"numpy", "scipy", "pneumo_core"} | sys.stdlib_module_names


class OnlyThese:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed and not name.startswith("_"):
            raise ModuleNotFoundError(f"{name} is not installed here")


sys.meta_path.insert(0, OnlyThese())
from pneumo_core.metrics import area_under_roc, evaluate

figures = evaluate([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3], 0.5, groups=list("abcd"))
print(figures.auc.value, area_under_roc([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3]))
"""


def test_metrics_need_numpy_and_scipy_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["0.75", "0.75"], done.stderr
