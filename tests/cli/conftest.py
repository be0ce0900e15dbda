"""The command line, called as a shell would, without a new process each time."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pneumo_core.cli import main


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def pneumo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """Run a command: ``pneumo("models", "list")``."""

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["pneumo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Finished(int(ended.value.code or 0), captured.out, captured.err)

    return run
