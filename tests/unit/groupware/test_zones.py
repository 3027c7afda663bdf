"""A calendar that names a zone of the IANA database without describing it is completed; nothing else changes."""

from pathlib import Path

import pytest
from malleposte.groupware import zones

FILE = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:{name}
X-LIC-LOCATION:{name}
BEGIN:STANDARD
TZNAME:CET
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
END:VCALENDAR
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Descriptions as SOGo has them; some names are others' by-names, and their files have the other name."""
    for name, own in (
        ("Europe/Paris", "Europe/Paris"),
        ("America/Indiana/Knox", "America/Indiana/Knox"),
        ("GB", "London"),
    ):
        path = tmp_path / f"{name}.ics"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILE.format(name=own), "utf-8")
    return tmp_path


def calendar(*lines: str) -> bytes:
    """A file with one event."""
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            "UID:1",
            *lines,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    ).encode()


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["DTSTART;TZID=Europe/Paris:20270115T140000"], ["Europe/Paris"]),
        (['DTSTART;TZID="Europe/Paris":20270115T140000'], ["Europe/Paris"]),
        (["dtstart;value=DATE-TIME;tzid=GB:20270115T140000"], ["GB"]),
        (["DTSTART;TZID=Amer", " ica/Indiana/Knox:20270115T140000"], ["America/Indiana/Knox"]),
        (["DTSTART;TZID=GB:20270115T140000", "DTEND;TZID=Europe/Paris:20270115T160000"], ["GB", "Europe/Paris"]),
        (["DTSTART;TZID=GB:20270115T140000", "EXDATE;TZID=GB:20270116T140000,20270117T140000"], ["GB"]),
        (['DTSTART;X-A="a;b:c";TZID=GB:20270115T140000'], ["GB"]),
    ],
)
def test_each_zone_that_is_only_named_is_described(folder: Path, lines: list[str], names: list[str]) -> None:
    given = calendar(*lines)
    found = zones.completed(given, folder)
    assert zones.TZID.findall(found) == [name.encode() for name in names]
    assert found.count(b"BEGIN:VTIMEZONE\r\n") == len(names)
    bare = found
    for name in names:
        bare = bare.replace(zones.description(name, folder), b"")
    assert bare == given
    assert found.index(b"END:VTIMEZONE\r\nBEGIN:VEVENT\r\n") > 0
    assert b"\n" not in found.replace(b"\r\n", b"")
    assert zones.completed(found, folder) == found


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"Bonjour",
        calendar("DTSTART:20270115T140000Z"),
        calendar("DTSTART:20270115T140000"),
        calendar("DTSTART;TZID=Paris:20270115T140000"),
        calendar("DTSTART;TZID=../../../../etc/passwd:20270115T140000"),
        calendar("DTSTART;TZID=/etc/passwd:20270115T140000"),
        calendar("DTSTART:20270115T140000Z", "SUMMARY:DTSTART;TZID=Europe/Paris:20270115T140000"),
        calendar("DTSTART;TZID=Europe/Paris:20270115T140000").replace(
            b"BEGIN:VEVENT", b"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
        ),
    ],
)
def test_everything_else_stays(folder: Path, given: bytes) -> None:
    assert zones.completed(given, folder) == given


@pytest.mark.parametrize(
    "lines",
    [
        b"BEGIN:VEVENT\r\nSUMMARY;TZID\r\nDTSTART" + b";a" * 100_000 + b":x\r\n",
        b"BEGIN:VEVENT\r\nSUMMARY;TZID\r\nDTSTART;" + b'a="b"c' * 50_000 + b'"\r\n',
        b"BEGIN:VTIMEZONE\r\n" * 60_000 + b"BEGIN:VEVENT\r\n",
        b"BEGIN:VTIMEZONE\r\nTZID:" + b" " * 500_000 + b"x\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n",
    ],
    ids=["parameters", "quotes", "blocks", "spaces"],
)
def test_a_calendar_that_a_stranger_made_to_cost_is_read_once(lines: bytes, folder: Path) -> None:
    """One relay serves all agents of SOGo. With an expression of several ways each would take hours."""
    hostile = b"BEGIN:VCALENDAR\r\n" + lines
    assert zones.completed(hostile, folder) == hostile


def test_so_many_zones_of_a_calendar_are_described(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(zones, "description", lambda name, _folder: asked.append(name) or b"")
    zones.completed(calendar(*(f"X-ONE;TZID=Z/{number}:1" for number in range(zones.MOST * 5))), folder)
    assert len(asked) == zones.MOST
