"""Reminders of events by mail: when they are due, what a round sends, what is tried again."""

import datetime
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from malleposte.groupware import reminder_mails, reminders
from malleposte.groupware.reminders import Due, Memory, Round, upcoming

PARIS = ZoneInfo("Europe/Paris")
ZONE = """\
BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def alarm(trigger: str, action: str = "EMAIL") -> str:
    return f"BEGIN:VALARM\nACTION:{action}\n{trigger}\nEND:VALARM\n"


def event(when: str, *alarms: str, more: str = "") -> str:
    return (
        f"BEGIN:VEVENT\nUID:1\nSUMMARY:Conseil\nLOCATION:Salle 2\n{when}\n{more}{''.join(alarms)}END:VEVENT\n"
    )  # fmt: skip


def calendar(*events: str) -> str:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{ZONE}{''.join(events)}END:VCALENDAR\n".replace("\n", "\r\n")


ONCE = "DTSTART;TZID=Europe/Paris:20300304T140000\nDTEND;TZID=Europe/Paris:20300304T150000"
QUARTER = alarm("TRIGGER:-PT15M")
BEFORE = at("2030-01-01T00:00")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        (calendar(event(ONCE, QUARTER)), "2030-03-04T13:45"),
        (calendar(event(ONCE, alarm("TRIGGER;RELATED=END:PT0S"))), "2030-03-04T15:00"),
        (calendar(event(ONCE, alarm("TRIGGER;VALUE=DATE-TIME:20300303T080000Z"))), "2030-03-03T09:00"),
        (calendar(event("DTSTART;VALUE=DATE:20300304", alarm("TRIGGER:-PT6H"))), "2030-03-03T18:00"),
        (calendar(event("DTSTART:20300304T140000", QUARTER)), "2030-03-04T13:45"),
        (calendar(event("DTSTART:20300304T130000Z", QUARTER)), "2030-03-04T13:45"),
        (calendar(event(ONCE, alarm("TRIGGER:-PT15M", "DISPLAY"))), None),
        (calendar(event(ONCE)), None),
        (calendar(event("DTSTART:20290304T140000", QUARTER)), None),
    ],
)
def test_when_a_reminder_is_due(text: str, due: str | None) -> None:
    found = upcoming(text, BEFORE, PARIS)
    assert (found and found.at) == (due and at(due))


def test_a_zone_that_one_calendar_describes_counts_for_no_other() -> None:
    """Somebody's calendar calls another offset Europe/Paris, before and after an honest one is read."""
    forged = ZONE.replace("+0100", "+0900").replace("+0200", "+0900")
    assert forged != ZONE
    wrong = calendar(event(ONCE, QUARTER)).replace(ZONE.replace("\n", "\r\n"), forged.replace("\n", "\r\n"))
    honest = calendar(event(ONCE, QUARTER))
    for text, due in ((wrong, "2030-03-04T05:45"), (honest, "2030-03-04T13:45"), (wrong, "2030-03-04T05:45")):
        found = upcoming(text, BEFORE, PARIS)
        assert found and found.at == at(due), text


def test_a_series_rings_each_time_at_the_same_hour_of_the_day() -> None:
    text = calendar(event(f"{ONCE}\nRRULE:FREQ=MONTHLY;UNTIL=20300504T120000Z", QUARTER))
    assert upcoming(text, at("2030-03-04T13:45"), PARIS) == Due(
        at("2030-04-04T13:45"), "Conseil", "Salle 2", datetime.datetime(2030, 4, 4, 14, tzinfo=PARIS)
    )  # in summer time
    assert upcoming(text, at("2030-04-04T13:45"), PARIS).at == at("2030-05-04T13:45")  # type: ignore[union-attr]
    assert upcoming(text, at("2030-05-04T13:45"), PARIS) is None


def test_a_day_of_a_series_that_was_moved_rings_at_its_new_hour_alone() -> None:
    moved = "DTSTART;TZID=Europe/Paris:20300311T160000\nRECURRENCE-ID;TZID=Europe/Paris:20300311T140000"
    text = calendar(event(f"{ONCE}\nRRULE:FREQ=WEEKLY;COUNT=3", QUARTER), event(moved, QUARTER))
    assert upcoming(text, at("2030-03-04T13:45"), PARIS).at == at("2030-03-11T15:45")  # type: ignore[union-attr]
    assert upcoming(text, at("2030-03-11T15:45"), PARIS).at == at("2030-03-18T13:45")  # type: ignore[union-attr]


def kept(root: Path, uid: str, text: str, name: str = "1.ics") -> Path:
    folder = root / uid / "agenda"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".Radicale.props").write_text("{}")
    (folder / name).write_text(text, newline="")
    return folder


class Post:
    """A mail server that can be away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, float]] = []
        self.away = False

    def __call__(self, uid: str, due: Due) -> None:
        if self.away:
            raise ConnectionRefusedError("nobody listens")
        self.sent.append((uid, due.at))


def test_a_round_sends_what_became_due_to_the_owner_once(tmp_path: Path) -> None:
    kept(tmp_path, "un", calendar(event(ONCE, QUARTER, alarm("TRIGGER:-PT5M"))))
    kept(tmp_path, "deux", calendar(event(ONCE)))
    post, memory = Post(), Memory(at("2030-03-04T13:00"))
    for moment in ("13:44", "13:46", "13:48", "13:56"):
        memory = Round(tmp_path, PARIS, post).run(memory, at(f"2030-03-04T{moment}"))
    assert post.sent == [("un", at("2030-03-04T13:45")), ("un", at("2030-03-04T13:55"))]


def test_two_reminders_within_one_round_are_both_sent(tmp_path: Path) -> None:
    kept(tmp_path, "un", calendar(event(ONCE, QUARTER, alarm("TRIGGER:-PT14M"))))
    post = Post()
    Round(tmp_path, PARIS, post).run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:50"))
    assert [due for _uid, due in post.sent] == [at("2030-03-04T13:45"), at("2030-03-04T13:46")]


def test_an_event_that_comes_with_a_reminder_of_the_past_sends_none(tmp_path: Path) -> None:
    memory = Memory(at("2030-03-04T13:50"))
    kept(tmp_path, "un", calendar(event(ONCE, QUARTER)))
    post = Post()
    Round(tmp_path, PARIS, post).run(memory, at("2030-03-04T13:52"))
    assert post.sent == []


def test_without_a_mail_server_the_next_round_tries_again(tmp_path: Path) -> None:
    folder = kept(tmp_path, "un", calendar(event(ONCE, QUARTER)))
    post = Post()
    post.away = True
    turn = Round(tmp_path, PARIS, post)
    memory = turn.run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert (turn.sent, turn.unsent) == (0, "nobody listens")
    kept(tmp_path, "un", calendar(event("DTSTART:20310304T140000", QUARTER)), "2.ics")
    assert folder.stat().st_mtime_ns != memory.collections["un/agenda"][0]
    post.away = False
    Round(tmp_path, PARIS, post).run(memory, at("2030-03-04T13:48"))
    assert post.sent == [("un", at("2030-03-04T13:45"))]


def test_what_cannot_be_read_is_named_and_hinders_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "PATIENCE", 1.0)
    never = f"{ONCE}\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    kept(tmp_path, "deux", calendar(event(never, QUARTER)))
    kept(tmp_path, "deux", "BEGIN:VALARM\r\nACTION:EMAIL\r\n", "2.ics")
    kept(tmp_path, "un", calendar(event(ONCE, QUARTER)))
    post = Post()
    turn = Round(tmp_path, PARIS, post)
    turn.run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert post.sent == [("un", at("2030-03-04T13:45"))]
    assert {item for item, _reason in turn.unread} == {"deux/agenda/1.ics", "deux/agenda/2.ics"}


def test_an_agenda_that_goes_meanwhile_costs_nobody_a_reminder(tmp_path: Path) -> None:
    """The memory has what was sent before, so it is not sent again."""
    gone = kept(tmp_path, "un", calendar(event(ONCE)))
    kept(tmp_path, "deux", calendar(event(ONCE, QUARTER)))
    kept(tmp_path, "zoe", calendar(event(ONCE, QUARTER)))
    sent: list[str] = []

    def send(uid: str, _due: Due) -> None:
        sent.append(uid)
        if gone.exists():
            shutil.rmtree(gone)

    memory = Round(tmp_path, PARIS, send).run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert sent == ["deux", "zoe"] and sorted(memory.collections) == ["deux/agenda", "zoe/agenda"]
    Round(tmp_path, PARIS, send).run(memory, at("2030-03-04T13:48"))
    assert sent == ["deux", "zoe"]
    assert Round(tmp_path / "nowhere", PARIS, send).run(memory, at("2030-03-04T13:50")).collections == {}


def test_what_is_no_agenda_is_not_looked_at(tmp_path: Path) -> None:
    for folder in ("un/contacts", "un/.temporary", ".published/vacances"):
        kept(tmp_path, folder, calendar(event(ONCE, QUARTER))).rename(tmp_path / folder / "1")
        (tmp_path / folder / ".Radicale.props").write_text("{}")
    post = Post()
    memory = Round(tmp_path, PARIS, post).run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert (post.sent, memory.collections) == ([], {})


def test_the_memory_survives_and_a_damaged_one_begins_now(tmp_path: Path) -> None:
    memory = Memory(5.0, {"un/agenda": (7, {"1.ics": 9.0})})
    memory.write(tmp_path / "known.json")
    assert Memory.read(tmp_path / "known.json", 10.0) == memory
    (tmp_path / "known.json").write_text("{")
    assert Memory.read(tmp_path / "known.json", 10.0) == Memory(10.0)
    assert [one.read_text() for one in tmp_path.glob("known.json.broken-*")] == ["{"]


def test_the_message_says_when_and_where() -> None:
    due = Due(
        0.0, "Conseil\r\nBcc: autre@lointain.test", "Salle 2", datetime.datetime(2030, 3, 4, 13, tzinfo=datetime.UTC)
    )
    message = reminder_mails.compose("postmaster@ac-exemple.test", "un", due, PARIS)
    assert message["Subject"] == "Rappel\u00a0: Conseil Bcc: autre@lointain.test" and message["Bcc"] is None
    text = message.get_content()
    assert "Le 04/03/2030 à 14:00, Salle 2" in text and "On 04 March 2030 at 14:00, Salle 2" in text
    day = reminder_mails.compose("p@ac-exemple.test", "un", Due(0.0, "", "", datetime.date(2030, 3, 4)), PARIS)
    assert "Le 04/03/2030, toute la journée" in day.get_content() and "sans titre" in str(day["Subject"])


def test_a_reminder_that_no_letter_can_bear_stops_no_other(tmp_path: Path) -> None:
    for uid in ("anne", "berthe", "zoe"):
        kept(tmp_path, uid, calendar(event(ONCE, QUARTER)))
    sent: list[str] = []

    def send(uid: str, _due: Due) -> None:
        if uid == "berthe":
            raise ValueError("no such header")
        sent.append(uid)

    turn = Round(tmp_path, PARIS, send)
    memory = turn.run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert sent == ["anne", "zoe"] and turn.sent == 2
    assert [item for item, _reason in turn.unread] == ["berthe/agenda/1.ics"]
    Round(tmp_path, PARIS, send).run(memory, at("2030-03-04T13:48"))
    assert sent == ["anne", "zoe"]


def test_an_agenda_that_cannot_be_looked_at_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for uid in ("anne", "zoe"):
        kept(tmp_path, uid, calendar(event(ONCE, QUARTER)))
    look = Path.iterdir

    def one_is_closed(path: Path) -> object:
        if path.parent.name == "anne":
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "iterdir", one_is_closed)
    post = Post()
    turn = Round(tmp_path, PARIS, post)
    turn.run(Memory(at("2030-03-04T13:00")), at("2030-03-04T13:46"))
    assert [uid for uid, _at in post.sent] == ["zoe"]
    assert turn.unread == [("anne/agenda", "Permission denied")]
