"""The text of events as the agenda of the light webmail reads and changes it: by node, with the locked ical.js."""

import json
import re
import subprocess
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import portal_assets
from malleposte.core.paths import ROOT

OWN = ROOT / "roles" / "roundcube" / "files" / "agents_mail" / "agenda" / "events.js"
PAGE = """
globalThis.ICAL = require(LIBRARY);
require(OWN);
const tried = act => { try { return act(); } catch (error) { return {error: error.message}; } };
console.log(JSON.stringify(ASKED.map(([name, ...values]) => tried(() => {
  if (name === 'days') return mpEvents.days(mpEvents.parse(values[0]), ...values.slice(1));
  if (name === 'change') {
    const before = mpEvents.read(values[0], values[2]).fields;
    return mpEvents.change(values[0], before, {...before, ...values[1]}, values[2]);
  }
  return mpEvents[name](...values);
}))));
"""
PARIS = "Europe/Paris"
ZONE = """BEGIN:VTIMEZONE
TZID:Lointain
X-LIC-LOCATION:Ailleurs
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""
RICH = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Ailleurs//FR
X-WR-CALNAME:Été
{ZONE}BEGIN:VEVENT
UID:a@b
DTSTAMP:20300101T000000Z
DTSTART;TZID=Lointain:20300304T160000
DURATION:PT1H
SUMMARY;LANGUAGE=fr:Conseil\\, <b>été</b>
DESCRIPTION;ALTREP="cid:x":Un texte
X-ALT-DESC;FMTTYPE=text/html:<p>Un texte</p>
X-AUTRE;X-P="a;b:c":brut\\,valeur;x
ATTENDEE;CN="Lœuf; Paul";PARTSTAT=NEEDS-ACTION;X-NUM=1:mailto:paul@lointain.test
ORGANIZER:mailto:moi@lointain.test
CATEGORIES:un,deux
ATTACH;ENCODING=BASE64;FMTTYPE=text/plain;VALUE=BINARY:YWJj
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
X-MOZ:1
END:VALARM
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT17M
DESCRIPTION:Autre
END:VALARM
BEGIN:X-CHOSE
X-A:1
END:X-CHOSE
END:VEVENT
BEGIN:VTODO
UID:t
SUMMARY:À faire
END:VTODO
END:VCALENDAR
"""


def run(*asked: tuple[Any, ...]) -> list[Any]:
    """Return the answers of the script, one a question."""
    library = portal_assets.agenda() / "agenda" / "ical.js"
    script = f"const LIBRARY = {json.dumps(str(library))}, OWN = {json.dumps(str(OWN))}, ASKED = {json.dumps(asked)};\n"
    words = ["node", "--eval", script + PAGE]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300, encoding="utf-8")
    told: list[Any] = json.loads(done.stdout)
    return told


def lines(text: str) -> list[str]:
    """The lines of a text, unfolded."""
    return text.replace("\r", "").replace("\n ", "").strip().split("\n")


def one(*more: str, start: str = "DTSTART;TZID=Europe/Paris:20240101T090000", end: str = "DURATION:PT1H") -> str:
    """An event."""
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:s", start, *([end] if end else []), "SUMMARY:Cours")
    return "\n".join((*head, *more, "END:VEVENT", "END:VCALENDAR"))


def test_an_event_is_read_on_the_clock_of_the_page() -> None:
    (told,) = run(("read", RICH, PARIS))
    assert told["fields"] == {
        "title": "Conseil, <b>été</b>", "place": "", "link": "", "text": "Un texte", "whole": False,
        "begin": "2030-03-04T14:00", "end": "2030-03-04T15:00", "reminder": "15", "by": "DISPLAY",
    }  # fmt: skip
    assert told["organizer"]["address"] == "moi@lointain.test" and not told["repeats"]
    assert told["guests"] == [{"address": "paul@lointain.test", "name": "Lœuf; Paul", "answer": "NEEDS-ACTION"}]
    assert told["alarms"] == 1


@pytest.mark.parametrize(
    ("start", "begin"),
    [
        ("DTSTART:20300304T130000Z", "2030-03-04T14:00"),
        ("DTSTART:20300704T130000Z", "2030-07-04T15:00"),
        ("DTSTART;TZID=America/New_York:20300304T080000", "2030-03-04T14:00"),
        ("DTSTART;TZID=Nulle/Part:20300304T080000", "2030-03-04T08:00"),
        ("DTSTART:20300304T080000", "2030-03-04T08:00"),
        ("DTSTART;VALUE=DATE:20300304", "2030-03-04"),
    ],
)
def test_times_of_every_kind_are_known(start: str, begin: str) -> None:
    end = "" if "DATE" in start else "DURATION:PT1H"
    (told,) = run(("read", one(start=start, end=end), PARIS))
    assert told["fields"]["begin"] == begin


def test_a_change_leaves_what_the_form_does_not_show() -> None:
    title, text, moved = run(
        ("change", RICH, {"title": "Œuvre; à 10 €, ici"}, PARIS),
        ("change", RICH, {"text": "Neuf\nici", "place": "Salle"}, PARIS),
        ("change", RICH, {"begin": "2030-03-05T10:00", "end": "2030-03-05T11:30"}, PARIS),
    )
    before, kept = set(lines(RICH)), ("DTSTAMP", "LAST-MODIFIED", "SEQUENCE")

    def differs(after: str) -> list[set[str]]:
        now = set(lines(after))
        return [{one for one in found if not one.startswith(kept)} for found in (before - now, now - before)]

    assert differs(title) == [
        {"SUMMARY;LANGUAGE=fr:Conseil\\, <b>été</b>"},
        {"SUMMARY;LANGUAGE=fr:Œuvre\\; à 10 €\\, ici"},
    ]
    assert differs(text) == [
        {'DESCRIPTION;ALTREP="cid:x":Un texte', "X-ALT-DESC;FMTTYPE=text/html:<p>Un texte</p>"},
        {"DESCRIPTION:Neuf\\nici", "LOCATION:Salle"},
    ]
    assert differs(moved) == [
        {"DTSTART;TZID=Lointain:20300304T160000", "DURATION:PT1H"},
        {"DTSTART;TZID=Europe/Paris:20300305T100000", "DTEND;TZID=Europe/Paris:20300305T113000"},
    ]
    assert all(max(len(line.encode()) for line in text.split("\r\n")) <= 75 for text in (title, moved))


def test_a_reminder_takes_the_place_of_the_one_that_is_shown_alone() -> None:
    none, mail = run(
        ("change", RICH, {"reminder": ""}, PARIS),
        ("change", RICH, {"reminder": "60", "by": "EMAIL", "to": "moi@lointain.test"}, PARIS),
    )
    assert "TRIGGER:-PT15M" not in none and "TRIGGER:-PT17M" in none
    assert "TRIGGER:-PT15M" not in mail and "TRIGGER:-PT17M" in mail
    assert "TRIGGER:-PT1H" in mail and "ACTION:EMAIL" in mail and "ATTENDEE:mailto:moi@lointain.test" in mail


def test_a_new_event_comes_back_as_it_was_typed() -> None:
    typed = {
        "title": "Sortie", "place": "Lyon; gare", "link": "https://visio.example.org/a?b=c,d", "text": "a\nb\\c",
        "reminder": "1440", "by": "DISPLAY", "to": "moi@lointain.test",
    }  # fmt: skip
    days = {"whole": True, "begin": "2030-03-04", "end": "2030-03-06"}
    hours = {"whole": False, "begin": "2030-07-04T08:30", "end": "2030-07-04T09:30"}
    texts = run(("create", "u-1", {**typed, **days}, PARIS), ("create", "u-1", {**typed, **hours}, PARIS))
    assert "DTSTART;VALUE=DATE:20300304" in texts[0] and "DTEND;VALUE=DATE:20300307" in texts[0]
    assert all(text.startswith("BEGIN:VCALENDAR\r\n") and "UID:u-1\r\n" in text for text in texts)
    for text, when in zip(texts, (days, hours), strict=True):
        (told,) = run(("read", text, PARIS))
        assert told["fields"] == {key: value for key, value in {**typed, **when}.items() if key != "to"}


def test_a_series_is_shown_day_by_day_and_not_changed() -> None:
    moved = (
        "END:VEVENT\nBEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Europe/Paris:20261207T090000\n"
        "DTSTART;TZID=Europe/Paris:20261208T110000\nDTEND;TZID=Europe/Paris:20261208T120000\nSUMMARY:Déplacé"
    )
    weekly = one("RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Paris:20261214T090000", moved)
    told, refused = run(("days", weekly, "2026-12-01", "2027-01-01", PARIS), ("change", weekly, {"title": "x"}, PARIS))
    assert [(day["begin"], day["end"], day["title"]) for day in told["days"]] == [
        ("2026-12-08T11:00", "2026-12-08T12:00", "Déplacé"),
        ("2026-12-21T09:00", "2026-12-21T10:00", "Cours"),
        ("2026-12-28T09:00", "2026-12-28T10:00", "Cours"),
    ]
    assert all(day["series"] for day in told["days"]) and not told["more"]
    assert refused == {"error": "series"}


@pytest.mark.parametrize(
    ("rule", "shown", "more"),
    [
        ("RRULE:FREQ=DAILY", 31, False),
        ("RRULE:FREQ=SECONDLY", 0, True),
        ("RRULE:FREQ=MINUTELY;UNTIL=99991231T000000Z", 0, True),
        ("RRULE:FREQ=SECONDLY;COUNT=999999999", 0, True),
        ("RRULE:FREQ=YEARLY;COUNT=999999999", 0, False),
    ],
)
def test_a_series_without_end_has_a_bound(rule: str, shown: int, more: bool) -> None:
    (told,) = run(("days", one(rule), "2026-12-01", "2027-01-01", PARIS))
    assert (len(told["days"]), told["more"]) == (shown, more)


def test_only_addresses_of_the_web_are_links() -> None:
    more = (
        "URL:javascript:alert(1)",
        "CONFERENCE;VALUE=URI:https://visio.example.org/salle",
        "LOCATION:https://lieu.example.org/a\\, salle 2",
        'DESCRIPTION:voir https://texte.example.org/"><b> et data:text/html\\,x',
    )
    (told,) = run(("read", one(*more), PARIS))
    assert told["links"] == [
        "https://visio.example.org/salle",
        "https://lieu.example.org/a",
        "https://texte.example.org/",
    ]
    assert told["fields"]["link"] == ""


def test_both_languages_have_the_words_of_the_page() -> None:
    folder = OWN.parents[1]
    used = set()
    for path in OWN.parent.glob("*.js"):
        used |= set(re.findall(r"\bwords\.([a-z]\w*)", path.read_text("utf-8")))
    for name in ("fr_FR", "en_US"):
        text = (folder / "localization" / f"{name}.inc").read_text("utf-8")
        assert used <= set(re.findall(r"\['agenda_(\w+)'\]", text))
