"""Mail that waits for agents' hours: the cost of many boxes that open at once, to others too; that of a delivery."""

import json
import statistics
import threading
import time
from typing import Any

from malleposte.platform.mailstore import STORE, WAITING, home_of

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

BOXES, WAIT, LETTERS, TURNS = 1000, 20, 200, 4
MOVER = "malleposte-hours.service"
AS_VMAIL = "setpriv --reuid vmail --regid vmail --clear-groups"
FILL = """
import os, pathlib, sys, time
os.umask(0o077)
now = int(time.time()) - 3600
for line in sys.stdin.read().split():
    folder = pathlib.Path(line) / "Maildir" / ".Hors horaires"
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for n in range(int(sys.argv[1])):
        text = f"From: ami@lointain.test\\nSubject: {n:06d}\\nMessage-ID: <{n}@lointain.test>\\n\\n"
        text += "ligne de texte\\n" * 55
        (folder / "new" / f"{now + n}.M{n}P1.mail1,S={len(text)}").write_text(text)
"""
CHOOSE = """
import sys
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from malleposte.accounts.mailbox.hours.model import Change
from malleposte.accounts.mailbox.hours.store import Store
on, slot, store = sys.argv[1] == "on", sys.argv[2], Store()
for uid in sys.stdin.read().split():
    store.change(uid, Change(on=on, slots=(slot,)))
"""
HAND = """
import json, smtplib, sys, time
given, seconds = json.load(sys.stdin), []
with smtplib.LMTP("/var/spool/postfix/private/dovecot-lmtp") as session:
    for number in range(given["many"]):
        began = time.monotonic()
        text = f"From: ami@lointain.test\\r\\nSubject: {number:06d}\\r\\n\\r\\n" + "ligne de texte\\r\\n" * 55
        session.sendmail("probe@lointain.test", [given["uid"] + "@stores.invalid"], text)
        seconds.append(time.monotonic() - began)
        time.sleep(given["pause"])
print(json.dumps(seconds))
"""


def hand(site: Site, uid: str, many: int, pause: float = 0.0) -> list[float]:
    """Seconds of each delivery."""
    given = json.dumps({"uid": uid, "many": many, "pause": pause})
    return list(
        map(float, json.loads(site.run("mail1", "/usr/bin/python3", "-c", f"'{HAND}'", given=given, timeout=900)))
    )


def choose(site: Site, uids: list[str], on: str, slot: str) -> None:
    site.run("mail1", "cat > /tmp/hours-choose.py", given=CHOOSE)
    site.run("mail1", f"python3 -I /tmp/hours-choose.py {on} '{slot}'", given="\n".join(uids), timeout=600)


def p95(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=20)[-1] * 1000, 1)


def closed(site: Site) -> str:
    hour = (int(site.run("mail1", "date +%H")) + 12) % 24
    return f"1234567 {hour:02d}:00-{hour:02d}:30"


def opening(site: Site, people: People) -> dict[str, Any]:
    """Boxes of which the hours end at once, with deliveries to another beside."""
    uids, other = [people.agent().uid for _ in range(BOXES)], people.agent().uid
    choose(site, uids, "on", closed(site))
    folders = f"{STORE}/*/*/Maildir/'.{WAITING}'/new {STORE}/*/*/Maildir/'.{WAITING}'/cur"
    count = f"find {folders} -type f 2>/dev/null | wc -l"
    others = int(site.run("mail1", count))  # of the deliveries before: they wait on
    site.run("mail1", "cat > /tmp/hours-fill.py", given=FILL)
    homes = "\n".join(str(home_of(uid)) for uid in uids)
    site.run("mail1", f"{AS_VMAIL} python3 /tmp/hours-fill.py {WAIT}", given=homes, timeout=600)
    assert int(site.run("mail1", count)) >= others + BOXES * WAIT
    alone = hand(site, other, LETTERS, 0.05)
    memory = cost.pss(site, "mail1", MOVER)
    beside: list[float] = []
    before = cost.of(site, "mail1")
    thread = threading.Thread(target=lambda: beside.extend(hand(site, other, LETTERS, 0.05)))
    began = time.monotonic()
    choose(site, uids, "off", closed(site))
    chosen = time.monotonic()
    thread.start()
    wait_for(lambda: int(site.run("mail1", count)) == others, 900, "all of it moved")
    ended = time.monotonic()
    after = cost.of(site, "mail1")
    thread.join()
    used = (after[MOVER] - before[MOVER]) / 1000
    return {
        "boxes": BOXES, "waiting_each": WAIT, "seconds": round(ended - chosen, 1),
        "choosing_seconds": round(chosen - began, 1),
        "cpu_ms_a_box": round(used / BOXES, 1), "cpu_ms_a_message": round(used / BOXES / WAIT, 2),
        "p95_ms_alone": p95(alone), "p95_ms_beside": p95(beside), "mover_mb": memory,
    }  # fmt: skip


def delivery(site: Site, people: People) -> dict[str, Any]:
    """Processor of Dovecot a delivery, without hours, within a slot, and outside of it, by turns."""
    plain, within, outside = (people.agent().uid for _ in range(3))
    choose(site, [within], "on", "1234567 00:00-24:00")
    choose(site, [outside], "on", closed(site))
    for uid in (plain, within, outside):
        hand(site, uid, 5)
    time.sleep(6)  # the scripts are compiled anew for so long
    for uid in (plain, within, outside):
        hand(site, uid, 5)
    used: dict[str, list[float]] = {plain: [], within: [], outside: []}
    for _ in range(TURNS):
        for uid, values in used.items():
            before = cost.of(site, "mail1")["dovecot.service"]
            hand(site, uid, LETTERS)
            values.append((cost.of(site, "mail1")["dovecot.service"] - before) / 1000 / LETTERS)
    names = {"delivery_ms_without": plain, "delivery_ms_within": within, "delivery_ms_outside": outside}
    return {name: round(statistics.median(used[uid]), 2) for name, uid in names.items()}


def hours(site: Site) -> Figure:
    """Both."""
    people = People(site)
    try:
        values = delivery(site, people) | opening(site, people)
    finally:
        people.clear()
    notes = f"all boxes at once; deliveries to another box every 50 ms beside; medians of {TURNS} turns of {LETTERS}"
    return Figure("hours", values, notes)
