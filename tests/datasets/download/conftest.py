"""A public source on this machine, and a little patience."""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pneumo_core.datasets.download import Patience, Source
from tests.datasets.download.server import Server, serving

CONTENT = np.random.default_rng(7).bytes(1_000_000)
QUICK = Patience(connect=0.5, read=0.4, tries=3, first_pause=0.01, longest_pause=0.02)


def source_of(content: bytes, at: str, **different: object) -> Source:
    facts: dict[str, object] = {
        "name": "films",
        "title": "Films for tests",
        "file": "films.bin",
        "url": at,
        "page": "https://example.org/films",
        "size": len(content),
        "algorithm": "sha256",
        "checksum": hashlib.sha256(content).hexdigest(),
        "vouched": "by hand",
        "kind": "zip",
        "films": 1,
        "licence": "CC BY 4.0",
        "citation": "Nobody's films.",
    }
    return Source(**(facts | different))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as running:
        yield running


@pytest.fixture
def source(server: Server) -> Callable[..., Source]:
    """A maker of sources of the server's file, right unless told otherwise."""

    def make(**different: object) -> Source:
        return source_of(server.content, server.url, **different)

    return make
