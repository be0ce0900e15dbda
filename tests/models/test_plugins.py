"""Architectures that an installed package publishes are known wherever one is named."""

import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = """
import pneumo_core as pn
from pneumo_core.models import InputFormat

def register():
    pn.register_architecture("published", lambda size: None, InputFormat(64, 1, (0.5,), (0.25,)))
"""
LOOKED_UP = ("MODELS.get('published')", "'published' in list(MODELS)", "find_model('published')")


def install(folder: Path, code: str) -> None:
    """Lay a package into a folder as pip does."""
    (folder / "published_net.py").write_text(code)
    facts = folder / "published_net-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: published-net\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[pneumo.architectures]\npublished = published_net:register\n"
    )


def asked(folder: Path, expression: str) -> subprocess.CompletedProcess[str]:
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); "
        f"from pneumo_core.models import MODELS, find_model; print(bool({expression}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("expression", LOOKED_UP)
def test_a_published_architecture_is_found_first(tmp_path: Path, expression: str) -> None:
    install(tmp_path, PLUGIN)
    done = asked(tmp_path, expression)
    assert done.stdout == "True\n", done.stderr


def test_a_package_that_fails_is_logged_and_the_others_remain(tmp_path: Path) -> None:
    install(tmp_path, "raise OSError('broken')")
    done = asked(tmp_path, "list(MODELS)[0] == 'cnn_94'")
    assert done.stdout == "True\n", done.stderr
    assert "published_net:register" in done.stderr
