"""Files that fsspec reaches by URL: object stores, web servers and archives.

``s3://bucket/folder``, ``https://host/film.png``, ``zip://**::s3://bucket/films.zip`` and so on.
Credentials come from the environment, as each store's own library reads them; a URL never holds
one.
"""

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from pneumo_core.errors import DatasetError, MissingExtra, PneumoError

__all__ = ["fetch", "is_url", "list_urls", "state_of", "without_secrets"]

_GLOB = "*?["
_ARCHIVES = ("zip", "tar")
_NEEDED = {
    "s3": ("remote", "s3fs"),
    "http": ("remote", "aiohttp"),
    "https": ("remote", "aiohttp"),
    "gs": ("", "gcsfs"),
    "gcs": ("", "gcsfs"),
    "abfs": ("", "adlfs"),
    "az": ("", "adlfs"),
}
"""The extra, if any, and the module that each protocol needs; others come with fsspec."""


def is_url(text: str) -> bool:
    """Return whether a source is a URL and not a path on this machine."""
    return "://" in text


def without_secrets(text: str) -> str:
    """Return a URL, or a text with URLs, without users, passwords and query strings."""
    plain = re.sub(r"(?<=://)[^/@\s'\"]*@", "", text)
    return re.sub(r"(?<=://)([^?#\s'\"]*)[?#][^\s'\":)]*", r"\1", plain)


def list_urls(url: str) -> Iterator[str]:
    """Yield the URLs of the files that a URL stands for, in order.

    A pattern (``*``, ``**``, ``?``) gives the files that match it, a folder all files below it,
    anything else itself, whether it exists or not. A web server's folder ends in "/": the files
    that its page links to are taken. Hidden files and folders are left out.

    Raises:
        DatasetError: the place can't be listed, or a pattern matches nothing.
        MissingExtra: the library for this kind of store is not installed.
    """
    try:
        names = _names(url)
    except PneumoError:
        raise
    except Exception as error:  # each store's library has errors of its own
        raise DatasetError(
            f"'{without_secrets(url)}' can't be listed: {_detail(error)}. Check the address and "
            "the credentials in the environment."
        ) from error
    if not names:
        raise DatasetError(f"'{without_secrets(url)}' contains no files. Check the address.")
    yield from names


def fetch(url: str, most: int) -> bytes:
    """Return the bytes of a file, ``most`` + 1 at most.

    Raises FileNotFoundError for a file that isn't there, MissingExtra, or OSError with the reason.
    """
    files, path = _opened(url)
    try:
        return bytes(files.cat_file(path, start=0, end=most + 1))
    except (FileNotFoundError, KeyError) as error:  # KeyError: no such member of an archive
        raise FileNotFoundError(without_secrets(url)) from error
    except Exception as error:  # each store's library has errors of its own
        raise OSError(_detail(error)) from error


def state_of(url: str) -> str | None:
    """Return what identifies a file's content by its store's account; None if it gives none.

    An object's ETag or an archive's CRC-32, with the size; else the time of the last change, with
    the address. Raises FileNotFoundError for a file that isn't there, MissingExtra, or OSError.
    """
    files, path = _opened(url)
    try:
        facts = files.info(path)
    except (FileNotFoundError, KeyError) as error:
        raise FileNotFoundError(without_secrets(url)) from error
    except Exception as error:  # each store's library has errors of its own
        raise OSError(_detail(error)) from error
    size = facts.get("size")
    for name in ("ETag", "etag", "CRC"):
        if facts.get(name) and size:
            return f"{name.lower()} {facts[name]} {size}"
    for name in ("Last-Modified", "LastModified", "last_modified", "updated"):
        if facts.get(name) and size:
            return f"{facts[name]} {size} {without_secrets(url)}"
    return None


def _names(url: str) -> list[str]:
    files, path = _opened(url)
    start, chain = _parts(url)
    if start in _ARCHIVES and path == "**":
        found = files.find("", detail=True)
    elif any(sign in path for sign in _GLOB):
        found = files.glob(path, detail=True)
    elif (start.startswith("http") and not path.endswith("/")) or not _is_folder(files, path):
        return [] if url.endswith("/") else [url]
    else:
        found = files.find(path, detail=True)
    names = sorted(name for name, facts in found.items() if facts["type"] == "file")
    shown = [name for name in names if not _is_hidden(name)]
    return [name if is_url(name) else f"{start}://{name.lstrip('/')}{chain}" for name in shown]


def _is_folder(files: Any, path: str) -> bool:
    return bool(path in ("", "/") or files.isdir(path))


def _is_hidden(name: str) -> bool:
    parts = name.split("/")
    return any((part.startswith(".") and part != ".") or part == "__MACOSX" for part in parts)


def _parts(url: str) -> tuple[str, str]:
    """Return the protocol, and what the file lies in: "zip", "::s3://bucket/films.zip"."""
    first, sign, rest = url.partition("::")
    return first.partition("://")[0], sign + rest


def _opened(url: str) -> tuple[Any, str]:
    """Return the filesystem of a URL, kept open, and the path in it."""
    from fsspec.core import url_to_fs

    start, chain = _parts(url)
    for each in (start, *(part.partition("://")[0] for part in chain.split("::") if part)):
        extra, module = _NEEDED.get(each, ("", ""))
        if module and find_spec(module) is None:
            raise MissingExtra(extra, [module])
    if start in _ARCHIVES:  # their tables of contents are read once, not for each member
        return _archive(start, chain), url.partition("::")[0].partition("://")[2]
    try:
        files, path = url_to_fs(url)
    except ValueError as error:
        raise DatasetError(
            f"'{without_secrets(url)}' can't be opened: {_detail(error)}. Check the address."
        ) from error
    return files, posixpath.join(path, "") if url.endswith("/") and start != "s3" else path


@lru_cache(maxsize=4)
def _archive(start: str, chain: str) -> Any:
    from fsspec.core import url_to_fs

    if not chain:
        raise DatasetError(
            f"A {start}:// address says which archive: {start}://**::s3://bucket/films.{start}."
        )
    return url_to_fs(f"{start}://{chain}")[0]


def _detail(error: Exception) -> str:
    """Return what an error says, on one line and without a full stop."""
    first = (str(error).strip() or type(error).__name__).split("\n")[0]
    return without_secrets(first)[:200].rstrip(". ")
