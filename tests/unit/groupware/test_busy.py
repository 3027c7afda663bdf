"""Busy times: which events take time, and when; the answer that SOGo's page takes."""

import datetime
import io
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from malleposte.groupware import busy_times
from malleposte.groupware.busy import Busy, by_quarters, in_utc, may_meet, spans

from tests.unit.groupware.test_reminders import ONCE, PARIS, calendar, event

DAY = datetime.date(2030, 3, 4)
WHOLE = "DTSTART;VALUE=DATE:20300304\nDTEND;VALUE=DATE:20300305"
FOLDER = "agenda"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=PARIS)


def kept(root: Path, uid: str, text: str, name: str = "1.ics", tag: str = "VCALENDAR") -> Path:
    """An item in the store."""
    folder = root / uid / (FOLDER if tag == "VCALENDAR" else "contacts")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".Radicale.props").write_text(json.dumps({"tag": tag}), "utf-8")
    (folder / name).write_bytes(text.encode())
    return folder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (calendar(event(ONCE)), ("14:00", "15:00")),
        (calendar(event("DTSTART:20300304T130000Z\nDURATION:PT90M")), ("14:00", "15:30")),
        (calendar(event("DTSTART:20300304T140000\nDTEND:20300304T150000")), ("14:00", "15:00")),
        (calendar(event(f"{ONCE.replace('20300304', '20300204')}\nRRULE:FREQ=WEEKLY;BYDAY=MO")), ("14:00", "15:00")),
        (calendar(event(ONCE, more="STATUS:TENTATIVE\n")), ("14:00", "15:00")),
        (calendar(event(ONCE, more="TRANSP:TRANSPARENT\n")), None),
        (calendar(event(ONCE, more="STATUS:CANCELLED\n")), None),
        (calendar(event(ONCE.replace("20300304", "20300305"))), None),
        (calendar(event("DTSTART:20300304T140000Z")), None),
    ],
)
def test_events_that_take_time(text: str, found: tuple[str, str] | None) -> None:
    expected = [(at(f"2030-03-04T{found[0]}"), at(f"2030-03-04T{found[1]}"))] if found else []
    assert list(spans(text, at("2030-03-04T00:00"), at("2030-03-05T00:00"), PARIS)) == expected


def test_a_day_of_a_series_that_was_moved_is_where_it_was_moved_to() -> None:
    moved = event(
        "DTSTART;TZID=Europe/Paris:20300304T160000\nDURATION:PT1H\nRECURRENCE-ID;TZID=Europe/Paris:20300304T140000"
    )
    text = calendar(event(f"{ONCE}\nRRULE:FREQ=DAILY;COUNT=3"), moved)
    assert [begin for begin, _end in spans(text, at("2030-03-04T00:00"), at("2030-03-06T00:00"), PARIS)] == [
        at("2030-03-05T14:00"),
        at("2030-03-04T16:00"),
    ]


def test_what_began_before_and_lasts_is_seen() -> None:
    text = calendar(event("DTSTART;VALUE=DATE:20300301\nDTEND;VALUE=DATE:20300308"))
    assert list(spans(text, at("2030-03-04T00:00"), at("2030-03-05T00:00"), PARIS)) == [
        (at("2030-03-01T00:00"), at("2030-03-08T00:00"))
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (calendar(event(ONCE)), True),
        (calendar(event(ONCE.replace("20300304", "20300312"))), False),
        (calendar(event(ONCE.replace("20300304", "20300220"))), False),
        (calendar(event("DTSTART;VALUE=DATE:20300301\nDTEND;VALUE=DATE:20300308")), True),
        (calendar(event(f"{ONCE.replace('2030', '2020')}\nRRULE:FREQ=WEEKLY")), True),
        (calendar("BEGIN:VTODO\nUID:1\nEND:VTODO\n"), False),
    ],
)
def test_items_of_other_days_are_not_parsed(text: str, read: bool) -> None:
    assert may_meet(text, DAY, DAY) is read


def test_zones_that_do_not_end_are_read_once() -> None:
    """As many as fit into an item: a search that began again for each of them would not end."""
    assert may_meet("BEGIN:VEVENT\r\n" + "BEGIN:VTIMEZONE\r\nDTSTART:19700101T000000\r\n" * 200_000, DAY, DAY)


def test_the_quarters_that_are_taken() -> None:
    found = [(at("2030-03-04T13:50"), at("2030-03-04T14:30"))]
    assert by_quarters(found, DAY, DAY, PARIS) == {
        "20300304": {"13": {"0": 0, "15": 0, "30": 0, "45": 1}, "14": {"0": 1, "15": 1, "30": 0, "45": 0}}
    }
    hours = by_quarters([(at("2030-03-04T00:00"), at("2030-03-05T00:00"))], DAY, DAY, PARIS)["20300304"]
    assert len(hours) == 24 and all(set(one.values()) == {1} for one in hours.values())


def test_the_day_on_which_the_clocks_go_forward_has_23_hours() -> None:
    day = datetime.date(2030, 3, 31)
    hours = by_quarters([(at("2030-03-31T00:00"), at("2030-04-01T00:00"))], day, day, PARIS)["20300331"]
    assert len(hours) == 23 and "2" not in hours


def test_an_agents_agendas_alone_and_what_cannot_be_read(tmp_path: Path) -> None:
    kept(tmp_path, "un", calendar(event(ONCE)))
    kept(tmp_path, "un", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "2.ics")
    kept(
        tmp_path,
        "un",
        calendar(event(f"{ONCE.replace('2030', '2020')}\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")),
        "3.ics",
    )
    kept(tmp_path, "un", calendar(event(ONCE)), "4.vcf", "VADDRESSBOOK")
    kept(tmp_path, "deux", calendar(event(WHOLE)))
    agenda = Busy(tmp_path, PARIS, DAY, DAY)
    assert agenda.of("un") == [(at("2030-03-04T14:00"), at("2030-03-04T15:00"))] and agenda.has_events
    assert {item for item, _reason in agenda.unread} == {"agenda/2.ics", "agenda/3.ics"}
    for nobody in ("trois", "un/agenda"):
        other = Busy(tmp_path, PARIS, DAY, DAY)
        assert other.of(nobody) == [] and not other.has_events


def answer(root: Path, line: str) -> tuple[str, bytes]:
    stream = io.BytesIO(f"{line}\r\nHost: localhost\r\n\r\n".encode())
    return busy_times.respond(stream, root, ZoneInfo("Europe/Paris"))


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    kept(tmp_path, "un", calendar(event(ONCE, more="DESCRIPTION:Rendez-vous chez le médecin\n")))
    status, body = answer(tmp_path, "GET /un?sday=20300304&eday=20300305 HTTP/1.0")
    assert status == "200 OK"
    assert json.loads(body) == {"20300304": {"14": {"0": 1, "15": 1, "30": 1, "45": 1}}}
    assert answer(tmp_path, "GET /un?sday=20300401&eday=20300405 HTTP/1.1") == ("200 OK", b"{}")
    assert answer(tmp_path, "GET /deux?sday=20300304&eday=20300305 HTTP/1.0")[0] == "404 Not Found"


def test_an_empty_agenda_is_none(tmp_path: Path) -> None:
    """Agents of SOGo have one here too, from the time before they changed class."""
    kept(tmp_path, "un", "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nEND:VTODO\r\nEND:VCALENDAR\r\n")
    assert answer(tmp_path, "GET /un?sday=20300304&eday=20300305 HTTP/1.0")[0] == "404 Not Found"


@pytest.mark.parametrize(
    "line",
    [
        "GET /un HTTP/1.0",
        "GET /un?sday=20300304 HTTP/1.0",
        "GET /un?sday=20300305&eday=20300304 HTTP/1.0",
        "GET /un?sday=20300101&eday=20301231 HTTP/1.0",
        "GET /un?sday=hier&eday=20300304 HTTP/1.0",
        "GET /../un?sday=20300304&eday=20300304 HTTP/1.0",
        "GET /un/agenda?sday=20300304&eday=20300304 HTTP/1.0",
        "GET /?sday=20300304&eday=20300304 HTTP/1.0",
        "POST /un?sday=20300304&eday=20300304 HTTP/1.0",
        "",
    ],
)
def test_anything_else_is_refused(tmp_path: Path, line: str) -> None:
    kept(tmp_path, "un", calendar(event(ONCE)))
    assert answer(tmp_path, line)[0] == "400 Bad Request"
    assert answer(tmp_path, "GET /un?sday=20300304&eday=20300304 HTTP/1.0")[0] == "200 OK"


def test_moments_are_in_utc_within_what_was_asked_and_joined() -> None:
    found = [(at(f"2030-03-04T{begin}"), at(f"2030-03-04T{end}")) for begin, end in (
        ("14:00", "15:00"), ("08:00", "10:10"), ("14:30", "15:30"), ("15:30", "16:00"), ("22:00", "23:00"),
    )]  # fmt: skip
    assert in_utc(found, at("2030-03-04T09:00"), at("2030-03-04T18:00")) == [
        ("20300304T080000Z", "20300304T091000Z"),
        ("20300304T130000Z", "20300304T150000Z"),
    ]


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("/lea?from=20300304T000000Z&until=20300305T000000Z", "200", [["20300304T130000Z", "20300304T140000Z"]]),
        ("/lea?from=20300304T133000Z&until=20300305T000000Z", "200", [["20300304T133000Z", "20300304T140000Z"]]),
        ("/lea?from=20300306T000000Z&until=20300307T000000Z", "200", []),
        ("/zoe?from=20300304T000000Z&until=20300305T000000Z", "404", None),
        ("/lea?from=20300304T000000Z", "400", None),
        ("/lea?from=20300304T000000&until=20300305T000000", "400", None),
        ("/lea?from=20300304T000000Z&until=20310305T000000Z", "400", None),
        ("/lea?from=20300305T000000Z&until=20300303T000000Z", "400", None),
    ],
)
def test_moments_that_are_asked(tmp_path: Path, target: str, status: str, says: object) -> None:
    kept(tmp_path, "lea", calendar(event(ONCE)))
    line = io.BytesIO(f"GET {target} HTTP/1.0\r\n\r\n".encode())
    told, body = busy_times.respond(line, tmp_path, PARIS)
    assert told.split()[0] == status
    assert status != "200" or json.loads(body) == says
