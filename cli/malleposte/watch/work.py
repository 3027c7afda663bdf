"""Work of the controller on hosts, whose alarms are silent meanwhile. Each host keeps its note (`silence`)."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from malleposte.fleet import remote
from malleposte.fleet.site import PLATFORM, Site

PATIENCE = 60.0
"""Seconds for a host to take a note."""
LONGEST = 60
"""Minutes that a deploy of hosts may take; beyond, their alarms ring."""
AFTER = 2
"""Minutes for which the silence goes on after the work: what starts has started by then."""
Ask = Callable[[remote.Place, Sequence[str]], subprocess.CompletedProcess[str]]


def ask(place: remote.Place, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `malleposte` with these words on a host. Raises OSError, subprocess.TimeoutExpired."""
    return subprocess.run(
        place.argv(words), capture_output=True, text=True, check=False, timeout=PATIENCE, stdin=subprocess.DEVNULL
    )


def note(place: remote.Place, minutes: int, reason: str, ask: Ask = ask) -> str:
    """Have a host silence its alarms; the reason why it did not.

    None where it is not reached, which the work itself says, and where it has no alarms yet (a new host, or one of an
    earlier release).
    """
    try:
        done = ask(place, ["status", "--silence", str(minutes), "--reason", reason])
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{place.name}: its alarms are not silenced: {error}"
    if done.returncode in (0, 2, 127, remote.SSH_FAILED):
        return ""
    return f"{place.name}: its alarms are not silenced: {done.stderr.strip()[-200:] or done.returncode}"


@contextlib.contextmanager
def silenced(
    inventory: Path, reason: str, say: Callable[[str], object], limit: str | None = None, ask: Ask = ask
) -> Iterator[None]:
    """Silence the platform's hosts, or those of a pattern, while a piece of work goes on."""
    within = Site(inventory).matching(limit) if limit else None
    places = [one for one in remote.places(inventory, PLATFORM) if within is None or one.name in within]

    def tell(minutes: int) -> None:
        with ThreadPoolExecutor(max_workers=8) as pool:
            for line in filter(None, pool.map(lambda place: note(place, minutes, reason, ask), places)):
                say(line)

    tell(LONGEST)
    try:
        yield
    finally:
        tell(AFTER)
