"""The documentation is true to the code: its links lead somewhere, its commands exist."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from docsite.hooks import generated_pages
from docsite.links import LINK, ROOT_PAGES, point_into_site, target_of, without_code
from pneumo_core.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *map(ROOT.joinpath, ROOT_PAGES)]
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_BLOCK = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SHELLS = {"", "sh", "bash", "console"}
_INLINE = re.compile(r"`(pneumo [^`]+)`")
_STOPS = {"|", "||", "&&", ";", "&", ">", "2>&1"}


@cache
def made_pages() -> dict[str, str]:
    """The pages that the site makes, by their path in the repository if they were written."""
    return {f"docs/{path}": text for path, text in generated_pages().items()}


def text_of(path: str) -> str | None:
    if path in made_pages():
        return made_pages()[path]
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.is_file() else None


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as MkDocs and code hosts make them."""
    titles = re.findall(r"^#{1,6} +(.+?)\s*$", without_code(markdown), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip()) for title in plain}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_and_anchor_leads_somewhere(name: str) -> None:
    broken = []
    for _, _, address in LINK.findall(without_code((ROOT / name).read_text(encoding="utf-8"))):
        target = target_of(address, name)
        if target is None:
            continue
        path, anchor = target
        known = (ROOT / path).exists() or path in made_pages()
        if not known or (anchor and anchor not in anchors(text_of(path) or "")):
            broken.append(address)
    assert not broken


def test_links_of_the_repository_become_links_of_the_site() -> None:
    words = "[a](docs/results.md#the-rule) [b](LICENSE) [c](SECURITY.md) [d](https://e.org)"
    assert point_into_site(words, "README.md", "models/readme.md") == (
        "[a](../results.md#the-rule) b [c](../security.md) [d](https://e.org)"
    )
    block = "```sh\n[a](docs/x.md)\n```\n"
    assert point_into_site(block, "README.md", "x.md") == block


def commands(markdown: str) -> Iterator[tuple[list[str], bool]]:
    """Yield the words of every ``pneumo`` command of a page, and whether it is in a code block."""
    for language, block in _BLOCK.findall(markdown):
        if language in _SHELLS:
            for line in block.replace("\\\n", " ").splitlines():
                yield from ((words, True) for words in _called(line))
    for line in _INLINE.findall(without_code(markdown)):
        yield from ((words, False) for words in _called(line))


def _called(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:
        return
    for at, word in enumerate(words):
        if Path(word).name == "pneumo" and (at == 0 or words[at - 1] in _STOPS | {"until"}):
            rest = words[at + 1 :]
            end = next((n for n, each in enumerate(rest) if each in _STOPS), len(rest))
            yield rest[:end]


_UNFINISHED = re.compile(
    r"Missing (parameter|argument|option)|requires an argument|unable to parse"
)
"""Errors of a command in a sentence, which may leave out what it works on."""


def parse(words: list[str], *, whole: bool) -> None:
    """Parse a command as the command line does, without running it. Raises its errors."""
    command: Any = get_command(app)
    context: Any = None
    name = "pneumo"
    while True:
        if hasattr(command, "commands") and not words:
            return  # a group by its name
        try:
            context = command.make_context(name, list(words), parent=context)
        except Exception as refused:
            # typer has click's errors under names of its own
            unfinished = not whole and _UNFINISHED.search(str(refused))
            if unfinished or type(refused).__name__ == "Exit":  # --help
                return
            raise
        if not hasattr(command, "commands"):
            return
        rest = [*getattr(context, "_protected_args", []), *context.args]
        if not rest:
            return
        name, command, words = command.resolve_command(context, rest)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_one_that_the_command_line_takes(name: str) -> None:
    wrong = []
    for words, whole in commands((ROOT / name).read_text(encoding="utf-8")):
        if not whole and ({"...", "…"} & set(words) or words[:1] == ["COMMAND"]):
            continue
        try:
            parse(words, whole=whole)
        except Exception as refused:  # noqa: BLE001
            wrong.append(f"pneumo {shlex.join(words)}: {refused}")
    assert not wrong


@pytest.mark.parametrize("words", [["predict"], ["predict", "a.png", "--jsn"], ["fly"]])
def test_a_wrong_command_is_found(words: list[str]) -> None:
    with pytest.raises(Exception, match="."):
        parse(words, whole=True)


def test_the_reference_has_every_command_and_setting() -> None:
    line = made_pages()["docs/reference/command-line.md"]
    assert {"## pneumo predict", "### pneumo data audit", "### pneumo models facts"} <= set(
        line.splitlines()
    )
    assert "`--rotate`" in line
    settings = made_pages()["docs/reference/settings.md"]
    assert "| `PNEUMO_HOME` |" in settings
    assert "| `epochs` | integer ≥ 1, ≤ 1000 | `60` |" in settings
    assert '| `ae_title` | text | `"PNEUMO"` |' in settings


def test_every_model_that_ships_has_a_page_in_the_menu() -> None:
    shipped = {path.parent.name for path in (ROOT / "checkpoints").glob("*/card.json")}
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert shipped == {Path(p).stem for p in made_pages() if p.startswith("docs/models/")} - {
        "index"
    }
    assert all(f"models/{name}.md" in menu for name in shipped)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="pip install -r requirements-docs.txt"
)
def test_the_site_builds_without_a_warning_and_without_the_web(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//[^\s>]+")
    for page in (tmp_path / "site").rglob("*.html"):
        assert not loaded.findall(page.read_text(encoding="utf-8")), page
