"""A loop over accounts, steps, boxes or hosts: the one that fails is named, and the loop goes on."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from pathlib import PurePath

from malleposte.core.errors import MallepostError


def reason(error: BaseException) -> str:
    """Return why something failed, in one line.

    An error that a person can mend says it in its own words. Any other is a defect: its kind and its place in the code
    follow.
    """
    if isinstance(error, MallepostError | OSError):
        text = str(error) if isinstance(error, MallepostError) else str(error).removeprefix(f"[Errno {error.errno}] ")
        return " ".join(text.split()) or type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return " ".join(f"{type(error).__name__}: {error} ({place})".split())


@contextlib.contextmanager
def named(tell: Callable[[str], object], name: str = "") -> Iterator[None]:
    """Tell the failure of one turn of a loop, in a line that begins with `name`, and let the loop go on.

    Whatever fails is told, a defect too: data that nobody expected stops one account, and not those behind it. An
    interruption by a person ends the loop.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001  # told, with its kind and its place
        tell(f"{name}: {reason(error)}" if name else reason(error))
