"""Files of calendars for tests."""

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""


def event(uid: str, summary: str = "Vacances de Noël", more: str = "") -> str:
    """An event of whole days."""
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTART;VALUE=DATE:20261219\nSUMMARY:{summary}\n{more}END:VEVENT\n"


def calendar(*parts: str) -> bytes:
    """A file."""
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:PUBLISH\n{''.join(parts)}END:VCALENDAR\n".encode()
