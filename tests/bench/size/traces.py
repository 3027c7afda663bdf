"""The index of deliveries: ten messages an agent in thirty days, by its own store while its daemon stands still."""

import json
from collections.abc import Iterator

from tests.bench.size import fill
from tests.bench.size.host import HOURS, costs, timed
from tests.bench.size.record import Step
from tests.stack.support.mail import FOREIGN
from tests.stack.support.site import Site

FOLDER = "/var/lib/malleposte-deliveries"
DAEMON = "malleposte-deliveries.service"
SOCKETS = "malleposte-deliveries.socket malleposte-deliveries-asked.socket"
WRITE = f"""
import json, sys, time
from pathlib import Path
from malleposte.deliveries.model import Message, Recipient, State
from malleposte.deliveries.store import DAY, IndexedMessage, Store
given = json.load(sys.stdin)
store, now, count = Store(Path("{FOLDER}")), int(time.time()), 0
for day in range(29, -1, -1):
    some = []
    for number, uid in enumerate(given["uids"]):
        if (number + day) % 3:
            continue
        at, sender = now - day * DAY - number % 3600, "c%d@{FOREIGN}" % (number % 977)
        to = Recipient(uid + "@" + given["domain"], uid, State.FILED, "INBOX", "", at)
        some.append(IndexedMessage(Message("T%d-%d" % (day, number), at, sender, sender, recipients=(to,), size=9000,
            place="192.0.%d.%d" % (number % 250, day), message_id="%d.%d@{FOREIGN}" % (day, number))))
    store.add(some)
    count += len(some)
print(json.dumps(count))
"""


def traces(site: Site) -> Iterator[Step]:
    """Write the index, then look for messages as the desk does: by sender, by recipient, and where there is none."""
    uids = fill.agents(site)
    given = {"uids": uids, "domain": site.place.domain}
    site.run("mail1", f"systemctl stop {DAEMON} {SOCKETS}")
    try:
        with costs(site) as values:
            count = json.loads(site.run_python("mail1", WRITE, given=json.dumps(given), timeout=HOURS))
    finally:
        site.run(
            "mail1",
            f"chown -R --reference={FOLDER} {FOLDER}/; systemctl start {SOCKETS} {DAEMON}",
        )
    yield "written", values | {"messages": count}
    command = "malleposte mail trace --json"
    yield "by_recipient", timed(site, f"{command} --to {uids[0]}")[0]
    yield "by_sender", timed(site, f"{command} --from c1@{FOREIGN}")[0]
    yield "by_subject_of_none", timed(site, f"{command} --subject introuvable || true")[0]
    yield "index_mb", int(site.run("mail1", f"du -sm {FOLDER}").split()[0])
