"""Fill the lab: schools and agents by the import itself, then a box of messages for each."""

import json
import time
from pathlib import Path
from typing import Any

from malleposte.directory.model import State
from malleposte.directory.query import Equal
from malleposte.platform.mailstore import STORE, home_of

from tests.bench.size.scale import BODIES, BOXES, Scale
from tests.stack.support.site import Site
from tests.support import academy

HOURS = 3600.0
FOLDER = "/var/tmp/malleposte-size"
SEED = 35
BASE = STORE / ".size-bodies"
AS_VMAIL = "setpriv --reuid vmail --regid vmail --clear-groups"
WRITE = Path(__file__).with_name("write_boxes.py")


def whole(scale: Scale, more: int = 0) -> academy.Academy:
    """Return the académie of a scale, with so many agents more who come last."""
    return academy.academy(scale.agents + more, scale.schools, SEED)


def put(site: Site, name: str, content: bytes) -> str:
    """Lay a file on the directory's host; return its path."""
    path = f"{FOLDER}/{name}"
    site.run("mail1", f"mkdir -p -m 0700 {FOLDER}; cat > {path}", given=content.decode(), timeout=HOURS)
    return path


def timed(site: Site, command: str) -> tuple[float, Any]:
    """Run a command of which the answer is JSON on the directory's host; return its seconds and the answer."""
    begun = time.monotonic()
    answer = site.run("mail1", f"true; {command}", timeout=HOURS)
    return round(time.monotonic() - begun, 1), json.loads(answer or "null")


def people(site: Site, scale: Scale) -> dict[str, Any]:
    """Import the académie; then the same feed again, and one agent more."""
    full = whole(scale)
    schools, agents = (
        put(site, "schools.csv", academy.schools_file(full)),
        put(site, "agents.csv", academy.agents_file(full)),
    )
    plus = put(site, "plus.csv", academy.agents_file(whole(scale, 1)))
    command = "malleposte accounts import --yes --json"
    schools_seconds, _ = timed(site, f"{command} {schools}")
    first, answer = timed(site, f"{command} {agents}")
    again, _ = timed(site, f"{command} {agents}")
    arrival, _ = timed(site, f"{command} {plus}")
    return {
        "import_schools_seconds": schools_seconds, "import_seconds": first, "imported": answer["done"],
        "import_again_seconds": again, "one_arrival_seconds": arrival,
    }  # fmt: skip


def activate(site: Site) -> list[str]:
    """Make every agent that waits for a first log-in active, without a password; return the uids of all active ones."""
    with site.directory() as bound:
        waiting = [one.dn for one in bound.search("people", ["uid"], Equal("mpState", State.PENDING.value))]
        for dn in waiting:
            bound.modify(dn, {"mpState": [State.ACTIVE.value]})
        active = bound.search("people", ["uid"], Equal("mpState", State.ACTIVE.value))
        return sorted(one.attributes["uid"][0] for one in active)


def boxes(site: Site, scale: Scale, uids: list[str]) -> dict[str, Any]:
    """Write a box for each agent who has none yet."""
    given = {
        "base": str(BASE), "bodies": scale.bodies, "seed": SEED, "sizes": BODIES, "counts": BOXES,
        "homes": [str(home_of(uid)) for uid in uids],
    }  # fmt: skip
    program = put(site, "write_boxes.py", WRITE.read_bytes())
    site.run("mail1", f"chmod 0755 {FOLDER}; chmod 0644 {program}; mkdir -p {BASE}; chown vmail:vmail {BASE}")
    homes = " ".join(sorted({str(home_of(uid).parent) for uid in uids}))
    site.run("mail1", "xargs install -d -o vmail -g vmail -m 0700", given=homes)
    begun = time.monotonic()
    answer: dict[str, Any] = json.loads(
        site.run("mail1", f"{AS_VMAIL} python3 {program}", given=json.dumps(given), timeout=2 * HOURS)
    )
    return answer | {"written_in_seconds": round(time.monotonic() - begun)}
