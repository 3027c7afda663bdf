"""Fill the lab: schools and agents by the import itself, then a box of messages for each."""

import json
from collections.abc import Iterator
from pathlib import Path

from malleposte.directory.model import RECEIVES
from malleposte.directory.query import AnyOf, Equal
from malleposte.platform.mailstore import home_of

from tests.bench.size.host import HOURS, costs, put, timed
from tests.bench.size.record import Step
from tests.bench.size.scale import BODIES, BOXES, Scale
from tests.stack.support.site import Site
from tests.support import academy

SEED = 35
BASE = Path("/var/tmp/.size-bodies")
"""On the file system of the boxes, whose messages are links to it, and in no backup."""
AS_VMAIL = "setpriv --reuid vmail --regid vmail --clear-groups"
ACTIVATE = """
from malleposte.accounts import here
from malleposte.accounts.settings import Settings
from malleposte.directory.query import Equal
with here.tools(Settings.read()) as tools:
    waiting = [one.dn for one in tools.directory.search("people", ["uid"], Equal("mpState", "pending"))]
    for dn in waiting:
        tools.directory.modify(dn, {"mpState": ["active"]})
print(len(waiting))
"""
WRITE = Path(__file__).with_name("write_boxes.py")


def whole(scale: Scale, more: int = 0) -> academy.Academy:
    """Return the académie of a scale, with so many agents more who come last."""
    return academy.academy(scale.agents + more, scale.schools, SEED)


def people(site: Site, scale: Scale) -> Iterator[Step]:
    """Import the académie; then the same feed again, and one agent more."""
    full = whole(scale)
    schools, agents = (
        put(site, "schools.csv", academy.schools_file(full)),
        put(site, "agents.csv", academy.agents_file(full)),
    )
    plus = put(site, "plus.csv", academy.agents_file(whole(scale, 1)))
    command = "malleposte accounts import --yes --json"
    yield "import_schools", timed(site, f"{command} {schools}")[0]
    values, answer = timed(site, f"{command} {agents}")
    yield "import", values | {"agents": answer["done"]}
    yield "import_again", timed(site, f"{command} {agents}")[0]
    yield "one_arrival", timed(site, f"{command} {plus}")[0]


def activate(site: Site) -> Iterator[Step]:
    """Make every agent that waits for a first log-in active, without a password."""
    with costs(site) as values:
        count = json.loads(site.run_python("mail1", ACTIVATE, timeout=HOURS))
    yield "activated", values | {"agents": count}


def agents(site: Site) -> list[str]:
    """Return the uids of all agents to whom mail is delivered."""
    states = AnyOf(tuple(Equal("mpState", state.value) for state in sorted(RECEIVES)))
    with site.directory() as bound:
        return sorted(one.attributes["uid"][0] for one in bound.search("people", ["uid"], states))


def boxes(site: Site, scale: Scale) -> Iterator[Step]:
    """Write a box for each agent who has none yet."""
    uids = agents(site)
    homes = [str(home_of(uid)) for uid in uids]
    given = {
        "base": str(BASE), "bodies": scale.bodies, "seed": SEED, "sizes": BODIES, "counts": BOXES,
        "homes": homes,
    }  # fmt: skip
    program = put(site, "write_boxes.py", WRITE.read_bytes())
    site.run("mail1", f"mkdir -p {BASE}; chown vmail:vmail {BASE}")
    folders = "\n".join(sorted({str(home_of(uid).parent) for uid in uids} | {*homes}))
    site.run("mail1", "xargs install -d -o vmail -g vmail -m 0700", given=folders, timeout=HOURS)
    with costs(site) as values:
        answer = site.run("mail1", f"{AS_VMAIL} python3 {program}", given=json.dumps(given), timeout=2 * HOURS)
    yield "written", values | json.loads(answer)
