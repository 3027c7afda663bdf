"""`malleposte accounts …`, as an operator types it: on the directory's host, or on the controller."""

import json
import shlex
import subprocess
import sys
from typing import Any

from malleposte.paths import ROOT

from tests.stack.support.site import Site

ENVIRONMENT = {"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}


class Cli:
    """Runs a command on the directory's host, which is quick; `typed` runs it as the controller does."""

    def __init__(self, site: Site) -> None:
        """Nothing is run yet."""
        self.site = site

    def __call__(self, *words: Any, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command on the host; its exit code, output and complaints."""
        return _run([*self.site.ssh("mail1"), shlex.join(["malleposte", "accounts", *map(str, words)])], given)

    def argv(self, *words: Any) -> list[str]:
        """How the controller types it, in the checkout."""
        return [sys.executable, "-m", "malleposte", "accounts", *map(str, words), "-i", str(self.site.inventory)]

    def typed[T: (str, bytes)](self, *words: Any, given: T = "") -> subprocess.CompletedProcess[T]:  # type: ignore[assignment]
        """One command of this checkout, which finds its way to the host; its output in bytes where `given` is."""
        return _run(self.argv(*words), given, cwd=ROOT, env=ENVIRONMENT)

    def out(self, *words: Any) -> str:
        """What such a command printed. AssertionError when it fails."""
        done = self.typed(*words)
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *words: Any, given: str = "", code: int = 0) -> Any:
        """One command with --json: the document. AssertionError with its complaints on another exit code."""
        return document(self(*words, "--json", given=given), code)


def document(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """What a command printed with --json."""
    assert done.returncode == code, (done.args[-1], done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def _run[T: (str, bytes)](argv: list[str], given: T, **where: Any) -> subprocess.CompletedProcess[T]:
    text = isinstance(given, str)
    return subprocess.run(argv, input=given, capture_output=True, text=text, check=False, timeout=300, **where)
