"""Run the portal by gunicorn, on the socket that systemd gives it (role portal).

Usage: portal WORKERS THREADS

The application is loaded before the workers are forked: a deploy may replace this archive while they run.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Any

FOREVER = {"preload_app": True, "worker_class": "gthread", "worker_tmp_dir": "/dev/shm", "proc_name": "portal"}  # noqa: S108


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 2 or not all(word.isdigit() and int(word) for word in words):
        print("usage: portal WORKERS THREADS", file=sys.stderr)
        return 2
    from gunicorn.app.base import BaseApplication

    class Portal(BaseApplication):  # type: ignore[misc]
        """gunicorn's documentation, "Custom Application"."""

        def load_config(self) -> None:
            """Take our own settings, and none from the environment or a file."""
            for name, value in {**FOREVER, "workers": int(words[0]), "threads": int(words[1])}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            """Make the application, which the workers share: their collections of garbage leave its memory alone."""
            application = importlib.import_module("malleposte_portal").create_app()
            gc.collect()
            gc.freeze()
            return application

    Portal().run()
    return 0
