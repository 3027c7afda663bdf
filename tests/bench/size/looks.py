"""Looks at a platform of that size: a box opened and searched, accounts found, a message traced."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.clients import Session, Target
from tests.bench.measures import platform_target
from tests.bench.size import fill
from tests.bench.size.host import HOURS, timed
from tests.bench.size.record import Step
from tests.bench.size.scale import Scale
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

LIST = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"
SHOWN = 50


def milliseconds(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 1)


def box(target: Target) -> dict[str, float]:
    """Open a box for the first time and again, search it for the first time and again."""
    session = Session(target, target.context())
    session.sock.settimeout(HOURS)
    session.login(*target.users[0])
    values = dict[str, float]()
    for name in ("open_first_ms", "open_ms"):
        begun = time.monotonic()
        assert session.select("INBOX")[0] == "OK"
        rows = session.uid("SORT", "(REVERSE ARRIVAL)", "UTF-8", "ALL")[1][0].split()
        session.uid("FETCH", b",".join(rows[:SHOWN]).decode(), LIST)
        values[name] = milliseconds(begun)
    values["messages"] = len(rows)
    for name in ("search_first_ms", "search_ms"):
        begun = time.monotonic()
        while session.uid("SEARCH", "BODY", '"confirmer"')[0] != "OK":
            pass
        values[name] = milliseconds(begun)
    session.logout()
    return values


def largest(site: Site, people: People) -> Account:
    """Copy the box with the longest list of messages for an agent with a password; return the agent."""
    command = "find /srv/mail -mindepth 4 -maxdepth 4 -path '*/Maildir/cur' -printf '%s %h\\n' | sort -n | tail -1"
    folder = site.run("mail1", command, timeout=HOURS).split()[1]
    reader = people.agent()
    home = site.run("mail1", f"doveadm user -f home {reader.uid}").strip()
    site.run("mail1", f"install -d -o vmail -g vmail -m 0700 {home} && cp -al {folder} {home}/Maildir")
    return reader


def looks(site: Site, scale: Scale) -> Iterator[Step]:
    """Measure each on the directory's host, as operators and the desk type it; then a large box by IMAP."""
    rows = fill.whole(scale).agents
    surname, first, school = rows[0][1], rows[0][2], rows[0][3].split()[0]
    accounts = "malleposte accounts"
    commands = {
        "list_all": f"{accounts} list --json",
        "list_school": f"{accounts} list --school {school} --json",
        "list_lists": f"{accounts} lists list --json",
        "find_name": f"{accounts} find '{surname}' '{first}' --json",
    }
    for name, command in commands.items():
        yield name, timed(site, command)[0]
    people = People(site)
    try:
        with TemporaryDirectory() as folder:
            target = platform_target(site, [largest(site, people)], Path(folder))
            yield "largest_box", box(target)
    finally:
        people.clear()
