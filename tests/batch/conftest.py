"""The same X-rays in a folder, in a bucket and on a website."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import draw_folder

FILMS = 6


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "films", {"": FILMS // 2})


@pytest.fixture
def bucket(films: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The films in a bucket of moto's S3 server, whose address is in the environment."""
    server_module = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    import s3fs

    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem()
    store.mkdir("films")
    for film in films.rglob("*.png"):
        store.put_file(str(film), f"films/{film.relative_to(films).as_posix()}")
    yield "s3://films"
    s3fs.S3FileSystem.clear_instance_cache()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)  # it is one per process
    server.stop()


@pytest.fixture
def website(films: Path) -> Iterator[str]:
    class Ranged(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            file = Path(self.translate_path(self.path))
            if "Range" not in self.headers or not file.is_file():
                super().do_GET()
                return
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            content = file.read_bytes()
            part = content[int(first) : int(last) + 1]
            self.send_response(206)
            end = int(first) + len(part) - 1
            self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Ranged, directory=str(films))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
