"""Do one thing and be killed at its first write, then at its second, until it comes to its end.

    python -m tests.faults.killed OPERATION FOLDER

With PNEUMO_TEST_WHOLE set at every write, else at one in eight.

``FOLDER/before`` is what was there. Each try works on a copy of it in a process of its own that is
killed (SIGKILL) as it is about to write for the n-th time below the folder, the file it wrote last
cut in half; another process then looks at what is left. Prints a line of JSON for each try: ``n``
and what ``wrong`` was found; the last try's ``n`` is how many writes there are, and one more.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import onnxruntime  # noqa: F401  loaded once, not in each process

from tests.faults.operations import OPERATIONS

EVERY = 1 if os.environ.get("PNEUMO_TEST_WHOLE") else 8
"""Every write, or one in eight where time counts."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.link"}


def main(operation: str, folder: Path) -> None:
    act, look = OPERATIONS[operation]
    for n in range(1, 200, EVERY):
        home = folder / f"try-{n}"
        shutil.copytree(folder / "before", home)
        code = _in_a_process(lambda home=home, n=n: _killed_at(n, home, act))
        killed = code == -signal.SIGKILL
        wrong = "" if killed or code == 0 else "the operation itself failed"
        told = home.with_suffix(".wrong")
        if not wrong and _in_a_process(lambda home=home, told=told: _look(look, home, told)):
            wrong = told.read_text() if told.exists() else "looking at it failed"
        print(json.dumps({"n": n, "wrong": wrong}), flush=True)
        shutil.rmtree(home)
        if not killed:
            return


def _in_a_process(what: Callable[[], None]) -> int:
    """The exit code of a fork that does it: below zero for a signal."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        what()
        code = 0
    except BaseException:  # noqa: BLE001  the parent is told by the code
        traceback.print_exc()
    os._exit(code)


def _killed_at(n: int, home: Path, act: Callable[[Path], None]) -> None:
    _enter(home)
    left, last = n, ""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left, last
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and bool(flags & _WRITES)
        elif event in _CHANGES:
            path, writes = arguments[0], True
        else:
            return
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        inside = name.startswith(str(home)) or (name and not os.path.isabs(name))
        if not writes or not inside:
            return
        left -= 1
        if left == 0:
            _tear(last)
            os.kill(os.getpid(), signal.SIGKILL)
        if event == "open":
            last = name

    sys.addaudithook(watch)
    act(home)


def _tear(last: str) -> None:
    """As if the kill had come while that file was being written."""
    if last and os.path.isfile(last):
        os.truncate(last, os.path.getsize(last) // 2)


def _look(look: Callable[[Path], None], home: Path, told: Path) -> None:
    _enter(home)
    try:
        look(home)
    except BaseException:
        told.write_text(traceback.format_exc())
        raise


def _enter(home: Path) -> None:
    os.environ["PNEUMO_HOME"] = str(home / "home")
    os.environ["PNEUMO_CHECKPOINTS"] = str(home / "checkpoints")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
