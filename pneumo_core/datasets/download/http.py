"""Download of a file over HTTP: resumable, verified and atomic.

The bytes grow in ``FILE.part`` beside their place; ``FILE.part.json`` keeps what tells whether the
server still has the same file. Only what has the right size and checksum is renamed to ``FILE``.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3.exceptions
from filelock import FileLock, Timeout

from pneumo_core.core.progress import Progress
from pneumo_core.datasets.download.catalogue import Source
from pneumo_core.datasets.download.responses import Answer, Busy, Changed, Refused, read_answer
from pneumo_core.errors import DatasetError

__all__ = ["Patience", "download"]

_CHUNK = 1 << 16
_TELL_EVERY = 0.1
_AGENT = "Pneumo (research software; downloads public data sets)"


@dataclass(frozen=True)
class Patience:
    """Timeouts in seconds, and numbers of retries without new data and in total."""

    connect: float = 10.0
    read: float = 20.0
    tries: int = 4
    requests: int = 500
    first_pause: float = 1.0
    longest_pause: float = 30.0


def download(
    source: Source,
    folder: Path,
    *,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Path:
    """Return the source's file in ``folder``, verified; what is missing of it is downloaded.

    ``progress`` is called with (bytes, total bytes); an exception from it stops the download, and
    the next call resumes it. Broken connections are resumed. Raises DatasetError, which says how
    to get the file by hand, if network, server or disk fail, or if the file is not the one that the
    source describes.
    """
    place = folder / source.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{source.file}.lock", timeout=0):
            if place.exists():
                return _checked(source, place, progress)
            part = _Part(source, place, progress or _nobody, patience or Patience())
            _check_room(source, folder, part.there)
            return part.complete()
    except Timeout as busy:
        raise DatasetError(
            f"{source.file} is already being downloaded to '{folder}' by another page or command. "
            "Wait for it, or stop it there."
        ) from busy
    except OSError as error:
        raise DatasetError(
            f"{source.file} can't be kept in '{folder}': {error.strerror or error}. Free "
            f"{source.size / 1e6:.0f} MB there, or choose another folder; the part downloaded so "
            "far is kept."
        ) from error


class _Part:
    """A partly downloaded file."""

    def __init__(self, source: Source, place: Path, progress: Progress, patience: Patience) -> None:
        self.source = source
        self.place = place
        self.path = place.with_name(f"{place.name}.part")
        self.note = place.with_name(f"{place.name}.part.json")
        self.progress = progress
        self.patience = patience
        self.told = 0.0
        self.joined = self.there > 0

    @property
    def there(self) -> int:
        """Number of bytes downloaded so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def complete(self) -> Path:
        self._fetch()
        if self.joined and not self._is_right():  # parts of two files? Once more, in one piece
            self._discard()
            self._fetch()
        if self._is_right():
            return self._publish()
        self._discard()
        raise self._refusal(
            f"the downloaded file is not the expected one (its {self.source.algorithm.upper()} "
            "differs). It was deleted"
        )

    def _fetch(self) -> None:
        """Request data until the file is complete; progress resets the retries."""
        failed = asked = 0
        while self.there < self.source.size:
            before, asked = self.there, asked + 1
            try:
                self._ask()
                why = "the server ended the file too early"
            except Refused as error:
                raise self._refusal(str(error)) from error
            except Changed:
                self._discard()
                why = "the file on the server changed meanwhile"
            except Busy as error:
                why = str(error)
            except requests.RequestException as error:
                why = _plain(error)
            if self.there >= self.source.size:
                return
            failed = 0 if self.there > before else failed + 1
            if failed >= self.patience.tries or asked >= self.patience.requests:
                raise self._refusal(f"{why}, at each of {max(failed, 1)} tries")
            self._pause(failed)

    def _ask(self) -> None:
        """Send one request, from the first missing byte."""
        with requests.get(
            self.source.url,
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity", **self._range()},
            stream=True,
            timeout=(self.patience.connect, self.patience.read),
        ) as response:
            answer = read_answer(response, self.there, self._noted(), self.source.size)
            self.note.write_text(json.dumps({"url": self.source.url, "mark": answer.mark}))
            self._take(answer, response.iter_content(_CHUNK))

    def _take(self, answer: Answer, chunks: Iterator[bytes]) -> None:
        done = answer.start
        self.joined = self.joined or done > 0
        self._tell(done, now=True)
        with self.path.open("r+b" if answer.start else "wb") as file:
            file.seek(done)
            file.truncate()
            for chunk in chunks:
                done += len(chunk)
                if done > self.source.size:
                    raise Refused(f"the server sends more than the {self.source.size} bytes it has")
                file.write(chunk)
                self._tell(done)
        self._tell(done, now=True)

    def _range(self) -> dict[str, str]:
        """Return headers that request the rest, or the whole file if it has changed since."""
        if not self.there:
            return {}
        mark = self._noted()
        wanted = {"Range": f"bytes={self.there}-"}
        return wanted | ({"If-Range": mark} if mark and not mark.startswith("W/") else {})

    def _noted(self) -> str:
        """Return the mark of the file that the bytes so far came from; "" if there was none."""
        try:
            noted = json.loads(self.note.read_text())
            return str(noted["mark"]) if noted["url"] == self.source.url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _is_right(self) -> bool:
        return _digest(self.path, self.source, self.progress) == self.source.checksum

    def _publish(self) -> Path:
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.place)
        self.note.unlink(missing_ok=True)
        return self.place

    def _discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _pause(self, failed: int) -> None:
        """Wait, longer each time, while checking for cancellation."""
        wait = min(self.patience.longest_pause, self.patience.first_pause * 2 ** max(0, failed - 1))
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            self._tell(self.there)
            time.sleep(min(0.2, left))

    def _tell(self, done: int, *, now: bool = False) -> None:
        if now or time.monotonic() - self.told > _TELL_EVERY:
            self.progress(done, self.source.size)
            self.told = time.monotonic()

    def _refusal(self, why: str) -> DatasetError:
        return DatasetError(
            f"{self.source.file} could not be downloaded: {why}. "
            f"{self.source.by_hand(self.place.parent)}"
        )


def _check_room(source: Source, folder: Path, there: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < source.size - there:
        raise DatasetError(
            f"{source.file} needs {(source.size - there) / 1e6:.0f} MB more and '{folder}' has "
            f"{free / 1e6:.0f} MB free. Free some space or choose another folder."
        )


def _checked(source: Source, place: Path, progress: Progress | None) -> Path:
    """Return the file if it already exists and is the right one."""
    if (
        place.stat().st_size == source.size
        and _digest(place, source, progress or _nobody) == source.checksum
    ):
        return place
    raise DatasetError(
        f"'{place}' is not the expected file of {source.file}: its size or checksum "
        "differs. Delete it and try again."
    )


def _digest(path: Path, source: Source, progress: Progress) -> str:
    told = 0.0
    digest = hashlib.new(source.algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            if time.monotonic() - told > _TELL_EVERY:
                progress(source.size, source.size)
                told = time.monotonic()
    return digest.hexdigest()


def _plain(error: requests.RequestException) -> str:
    """Return a network error as a plain sentence."""
    if error.args and isinstance(error.args[0], urllib3.exceptions.ReadTimeoutError):
        return "the server stopped sending"
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, "the proxy refused the connection"),
        (requests.exceptions.SSLError, "the server's certificate was not accepted"),
        (requests.exceptions.ConnectTimeout, "the server did not answer in time"),
        (requests.exceptions.ReadTimeout, "the server stopped sending"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.exceptions.ConnectionError, "the server can't be reached from here"),
    )
    return next((words for kind, words in kinds if isinstance(error, kind)), "the network failed")


def _nobody(done: int, total: int) -> None:
    """Ignore progress."""
