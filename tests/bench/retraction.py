"""A wave is taken back from many boxes: boxes a second, and what deliveries to others wait meanwhile."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles

from tests.bench.figures import Figure
from tests.stack.support import waves
from tests.stack.support.mail import FOREIGN, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

BOXES, MESSAGES, ROUNDS = 300, 1000, 3
PAUSE = 0.25
"""Seconds between two letters."""
ALL = 10_000
"""Boxes for which the time is reckoned."""
SEND = """
import base64, json, smtplib, sys, time
given = json.load(sys.stdin)
end = time.monotonic() + given["seconds"]
while time.monotonic() < end:
    with smtplib.SMTP(given["host"], 25, timeout=300, local_hostname=given["helo"]) as session:
        session.sendmail(given["sender"], given["reader"], base64.b64decode(given["message"]))
    time.sleep(given["pause"])
    if given["until"]:
        try: open(given["until"]); break
        except OSError: pass
"""
DELAY = re.compile(r"orig_to=<([^>]+)>.*? delay=([0-9.]+),.*status=sent")
STOP = "/run/bench-retraction-ended"


def letters(site: Site, reader: Account, seconds: float, during: Callable[[], None] | None = None) -> list[float]:
    """Send letters to a reader from outside, for so long or beside some work; the delay of each until it is filed."""
    sender = f"probe@{FOREIGN}"
    message = compose(sender, reader.mail, token(), "Bonjour à tous.\n" * 100)
    since = site.run("mail1", "date +%s").strip()
    given = {
        "host": site.address("mail1"), "helo": f"mx.{FOREIGN}", "sender": sender, "reader": reader.mail,
        "seconds": seconds, "pause": PAUSE, "until": STOP if during else "",
        "message": base64.b64encode(message).decode(),
    }  # fmt: skip
    site.run("world", f"rm -f {STOP}")
    sending = threading.Thread(
        target=lambda: site.run("world", "python3", "-c", f"'{SEND}'", given=json.dumps(given), timeout=1800)
    )
    sending.start()
    if during:
        during()
        site.run("world", f"touch {STOP}")
    sending.join()
    wait_for(lambda: not int(site.run("mail1", "postqueue -j | wc -l")), 300)
    lines = site.run("mail1", f"journalctl -u postfix -o cat --since @{since} --no-pager").splitlines()
    return [float(found[2]) for line in lines if (found := DELAY.search(line)) and found[1] == reader.mail]


def percentile(delays: list[float]) -> float:
    """The delay that 95 of 100 do not exceed."""
    return quantiles(delays, n=20)[-1]


def rounds(
    site: Site, boxes: list[Account], reader: Account
) -> Iterator[tuple[list[float], list[float], float, float]]:
    """Yield the delays alone and beside a retraction, and the seconds of its plan and of the taking."""
    sender = waves.send(site, boxes, token())
    for _ in range(ROUNDS):
        begun = time.monotonic()
        plan = waves.typed(site, "retract", "--from", sender, "--reason", "essai", "--dry-run")
        planned, took = time.monotonic() - begun, list[float]()
        alone = letters(site, reader, 30.0)

        def take(ident: str = plan["ident"], took: list[float] = took) -> None:
            start = time.monotonic()
            done = waves.typed(site, "retract", ident, "--yes", "--no-note")
            took.append(time.monotonic() - start)
            assert done["left"] == [] and len(done["copies"]) == BOXES

        beside = letters(site, reader, 1800.0, take)
        assert waves.typed(site, "undo", plan["ident"], "--yes")["left"] == []
        yield alone, beside, planned, took[0]


def retraction(site: Site) -> Figure:
    """The letters of all rounds together, and the median of the rounds' seconds."""
    people = People(site)
    try:
        boxes, reader = [people.agent() for _ in range(BOXES)], people.agent()
        waves.fill(site, boxes, MESSAGES)
        alone, beside, plans, taken = zip(*rounds(site, boxes, reader), strict=True)
    finally:
        waves.clear(site)
        people.clear()
    quiet, busy = ([delay for one in several for delay in one] for several in (alone, beside))
    rate = BOXES / median(taken)
    values = {
        "boxes_a_second": round(rate, 1),
        "plan_s": round(median(plans), 1),
        "taking_s": round(median(taken), 1),
        f"{ALL}_boxes_minutes": round(ALL / rate / 60, 1),
        "p95_s_alone": round(percentile(quiet), 2),
        "p95_s_beside": round(percentile(busy), 2),
        "p95_ratio": round(percentile(busy) / percentile(quiet), 2),
        "letters": [len(quiet), len(busy)],
    }
    return Figure("retraction", values, f"{BOXES} boxes of {MESSAGES} messages, {ROUNDS} rounds")
