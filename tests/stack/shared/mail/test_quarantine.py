"""Messages that the filter keeps apart, in « Quarantaine » or sealed, and the way out, by their owner."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from malleposte.platform.mailstore import DANGEROUS, QUARANTINE

from tests.stack.shared.mail.test_senders import Agent, handed
from tests.stack.support import corpus
from tests.stack.support.corpus import Attached, Case
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.scans import verdicts
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.support.page import Page

pytestmark = pytest.mark.scattered

PAGE = "/compte/quarantaine"
HEADER = "X-Malleposte-Quarantine"
PROBE = f"probe@{FOREIGN}"
STRANGER = b"Service <service@mechant.test>"
FORM = Attached("facture.html", "text/html", b"<html><form action=//vol.test><input type=password></form></html>")
LOCKED = Attached("dossier.zip", "application/zip", corpus.encrypted(corpus.zipped(note__pdf=b"%PDF-1.4" + bytes(40))))


@pytest.fixture
def agent(site: Site, web: Web, mail: Mail, person: Any) -> Any:
    """Makes agents who are logged in to the portal."""
    return lambda: Agent(site, web, mail, person())


def subjects(site: Site, account: Account, folder: str) -> list[str]:
    """The subjects of a folder's messages, as doveadm sees it."""
    ask = f"doveadm -f json fetch -u {account.uid} hdr.subject mailbox '{folder}' ALL"
    return [row["hdr.subject"] for row in json.loads(site.run("mail1", ask, check=False) or "[]")]


def stored(site: Site, account: Account) -> int:
    """Kilobytes that the quota counts."""
    rows = json.loads(site.run("mail1", f"doveadm -f json quota get -u {account.uid}"))
    return next(int(row["value"]) for row in rows if row["type"] == "STORAGE")


JUDGED = json.dumps({"symbols_disabled": ["GREYLIST_CHECK", "GREYLIST_SAVE"], "groups_disabled": ["hfilter", "rbl"]})
"""Settings with which a message is judged by itself: as when it comes again, and from a host whose name is in DNS."""


def kept_apart(site: Site, cases: Iterable[Case], **envelope: str) -> list[tuple[Case, str]]:
    """Each message with the place that the filter gives it: `quarantine`, `sealed`, or nothing."""
    given = list(cases)
    texts = (one.message.decode("utf-8", "surrogateescape") for one in given)
    host = {"IP": site.address("world"), "Hostname": FOREIGN, "Helo": FOREIGN, "From": PROBE}
    answers = verdicts(site, texts, Settings=JUDGED, **host, **envelope)
    places = []
    for one, answer in zip(given, answers, strict=True):
        assert answer["action"] in ("no action", "add header", "greylist"), answer["action"]
        assert "User" in envelope or "MP_UNKNOWN_SENDER" in answer["symbols"]
        header = answer.get("milter", {}).get("add_headers", {}).get(HEADER, {})
        value = header["value"] if isinstance(header, dict) and header else ""
        places.append((one, str(value).partition(" ")[0]))
    return places


def released(reader: Agent, ident: str) -> Page:
    """Send the form of the page with one message ticked; the page that comes."""
    page = reader.visitor.get(PAGE)
    (form,) = [one["fields"] for one in page.forms() if one["fields"].get("act") == "release"]
    given = {"csrf_token": form["csrf_token"], "act": "release", "message": ident}
    return Page(reader.visitor.follow(reader.visitor.ask(PAGE, given)).text)


def ticks(reader: Agent) -> list[str]:
    """The identifiers of the messages on the page."""
    boxes = reader.visitor.get(PAGE).all("input")
    return [held["value"] for held, _text in boxes if held.get("name") == "message"]


def test_the_filter_s_header_decides_whatever_the_agent_allows(agent: Any, site: Site) -> None:
    reader = agent()
    reader.add("allow", PROBE)
    verified = f"X-Malleposte-Author: {PROBE}", f"From: {PROBE}"
    spam = handed(site, reader, *verified, "X-Spam: Yes")
    doubted = handed(site, reader, *verified, "X-Spam: Yes", f"{HEADER}: quarantine score")
    danger = handed(site, reader, *verified, f"{HEADER}: sealed form")
    account = reader.who.account
    assert subjects(site, account, "INBOX") == [spam]
    assert subjects(site, account, QUARANTINE) == [doubted]
    assert subjects(site, account, DANGEROUS) == [danger]


def test_a_sender_s_own_header_is_taken_away(people: People, mail: Mail, site: Site) -> None:
    reader, word = people.agent(), token()
    forged = compose(PROBE, reader.mail, word, X_Malleposte_Quarantine="sealed form")
    mail.foreign(PROBE, reader.mail, forged)
    assert HEADER.encode() not in mail.arrived(reader, word)


def test_a_page_with_a_form_is_sealed_and_an_archive_waits_until_the_sender_is_known(
    people: People, mail: Mail, site: Site
) -> None:
    reader, stranger = people.agent(), f"{token()}@{FOREIGN}"
    danger, locked, again, plain = token(), token(), token(), token()
    for word, files in ((danger, (FORM,)), (locked, (LOCKED,)), (plain, ())):
        mail.foreign(stranger, reader.mail, _letter(stranger, reader, word, *files))
    mail.arrived(reader, plain)
    wait_for(lambda: subjects(site, reader, DANGEROUS) == [danger], what="the form is sealed")
    assert mail.arrived(reader, locked, QUARANTINE)
    assert mail.count(reader, danger) == mail.count(reader, locked) == 0
    assert mail.submit(reader, reader.mail, stranger, compose(reader.mail, stranger, token())).accepted
    mail.foreign(stranger, reader.mail, _letter(stranger, reader, again, LOCKED))
    assert mail.arrived(reader, again)


def _letter(sender: str, reader: Account, subject: str, *files: Attached) -> bytes:
    message = corpus.written(sender, subject, "Bonjour, voici le dossier.", *files)
    return message.replace(corpus.READER.encode(), reader.mail.encode(), 1)


def test_colleagues_send_archives_and_macros(people: People, mail: Mail) -> None:
    writer, reader = people.agent(), people.agent()
    for file in (LOCKED, Attached("notes.xlsm", "application/octet-stream", b"PK")):
        word = token()
        message = _letter(writer.mail, reader, word, file)
        assert mail.submit(writer, writer.mail, reader.mail, message).accepted
        assert mail.arrived(reader, word)


def test_its_owner_releases_one_and_the_quota_counts_it(agent: Any, site: Site, mail: Mail) -> None:
    reader, other = agent(), agent()
    account = reader.who.account
    words = [token(), token()]
    for word in words:
        message = compose("a@lointain.test", account.mail, word, "mot " * 50_000).decode()
        site.run("mail1", f"doveadm save -u {account.uid} -m {QUARANTINE}", given=message)
    assert stored(site, account) == 0
    text = str(reader.visitor.get(PAGE).main)
    assert all(word in text for word in words) and ticks(other) == []
    ident = ticks(reader)[0]
    assert "n’ont pas été sortis" in str(_forged(other, reader, ident).main)
    assert "C’est fait" in str(released(reader, ident).main)
    (left,) = subjects(site, account, QUARANTINE)
    assert subjects(site, account, "INBOX") == [word for word in words if word != left]
    assert stored(site, account) > 150
    assert "sortis de la quarantaine" in str(reader.visitor.get("/compte/journal").main)


def _forged(other: Agent, reader: Agent, ident: str) -> Page:
    """Somebody else names a message of the reader's, by a form of the own page."""
    word = token()
    message = compose("a@lointain.test", other.address, word).decode()
    site = other.mail.site
    site.run("mail1", f"doveadm save -u {other.who.uid} -m {QUARANTINE}", given=message)
    (own,) = ticks(other)
    site.run("mail1", f"doveadm expunge -u {other.who.uid} mailbox {QUARANTINE} UID {own}")
    page = other.visitor.get(PAGE)
    token_of = next(one["fields"]["csrf_token"] for one in page.forms() if one["fields"].get("csrf_token"))
    given = {"csrf_token": token_of, "act": "release", "message": ident}
    return Page(other.visitor.follow(other.visitor.ask(PAGE, given)).text)


def test_a_move_in_a_mail_program_takes_out_and_puts_nothing_in(people: People, mail: Mail, site: Site) -> None:
    account, word = people.agent(), token()
    message = compose("a@lointain.test", account.mail, word, "mot " * 50_000).decode()
    site.run("mail1", f"doveadm save -u {account.uid} -m {QUARANTINE}", given=message)
    session = mail.imap(account)
    assert session.select(quoted(QUARANTINE))[0] == "OK"
    assert session.uid("MOVE", "1:*", "INBOX")[0] == "OK"
    assert subjects(site, account, "INBOX") == [word]
    wait_for(lambda: stored(site, account) > 150, what="the message in the quota")
    # No quota counts what lies there: an agent who could fill it would fill the disk.
    session.select("INBOX")
    for act in (session.uid("COPY", "1", quoted(QUARANTINE)), session.uid("MOVE", "1", quoted(QUARANTINE)),
                session.append(quoted(QUARANTINE), "", None, message.encode())):  # fmt: skip
        assert act[0] == "NO"
    assert session.uid("COPY", "1", "Archives")[0] == "OK" and subjects(site, account, QUARANTINE) == []


def test_what_a_list_passes_on_stays_where_it_was_judged_to_belong(site: Site) -> None:
    message = f"{HEADER}: sealed form\r\n" + compose(PROBE, corpus.READER, token()).decode()
    inside = {"IP": "127.0.0.1", "MTA-Name": "way-local"}
    for envelope, kept in ((inside, "sealed form"), ({"IP": site.address("world"), "From": PROBE}, None)):
        (answer,) = verdicts(site, [message], Settings=JUDGED, **envelope)
        assert answer["milter"]["remove_headers"][HEADER] == 0
        added = answer["milter"].get("add_headers") or {}
        assert (added.get(HEADER) or {}).get("value") == kept


def test_a_few_of_each_class_lie_where_they_belong(site: Site) -> None:
    """The collections whole are in the test below."""
    cases = [*list(corpus.honest())[::33], *list(corpus.hostile())[::29]]
    wrong = [(one.label, place) for one, place in kept_apart(site, cases) if place != one.place]
    assert not wrong and {one.place for one in cases} == {"", "quarantine", "sealed"}


@pytest.mark.full
def test_the_collections_lie_where_they_belong(people: People, site: Site) -> None:
    writer = people.agent()
    for cases in (list(corpus.honest()), list(corpus.hostile())):
        assert len(cases) >= 500
        wrong = [(one.label, place) for one, place in kept_apart(site, cases) if place != one.place]
        assert not wrong
    of_ours = [one for one in corpus.hostile() if "macro" in one.label or "archive" in one.label]
    inside = (one._replace(message=one.message.replace(STRANGER, writer.mail.encode(), 1)) for one in of_ours)
    places = kept_apart(site, inside, User=writer.uid)
    assert len(places) > 20 and {(one.label, place) for one, place in places if place} == {
        ("hidden macro", "quarantine")
    }
