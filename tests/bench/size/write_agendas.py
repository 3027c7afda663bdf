"""Write agendas as Radicale stores them. Runs on the host of agendas, as its user, with the standard library alone.

Standard input: {"root", "uids", "events", "first_day"}: its folder collection-root, and the day
(seconds) on which events begin. An agenda that is there already stays as it is.
Standard output: how many agendas and events were written, as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

PROPERTIES = json.dumps(
    {"tag": "VCALENDAR", "D:displayname": "Agenda", "C:supported-calendar-component-set": "VEVENT,VTODO"}
)
DAY = 86_400
SPREAD = 180
"""Days over which events are spread."""


def event(uid: str, number: int, first_day: int) -> str:
    """Return an event of an hour; one in ten repeats each week, another one in ten has a reminder by mail."""
    begins = first_day + (number * 37 % SPREAD) * DAY + (8 + number % 9) * 3600
    start, end = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at)) for at in (begins, begins + 3600))
    more = {
        0: "RRULE:FREQ=WEEKLY;COUNT=30\r\n",
        1: "BEGIN:VALARM\r\nACTION:EMAIL\r\nSUMMARY:Conseil\r\nDESCRIPTION:Conseil\r\n"
        "ATTENDEE:mailto:x@exemple.test\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\n",
    }.get(number % 10, "")
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//taille//FR\r\nBEGIN:VEVENT\r\n"
        f"UID:taille-{number}-{uid}\r\nDTSTAMP:20260101T080000Z\r\nDTSTART:{start}\r\nDTEND:{end}\r\n"
        f"SUMMARY:Conseil {number}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def write(home: Path, events: int, first_day: int) -> int:
    """Write the agenda of an agent who has none; return the number of its events."""
    folder, new = home / "agenda", home / ".agenda.new"
    if folder.exists():
        return 0
    new.mkdir(parents=True, exist_ok=True)
    (new / ".Radicale.props").write_text(PROPERTIES, "utf-8")
    for number in range(events):
        (new / f"taille-{number}.ics").write_text(event(home.name, number, first_day), "utf-8", newline="")
    new.rename(folder)
    return events


def main() -> None:
    given = json.load(sys.stdin)
    os.umask(0o027)
    counts = [write(Path(given["root"]) / uid, given["events"], given["first_day"]) for uid in given["uids"]]
    print(json.dumps({"agendas": len(counts) - counts.count(0), "events": sum(counts)}))


if __name__ == "__main__":
    main()
