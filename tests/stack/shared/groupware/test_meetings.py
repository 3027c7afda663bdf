"""Meetings: free slots across both classes, the invitation from the agent's own address, answers, the week's page."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest

from tests.stack.shared.groupware.test_convocations import REPLY, UNIT, as_reply, calendar, kept
from tests.stack.support.dav import Device, first
from tests.stack.support.desk import act, entered
from tests.stack.support.groupware import event
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.persons import Person
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

pytestmark = pytest.mark.together("convocations")

TODAY = datetime.datetime.now(ZoneInfo("Europe/Paris")).date()
MONDAY = TODAY + datetime.timedelta(days=7 - TODAY.weekday())
"""The next one."""


def busy(device: Device, hour: int, title: str = "Rendez-vous chez le médecin", day: datetime.date = MONDAY) -> None:
    """Put an event of one hour into the agenda of a device's owner."""
    word = token()
    start, end = (f"{day:%Y%m%d}T{one:02}0000" for one in (hour, hour + 1))
    text = event(word, title, start=start, end=end)
    answer = device.ask("PUT", f"{first(device.discover()[1])}{word}.ics", text, Content_Type="text/calendar")
    assert answer.status in (201, 204)


def search(inside: SignedOn, *people: str, hours: tuple[str, str] = ("08:00", "11:00")) -> Page:
    given = {"first": MONDAY.isoformat(), "last": MONDAY.isoformat(), "begin": hours[0], "end": hours[1]}
    return act(inside, "/compte/creneaux", people="\n".join(people), minutes="60", **given)


def invite(inside: SignedOn, title: str, *people: str) -> Page:
    given = {"day": MONDAY.isoformat(), "begin": "10:00", "end": "11:00", "place": "Salle 3", "text": "Ordre du jour"}
    return act(inside, "/compte/reunions/nouvelle", title=title, people="\n".join(people), **given)


def test_slots_of_both_classes(
    people: People, person: Callable[..., Person], device: Callable[..., Device], site: Site, web: Web
) -> None:
    rich, light, who = people.agent(profile="convergence", hidden=False), people.agent(hidden=False), person()
    busy(device(rich), 8)
    busy(device(light), 9)
    inside = entered(site, web, who)
    page = search(inside, rich.uid, light.mail, "personne-ici", "dehors@example.org")
    assert "médecin" not in page.main and "personne-ici" in page.main
    shown = page.main
    free, first_busy = shown.index("de 10 h à 11 h"), shown.index("de 8 h à 9 h")
    assert free < first_busy < shown.index("de 9 h à 10 h"), "all free comes first"
    assert "dehors@example.org" in shown[: shown.index("de 10 h à 11 h")], "unknown is said"


@pytest.mark.full
def test_a_meeting_goes_out_from_the_agent_and_answers_are_counted(
    people: People, person: Callable[..., Person], device: Callable[..., Device], mail: Mail, site: Site, web: Web
) -> None:
    title, guest, who = f"Équipe {token()}", people.agent(profile="convergence"), person()
    host = site.host_of("directory")
    inside = entered(site, web, who)
    assert "L’invitation part" in invite(inside, title, guest.uid).main
    site.run_job(host, UNIT)
    letter = message_from_bytes(mail.arrived(guest, title.split()[1]), policy=policy.default)
    assert letter["From"].addresses[0].addr_spec == who.account.mail and letter["Auto-Submitted"] is None
    wait_for(lambda: len(kept(device(who.account), title)) == 1, 120, "the organiser's entry")
    invitation = calendar(letter)
    assert f"mailto:{guest.mail}" in invitation.replace("\r\n ", "") and kept(device(guest), title) == []
    # A colleague answers for the guest; then the guest answers.
    other = people.agent()
    for author, answer in ((other, "DECLINED"), (guest, "ACCEPTED")):
        text = as_reply(invitation, answer)
        reply = REPLY.format(author=author.mail, office=who.account.mail, word=token(), text=text)
        assert mail.submit(author, author.mail, who.account.mail, reply.encode()).accepted

    def answered() -> bool:
        site.run_job(host, UNIT)
        return "(oui)" in inside.get("/compte/reunions").main

    wait_for(answered, 120, "the guest's answer")
    page = inside.get("/compte/reunions")
    (form,) = [one for one in page.forms() if one["action"] == "/compte/reunions/annuler"]
    inside.follow(inside.ask(form["action"], form["fields"]))
    site.run_job(host, UNIT)
    wait_for(lambda: mail.count(guest, title.split()[1]) == 2, 90, "the letter that it is off")
    wait_for(lambda: kept(device(who.account), title) == [], 120, "the entry to leave the agenda")


@pytest.mark.parametrize("profile", ["convergence", pytest.param("roundcube", marks=pytest.mark.full)])
def test_the_week_is_on_the_first_page(
    profile: str, person: Callable[..., Person], device: Callable[..., Device], site: Site, web: Web
) -> None:
    title, who = f"Conseil {token()}", person(mpProfile=[profile])
    busy(device(who.account), 20, title, TODAY + datetime.timedelta(days=2))
    inside = entered(site, web, who)
    assert title in inside.get("/").main


def test_a_poll_without_an_account_ends_in_an_invitation(
    people: People, person: Callable[..., Person], mail: Mail, site: Site, web: Web
) -> None:
    title, guest, who = f"Sondage {token()}", people.agent(), person()
    host, inside = site.host_of("directory"), entered(site, web, who)
    slots = "\n".join(f"{MONDAY:%d/%m/%Y} {hour}h-{hour + 1}h" for hour in (14, 16))
    act(inside, "/compte/sondages/nouveau", title=title, slots=slots, people=guest.uid, text="")
    site.run_job(host, UNIT)
    letter = message_from_bytes(mail.arrived(guest, title.split()[1]), policy=policy.default)
    text = letter.get_body(("plain",)).get_content()
    (link,) = re.findall(r"https://\S+?(/sondage\?lien=\S+)", text)
    stranger = SignedOn(site, web)
    assert "ne mène à aucun sondage" in stranger.get(f"{link}x").main
    page = act(stranger, link, slot0="n", slot1="y")
    assert "C’est noté" in page.main
    (address,) = [one for one in inside.get("/compte/sondages").links if "sondage=" in one]
    (form,) = [one for one in inside.get(address).forms() if one["fields"].get("slot") == "1"]
    assert "La date est choisie" in Page(inside.follow(inside.ask(form["action"], form["fields"])).text).main
    assert "ne mène à aucun sondage" in stranger.get(link).main
    site.run_job(host, UNIT)
    wait_for(lambda: mail.count(guest, title.split()[1]) == 2, 90, "the invitation")
