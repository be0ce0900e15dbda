"""What docs/operations.md tells an operator to do, done as it stands there."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from pneumo_core.audit import AuditLog, Entry
from pneumo_core.audit.roles import Person, admit, read_roles
from pneumo_core.runs import Run
from tests.conftest import draw_film, draw_folder

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "operations.md").read_text()


def block(section: str, language: str) -> str:
    """The block of code in that section of the guide."""
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


def test_the_example_of_roles_is_one() -> None:
    secrets = tomllib.loads(block("Users and roles", "toml"))
    roles = read_roles(secrets["roles"])
    assert admit({"email": "ann@example.org"}, roles) == Person("ann@example.org", "analyst")
    assert admit({"email": "bob@example.org"}, roles).role == "reader"
    assert set(secrets["auth"]) == {
        "redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url"
    }  # fmt: skip


def test_git_ignores_the_secrets() -> None:
    asked = ["git", "check-ignore", "-q", ".streamlit/secrets.toml"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0


def shell(script: str, **places: Path) -> None:
    variables = {name: str(place) for name, place in places.items()}
    done = subprocess.run(
        ["bash", "-euc", script],
        env=dict(os.environ) | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def asked(home: Path, checkpoints: Path, *arguments: str) -> str:
    """What ``pneumo`` prints about the things that lie there."""
    places = {"PNEUMO_HOME": str(home), "PNEUMO_CHECKPOINTS": str(checkpoints)}
    done = subprocess.run(
        [sys.executable, "-m", "pneumo_core", *arguments],
        env=dict(os.environ) | places | {"PNEUMO_CACHE": str(home / "cache")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.thorough
@pytest.mark.slow
def test_what_was_backed_up_is_restored_elsewhere_with_the_same_numbers(
    filmed: Run, tmp_path: Path
) -> None:
    home, checkpoints = tmp_path / "old home", tmp_path / "old checkpoints"
    shutil.copytree(filmed.folder.parent, home / "runs")
    shutil.copytree(filmed.folder.parents[1] / "checkpoints", checkpoints)
    draw_folder(home / "datasets" / "mine", {"train": 4, "test": 2})
    film = tmp_path / "film.png"
    Image.fromarray(draw_film(1, side=128)).save(film)
    reading = ("predict", str(film), "--json", "--no-gate", "--model", "filmed")
    read = asked(home, checkpoints, *reading)
    assert (home / "cache").is_dir()

    log = AuditLog(f"sqlite:///{home / 'audit.sqlite'}")
    log.record([Entry(who="ada", deed="started", subject=f"run {n}") for n in range(500)])
    entries = log.search(most=1000)
    assert len(entries) > 500  # the film that was read, too

    # It is open, so that the newest are in the write-ahead log still.
    held = sqlite3.connect(home / "audit.sqlite")
    held.execute("SELECT count(*) FROM entries").fetchone()
    assert (home / "audit.sqlite-wal").stat().st_size

    backup, new = tmp_path / "the backup", tmp_path / "elsewhere"
    places = {"BACKUP": backup, "PNEUMO_HOME": home, "PNEUMO_CHECKPOINTS": checkpoints}
    shell(block("Backup", "bash"), **places)
    before = contents(home / "runs") | contents(home / "datasets") | contents(checkpoints)
    runs = json.loads(asked(home, checkpoints, "runs", "show", filmed.id))
    held.close()
    shutil.rmtree(home)
    shutil.rmtree(checkpoints)

    home, checkpoints = new / "home", new / "checkpoints"
    places |= {"PNEUMO_HOME": home, "PNEUMO_CHECKPOINTS": checkpoints}
    shell(block("Restore", "bash"), **places)
    assert not (home / "cache").exists()
    after = contents(home / "runs") | contents(home / "datasets") | contents(checkpoints)
    assert after == before
    assert len(after) > 20
    assert asked(home, checkpoints, *reading) == read
    again = json.loads(asked(home, checkpoints, "runs", "show", filmed.id))
    assert again["status"] == runs["status"]
    with sqlite3.connect(home / "audit.sqlite") as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    restored.close()
    again_log = AuditLog(f"sqlite:///{home / 'audit.sqlite'}")
    assert (
        again_log.search(most=1000)["number"].tolist()[-len(entries) :]
        == entries["number"].tolist()
    )
