"""`malleposte accounts …`, as an operator types it: on the directory's host, or on the controller."""

import json
import shlex
import subprocess
import sys
from typing import Any

from malleposte.paths import ROOT

from tests.stack.support.site import Site


class Cli:
    """Runs a command on the directory's host, which is quick; `typed` runs it as the controller does."""

    def __init__(self, site: Site) -> None:
        """Nothing is run yet."""
        self.site = site

    def __call__(self, *words: Any, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command on the host; its exit code, output and complaints."""
        return _run([*self.site.ssh("mail1"), shlex.join(["malleposte", "accounts", *map(str, words)])], given)

    def typed(self, *words: Any, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command of this checkout, which finds its way to the host."""
        argv = [sys.executable, "-m", "malleposte", "accounts", str(words[0]), "-i", str(self.site.inventory)]
        return _run([*argv, *map(str, words[1:])], given, cwd=ROOT, env={"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"})

    def json(self, *words: Any, given: str = "", code: int = 0) -> Any:
        """One command with --json: the document. AssertionError with its complaints on another exit code."""
        return document(self(*words, "--json", given=given), code)


def document(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """What a command printed with --json."""
    assert done.returncode == code, (done.args[-1], done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def _run(argv: list[str], given: str, **where: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=300, **where)
