"""Progress on standard error: one line a step with the seconds since the start.

`[ 12 s] text` everywhere; no cursor movement, so that a log reads like the screen.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Prints steps of long work. `quiet` keeps it silent (machine-readable output elsewhere)."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since this object was made."""
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        """One line, now."""
        if not self._quiet:
            print(f"[{self.elapsed:3.0f} s] {text}", file=self._stream or sys.stderr, flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Says `text` on entry and, when it took over a second, `text: done` with its time on the way out."""
        begun = time.monotonic()
        self.say(text)
        yield
        took = time.monotonic() - begun
        if took >= 1:
            self.say(f"{text}: done in {duration(took)}")
