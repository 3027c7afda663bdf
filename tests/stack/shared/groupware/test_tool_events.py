"""New events of a chosen agenda are told to a tool, in both classes: each once, and none that was there."""

import datetime
import json
import random
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from malleposte.accountd.calls.account import ShowJournal
from malleposte.accountd.calls.mailbox.tools import AddTool, AgentTools, ChangeTool, ShowAgendas, ToolTried, TryTool
from malleposte.accountd.message import Refused

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.calendars import sql
from tests.stack.support.dav import Device, first
from tests.stack.support.mail import Mail
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.teams import Teams
from tests.stack.support.tools import HOST, Tools

UNIT = "malleposte-accounts-tool-events.service"
BOTH = pytest.mark.parametrize("profile", ["roundcube", "convergence"])
GATE = pytest.mark.parametrize("profile", ["roundcube", pytest.param("convergence", marks=pytest.mark.full)])
ICS = "text/calendar; charset=utf-8"


class Agent(Tools):
    """An agent with a device, rules for tools, and the timer's work."""

    device: Device
    home: str

    def events(self, agenda: str = "", **more: Any) -> str:
        """Add a rule for an agenda; the place where the tool takes what it tells."""
        return self.hook(when="event", label="", agenda=agenda or f"{self.account.uid}/personal", **more)

    def put(self, *lines: str, home: str = "", ident: str = "", days: int = 3, made: str = "") -> str:
        """Put an event as a device does; the word of its title."""
        ident = ident or f"e{secrets.token_hex(6)}"
        now = datetime.datetime.now(datetime.UTC)
        begin = (now + datetime.timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0)
        text = "\r\n".join([
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//FR", "BEGIN:VEVENT", f"UID:{ident}",
            f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}", f"CREATED:{made or f'{now:%Y%m%dT%H%M%SZ}'}",
            f"DTSTART:{begin:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", f"SUMMARY:Conseil {ident}",
            "LOCATION:Salle Confidence", "DESCRIPTION:Texte secret", *lines, "END:VEVENT", "END:VCALENDAR", "",
        ])  # fmt: skip
        answer = self.device.ask("PUT", f"{home or self.home}{ident}.ics", text, Content_Type=ICS)
        assert answer.status in (201, 204), answer.text
        return ident

    def look(self) -> None:
        """The timer's work, now."""
        self.site.run_job(self.site.host_of("directory"), UNIT)

    def told(self, place: str) -> list[str]:
        """The texts that the tool took."""
        return [one["content"]["text"].replace("\\", "") for one in self.taken(place)]


Make = Callable[..., Agent]


@pytest.fixture
def agent(site: Site, mail: Mail, device: Any) -> Make:
    def make(profile: str = "roundcube", **changes: Any) -> Agent:
        own = device(profile=profile, **changes)
        one = Agent(site, mail, Portal(site), own.account)
        one.device, one.home = own, first(own.discover()[1])
        return one

    return make


@BOTH
def test_a_new_event_is_told_once_and_nothing_that_was_there(agent: Make, profile: str) -> None:
    one = agent(profile)
    old = one.put()
    choices = one.portal.one(ShowAgendas(*one.own())).agendas
    assert f"{one.account.uid}/personal" in [each.ident for each in choices]
    place = one.events()
    new = one.put()
    private, closed = one.put("CLASS:PRIVATE"), one.put("CLASS:CONFIDENTIAL")
    past, imported = one.put(days=-3), one.put(made="20260101T080000Z")
    other = one.home.replace("personal", "autre").replace("/agenda/", "/autre/")
    assert one.device.ask("MKCALENDAR", other).status == 201
    elsewhere = one.put(home=other)
    begin = time.monotonic()
    one.look()
    (taken,) = one.awaited(place)
    print(f"{profile}: a look and its alert took {time.monotonic() - begin:.1f} s")
    text = taken["content"]["text"].replace("\\", "")
    assert new in text and "Quand" in text
    for word in ("Confidence", "secret", "lien"):
        assert word not in text
    one.put(ident=new)
    one.put(ident=old)
    for _turn in range(2):
        one.look()
    last = one.put()
    one.look()
    texts = one.told(place) if len(one.awaited(place, 2)) == 2 else []
    assert last in texts[1]
    assert not any(word in "".join(texts) for word in (old, private, closed, past, imported, elsewhere))
    sent = [each.title for each in one.shown().sent if each.told]
    assert len(sent) == 2 and any(new in title for title in sent)
    journal = [each.note for each in one.portal.one(ShowJournal(*one.own())).journal]
    assert any(new in note for note in journal) and any("titre, date" in note for note in journal)


def test_the_place_leaves_where_it_is_asked_for_and_a_trial_is_an_event(agent: Make) -> None:
    one = agent()
    place = one.events(place=True)
    (rule,) = one.shown().rules
    tried = one.portal.one(TryTool(*one.own(), rule.ident))
    assert isinstance(tried, ToolTried) and tried.outcome == "done"
    one.put()
    one.look()
    trial, text = [each["content"]["text"] for each in one.awaited(place, 2)]
    assert "Quand" in trial and "Lieu" in text and "Salle Confidence" in text and "secret" not in text


@GATE
def test_a_change_of_class_keeps_the_rule_and_tells_nothing_again(agent: Make, site: Site, profile: str) -> None:
    one = agent(profile)
    one.put()
    place = one.events()
    before = one.put()
    one.look()
    one.awaited(place)
    other = {"roundcube": "convergence", "convergence": "roundcube"}[profile]
    meanwhile = one.put()
    Cli(site).json("profile", one.account.uid, other)
    one.home = first(one.device.discover()[1])
    one.look()
    one.awaited(place, 2)
    after = one.put()
    one.look()
    texts = [each["content"]["text"].replace("\\", "") for each in one.awaited(place, 3)]
    assert [word in text for word, text in zip((before, meanwhile, after), texts, strict=True)] == [True] * 3
    one.look()
    assert len(one.taken(place)) == 3 and not one.shown().rules[0].gone


def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(agent: Make, site: Site) -> None:
    one, host = agent(), site.host_of("directory")
    place = one.events()
    words = []
    for _turn in range(4):
        words.append(one.put())
        site.run(host, f"systemctl start --no-block {UNIT}; sleep {random.uniform(0.3, 3.0):.2f};"
                       f" systemctl kill -s KILL {UNIT} || true")  # fmt: skip
    one.look()
    texts = [each["content"]["text"].replace("\\", "") for each in one.awaited(place, len(words))]
    assert sorted(word for word in words for text in texts if word in text) == sorted(words)
    one.look()
    assert len(one.taken(place)) == len(words)


def test_it_stops_with_all_that_stops_a_tool(agent: Make, site: Site) -> None:
    one, cli = agent(), Cli(site)
    place = one.events()
    (rule,) = one.shown().rules
    cli.out("tools", one.account.uid, "--pause", rule.ident, "--reason", "essai")
    one.put()
    one.look()
    assert isinstance(one.portal.one(ChangeTool(*one.own(), rule.ident, "resume")), AgentTools)
    one.look()
    after = one.put()
    one.look()
    (taken,) = one.awaited(place)
    assert after in taken["content"]["text"].replace("\\", "")
    row = json.loads(cli.out("tools", one.account.uid, "--json"))["rules"][0]
    assert (row["when"], row["agenda"], row["agenda_gone"]) == ("event", f"{one.account.uid}/personal", False)
    cli.out("tools", one.account.uid, "--remove", rule.ident, "--yes", "--reason", "essai")
    one.put()
    one.look()
    assert len(one.taken(place)) == 1


def test_an_agenda_that_is_deleted_is_said(agent: Make) -> None:
    one = agent()
    other = one.home.replace("personal", "autre").replace("/agenda/", "/autre/")
    assert one.device.ask("MKCALENDAR", other).status == 201
    place = one.events(agenda=f"{one.account.uid}/autre")
    word = one.put(home=other)
    one.look()
    (taken,) = one.awaited(place)
    assert word in taken["content"]["text"].replace("\\", "")
    assert one.device.ask("DELETE", other).status in (200, 204)
    one.look()
    (rule,) = one.shown().rules
    assert rule.gone


def test_somebody_else_s_agenda_is_refused(agent: Make) -> None:
    one, other = agent(), agent("convergence")
    for agenda in (f"{other.account.uid}/personal", f"{one.account.uid}/nowhere", "../x", ""):
        values = (f"https://{HOST}/hooks/good{secrets.token_hex(11)}",)
        answer = one.portal.one(AddTool(*one.own(), "mattermost", "event", values, agenda=agenda))
        assert isinstance(answer, Refused), agenda
    assert one.shown().rules == ()
    one.events()


@pytest.fixture
def teams(site: Site) -> Iterator[Teams]:
    made = Teams(site)
    yield made
    made.clear()
    for uid in made.made:
        ids = f"(SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{uid}')"
        for table in ("sogo_quick_appointment", "sogo_quick_contact", "sogo_store", "sogo_acl", "sogo_folder_info"):
            sql(site, f"DELETE FROM {table} WHERE c_folder_id IN {ids};")
        for table in ("malleposte_box_agendas", "malleposte_team_books"):
            sql(site, f"DELETE FROM {table} WHERE ident = '{uid}';")


@GATE
def test_a_team_s_agenda_tells_its_members_until_they_leave(
    agent: Make, site: Site, teams: Teams, profile: str
) -> None:
    one, writer = agent(profile), agent("convergence")
    team = teams.make("--lead", writer.account.uid, "--reader", one.account.uid)
    site.run_job(site.host_of("web"), "malleposte-sogo-sync.service")
    place = one.events(agenda=f"{team}/personal")
    stranger = agent()
    values = (f"https://{HOST}/hooks/good{secrets.token_hex(11)}",)
    refused = stranger.portal.one(AddTool(*stranger.own(), "mattermost", "event", values, agenda=f"{team}/personal"))
    assert isinstance(refused, Refused)
    home = writer.home.replace(writer.account.uid, team)
    word = writer.put(home=home)
    one.look()
    (taken,) = one.awaited(place)
    assert word in taken["content"]["text"].replace("\\", "")
    Cli(site).out("team", "remove", team, one.account.uid)
    writer.put(home=home)
    one.look()
    assert len(one.taken(place)) == 1 and one.shown().rules[0].gone
