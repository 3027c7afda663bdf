"""Agendas for a share of the agents, in the store that each agent's class has; and lists of thousands by rule."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from malleposte.accounts.agendas.model import MAIN, Kind
from malleposte.accounts.agendas.sogo import TITLES
from malleposte.adapters.postgresql import quoted, quoted_json
from malleposte.directory.query import Equal

from tests.bench.size import fill
from tests.bench.size.host import HOURS, costs, put, timed
from tests.bench.size.record import Step
from tests.bench.size.scale import EVENTS, WITH_AGENDA, Scale
from tests.bench.size.write_agendas import DAY, SPREAD, event
from tests.stack.support.site import Site

ROOT = "/var/lib/radicale/collections/collection-root"
AS_RADICALE = "setpriv --reuid radicale --regid radicale --clear-groups"
WRITE = Path(__file__).with_name("write_agendas.py")
IN_SOGO = "convergence"
AT_ONCE = 200
_FOLDERS = """INSERT INTO sogo_folder_info
  (c_path, c_path1, c_path2, c_path3, c_path4, c_foldername, c_location, c_quick_location, c_acl_location,
   c_folder_type)
SELECT '/Users/' || uid || '/Calendar/{name}', 'Users', uid, 'Calendar', '{name}', {title}, '', '', '', 'Appointment'
FROM json_array_elements_text({uids}) AS uid
WHERE NOT EXISTS (SELECT FROM sogo_folder_info WHERE c_path = '/Users/' || uid || '/Calendar/{name}');"""
_EVENTS = """WITH given AS (
  SELECT c_folder_id AS id, row ->> 'name' AS name, (row ->> 'at')::int AS at, row ->> 'text' AS text
  FROM json_array_elements({rows}) AS row
  JOIN sogo_folder_info ON c_path = '/Users/' || (row ->> 'uid') || '/Calendar/{name}'), stored AS (
INSERT INTO sogo_store (c_folder_id, c_name, c_content, c_creationdate, c_lastmodified, c_version)
  SELECT id, name, text, {now}, {now}, 0 FROM given)
INSERT INTO sogo_quick_appointment
  (c_folder_id, c_name, c_uid, c_startdate, c_enddate, c_title, c_isallday, c_iscycle, c_classification, c_isopaque,
   c_status, c_sequence, c_component)
  SELECT id, name, name, at, at + 3600, 'Conseil', 0, 0, 0, 1, 1, 0, 'vevent' FROM given;"""


def agendas(site: Site) -> Iterator[Step]:
    """Write the agendas of one agent in WITH_AGENDA who has none; most of their events are to come."""
    with site.directory() as bound:
        in_sogo = {one.attributes["uid"][0] for one in bound.search("people", ["uid"], Equal("mpProfile", IN_SOGO))}
    uids = fill.agents(site)[::WITH_AGENDA]
    first_day = int(time.time()) // DAY * DAY - SPREAD // 3 * DAY
    with costs(site) as values:
        written = _to_sogo(site, [uid for uid in uids if uid in in_sogo], first_day)
    yield "sogo", values | written
    given = {
        "root": ROOT,
        "uids": [uid for uid in uids if uid not in in_sogo],
        "events": EVENTS,
        "first_day": first_day,
    }
    program = put(site, "write_agendas.py", WRITE.read_bytes())
    with costs(site) as values:
        answer = site.run("mail1", f"{AS_RADICALE} python3 {program}", given=json.dumps(given), timeout=HOURS)
    yield "radicale", values | json.loads(answer)


def _to_sogo(site: Site, uids: list[str], first_day: int) -> dict[str, int]:
    there = set(sql(site, "SELECT c_path2 FROM sogo_folder_info WHERE c_path3 = 'Calendar';").split())
    new = [uid for uid in uids if uid not in there]
    for start in range(0, len(new), AT_ONCE):
        some = new[start : start + AT_ONCE]
        rows = [
            {"uid": uid, "name": f"taille-{number}.ics", "at": _begins(text), "text": text}
            for uid in some
            for number in range(EVENTS)
            for text in [event(uid, number, first_day).replace("RRULE:FREQ=WEEKLY;COUNT=30\r\n", "")]
        ]
        folders = _FOLDERS.format(name=MAIN, title=quoted(TITLES[Kind.AGENDA]), uids=quoted_json(some))
        sql(site, f"BEGIN;{folders}{_EVENTS.format(name=MAIN, rows=quoted_json(rows), now=int(time.time()))}COMMIT;")
    return {"agendas": len(new), "events": len(new) * EVENTS}


def _begins(text: str) -> int:
    at = text.partition("DTSTART:")[2][:15]
    return int(time.mktime(time.strptime(at, "%Y%m%dT%H%M%S")) - time.timezone)


def sql(site: Site, text: str) -> str:
    """Run statements in SOGo's database; return what they print."""
    return site.run("mail1", "psql -U postgres -AtX -v ON_ERROR_STOP=1 -d sogo", given=text, timeout=HOURS)


def rules(scale: Scale) -> dict[str, str]:
    """Return the rules of two lists of so many members at least, by the list's name."""
    rows = fill.whole(scale).agents
    found = {}
    for field, column in (("fonction", 6), ("corps", 4)):
        chosen, members = list[str](), 0
        for value, count in Counter(row[column] for row in rows).most_common():
            if members >= scale.readers:
                break
            chosen.append(value)
            members += count
        found[f"taille-{field}"] = f"{field}={','.join(chosen)}"
    return found


def lists(site: Site, scale: Scale) -> Iterator[Step]:
    """Make the two lists unless they are there, and ask for their members."""
    there = site.run("mail1", "malleposte accounts lists list --json")
    for name, rule in rules(scale).items():
        command = "malleposte accounts lists"
        if f'"{name}"' not in there:
            site.run("mail1", f'{command} create {name} --rule "{rule}" --poster @anyone', timeout=HOURS)
        values, members = timed(site, f"{command} members {name} --json")
        yield f"members_of_{name}", values | {"members": len(members)}
        values, members = timed(site, f'{command} members --rule "{rule}" --json')
        yield f"preview_of_{name}", values
