"""The HTTP service's description: OpenAPI 3.1, and a page without external scripts."""

import html
from typing import Any

from pneumo_core import __version__

__all__ = ["description", "page"]

_PATHS = (
    (
        "post",
        "/v1/readings",
        "Read one X-ray: PNG, JPEG, TIFF, BMP, WebP or DICOM as the body, or "
        "as the file of a form. ?heatmap=1 adds the heat map as a PNG in Base64, and in "
        "heat_map_facts its share inside the lungs and their box; ?fhir=1 FHIR R4.",
    ),
    ("get", "/v1/films/{number}/fhir", "A queued X-ray as FHIR R4, with its patient's ID."),
    ("post", "/dicom-web/studies", "STOW-RS: queue CR, DX and SC images."),
    ("get", "/health/live", "200 while the process runs."),
    ("get", "/health/ready", "200 once X-rays can be read, else 503 with the reason."),
    ("get", "/metrics", "Metrics for Prometheus."),
    ("get", "/v2", "KServe v2: the server's metadata."),
    ("get", "/v2/health/live", "KServe v2: as /health/live."),
    ("get", "/v2/health/ready", "KServe v2: as /health/ready."),
    ("get", "/v2/models/{name}", "KServe v2: the model's metadata."),
    ("get", "/v2/models/{name}/ready", "KServe v2: whether this model is loaded."),
)


def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, Any] = {}
    for verb, path, about in _PATHS:
        told: dict[str, Any] = {"summary": about, "responses": {"200": {"description": "Done."}}}
        named = path[path.index("{") + 1 : path.index("}")] if "{" in path else ""
        if named:
            schema = {"type": "integer" if named == "number" else "string"}
            told["parameters"] = [{"name": named, "in": "path", "required": True, "schema": schema}]
        if verb == "post":
            told["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
            for status in ("400", "401", "413", "503"):
                told["responses"][status] = {"description": 'JSON: {"error": "a sentence"}.'}
        paths.setdefault(path, {})[verb] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pneumo reading service", "version": __version__},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": paths,
    }


def page() -> str:
    """Return the same as an HTML page."""
    rows = "".join(
        f"<tr><td>{verb.upper()}</td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(about)}</td></tr>"
        for verb, path, about in _PATHS
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Pneumo reading service</title>"
        "<h1>Pneumo reading service</h1><p>Research use only. Not a medical device. "
        'As a file: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<table><tr><th>Method<th>Path<th>What it does</tr>{rows}</table></html>"
    )
