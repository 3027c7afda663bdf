"""Carry the walker to the host it runs on and stream back what it finds.

Code and plan (with the passwords) go in by standard input, so that nothing is installed there and nothing
secret is in an argument list; results come out as JSON lines.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns

from malleposte.core.errors import MallepostError

from .model import Result

LIMIT = 300.0
BOOTSTRAP = """
import importlib.abc, importlib.util, json, sys
bundle = json.loads(sys.stdin.readline())
class Bundle(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def find_spec(self, name, path, target=None):
        if name in bundle:
            package = any(other.startswith(f"{name}.") for other in bundle)
            return importlib.util.spec_from_loader(name, self, is_package=package)
    def get_source(self, name):
        return bundle[name]
sys.meta_path.insert(0, Bundle())
from walker import walk
walk.main(sys.stdin, sys.stdout)
"""


class ShipError(MallepostError):
    """The walker could not be run, or ended early; the text is its last line."""


def bundle() -> dict[str, str]:
    """Module names to sources of the walker package and of dnspython, and of the packages in them."""
    names = {
        path: ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for folder in (Path(__file__).with_name("walker"), Path(dns.__file__).parent)
        for path in folder.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path.read_text("utf-8") for path, name in names.items()}


def command(ssh: list[str] | None) -> list[str]:
    """The command line: on the host behind `ssh` (an argument list up to the host), or here when None."""
    if ssh is None:
        return [sys.executable, "-I", "-c", BOOTSTRAP]
    return [*ssh, f"/usr/bin/python3 -I -c {shlex.quote(BOOTSTRAP)}"]


def run(ssh: list[str] | None, request: dict[str, Any], limit: float = LIMIT) -> Iterator[Result]:
    """Run the walker and yield results as they come; `limit` is in seconds. Raises ShipError."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            command(ssh), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        stop = threading.Timer(limit, process.kill)
        stop.start()
        try:
            yield from results(process, json.dumps(bundle()) + "\n" + json.dumps(request))
            code = process.wait()
        finally:
            stop.cancel()
            process.kill()
            process.wait()
        if code != 0:
            complaints.seek(0)
            lines = complaints.read().strip().splitlines() or [f"ended with status {code}"]
            raise ShipError(f"the walker stopped: {lines[-1]}")


def results(process: subprocess.Popen[str], text: str) -> Iterator[Result]:
    """Feed the process and read its lines; a process that ends early is noticed by its exit status."""
    assert process.stdin and process.stdout
    with process.stdout as stream:
        try:
            process.stdin.write(text)
            process.stdin.close()
        except BrokenPipeError:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            return
        for line in stream:
            yield Result.parse(json.loads(line))
