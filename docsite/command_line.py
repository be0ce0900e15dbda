"""The reference of the command line, from what ``pneumo --help`` knows."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from pneumo_core.cli import app

__all__ = ["page"]

_HEAD = """\
# Command line

Everything here is what `pneumo COMMAND --help` prints. Results go to standard output, progress and
warnings to standard error.

| exit code | meaning |
|---|---|
| 0 | everything was done |
| 1 | something was refused or failed, and the rest was done |
| 2 | wrong usage, or a name that does not exist |

`--data` takes a folder, a CSV or TSV manifest, a MedMNIST `.npz`, or the name of an installed
dataset ([file formats](formats.md#datasets)). `--model` takes a name of `pneumo models list`; for
`pneumo train` it is an architecture.
"""


def page() -> str:
    """Return a section for each command."""
    root = get_command(app)
    context = typer.Context(root, info_name="pneumo")
    return "\n".join([_HEAD, *_sections(root, context)])


def _sections(command: Any, context: Any) -> Iterator[str]:
    """Yield the Markdown of the commands below a group, depth first."""
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        inner = typer.Context(found, info_name=name, parent=context)
        if hasattr(found, "list_commands"):
            yield f"## {inner.command_path}\n\n{_words(found.help)}\n"
            yield from _sections(found, inner)
        else:
            level = "##" if context.parent is None else "###"
            yield f"{level} {inner.command_path}\n\n{_described(found, inner)}"


def _described(command: Any, context: Any) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = [
        f"| `{_cell(names)}` | {_cell(words)} |"
        for names, words in filter(
            None, (each.get_help_record(context) for each in command.get_params(context))
        )
        if names != "--help"
    ]
    table = ["| argument or option | meaning |", "|---|---|", *rows] if rows else []
    return "\n".join([f"{_words(command.help)}\n", f"```text\n{usage}\n```\n", *table, ""])


def _words(text: str | None) -> str:
    """Return a help text with its own line breaks undone inside paragraphs."""
    paragraphs = (text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
