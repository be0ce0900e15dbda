"""Links between Markdown files of the repository, and what they become in the site."""

import posixpath
import re
from collections.abc import Callable
from pathlib import PurePosixPath

__all__ = ["LINK", "ROOT_PAGES", "point_into_site", "target_of", "without_code"]

ROOT_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages at the top of the repository, and their places in the site."""

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
"""A link or picture: ``!``, its text, its address."""
_FENCE = re.compile(r"^( *)(`{3,}).*?^\1\2`*[ \t]*$", re.MULTILINE | re.DOTALL)


def without_code(markdown: str) -> str:
    """Return Markdown without its code blocks, where nothing is a link."""
    return _FENCE.sub("", markdown)


def target_of(address: str, source: str) -> tuple[str, str] | None:
    """Return path in the repository and anchor that a link in the file ``source`` leads to.

    None for an address on the web.
    """
    if re.match(r"[a-z][a-z0-9+.-]*:", address):
        return None
    path, _, anchor = address.partition("#")
    folder = posixpath.dirname(source)
    return (posixpath.normpath(posixpath.join(folder, path)) if path else source), anchor


def point_into_site(markdown: str, source: str, page: str) -> str:
    """Rewrite the relative links of a file of the repository for its page in the site.

    Args:
        markdown: the file's content.
        source: its path in the repository.
        page: its path in the site.

    Returns:
        Markdown whose links lead to pages of the site. A link to a file that the site does not
        have becomes its text.
    """

    def changed(found: re.Match[str]) -> str:
        picture, text, address = found.groups()
        target = target_of(address, source)
        if target is None or target[0] == source:
            return found[0]
        path, anchor = target
        place = _place_in_site(path)
        if place is None:
            return text
        relative = posixpath.relpath(place, posixpath.dirname(page) or ".")
        return f"{picture}[{text}]({relative}{'#' + anchor if anchor else ''})"

    return _outside_code(markdown, lambda words: LINK.sub(changed, words))


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Return Markdown with ``change`` applied between its code blocks."""
    parts, at = [], 0
    for block in _FENCE.finditer(markdown):
        parts += [change(markdown[at : block.start()]), block[0]]
        at = block.end()
    return "".join([*parts, change(markdown[at:])])


def _place_in_site(path: str) -> str | None:
    if path in ROOT_PAGES:
        return ROOT_PAGES[path]
    below = PurePosixPath(path)
    return str(below.relative_to("docs")) if below.parts[:1] == ("docs",) else None
