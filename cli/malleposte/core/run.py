"""Runs other programs: output streamed or kept in a log, failure as one line with the log's name."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT, shown

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_HALF_ANSI = re.compile(r"\x1b(\[[0-9;?]*)?$")
_NOISE_BEGINS = "[WARNING]: Collection at "
_NOISE = re.compile(r"\[WARNING\]: Collection at '[^']*/_protomatter' does not have a MANIFEST\.json file")
"""Ansible's own inner collection, which mitogen makes it look at: nothing that a person could mend."""
_CAUSE = re.compile(r"^\[?(?:E:|ERROR|error|fatal|FATAL|Error)\b.*|^E: .*")


def plain(line: str) -> str:
    """The line as a person sees it in the end: no colours, and what a carriage return overwrote left out."""
    return _ANSI.sub("", line).rstrip().rpartition("\r")[2]


@dataclass(frozen=True)
class Finished:
    """A program that ended: its exit code and the last lines it printed (colours removed)."""

    code: int
    tail: tuple[str, ...]

    @property
    def cause(self) -> str:
        """The line that most likely says why: the last that begins like an error, else the last of all."""
        for line in reversed(self.tail):
            if _CAUSE.match(line):
                return line
        return self.tail[-1] if self.tail else "it printed nothing"


class Screen:
    """Passes text on as it comes, less the one warning that says nothing; `log` files keep it."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._unfinished = ""

    def write(self, text: str) -> None:
        """Whole lines at once; an unfinished one too, unless it may become the warning."""
        *lines, rest = (self._unfinished + text).split("\n")
        shown = "".join(f"{line}\n" for line in lines if not _NOISE.match(plain(line)))
        begun = _HALF_ANSI.sub("", _ANSI.sub("", rest)).rpartition("\r")[2]
        hold = bool(rest) and (begun.startswith(_NOISE_BEGINS) or _NOISE_BEGINS.startswith(begun))
        self._unfinished = rest if hold else ""
        self._target.write(shown + ("" if hold else rest))
        self._target.flush()

    def end(self) -> None:
        """Write the output that was held back."""
        self._target.write(self._unfinished)
        self._target.flush()


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program of the virtual environment, started by the launcher or not."""
    env = dict(os.environ)
    bin_dir = str(ROOT / ".venv" / "bin")
    if not env.get("PATH", "").startswith(bin_dir):
        env["PATH"] = f"{bin_dir}:{env.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}"
    env["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    env.setdefault("LC_ALL", "C.UTF-8")
    env.update(extra or {})
    return env


def stream(
    command: Sequence[str],
    log: Path,
    *,
    copy: TextIO | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    keep: int = 200,
    begun: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> Finished:
    """Runs `command`, its output appended to `log` and, as it comes, written to `copy`.

    Standard input is the caller's, so that a program may ask. `keep` is the number of last lines returned. `begun` is
    told of the process once it runs, for whoever may have to end it from elsewhere.
    Raises MallepostError when the program cannot be started. The child is ended if this is interrupted.
    """
    tail: list[str] = []
    screen = Screen(copy) if copy is not None else None
    # A program's output may hold more than others should read.
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        out.write(f"$ {shlex.join(command)}\n".encode())
        out.flush()
        try:
            child = subprocess.Popen(
                list(command), cwd=cwd, env=environment(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise MallepostError(f"cannot start {command[0]}: {error.strerror}") from error
        with child:
            begun(child)
            assert child.stdout is not None
            rest = ""
            try:
                while chunk := os.read(child.stdout.fileno(), 65536):
                    out.write(chunk)
                    out.flush()
                    text = chunk.decode("utf-8", "replace")
                    if screen is not None:
                        screen.write(text)
                    *lines, rest = (rest + text).split("\n")
                    tail += [clean for line in lines if (clean := plain(line))]
                    del tail[:-keep]
            except BaseException:
                child.terminate()
                raise
            finally:
                if screen is not None:
                    screen.end()
        if last := plain(rest):
            tail.append(last)
        return Finished(child.returncode, tuple(tail))


def check(command: Sequence[str], log: Path, what: str, *, env: Mapping[str, str] | None = None) -> Finished:
    """Like `stream`, silent; raises MallepostError with the cause and the log's name on a non-zero exit."""
    done = stream(command, log, env=env)
    if done.code != 0:
        raise MallepostError(f"{what} failed: {done.cause}", f"details in {shown(log)}")
    return done
