"""A wave of phishing is taken back from all boxes, wherever its copies lie, and given back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stack.support.mail import Mail, compose, quoted, token, wait_for
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered
LINK = "Votre boîte est pleine, confirmez ici : https://{word}.example.org/login avant ce soir. " * 4


@pytest.fixture
def typed(site: Site) -> Any:
    """`malleposte mail …` on the directory's host: its JSON document."""

    def run(*words: str) -> Any:
        return json.loads(site.run("mail1", "malleposte", "mail", *words, "--json", check=False, timeout=300))

    return run


def held(mail: Mail, who: Account, word: str) -> dict[str, str]:
    """The folders in which a client finds a message of that subject, each with its flags."""
    session, there = mail.imap(who), {}
    for line in session.list()[1]:
        folder = line.decode().rpartition(' "/" ')[2]
        if session.select(folder, readonly=True)[0] != "OK":
            continue
        for number in session.search(None, "HEADER", "Subject", word)[1][0].split():
            flags = session.fetch(number, "(FLAGS)")[1][0].decode()
            there[folder.strip('"')] = " ".join(
                sorted(set(flags.partition("FLAGS (")[2].rstrip(")").split()) - {"\\Recent"})
            )
    session.logout()
    return there


def restorable(site: Site, who: Account, word: str) -> list[str]:
    """The subjects with that word which the DSI could bring back to a box."""
    listed = json.loads(site.run("mail1", "malleposte accounts undelete", who.uid, "--json"))["messages"]
    return [one["subject"] for one in listed if word in one["subject"]]


def ends(typed: Any, who: Account, word: str) -> set[str]:
    """Return the states of an account's messages of that subject, as the index of deliveries has them."""
    found = typed("trace", "--to", who.uid, "--subject", f"'alerte {word}'")["messages"]
    return {to["state"] for one in found for to in one["recipients"] if to["account"] == who.uid}


def test_a_wave_leaves_every_box_and_comes_back_as_it_was(people, mail, typed, site):
    """Unread, read, moved, copied, deleted, passed on inside and outside; an honest message like it stays."""
    word = token()
    plain, reader, mover, copier, deleter, passer, bystander = agents = [people.agent() for _ in range(7)]
    mail.set_filter(
        passer, "a", f'require "copy"; redirect :copy "{bystander.mail}"; redirect :copy "voisin@lointain.test";'
    ).close()
    sender = f"{word}@lointain.test"
    for one in agents[:-1]:
        mail.foreign(sender, one.mail, compose(sender, one.mail, f"Alerte {word}", LINK.format(word=word)))
    for one in agents:
        mail.arrived(one, word)
    honest = compose(sender, plain.mail, f"Re: Alerte {word} honest", "Merci de votre signalement.")
    mail.foreign(sender, plain.mail, honest)
    mail.arrived(plain, "honest")

    session = mail.imap(reader)
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "(\\Seen \\Flagged $Label1)")
    for who, act in ((mover, "MOVE"), (copier, "COPY")):
        session = mail.imap(who)
        session.create(quoted("À voir"))
        session.select("INBOX")
        session.uid(act, "1:*", quoted("À voir"))
    mail.remove(deleter, word)
    before = {one.uid: held(mail, one, word) for one in agents}

    def counted() -> Any:
        plan = typed(
            "retract", "--subject", f"'alerte {word}'", "--link", "example.org", "--reason", "essai", "--dry-run"
        )
        return plan if len(plan.get("holders", [])) == 7 and plan["out"] else None

    plan = wait_for(counted, what="a plan with all boxes")
    assert plan["readers"] == [reader.uid]
    assert plan["out"] == [[passer.uid, "voisin@lointain.test"]]
    assert {one["folder"] for one in plan["copies"] if one["uid"] == copier.uid} == {"INBOX", "À voir"}
    assert {one.uid: held(mail, one, word) for one in agents} == before, "a plan changes nothing"

    done = typed("retract", plan["ident"], "--yes")
    assert (done["left"], done["failures"], done["stage"]) == ([], [], "done"), done
    assert done["told"] == [reader.uid]
    mail.arrived(reader, "dangereux")
    after = {one.uid: held(mail, one, word) for one in agents}
    assert after == {one.uid: {} for one in agents} | {plain.uid: {"INBOX": after[plain.uid]["INBOX"]}}
    assert mail.count(plain, "honest") == 1
    assert not restorable(site, deleter, word)
    assert ends(typed, reader, word) == {"retracted"}

    again = compose(sender, bystander.mail, f"Autre objet {token()}", LINK.format(word=word))
    refused = mail.stranger(sender, bystander.mail, again)
    assert not refused.accepted and "dangereux" in refused.text, refused

    back = typed("undo", plan["ident"], "--yes")
    assert (back["left"], back["failures"], back["stage"]) == ([], [], "undone"), back
    assert {one.uid: held(mail, one, f"{word}") for one in agents} == before
    assert restorable(site, deleter, word) and ends(typed, reader, word) == {"filed"}
    listed = {one["ident"]: one["stage"] for one in typed("retractions")}
    assert listed[plan["ident"]] == "undone"


def test_a_message_that_only_looks_like_the_wave_stays(people, mail, typed):
    """One with the same Message-ID, which came otherwise: that of a wave is no proof."""
    agent, word = people.agent(), token()
    sender = f"{word}@lointain.test"
    first, other = (compose(sender, agent.mail, subject, "Un message.") for subject in (word, f"{word} bis"))
    ident, its = (one.partition(b"Message-ID: ")[2].partition(b"\r\n")[0] for one in (first, other))
    mail.foreign(sender, agent.mail, first)
    mail.arrived(agent, word)
    mail.imap(agent).append("INBOX", None, None, other.replace(its, ident))

    def counted() -> Any:
        plan = typed("retract", "--message-id", f"'{ident.decode()}'", "--reason", "essai", "--dry-run")
        return plan if plan["holders"] else None

    plan = wait_for(counted, what="a plan")
    assert len(plan["copies"]) == 1
    assert typed("retract", plan["ident"], "--yes", "--no-note")["left"] == []
    assert list(held(mail, agent, word)) == ["INBOX"] and mail.count(agent, f"{word} bis") == 1
    assert typed("undo", plan["ident"], "--yes")["failures"] == []


def test_a_retraction_needs_a_reason_and_something_that_is_meant(site):
    for words, complaint in (
        ("--from x@lointain.test", "needs a reason"),
        ("--reason essai", "needs a sender"),
        ("--reason essai --from x@lointain.test --refuse-link", "--link"),
        ("20260101-000000-abcd", "no retraction"),
    ):
        assert complaint in site.run("mail1", f"malleposte mail retract {words} 2>&1", check=False), words
