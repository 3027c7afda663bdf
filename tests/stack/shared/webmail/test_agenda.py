"""The agenda of the light webmail by its own requests: what it gives, what it changes, and what it refuses."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.dav import EVENT, Device
from tests.stack.support.mail import token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.scattered

FROM = "2027-01-01"
STORE = "/var/lib/radicale/collections/collection-root"
TYPE = {"Content_Type": "text/calendar; charset=utf-8"}
SECONDS = 30
"""Far above what the page takes, far below what a series of seconds would."""


class Agenda:
    """One agent: what the page asks, and a device."""

    def __init__(self, account: Account, here: Webmail, device: Device) -> None:
        self.account, self.here, self.device = account, here, device
        self.home = next(home for home in device.discover()[1] if home.endswith("/agenda/"))

    def put(self, name: str, text: str) -> int:
        """Write an event by the device; the status."""
        return self.device.ask("PUT", f"{self.home}{name}.ics", text, **TYPE).status

    def agendas(self, since: str = FROM) -> list[dict[str, Any]]:
        """The agendas with their events, as the page gets them."""
        return list(self.here.call(_task="agenda", _action="events", _from=since)["agendas"])

    def own(self) -> dict[str, Any]:
        """The agent's own agenda."""
        return next(one for one in self.agendas() if one["own"])

    def event(self, title: str) -> dict[str, str]:
        """An event of it."""
        return next(one for one in self.own()["events"] if title in one["text"])

    def act(self, action: str, **form: str) -> str:
        """The word by which the server says how a change ended."""
        return str(
            self.here.call({f"_{key}": value for key, value in form.items()}, _task="agenda", _action=action)["said"]
        )


@pytest.fixture
def make(webmail: Callable[[], Webmail], people: People, device: Callable[..., Device]) -> Callable[..., Agenda]:
    def new(**changes: Any) -> Agenda:
        account, here = people.agent(**changes), webmail()
        assert here.login(account.uid, account.password)
        return Agenda(account, here, device(account))

    return new


@pytest.fixture
def agenda(make: Callable[..., Agenda]) -> Agenda:
    return make()


def text(title: str, uid: str = "") -> str:
    """An event as the page writes it."""
    return EVENT.format(uid=uid or token(), summary=title)


def test_an_event_is_kept_once_changed_by_its_version_and_removed(agenda: Agenda) -> None:
    word, uid = token(), token()
    own = agenda.own()
    for _ in range(2):
        assert agenda.act("save", agenda=own["id"], uid=uid, text=text(word, uid)) == "saved", "its answer was lost"
    assert len(agenda.own()["events"]) == 1
    event = agenda.event(word)
    newer = event["text"].replace("SUMMARY:", "X-AUTRE:1\r\nSUMMARY:Neuf ")
    assert agenda.act("save", event=event["id"], etag=event["etag"], text=newer) == "saved"
    assert agenda.act("save", event=event["id"], etag=event["etag"], text=event["text"]) == "changed", "an old version"
    assert agenda.act("remove", event=event["id"], etag=event["etag"]) == "changed"
    now = agenda.here.call(_task="agenda", _action="event", _event=event["id"])["event"]
    assert "SUMMARY:Neuf" in now["text"] and "X-AUTRE:1" in now["text"]
    assert agenda.act("remove", event=now["id"], etag=now["etag"]) == "removed"
    assert agenda.own()["events"] == []


def test_a_change_needs_the_token_of_the_session(agenda: Agenda) -> None:
    own, word = agenda.own(), token()
    form = {"_agenda": own["id"], "_uid": token(), "_text": text(word), "_remote": "1"}
    path = f"/?{urlencode({'_task': 'agenda', '_action': 'save', '_remote': '1'})}"
    script = {"X_Requested_With": "XMLHttpRequest"}
    assert agenda.here.ask(path, form, **script).status == 403
    assert agenda.here.ask(path, form, X_Roundcube_Request="0" * 32, **script).status == 403
    agenda.here.ask(f"{path}&{urlencode(form)}", X_Roundcube_Request=agenda.here.token, **script)
    assert agenda.own()["events"] == [], "nor does an address change anything"
    assert agenda.here.ask(path, form, X_Roundcube_Request=agenda.here.token, **script).status == 200
    assert len(agenda.own()["events"]) == 1


def test_only_what_the_server_listed_is_reached(make: Callable[..., Agenda]) -> None:
    mine, theirs, word = make(), make(), token()
    assert theirs.put("a", text(word)) == 201 and mine.put("b", text(f"mien {word}")) == 201
    other, own = theirs.event(word), mine.event("mien")
    seal = own["id"].partition(".")[2]
    for forged in (
        other["id"], f"{other['id'].partition('.')[0]}.{seal}", own["id"][:-1] + ("0" if own["id"][-1] != "0" else "1"),
        f"{theirs.home}a.ics", "https://pirate.example.org/a.ics", "../../etc/passwd", ".", "",
    ):  # fmt: skip
        if forged:
            assert mine.act("save", event=forged, etag="*", text=text("volé")) == "gone"
        assert mine.act("remove", event=forged, etag="*") == "gone"
        assert mine.act("answer", event=forged, answer="accept") == "gone"
        assert mine.here.call(_task="agenda", _action="event", _event=forged)["said"] == "gone"
    for unknown in (theirs.own()["id"], theirs.home, "0" * 16, ""):
        assert mine.act("save", agenda=unknown, uid=token(), text=text("volé")) == "refused"
    assert theirs.event(word)["etag"] == other["etag"]
    assert mine.act("remove", event=own["id"], etag=own["etag"]) == "removed"


@pytest.mark.full
def test_a_published_calendar_is_read_and_not_written(
    make: Callable[..., Agenda], calendars: Calendars, tmp_path: Path
) -> None:
    here, name = school(), f"Vacances {token()}"
    agenda = make(establishments=(here,))
    path = tmp_path / "vacances.ics"
    path.write_text(file("Vacances d’hiver"), "utf-8")
    calendars.publish(str(path), name, f"uai={here}", "--colour", "#18753c")
    (shown,) = [one for one in agenda.agendas() if one["name"].startswith(name)]
    assert not shown["own"] and shown["colour"] == "#18753c"
    (event,) = shown["events"]
    assert "Vacances d’hiver" in event["text"]
    assert agenda.act("save", agenda=shown["id"], uid=token(), text=text("à moi")) == "refused"
    assert agenda.act("save", event=event["id"], etag=event["etag"], text=text("à moi")) == "refused"
    assert agenda.act("remove", event=event["id"], etag=event["etag"]) == "refused"
    assert agenda.act("save", agenda=agenda.own()["id"], uid=token(), text=text("à moi")) == "saved"


@pytest.mark.full
def test_what_is_too_large_is_left_out_and_said(agenda: Agenda) -> None:
    word = token()
    assert agenda.put("petit", text(word)) == 201
    huge = text("énorme").replace("LOCATION:", f"DESCRIPTION:{'a' * 10_000_000}\r\nLOCATION:")
    assert agenda.put("gros", huge) == 201
    began = time.monotonic()
    own = agenda.own()
    assert time.monotonic() - began < SECONDS
    assert own["left"] == 1 and not own["silent"] and [word in one["text"] for one in own["events"]] == [True]
    assert agenda.act("save", agenda=own["id"], uid=token(), text=text("a" * 300_000)) == "large"
    assert agenda.act("save", agenda=own["id"], uid=token(), text="<html>") == "bad"
    assert "agendas" not in agenda.here.call(_task="agenda", _action="events", _from="hier")


@pytest.mark.full
def test_a_class_with_the_groupware_has_no_agenda_here(
    agenda: Agenda, webmail: Callable[[], Webmail], people: People
) -> None:
    account, here = people.agent(profile="convergence"), webmail()
    assert here.enter(here.back(here.sso.log_in(account.uid, account.password, here.leave("/?_interface=legere"))))
    assert "_task=agenda" not in here.page(_task="mail") and "_task=agenda" in agenda.here.page(_task="mail")
    assert here.ask("/?_task=agenda").headers["Location"].removeprefix(".").startswith("/?_task=mail")
    assert here.call(_task="agenda", _action="events", _from=FROM) == {"said": "refused"}


def test_a_series_without_end_holds_nobody_up(agenda: Agenda, site: Site) -> None:
    word = token()
    series = text(word).replace("SUMMARY:", "RRULE:FREQ=SECONDLY\r\nSUMMARY:").replace("20270105T", "20000105T")
    assert agenda.put("longue", series) == 400
    # One that lies there since before it was refused.
    assert agenda.put("courte", text(token())) == 201
    path = f"{STORE}/{agenda.account.uid}/agenda/longue.ics"
    site.run(site.host_of("web"), f"runuser -u radicale -- tee {path} > /dev/null", given=series)
    began = time.monotonic()
    assert word in agenda.event(word)["text"]
    assert time.monotonic() - began < SECONDS


def test_the_inbox_loads_nothing_of_it(agenda: Agenda) -> None:
    inbox, page = agenda.here.page(_task="mail"), agenda.here.page(_task="agenda")
    assert "_task=agenda" in inbox and "agents_mail/agenda/" not in inbox
    assert page.count("agents_mail/agenda/") > 5 and "event-calendar.js" in page
