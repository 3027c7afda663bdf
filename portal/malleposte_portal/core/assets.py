"""The large files that pages use (design system, widgets, pictures), from one archive; kept for ever under a name.

The archive is made on the controller (`plugins/plugin_utils/portal_assets.py`) and lies beside the package on a host.
"""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, Response, abort, request

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
PACKED = (".css", ".js", ".svg", ".txt")
"""Kinds that are sent compressed; a font and a picture are compressed in themselves."""
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Assets:
    """The files by name, with a digest of them all, which is part of their addresses."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    digest: str = "none"

    @classmethod
    def read(cls, path: Path) -> Assets:
        """Raises OSError, zipfile.BadZipFile."""
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist() if Path(name).suffix in KINDS}
        return cls(files, hashlib.sha256(content).hexdigest()[:16])

    def address(self, name: str) -> str:
        """The path of a file on the site."""
        return f"/assets/{self.digest}/{name}"


def setup_assets(app: Flask, assets: Assets) -> None:
    """Serve them; templates have `asset(name)`."""
    packed = {name: gzip.compress(data, 9, mtime=0) for name, data in assets.files.items() if name.endswith(PACKED)}
    app.extensions["assets"] = assets
    app.jinja_env.globals["asset"] = assets.address

    @app.get("/assets/<digest>/<path:name>")
    def asset(digest: str, name: str) -> Response:
        if name not in assets.files:
            abort(404)
        small = name in packed and request.accept_encodings["gzip"] > 0
        content = packed[name] if small else assets.files[name]
        response = Response(content, content_type=KINDS[Path(name).suffix])
        # A page that was open during a deploy asks by the digest of before.
        response.headers["Cache-Control"] = FOR_EVER if digest == assets.digest else "no-store"
        if name in packed:
            response.headers["Vary"] = "Accept-Encoding"
        if small:
            response.headers["Content-Encoding"] = "gzip"
        return response
