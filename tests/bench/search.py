"""Opening and searching a box of 50,000 messages, over IMAP as both webmails do it, beside Debian's Dovecot."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import stock
from tests.bench.clients import Session, Target
from tests.bench.figures import Figure
from tests.bench.measures import platform_target
from tests.stack.support.people import People
from tests.stack.support.site import Site

MESSAGES = 50_000
HOURS = 3600.0
LIST = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"
SHOWN = 50
"""Messages of a page of the list."""
HEADER = '(OR SUBJECT "budget" FROM "budget")'
BODY = 'BODY "trimestriel"'
WRITE = """
import os, pwd, random, sys
user, place, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
owner, random = pwd.getpwnam(user), random.Random(1)
words = ("reunion conseil classe eleve parent note cours salle horaire sortie projet bilan stage concours examen "
         "lettre rapport dossier service demande reponse planning budget".split())
def message(number):
    subject = "Budget" if number % 500 == 0 else random.choice(words[:-1])
    body = "\\n".join(" ".join(random.choices(words[:-1], k=9)) for _ in range(24))
    body += "\\nBilan trimestriel" if number % 1000 == 0 else ""
    return (f"From: Collegue {number % 300} <c{number % 300}@lointain.test>\\nTo: moi@ac-exemple.test\\n"
            f"Subject: {subject} {number}\\nDate: Mon, 05 Jan 2026 08:00:00 +0100\\n"
            f"Message-ID: <{number}@lointain.test>\\n\\n{body}\\n")
if place.endswith("/Maildir"):
    for part in ("cur", "new", "tmp"):
        os.makedirs(f"{place}/{part}", exist_ok=True)
    for number in range(count):
        with open(f"{place}/cur/{1700000000 + number}.M{number}P1.bench:2,S", "w") as file:
            file.write(message(number))
    os.system(f"chown -R {owner.pw_uid}:{owner.pw_gid} {os.path.dirname(place)}")
else:
    with open(place, "w") as file:
        for number in range(count):
            file.write(f"From c@lointain.test Mon Jan  5 08:00:00 2026\\n{message(number)}\\n")
    os.chown(place, owner.pw_uid, owner.pw_gid)
"""
"""A box, as the one or the other stores mail. Its body finds one message in a thousand, its header one in 500."""


def search(site: Site) -> Figure:
    """Both hosts hold the same messages; the ratio is Debian's time to ours."""
    people = People(site)
    reader = people.agent()
    home = site.run("mail1", f"doveadm user -f home {reader.uid}").strip()
    try:
        with TemporaryDirectory() as folder:
            site.run("mail1", f"python3 - vmail {home}/Maildir {MESSAGES}", given=WRITE, timeout=HOURS)
            ours = measured(platform_target(site, [reader], Path(folder)))
            index = (
                f"du -sm {home} | cut -f1; find {home} -path '*fts-flatcurve*' -type f -exec du -ck {{}} + | tail -1"
            )
            whole, fts = (line.split()[0] for line in site.run("mail1", index).splitlines())
    finally:
        site.run("mail1", f"rm -rf {home}", timeout=HOURS)
        people.clear()
    with stock.host(site, 1) as (lab, target, _addresses):
        user = target.users[0][0]
        words = f"cat >/root/write.py && python3 /root/write.py {user} /var/mail/{user} {MESSAGES}"
        lab.run([*lab.ssh_command(stock.NAME), words], stdin=WRITE)
        debian = measured(target)
    return Figure(
        "search-50000",
        {
            **ours,
            "mail_and_index_mb": int(whole),
            "search_index_mb": int(fts) // 1024,
            **{f"debian_{name}": value for name, value in debian.items()},
            "ratios": {name: round(debian[name] / value, 1) for name, value in ours.items() if name != "refused"},
        },
        f"{MESSAGES} messages of 2 kB, one client; a box's first search makes its index, Debian's Dovecot has none",
    )


def measured(target: Target) -> dict[str, float]:
    """Milliseconds: opened for the first time and again, each kind of search for the first time and again.

    `refused`: how often a search was told to come back, as its index was not ready; the time includes those.
    """
    session = Session(target, target.context())
    session.sock.settimeout(HOURS)
    session.login(*target.users[0])
    values = dict[str, float]()
    refused = 0
    for name, act, found in (
        ("open_first", _open, MESSAGES), ("open", _open, MESSAGES),
        ("header_first", _asks(HEADER), MESSAGES // 500), ("header", _asks(HEADER), MESSAGES // 500),
        ("body_first", _asks(BODY), MESSAGES // 1000), ("body", _asks(BODY), MESSAGES // 1000),
    ):  # fmt: skip
        begun = time.monotonic()
        while (count := act(session)) is None:
            refused += 1
        values[f"{name}_ms"] = round((time.monotonic() - begun) * 1000, 1)
        assert count == found, (name, count, found)
    session.logout()
    return values | {"refused": refused}


def _open(session: Session) -> int | None:
    """As both webmails do: the whole order of the folder, newest first, then the first page of the list."""
    _ok(session.select("INBOX"))
    rows = _sorted(session, "NOT DELETED") or []
    _ok(session.uid("FETCH", b",".join(rows[:SHOWN]).decode(), LIST))
    return len(rows)


def _asks(words: str) -> Callable[[Session], int | None]:
    def asked(session: Session) -> int | None:
        rows = _sorted(session, words)
        return None if rows is None else len(rows)

    return asked


def _sorted(session: Session, words: str) -> list[bytes] | None:
    """None where the index is still being made: whoever searches is told to come back."""
    answer = session.uid("SORT", "(REVERSE ARRIVAL)", "UTF-8", words)
    if answer[0] == "NO" and b"INUSE" in answer[1][0]:
        return None
    found: bytes = _ok(answer)[0]
    return found.split()


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    assert answer[0] == "OK", answer
    return answer[1]
