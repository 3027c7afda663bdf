"""`malleposte` on a host without its start: one Python there has loaded it, and each command is a fork of that.

Python, its imports and a log-in by ssh take ten times the processor that most commands take. A command is the same code
with the same words, input and exit code; that the installed program starts is for the tests that type it in a shell.
A test's own lines that import the platform's modules run in such a fork too.
"""

import base64
import contextlib
import json
import shlex
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, Protocol

PROGRAM = """
import base64, gc, importlib, io, json, os, pkgutil, sys, traceback

ARCHIVE = "/usr/lib/malleposte/malleposte.pyz"
held = os.open(ARCHIVE, os.O_RDONLY | os.O_CLOEXEC)
sys.path.insert(0, f"/proc/self/fd/{held}")
from malleposte import cli, commands

for one in pkgutil.walk_packages(commands.__path__, "malleposte.commands."):
    importlib.import_module(one.name)
importlib.import_module("malleposte.accountd.client")
try:
    importlib.import_module("malleposte.accountd.call").load()
except ImportError:  # a host without accountd has not all packages
    pass
gc.freeze()


def current():
    mine, there = os.fstat(held), os.stat(ARCHIVE)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def say(**words):
    sys.stdout.write(json.dumps(words) + "\\n")
    sys.stdout.flush()


def child(files, words, code):
    for number, file in enumerate(files):
        os.dup2(file, number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(number, mode, closefd=False), encoding="utf-8", write_through=number > 0)
        for number, mode in enumerate(("rb", "wb", "wb"))
    )
    sys.argv = ["malleposte", *words]
    status = 70
    try:
        if code:
            exec(compile(code, "lines of a test", "exec"), {"__name__": "__main__"})
            status = 0
        else:
            status = cli.main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


for line in sys.stdin:
    asked = json.loads(line)
    if not current():
        say(stale=True)
        break
    say(begun=True)
    files = [os.memfd_create(name) for name in ("input", "output", "complaints")]
    os.write(files[0], base64.b64decode(asked["given"]))
    os.lseek(files[0], 0, os.SEEK_SET)
    pid = os.fork()
    if not pid:
        child(files, asked["words"], asked["code"])
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = []
    for file in files:
        os.lseek(file, 0, os.SEEK_SET)
        with open(file, "rb") as stream:
            texts.append(base64.b64encode(stream.read()).decode())
    say(code=code, output=texts[1], complaints=texts[2])
"""


class Hosts(Protocol):
    """The way to a host."""

    def ssh(self, host: str) -> list[str]:
        """Return the ssh words up to the host."""


class _Python:
    """One Python on a host, for one command at a time."""

    def __init__(self, ssh: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*ssh, shlex.join(["python3", "-I", "-B", "-c", PROGRAM])], stdin=pipe, stdout=pipe, text=True, bufsize=1
        )

    def run(
        self, words: Sequence[str], code: str, given: str, timeout: float
    ) -> subprocess.CompletedProcess[str] | None:
        """Return the end of a command; None if it did not begin, because the program on the host is another now."""
        asked = {"words": list(words), "code": code, "given": base64.b64encode(given.encode()).decode()}
        ended = threading.Timer(timeout, self.process.kill)
        ended.start()
        try:
            if not self._ask(asked).get("begun"):
                return None
            answer = self._answer()
        finally:
            ended.cancel()
        if not answer:
            self.close()
            raise AssertionError(
                f"malleposte {shlex.join(words)[:200]}: no end in {timeout:.0f} s, or its host is gone"
            )
        output, complaints = (base64.b64decode(answer[name]).decode() for name in ("output", "complaints"))
        return subprocess.CompletedProcess(["malleposte", *words], answer["code"], output, complaints)

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
        except OSError:
            return {}
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line.endswith("\n") else {}
        return answer

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


class Commands:
    """Commands on hosts; several at once have a Python each."""

    def __init__(self, hosts: Hosts) -> None:
        """Nothing is started yet."""
        self._hosts = hosts
        self._free: dict[str, list[_Python]] = {}
        self._lock = threading.Lock()

    def run(
        self, host: str, words: Sequence[str], given: str = "", timeout: float = 300, *, code: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Return exit code, output and complaints of `malleposte WORD...` on a host, or of lines of Python there.

        Raises AssertionError where it does not end in `timeout` seconds.
        """
        while True:
            with self._lock:
                free = self._free.setdefault(host, [])
                fresh = not free
                python = _Python(self._hosts.ssh(host)) if fresh else free.pop()
            done = python.run(words, code, given, timeout)
            if done is not None:
                with self._lock:
                    self._free[host].append(python)
                return done
            python.close()
            if fresh:
                raise AssertionError(f"{host}: malleposte does not start there")

    def close(self) -> None:
        """End every Python."""
        with self._lock, contextlib.ExitStack() as stack:
            for python in (one for free in self._free.values() for one in free):
                stack.callback(python.close)
            self._free.clear()
