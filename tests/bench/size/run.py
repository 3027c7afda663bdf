"""Fill the lab and measure, part by part; each value is printed and kept as it is measured."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.mailstore import STORE, bucket, home_of

from tests.bench.deploys import deploy_seconds
from tests.bench.figures import Figure
from tests.bench.size import fill, groupware, jobs, looks, sessions, traces
from tests.bench.size.host import HOURS, costs, put, timed
from tests.bench.size.record import FOLDER, Record, Step
from tests.bench.size.scale import ACADEMY, SMALL, Scale
from tests.stack.support.site import Site

SCALES = {"size": ACADEMY, "size-small": SMALL}
RESTORED = 3
SIXTEENTH = "--source mail-00-0f --vault vault1"
NO_MAIL = ("system", "ldap", "ldap-config", "postgresql-roundcube", "postgresql-sogo")
"""Sources of backups of the host but those of its mail."""
BACKED_UP = ("mail1", "vault1", "vault2")
GROW = """
import os, pathlib, sys, time
os.umask(0o077)
for home in sys.stdin.read().split():
    text = f"From: c1@lointain.test\\nSubject: Nouveau\\nMessage-ID: <{home}@lointain.test>\\n\\n" + home * 40
    name = f"{int(time.time())}.M1P2.size,S={len(text)}"
    (pathlib.Path(home) / "Maildir" / "new" / name).write_text(text)
"""
"""One more message in each box: about one in a hundred is new."""


def backups(site: Site, chosen: str, uids: Sequence[str]) -> Iterator[Step]:
    """Back up what is chosen, then with nothing new, then with one message more in each box of these agents."""
    command = f"malleposte backup run --json {chosen}"
    yield "first", timed(site, command, *BACKED_UP)[0] | {"boxes": len(uids)}
    yield "nothing_new", timed(site, command, *BACKED_UP)[0]
    program = put(site, "grow.py", GROW.encode())
    homes = "\n".join(str(home_of(uid)) for uid in uids)
    site.run("mail1", f"{fill.AS_VMAIL} python3 {program}", given=homes, timeout=HOURS)
    yield "one_in_a_hundred_new", timed(site, command, *BACKED_UP)[0]
    yield "repository_mib", int(site.run("vault1", "du -sm /srv/borg", timeout=HOURS).split()[0])


def sixteenth(site: Site) -> list[str]:
    """Return the agents whose boxes are in the first of the sixteen sources of mail."""
    return [uid for uid in fill.agents(site) if bucket(uid) < "10"]


def restores(site: Site) -> Iterator[Step]:
    """Bring a few lost boxes back into place, one after the other."""
    for number, uid in enumerate(sixteenth(site)[:RESTORED]):
        site.run("mail1", f"rm -rf {home_of(uid)}/Maildir")
        values, answer = timed(site, f"malleposte backup restore mailbox {uid} --json", *BACKED_UP)
        yield f"box_{number}", values | {"messages": answer.get("counts", answer).get("messages")}


def restore_all(site: Site) -> Iterator[Step]:
    """Archive what is no mail, lose the boxes of the sixteenth, and restore everything that has an archive.

    The other boxes stay where they are: a vault with all of them has no room beside them on the disk of a lab.
    """
    sources = " ".join(f"--source {name}" for name in NO_MAIL)
    yield "archived_without_mail", timed(site, f"malleposte backup run --json --vault vault1 {sources}", *BACKED_UP)[0]
    site.run("mail1", f"rm -rf {STORE}/0?", timeout=HOURS)
    command = "malleposte backup restore --all --yes --vault vault1 --json"
    values, answer = timed(site, command, *BACKED_UP)
    yield "restored", values | {"counts": answer["counts"]}


def deploy(site: Site) -> Iterator[Step]:
    """Deploy the converged lab again."""
    with costs(site, *(spec.name for spec in site.lab.inventory.hosts)) as values:
        _seconds, changed = deploy_seconds(site.lab, linear=False)
    yield "no_change", values | {"changed": changed}


def parts(site: Site, scale: Scale) -> dict[str, Callable[[], Iterable[Step]]]:
    """Return what is measured, in the order of its worth; the first six fill the lab."""
    return {
        "people": lambda: fill.people(site, scale),
        "activate": lambda: fill.activate(site),
        "lists": lambda: groupware.lists(site, scale),
        "agendas": lambda: groupware.agendas(site),
        "boxes": lambda: fill.boxes(site, scale),
        "traces": lambda: traces.traces(site),
        "looks": lambda: looks.looks(site, scale),
        "jobs": lambda: jobs.jobs(site),
        "backup-sixteenth": lambda: backups(site, SIXTEENTH, sixteenth(site)),
        "restore": lambda: restores(site),
        "restore-all": lambda: restore_all(site),
        "sessions": lambda: sessions.sessions(site, scale),
        "deploy": lambda: deploy(site),
        "backup": lambda: backups(site, "", fill.agents(site)),
    }


def size(site: Site, name: str, some: Sequence[str] = ()) -> Figure:
    """Measure every part, or some, in turn. The lab stays filled: `lab restore` brings back what was there.

    Raises MallepostError at the end where a part failed.
    """
    scale = SCALES[name]
    known = parts(site, scale)
    if unknown := set(some) - known.keys():
        raise InputError(f"{name}: no part {', '.join(sorted(unknown))}", f"known are {', '.join(known)}")
    record = Record(FOLDER / name)
    for part in some or known:
        record.measure(part, known[part]())
    if record.faults:
        raise MallepostError(f"{name}: {'; '.join(record.faults)}", f"the other values are in {record.folder}")
    notes = f"{scale.agents} agents, {scale.schools} schools; messages are hard links to {scale.bodies} distinct bodies"
    return Figure(name, dict[str, Any](record.values), notes)
