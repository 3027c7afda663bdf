"""Looks at a platform of that size: a box opened and searched, accounts found, a message traced."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.clients import Session, Target
from tests.bench.measures import platform_target
from tests.bench.size import fill
from tests.bench.size.scale import Scale
from tests.stack.support.mail import FOREIGN
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

LIST = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"
SHOWN = 50


def milliseconds(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 1)


def box(target: Target) -> dict[str, float]:
    """Open a box for the first time and again, search it for the first time and again."""
    session = Session(target, target.context())
    session.sock.settimeout(fill.HOURS)
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


def largest(site: Site, people: People) -> tuple[str, Account]:
    """Lend a box of most messages to an agent with a password; return its place and the agent."""
    command = (
        "find /srv/mail -mindepth 4 -maxdepth 4 -name cur -links -3 -size +200k -printf '%s %h\\n' | sort -n | tail -1"
    )
    folder = site.run("mail1", command, timeout=fill.HOURS).split()[1]
    reader = people.agent()
    home = site.run("mail1", f"doveadm user -f home {reader.uid}").strip()
    site.run("mail1", f"install -d -o vmail -g vmail -m 0700 {home} && cp -al {folder} {home}/Maildir")
    return folder, reader


def looks(site: Site, scale: Scale) -> dict[str, Any]:
    """Measure each on the directory's host, as operators and the desk type it."""
    rows = fill.whole(scale).agents
    surname, first, school = rows[0][1], rows[0][2], rows[0][3].split()[0]
    accounts = "malleposte accounts"
    commands = {
        "list_school": f"{accounts} list --school {school} --json",
        "find_name": f"{accounts} find '{surname}' '{first}' --json",
        "trace_sender": f"malleposte mail trace --from c1@{FOREIGN} --json || true",
        "rule_of_a_corps": f"{accounts} lists members --rule 'corps={rows[0][4]}' --json",
    }
    values: dict[str, Any] = {f"{name}_seconds": fill.timed(site, command)[0] for name, command in commands.items()}
    people = People(site)
    try:
        _folder, reader = largest(site, people)
        with TemporaryDirectory() as folder:
            values["largest_box"] = box(platform_target(site, [reader], Path(folder)))
    finally:
        people.clear()
    return values
