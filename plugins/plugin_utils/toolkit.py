# SPDX-License-Identifier: GPL-3.0-or-later
"""One file that holds the command line's Python for a host, or a daemon's: the same bytes from the same sources."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "cli" / "malleposte"
PARTS = (
    *("__init__.py", "cli.py", "errors.py", "paths.py", "progress.py", "remote.py", "run.py", "zstd.py"),
    *("commands/__init__.py", "commands/accounts", "commands/backup.py", "commands/backup_restore.py"),
    *("commands/backup_words.py", "commands/password.py", "commands/vault.py"),
    *("accountd/__init__.py", "accountd/client.py", "accountd/wire.py", "accounts", "backup", "directory", "lists"),
    "policy",
)
"""Modules and subpackages that work on a host; the rest is the controller's. Links are followed."""
DAEMONS = {
    "accountd": (
        "accountd.server",
        ("__init__.py", "errors.py", "paths.py", "remote.py", "run.py", "zstd.py", "accountd", "accounts", "directory",
         "policy"),
    ),
    "authpolicy": (
        "accounts.authpolicy",
        ("__init__.py", "accounts/__init__.py", "accounts/authpolicy.py", "accounts/throttle.py"),
    ),
    "lists": ("lists.daemon", ("__init__.py", "errors.py", "directory", "lists")),
}  # fmt: skip
"""Daemons that have a file of their own: the module that they begin in, and the parts."""
MAIN = "import sys\n\nfrom malleposte.{module} import main\n\nsys.exit(main())\n"
EPOCH = (1980, 1, 1, 0, 0, 0)


def sources(package: Path = PACKAGE, daemon: str = "") -> Iterator[tuple[str, bytes]]:
    """Names in the archive and their content, in a fixed order: of the command line, or of a daemon."""
    module, parts = DAEMONS[daemon] if daemon else ("cli", PARTS)
    yield "__main__.py", MAIN.format(module=module).encode()
    for part in parts:
        path = package / part
        for found in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield f"malleposte/{found.relative_to(package).as_posix()}", found.read_bytes()


def build(package: Path = PACKAGE, daemon: str = "") -> bytes:
    """The archive, as python3 runs it. Stored, not compressed: its bytes hang on no version of zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sources(package, daemon):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
