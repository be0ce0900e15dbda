"""X-rays behind URLs: their bytes, and what identifies these without fetching them."""

from pathlib import PurePosixPath

from pneumo_core.core.parallel import each_of
from pneumo_core.core.progress import Progress
from pneumo_core.core.remote import fetch, state_of, without_secrets
from pneumo_core.core.settings import settings
from pneumo_core.datasets.digests import digest_of
from pneumo_core.errors import DatasetError, UnreadableImage

__all__ = ["fetch_image", "url_digests"]

_TRIES = 3


def fetch_image(url: str) -> bytes:
    """Return an X-ray's bytes.

    Raises UnreadableImage if it does not exist, and DatasetError if it can't be fetched now: that
    says nothing about the X-ray, which must not count as unreadable from then on.
    """
    shown = without_secrets(url)
    name = PurePosixPath(shown.partition("::")[0]).name
    for left in reversed(range(_TRIES)):
        try:
            return fetch(url, settings().max_file_bytes)
        except FileNotFoundError as error:
            reason = "the file does not exist"
            raise UnreadableImage(name, reason, "Check the address") from error
        except OSError as error:
            if not left:
                raise DatasetError(
                    f"'{shown}' can't be fetched: {error}. Check the connection and the "
                    "credentials in the environment, and run it again: it goes on."
                ) from error
    raise AssertionError


def url_digests(urls: list[str], progress: Progress | None = None) -> list[str]:
    """Return what identifies each X-ray's content, by the store's account where it gives one.

    Raises DatasetError for one that can't be reached.
    """
    return each_of(_digest, urls, progress)


def _digest(url: str) -> str:
    try:
        state = state_of(url)
        return digest_of(state.encode() if state else fetch_image(url))
    except (FileNotFoundError, UnreadableImage):
        return digest_of(f"missing {without_secrets(url)}".encode())
    except OSError as error:
        raise DatasetError(
            f"'{without_secrets(url)}' can't be reached: {error}. Check the connection and the "
            "credentials in the environment."
        ) from error
