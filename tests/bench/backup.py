"""Back up a million messages: for the first time, with nothing new, and with one message in a hundred new."""

import json
import time
from pathlib import Path

from malleposte.dev.lab import Lab

from tests.bench.figures import Figure
from tests.stack.support.site import Site

BOXES = 1000
MESSAGES = 1_000_000
NEW = 10  # messages a box, one in a hundred
HOST = "mail1"
LABEL = "bench-backup"
HOURS = 3600.0
TOOL = "/root/store.py"
ROOT = "/srv/bench/maildir"
MAIL = "/srv/mail"
# Into the store that is there: buckets may exist, boxes do not.
MOVE = f"cd {ROOT} && for b in *; do mkdir -p {MAIL}/$b; chown vmail:vmail {MAIL}/$b; mv $b/* {MAIL}/$b/; done"
# A new message is a file of its own with another content: the number in its first line differs.
GROW = f"""
import pathlib
for box in pathlib.Path("{MAIL}").glob("*/*/Maildir/cur"):
    if not (box.parent.parent.name.startswith("agent0") or box.parent.parent.name == "grand"):
        continue
    for number, old in zip(range({NEW}), sorted(box.iterdir())):
        new = old.with_name(old.name.replace("P1.bench", f"P2.bench"))
        new.write_bytes(old.read_bytes() + bytes([number]))
"""


def million(site: Site) -> Figure:
    """Seconds of `malleposte backup run` on mail1, to both vaults; the lab is put back as it was."""
    lab: Lab = site.lab
    lab.snapshot(LABEL, replace=True)
    try:
        values = _measured(site)
    finally:
        lab.restore(LABEL)
        lab.forget(LABEL)
    return Figure("backup-million", values, f"{BOXES} boxes, 2 to 7 kB a message, zstd, two vaults on the same machine")


def _measured(site: Site) -> dict[str, float]:
    site.run(HOST, "apt-get install -qq -y python3-zstandard >/dev/null", timeout=HOURS)
    source = (Path(__file__).parent / "store" / "store.py").read_text("utf-8")
    site.run(HOST, f"mkdir -p /srv/bench; cat >{TOOL}", given=source)
    site.run(HOST, f"python3 {TOOL} generate --boxes {BOXES} --messages {MESSAGES}", timeout=HOURS)
    site.run(HOST, MOVE, timeout=HOURS)
    values = {"first_seconds": _backup(site), "nothing_new_seconds": _backup(site)}
    site.run(HOST, "python3 -", given=GROW, timeout=HOURS)
    values["one_in_a_hundred_new_seconds"] = _backup(site)
    kilobytes = site.run("vault1", "du -sk /srv/borg", timeout=HOURS).split()[0]
    values["repositories_gb"] = round(int(kilobytes) / 1048576, 2)
    return values


def _backup(site: Site) -> float:
    begun = time.monotonic()
    answer = json.loads(site.run(HOST, "malleposte backup run --json", timeout=HOURS))
    spent = time.monotonic() - begun
    if not answer:
        raise AssertionError("the backup told nothing")
    return round(spent, 1)
