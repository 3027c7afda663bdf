"""The path `security-updates`: whether every host of the platform gets Debian's security updates, asked over ssh."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from malleposte.fleet import remote, updates
from malleposte.fleet.updates import Updates

from .model import Result, Status

NAME = "security-updates"
SECONDS = 60


def ask(place: remote.Place) -> Updates | str:
    """Return what a host says of its updates, or the reason why it does not."""
    try:
        done = subprocess.run(
            [*place.ssh, shlex.join(["sh", "-c", updates.QUESTION])], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        answer = updates.read(dict(line.partition("=")[::2] for line in done.stdout.splitlines()))
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return str(error)
    return "cannot be reached over ssh" if answer is None else answer


def result(answers: Mapping[str, Updates | str], now: float, ms: int) -> Result:
    """The path from the answers of the hosts; a text is why a host gave none. `now`: seconds since 1970."""
    faults = [
        f"{host}: {fault}"
        for host, answer in answers.items()
        for fault in ([answer] if isinstance(answer, str) else answer.faults(updates.LATE, now))
    ]
    if faults:
        return Result(NAME, Status.FAILED, ms, "; ".join(faults))
    answered = [answer for answer in answers.values() if isinstance(answer, Updates)]
    oldest = max(((now - one.read) / 3600 for one in answered), default=0)
    waits = sum(len(one.waiting) for one in answered)
    detail = f"{len(answered)} hosts, the oldest lists read {oldest:.0f} h ago, {waits or 'none'} waiting"
    return Result(NAME, Status.OK, ms, detail)


def walk(inventory: Path) -> Result:
    """Ask every host of the platform, all at once."""
    places, begun = remote.chosen(remote.listing(inventory), "malleposte"), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip((one.name for one in places), pool.map(ask, places), strict=True))
    return result(answers, time.time(), round((time.monotonic() - begun) * 1000))
