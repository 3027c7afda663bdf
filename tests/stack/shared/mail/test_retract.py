"""A wave of phishing is taken back from all boxes, wherever its copies lie, and given back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stack.support.mail import Mail, compose, quoted, token, wait_for
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered
LINK = "Votre boîte est pleine, confirmez ici : https://{word}.example.org/login avant ce soir. " * 4


LIKE = (
    "Bonjour {name}, votre boîte est pleine et vos messages ne seront plus reçus à compter de ce soir si vous ne"
    " confirmez pas votre identité sur la page https://{host}.example.org/ qui demande votre identifiant. {mark} Sans"
    " réponse de votre part le compte sera fermé et son contenu perdu. Le service vous remercie, {name}."
)


def planned(typed: Any, *words: str, boxes: int = 1) -> Any:
    """A plan, once so many boxes have a copy."""
    plan = typed("retract", *words, "--reason", "essai", "--dry-run")
    return plan if len(plan.get("holders", ())) >= boxes else None


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
    # A client says when a message came: an old date hides no copy.
    session.append(quoted("À voir"), None, '"01-Jan-1990 08:00:00 +0000"', session.fetch("1", "(BODY.PEEK[])")[1][0][1])
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


@pytest.mark.full
@pytest.mark.parametrize("form", ["{0}", "<{0}{1}@x.test>", "=?utf-8?q?{0}?=", "(a) <{0} @x.test>"])
def test_a_message_id_that_is_written_oddly_hides_no_copy(people, mail, typed, form):
    agent, word = people.agent(), token()
    sender = f"{word}@lointain.test"
    message = compose(sender, agent.mail, f"Alerte {word}", LINK.format(word=word))
    head, _, rest = message.partition(b"Message-ID: ")
    message = head + b"Message-ID: " + form.format(word, "x" * 300).encode() + b"\r\n" + rest.partition(b"\r\n")[2]
    mail.foreign(sender, agent.mail, message)
    mail.arrived(agent, word)
    plan = wait_for(lambda: planned(typed, "--from", sender), what="a plan")
    assert typed("retract", plan["ident"], "--yes", "--no-note")["left"] == []
    assert held(mail, agent, word) == {}
    assert typed("undo", plan["ident"], "--yes")["left"] == []
    assert list(held(mail, agent, word)) == ["INBOX"]


@pytest.mark.full
def test_copies_in_folders_that_nothing_lists_are_taken_too(people, mail, typed):
    """An agent names the place of what is deleted; a delegate makes a folder of that name in a shared box."""
    agent, delegate, word = people.agent(), people.agent(), token()
    box = people.box(delegate.uid)
    shared, sender = f"Partages/{box.uid}", f"{word}@lointain.test"
    script = 'require ["fileinto", "mailbox", "copy"]; fileinto :copy :create ".EXPUNGED/INBOX";'
    mail.set_filter(agent, "a", f'{script} fileinto :copy :create ".EXPUNGED/y";').close()
    for to in (agent.mail, box.mail):
        mail.foreign(sender, to, compose(sender, to, f"Alerte {word}", LINK.format(word=word)))
    mail.arrived(agent, word)
    mail.arrived(delegate, word, shared)
    hidden = [(agent, ".EXPUNGED/INBOX"), (agent, ".EXPUNGED/y")]
    assert [mail.count(who, word, place) for who, place in hidden] == [1, 1]
    for who, source, places in (
        (agent, "INBOX", (".EXPUNGED/x", ".EXPUNGED/INBOX", ".EXPUNGED/mail/INBOX", "EXPUNGED/mail/INBOX")),
        (delegate, shared, (f"{shared}/EXPUNGED/mail/INBOX", f"{shared}/.EXPUNGED/mail/INBOX")),
    ):
        session = mail.imap(who)
        for place in places:
            session.create(quoted(place))
            session.select(quoted(source))
            if session.copy("1:*", quoted(place))[0] == "OK":
                hidden.append((who, place))
    assert [place for _who, place in hidden[2:] if ".EXPUNGED" in place] == []
    assert len(hidden) == 4, "folders of that name without a dot are as good as any"
    plan = wait_for(lambda: planned(typed, "--from", sender, boxes=2), what="a plan")
    assert len(plan["copies"]) == 6
    assert typed("retract", plan["ident"], "--yes", "--no-note")["left"] == []
    for who, place in ((agent, "INBOX"), (delegate, shared), *hidden):
        assert mail.count(who, word, place) == 0, place
    assert typed("undo", plan["ident"], "--yes")["left"] == []
    for who, place in ((agent, "INBOX"), (delegate, shared), *hidden):
        assert mail.count(who, word, place) == 1, place


def test_like_messages_are_offered_and_taken_by_their_number(people, mail, typed):
    """The text of a wave with other names, subjects and links; an honest answer that quotes it is only listed."""
    first, second, chef = agents = [people.agent() for _ in range(3)]
    word = token()
    text = LIKE.replace("{mark}", " ".join(token() for _ in range(80)))
    senders = [f"{word}-{number}@lointain.test" for number in range(2)]
    for number, (sender, one) in enumerate(zip(senders, (first, second), strict=True)):
        body = text.format(name=("Marie", "Jean-Paul")[number], host=f"h{number}{word}")
        mail.foreign(sender, one.mail, compose(sender, one.mail, f"Alerte {number} {word}", body))
        mail.arrived(one, word)
    answer = "Bonjour, est-ce de vous ? Je n'ai pas cliqué. > " + text.format(name="Marie", host=f"h0{word}")
    assert mail.submit(first, first.mail, chef.mail, compose(first.mail, chef.mail, f"Fw {word}", answer)).accepted
    mail.arrived(chef, word)

    def offered() -> Any:
        found = typed("trace", "--from", senders[0])["messages"]
        plan = planned(typed, "--like", found[0]["queue"]) if found else None
        return plan if plan and len(plan["like"]) == 2 else None

    plan = wait_for(offered, what="two that are like it")
    by = {one["messages"][0]["author"]: (number, one["alike"]) for number, one in enumerate(plan["like"], 1)}
    assert set(by) == {senders[1], first.mail} and all(16 <= alike <= 32 for _number, alike in by.values()), by
    assert typed("retract", plan["ident"], "--yes", "--no-note")["left"] == []
    assert [mail.count(one, word) for one in agents] == [0, 1, 1]
    done = typed("retract", plan["ident"], "--yes", "--no-note", "--also", str(by[senders[1]][0]))
    assert (done["left"], done["failures"]) == ([], [])
    assert [mail.count(one, word) for one in agents] == [0, 0, 1]
    assert typed("undo", plan["ident"], "--yes")["stage"] == "undone"
    assert [mail.count(one, word) for one in agents] == [1, 1, 1]


def test_a_retraction_needs_a_reason_and_something_that_is_meant(site):
    for words, complaint in (
        ("--from x@lointain.test", "needs a reason"),
        ("--reason essai", "needs a sender"),
        ("--reason essai --from x@lointain.test --refuse-link", "--link"),
        ("20260101-000000-abcd", "no retraction"),
    ):
        assert complaint in site.run("mail1", f"malleposte mail retract {words} 2>&1", check=False), words
