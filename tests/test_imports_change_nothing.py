"""Importing every module of Pneumo leaves other libraries as they were."""

import json
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pydicom
import pytest

from pneumo_core.core.log_levels import log_level
from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom

_PACKAGE = Path(__file__).parents[1] / "pneumo_core"

_CHILD = r"""
import ast, importlib, json, logging, os, random, signal, socket, sys, threading, warnings
from pathlib import Path

package = Path(sys.argv[1])


def theirs():
    # What the modules import at once: it may change what it likes, before the comparison.
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


import torch

try:
    import torchvision
except RuntimeError:  # beside a CPU build of torch it wants two operators declared, as Pneumo does
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

for name in dict.fromkeys(theirs()):
    if name.partition(".")[0] not in ("pneumo_core", "umap", "antigravity"):
        try:
            importlib.import_module(name)
        except Exception:
            pass  # what is imported only where it is installed


for name in ("plotly.tools", "plotly.graph_objects", "plotly.subplots"):
    part = importlib.import_module(name)
    for each in getattr(part, "__all__", []):  # plotly imports its parts when they are asked for
        getattr(part, each)


def plain(thing):
    names = [each for each in dir(thing) if not each.startswith("_")]
    values = {each: getattr(thing, each) for each in names}
    kinds = (bool, int, float, str, type(None))
    return {each: value for each, value in values.items() if isinstance(value, kinds)}


def is_null(handler):
    # A library gives its own logger one so that nothing is printed.
    return type(handler) is logging.NullHandler


def logs():
    known = {"": logging.getLogger(), **logging.root.manager.loggerDict}
    return {
        name: [log.level, log.disabled, log.propagate,
               [repr(each) for each in log.handlers + log.filters if not is_null(each)]]
        for name, log in known.items()
        if isinstance(log, logging.Logger) and not name.startswith("pneumo_core")
    }


def state():
    import matplotlib, numpy, pandas, PIL.Image, PIL.ImageFile, plotly.io, pydicom, torch
    from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

    settings = pydicom.config.settings
    return {
        "warnings": list(map(repr, warnings.filters)),
        "showwarning": repr(warnings.showwarning),
        "logs": logs(),
        "log level": logging.root.manager.disable,
        "pydicom": plain(pydicom.config),
        "pydicom modes": [settings.reading_validation_mode, settings.writing_validation_mode],
        "Pillow": [PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES,
                   PIL.ImageFile.MAXBLOCK],
        "torch": [torch.get_num_threads(), torch.get_num_interop_threads(),
                  str(torch.get_default_dtype()), torch.is_grad_enabled(), torch.initial_seed(),
                  torch.are_deterministic_algorithms_enabled(),
                  torch.get_float32_matmul_precision(), plain(torch.backends.cudnn)],
        "numpy": [numpy.geterr(), repr(numpy.get_printoptions()),
                  repr(numpy.random.get_state())],
        "random": hash(random.getstate()),
        "matplotlib": {name: repr(value) for name, value in matplotlib.rcParams.items()},
        "plotly": [plotly.io.templates.default, plotly.io.renderers.default],
        "pandas": repr([pandas.get_option(each) for each in
                        ("display.max_rows", "display.precision")]),
        "Streamlit": repr(ForwardMsgQueue.clear),
        "environment": dict(os.environ),
        "process": [repr(sys.excepthook), repr(threading.excepthook), socket.getdefaulttimeout(),
                    sys.getrecursionlimit(), repr(signal.getsignal(signal.SIGINT)),
                    repr(signal.getsignal(signal.SIGTERM)), os.getcwd(), os.nice(0)],
    }


before = state()
modules = [
    ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted(package.rglob("*.py"))
]
for name in modules:
    importlib.import_module(name)
after = state()
changed = {}
for what in before:
    if before[what] != after[what]:
        if isinstance(before[what], dict):
            both = before[what].keys() & after[what].keys()
            told = {key: [before[what][key], after[what][key]] for key in both
                    if before[what][key] != after[what][key]}
            quiet = [logging.NOTSET, False, True, []]
            new = {key: after[what][key] for key in after[what].keys() - both}
            told |= {key: value for key, value in new.items() if value != quiet}
        else:
            told = [before[what], after[what]]
        if told:
            changed[what] = told
print(json.dumps({"modules": len(modules), "changed": changed}))
"""


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_importing_every_module_changes_nothing_in_other_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(_PACKAGE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["modules"] > 200
    assert told["changed"] == {}


def settings_of_pydicom() -> tuple[int, int, list[str]]:
    level = logging.getLogger("pydicom").level
    filters = [repr(each) for each in warnings.filters]
    return pydicom.config.settings.reading_validation_mode, level, filters


def test_pydicom_is_lenient_only_while_films_are_read() -> None:
    before = settings_of_pydicom()
    with lenient_pydicom():
        with lenient_pydicom():
            pass
        mode, level, filters = settings_of_pydicom()
        assert (mode, level) == (pydicom.config.IGNORE, logging.CRITICAL)
        assert len(filters) == len(before[2]) + 1
        warnings.warn_explicit("odd", UserWarning, "valuerep.py", 1, module="pydicom.valuerep")
    assert settings_of_pydicom() == before


def test_threads_that_end_in_any_order_leave_pydicom_as_it_was() -> None:
    before = settings_of_pydicom()
    first, second = threading.Event(), threading.Event()

    def read(begun: threading.Event, until: threading.Event) -> None:
        with lenient_pydicom():
            begun.set()
            until.wait(10)

    last = threading.Event()
    one = threading.Thread(target=read, args=(first, second))
    other = threading.Thread(target=read, args=(second, last))
    one.start()
    first.wait(10)
    other.start()
    one.join(10)  # the first one leaves while the second one reads
    assert settings_of_pydicom()[:2] == (pydicom.config.IGNORE, logging.CRITICAL)
    last.set()
    other.join(10)
    assert settings_of_pydicom() == before


def test_a_log_gets_its_level_back_also_after_an_error() -> None:
    log = logging.getLogger("somebody else's")
    log.setLevel(logging.INFO)
    with pytest.raises(ValueError, match="wrong"), log_level(log.name, logging.ERROR):
        assert log.level == logging.ERROR
        raise ValueError("wrong")
    assert log.level == logging.INFO
