"""`malleposte accounts …`, as an operator types it: on the directory's host, or on the controller."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from malleposte.core.paths import ROOT

from tests.stack.support import typed_secrets
from tests.stack.support.site import Site

BUSY = "another command changes accounts at this moment"
"""The message of a command that changed nothing because another, of a test beside this one, is at work."""
PATIENCE = 180
ENVIRONMENT = {"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}


class Cli:
    """Runs a command on the directory's host, which is quick; `typed` runs it as the controller does."""

    def __init__(self, site: Site) -> None:
        """Nothing is run yet."""
        self.site = site

    def __call__(self, *words: Any, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command on the host; its exit code, output and complaints."""
        host = self.site.host_of("directory")
        words = ("accounts", *map(str, words))
        return _patient(lambda: self.site.commands.run(host, words, given))

    def argv(self, *words: Any, group: str = "accounts") -> list[str]:
        """The command as typed on the controller, in the checkout."""
        return [sys.executable, "-m", "malleposte", group, *map(str, words), "-i", str(self.site.inventory)]

    def typed[T: (str, bytes)](
        self,
        *words: Any,
        given: T = "",  # type: ignore[assignment]
        group: str = "accounts",
        timeout: float = 300.0,
    ) -> subprocess.CompletedProcess[T]:
        """One command of this checkout, which finds its way to the host; its output in bytes where `given` is."""
        argv, text = self.argv(*words, group=group), isinstance(given, str)
        how: dict[str, Any] = {"cwd": ROOT, "env": ENVIRONMENT, "timeout": timeout, "text": text}
        return _patient(lambda: subprocess.run(argv, input=given, capture_output=True, check=False, **how))

    def out(self, *words: Any) -> str:
        """Return the output of a command on the host. AssertionError when it fails."""
        done = self(*words)
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *words: Any, given: str = "", code: int = 0) -> Any:
        """One command with --json: the document. AssertionError with its complaints on another exit code."""
        return document(self(*words, "--json", given=given), code)


def start(site: Site, unit: str) -> None:
    """Start a oneshot service that changes accounts, as its timer does, as soon as no command is at work."""
    tries = f"for _ in $(seq {PATIENCE}); do systemctl start {unit} && exit; sleep 1; done; exit 1"
    site.run(site.host_of("directory"), tries, timeout=PATIENCE * 2)


def document(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """Return the output of a command with --json."""
    assert done.returncode == code, (done.args[-1], done.returncode, done.stdout, done.stderr)
    found = json.loads(done.stdout)
    typed_secrets.document(found)
    return found


def _patient[T: (str, bytes)](run: Callable[[], subprocess.CompletedProcess[T]]) -> subprocess.CompletedProcess[T]:
    end = time.monotonic() + PATIENCE
    while True:
        done = run()
        if BUSY not in str(done.stderr) or time.monotonic() > end:
            return done
        time.sleep(0.2)
