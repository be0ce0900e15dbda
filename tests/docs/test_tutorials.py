"""The tutorials and how-to guides do what they show, run as they are written, outside the clone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *("tutorials/first-xray.md", "tutorials/evaluate.md", "tutorials/train.md"),
    *("how-to/python.md", "how-to/audit-dataset.md", "how-to/add-format.md"),
    *("how-to/add-explanation.md", "how-to/add-architecture.md", "how-to/onnx.md"),
    *("standards/model-facts.md", "explanation/calibration.md"),
]
"""In this order: later ones use files of earlier ones. A PACS is needed for the rest."""
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[tuple[str, str]]:
    """Kind and content of what a reader does: files to write, commands, outputs to compare."""
    blocks = _BLOCK.findall(page)
    commands = any(language == "bash" for language, _, _ in blocks)
    found = []
    for language, title, body in blocks:
        if title:
            found.append((f"file {title}", body))
        if language == "bash" or (title.endswith(".py") and not commands):
            found.append(("run", body if language == "bash" else f"python {title}"))
        if language == "text" and not title:
            found.append(("output", body))
    return found


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(1800)
def test_every_block_runs(tmp_path: Path, real_data: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "chest_xray").symlink_to(real_data, target_is_directory=True)
    shutil.copytree(ROOT / "checkpoints", tmp_path / "checkpoints")
    surroundings = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PNEUMO_HOME": str(tmp_path / "home"),
        "PNEUMO_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "COLUMNS": "100",
    }
    surroundings.pop("PNEUMO_DATA", None)
    for name in PAGES:
        printed = ""
        for kind, body in steps((DOCS / name).read_text(encoding="utf-8")):
            if kind.startswith("file "):
                (tmp_path / "work" / kind.removeprefix("file ")).write_text(body, encoding="utf-8")
            elif kind == "run":
                done = subprocess.run(
                    ["bash", "-euc", body],
                    cwd=tmp_path / "work",
                    env=surroundings,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                printed = done.stdout
                assert done.returncode == 0, f"{name}: {body}\n{printed}"
            elif name == "tutorials/first-xray.md":
                assert printed.split() == body.split()
