"""Styles and pictures, read from the package, which may be one archive."""

from __future__ import annotations

import importlib.resources

from flask import Flask, Response

KINDS = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml", "robots.txt": "text/plain; charset=utf-8"}


def setup_static_files(app: Flask) -> None:
    """Each of them at the root of the site, kept five minutes, and asked for again only when it has changed."""
    folder = importlib.resources.files("malleposte_portal").joinpath("static")
    contents = {name: folder.joinpath(name).read_bytes() for name in KINDS}

    @app.get(f"/<any({', '.join(map(repr, KINDS))}):name>")
    def static_file(name: str) -> Response:
        response = Response(contents[name], content_type=KINDS[name])
        response.headers["Cache-Control"] = "public, max-age=300"
        response.add_etag()
        return response
