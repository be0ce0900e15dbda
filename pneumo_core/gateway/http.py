"""The HTTP service: readings, STOW-RS, health, metrics, KServe v2 aliases; by Starlette."""

import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pneumo_core import __version__
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Http
from pneumo_core.gateway.metrics import Metrics
from pneumo_core.gateway.openapi import description, page
from pneumo_core.gateway.stow import answer_of, parts_of

if TYPE_CHECKING:
    from pneumo_core.gateway.service import Gateway
    from pneumo_core.reading import Reader

__all__ = ["HttpServer", "make_app"]

log = logging.getLogger("pneumo.gateway")

_OPEN = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
"""Paths that need no token."""
_STOW_FILES = 4  # files of the largest size in one body
_STOWS = 4  # STOW-RS requests at once: each body is held in memory


class HttpServer:
    """The HTTP service in its own thread, by uvicorn."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to listen. Raises PneumoError if that is not possible."""
        import uvicorn

        config = self._gateway.config.http
        tls = config.tls
        told: dict[str, Any] = {}
        if tls is not None:
            told = {"ssl_certfile": str(tls.certificate), "ssl_keyfile": str(tls.key)}
            if tls.authorities:
                told |= {"ssl_ca_certs": str(tls.authorities), "ssl_cert_reqs": 2}
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(self._gateway),
                host=config.address,
                port=config.port,
                access_log=False,  # paths may hold UIDs
                log_config=None,
                timeout_keep_alive=30,
                **told,
            )
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()
        until = time.monotonic() + 30
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise PneumoError(
                    f"HTTP can't listen on {config.address}:{config.port}. Stop what listens "
                    "there, or set http.port."
                )
            time.sleep(0.05)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's answer to a port that is taken
            log.error("the HTTP service could not start")

    def stop(self) -> None:
        """Answer the open requests, and stop."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()


def make_app(gateway: "Gateway") -> Starlette:
    """Return a gateway's ASGI application. Raises PneumoError if its token can't be read."""
    service = _Service(gateway)
    routes = [
        Route("/v1/readings", service.read, methods=["POST"]),
        Route("/v1/films/{number:int}/fhir", service.fhir),
        Route("/dicom-web/studies", service.store, methods=["POST"]),
        Route("/dicom-web/studies/{study}", service.store, methods=["POST"]),
        *(Route(path, service.live) for path in ("/health/live", "/v2/health/live")),
        *(Route(path, service.ready) for path in ("/health/ready", "/v2/health/ready")),
        Route("/metrics", service.figures),
        Route("/v2", service.server),
        Route("/v2/models/{name}", service.model),
        Route("/v2/models/{name}/ready", service.model_ready),
        Route("/openapi.json", lambda request: JSONResponse(description())),
        Route("/docs", lambda request: HTMLResponse(page())),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=service.admit)],
        exception_handlers={HTTPException: _said, PneumoError: _refused, Exception: _broken},
    )


class _Service:
    """The endpoints. Blocking work runs in threads, as many as there are cores."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway, self._metrics = gateway, Metrics(gateway)
        self._token = _token(gateway.config.http)
        self._threads = anyio.CapacityLimiter(max(1, settings().threads))
        self._in_work = self._stows = 0

    async def admit(
        self, request: Request, call: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Check the token, and count the answers."""
        path = request.url.path
        given = request.headers.get("authorization", "").encode()
        if self._token and path not in _OPEN and not hmac.compare_digest(given, self._token):
            answer: Response = _sentence(401, "Send the token: 'Authorization: Bearer ...'.")
            answer.headers["WWW-Authenticate"] = "Bearer"
        else:
            answer = await call(request)
        route = re.sub(r"/(studies|models|films)/[^/]+", r"/\1/*", path)
        known = route if answer.status_code != 404 else "*"  # else any caller could add labels
        self._metrics.answers.labels(known, str(answer.status_code)).inc()
        return answer

    async def read(self, request: Request) -> Response:
        """Read one X-ray."""
        reader = self._gateway.reader
        if reader is None:
            return _sentence(503, self._gateway.trouble or "The model is still being loaded.")
        if self._in_work >= self._gateway.config.http.at_once:
            return _busy()
        self._in_work += 1
        try:
            body = await _body(request, settings().max_file_bytes)
            heat, fhir = (_asked(request, name) for name in ("heatmap", "fhir"))
            with self._metrics.seconds.time():
                told = await anyio.to_thread.run_sync(
                    lambda: self._gateway.answer(body, heat=heat), limiter=self._threads
                )
        finally:
            self._in_work -= 1
        if fhir:
            from pneumo_core.gateway.fhir import to_fhir

            return JSONResponse(to_fhir(told), media_type="application/fhir+json")
        return JSONResponse(told, 200 if told["status"] != "failed" else 422)

    async def fhir(self, request: Request) -> Response:
        """Return a queued X-ray as FHIR."""
        from pneumo_core.gateway.fhir import to_fhir

        film = await run_in_threadpool(self._gateway.queue.film, request.path_params["number"])
        if film is None or not film.reading:
            return _sentence(
                404, "No such X-ray, or it has not been read yet. See 'pneumo gateway status'."
            )
        told = to_fhir(json.loads(film.reading), film)
        return JSONResponse(told, media_type="application/fhir+json")

    async def store(self, request: Request) -> Response:
        """Queue the X-rays of a STOW-RS request."""
        if self._stows >= _STOWS:
            return _busy()
        self._stows += 1
        try:
            body = await _body(request, _STOW_FILES * settings().max_file_bytes)
            files = parts_of(request.headers.get("content-type", ""), body)
            intake = self._gateway.intake
            outcomes = [await run_in_threadpool(intake.take_in, each, "STOW-RS") for each in files]
        finally:
            self._stows -= 1
        status, told = answer_of(outcomes)
        return JSONResponse(told, status, media_type="application/dicom+json")

    async def live(self, request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, request: Request) -> Response:
        if self._gateway.reader is None:
            return _sentence(503, self._gateway.trouble or "The model is still being loaded.")
        return JSONResponse({"ready": True})

    async def figures(self, request: Request) -> Response:
        text = await run_in_threadpool(self._metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4")

    async def server(self, request: Request) -> Response:
        return JSONResponse({"name": "pneumo", "version": __version__, "extensions": []})

    async def model(self, request: Request) -> Response:
        reader = self._named(request)
        if reader is None:
            return _sentence(404, "This gateway does not read with that model.")
        side = reader.runtime.size
        return JSONResponse(
            {
                "name": reader.checkpoint.name,
                "versions": [reader.checkpoint.card.version],
                "platform": "pneumo",
                "inputs": [{"name": "film", "datatype": "UINT8", "shape": [-1, side, side]}],
                "outputs": [{"name": "probability", "datatype": "FP32", "shape": [-1]}],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        reader = self._named(request)
        if reader is None:
            return _sentence(404, "This gateway does not read with that model.")
        return JSONResponse({"name": reader.checkpoint.name, "ready": True})

    def _named(self, request: Request) -> "Reader | None":
        """Return the reader if the request names its model, else None."""
        reader = self._gateway.reader
        named = reader is not None and reader.checkpoint.name == request.path_params["name"]
        return reader if named else None


async def _body(request: Request, most: int) -> bytes:
    """Return the X-ray of a request: its body, or the file of a form. Raises HTTPException."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most + 4096:
        raise HTTPException(413, f"The body is larger than the {most / 1e6:g} MB allowed here.")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most + 4096:
                raise HTTPException(413, f"The body is larger than {most / 1e6:g} MB.")
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection was cut.") from error
    if not body:
        raise HTTPException(400, "The body is empty. Send the X-ray as the body.")
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return bytes(body)
    files = parts_of(kind.replace("multipart/form-data", "multipart/related", 1), bytes(body))
    if len(files) != 1:
        raise HTTPException(400, "Send one X-ray in one request.")
    return files[0]


def _asked(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in ("1", "true", "yes")


def _token(config: Http) -> bytes:
    if config.token_file is None:
        return b""
    try:
        token = config.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PneumoError(f"The token in '{config.token_file}' can't be read.") from error
    if len(token) < 16:
        raise PneumoError(f"The token in '{config.token_file}' is shorter than 16 characters.")
    return f"Bearer {token}".encode()


def _busy() -> JSONResponse:
    answer = _sentence(503, "Too many X-rays are being read. Try again in a moment.")
    answer.headers["Retry-After"] = "1"
    return answer


def _sentence(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status)


async def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return _sentence(error.status_code, error.detail)


async def _refused(request: Request, error: Exception) -> Response:
    return _sentence(400, str(error))


async def _broken(request: Request, error: Exception) -> Response:
    log.error("a request failed: %s", type(error).__name__)
    return _sentence(500, "An error in Pneumo itself. Report it.")
