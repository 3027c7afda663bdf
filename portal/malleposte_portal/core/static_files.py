"""Styles, pictures and scripts, read from the package, which may be one archive."""

from __future__ import annotations

import importlib.resources

from flask import Flask, Response

FOLDER = importlib.resources.files("malleposte_portal").joinpath("static")
SCRIPT = "text/javascript; charset=utf-8"
KINDS = {
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "robots.txt": "text/plain; charset=utf-8",
    "strength.js": SCRIPT,
    "rules.js": SCRIPT,
    "verdict.js": SCRIPT,
    "guess.js": SCRIPT,
    "human.js": SCRIPT,
    "once.js": SCRIPT,
    "copy.js": SCRIPT,
}


def setup_static_files(app: Flask) -> None:
    """Each of them at the root of the site, kept five minutes, and asked for again only when it has changed."""
    contents = {name: FOLDER.joinpath(name).read_bytes() for name in KINDS}

    @app.get(f"/<any({', '.join(map(repr, KINDS))}):name>")
    def static_file(name: str) -> Response:
        response = Response(contents[name], content_type=KINDS[name])
        response.headers["Cache-Control"] = "public, max-age=300"
        response.add_etag()
        return response
