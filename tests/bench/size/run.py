"""Fill the lab and measure, part by part: each part's values are printed as it ends."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from malleposte.platform.mailstore import home_of

from tests.bench.figures import Figure
from tests.bench.size import fill, jobs, looks, sessions
from tests.bench.size.scale import ACADEMY, SMALL, Scale
from tests.stack.support.site import Site

RESTORED = 3
BACKUP = "malleposte backup run --json"
GROW = """
import os, pathlib, sys, time
os.umask(0o077)
for home in sys.stdin.read().split():
    text = f"From: c1@lointain.test\\nSubject: Nouveau\\nMessage-ID: <{home}@lointain.test>\\n\\n" + home * 40
    name = f"{int(time.time())}.M1P2.size,S={len(text)}"
    (pathlib.Path(home) / "Maildir" / "new" / name).write_text(text)
"""
"""One more message in each box: about one in a hundred is new."""


def backups(site: Site) -> dict[str, Any]:
    """Back up everything, then with nothing new, then with one message more in each box; the size of a repository."""
    values: dict[str, Any] = {}
    values["first_seconds"], _ = fill.timed(site, BACKUP)
    values["nothing_new_seconds"], _ = fill.timed(site, BACKUP)
    program = fill.put(site, "grow.py", GROW.encode())
    homes = "\n".join(str(home_of(uid)) for uid in fill.activate(site))
    site.run("mail1", f"{fill.AS_VMAIL} python3 {program}", given=homes, timeout=fill.HOURS)
    values["one_in_a_hundred_new_seconds"], _ = fill.timed(site, BACKUP)
    values["repositories_gb"] = round(
        int(site.run("vault1", "du -sk /srv/borg", timeout=fill.HOURS).split()[0]) / 1048576, 2
    )
    return values


def restores(site: Site) -> dict[str, Any]:
    """Bring a few boxes back into place, one after the other."""
    command = "malleposte backup restore mailbox {} --json"
    uids = sorted(fill.activate(site))[:RESTORED]
    seconds = []
    for uid in uids:
        site.run("mail1", f"rm -rf {home_of(uid)}/Maildir")
        seconds.append(fill.timed(site, command.format(uid))[0])
    return {"box_seconds": seconds}


def measured(site: Site, scale: Scale) -> dict[str, Any]:
    """Run every part in turn."""
    uids: list[str] = []

    def boxes() -> dict[str, Any]:
        uids.extend(fill.activate(site))
        return fill.boxes(site, scale, uids)

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "people": lambda: fill.people(site, scale),
        "boxes": boxes,
        "looks": lambda: looks.looks(site, scale),
        "jobs": lambda: jobs.jobs(site),
        "backup": lambda: backups(site),
        "restore": lambda: restores(site),
        "sessions": lambda: sessions.sessions(site, scale),
    }
    values = {}
    for name, part in parts.items():
        begun = time.monotonic()
        values[name] = part()
        print(f"{name} ({time.monotonic() - begun:.0f} s): {json.dumps(values[name])}", file=sys.stderr, flush=True)
    return values


def size(site: Site) -> Figure:
    """Measure at the size of an académie. The lab stays filled: `lab restore` brings back what was there."""
    return _figure(site, "size", ACADEMY)


def size_small(site: Site) -> Figure:
    """Measure the same at a fiftieth."""
    return _figure(site, "size-small", SMALL)


def _figure(site: Site, name: str, scale: Scale) -> Figure:
    notes = f"{scale.agents} agents, {scale.schools} schools; messages are hard links to {scale.bodies} distinct bodies"
    return Figure(name, measured(site, scale), notes)
