"""« Mes boîtes et listes » on the lab: what a manager changes on the portal counts for mail and lists at once."""

from functools import partial
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import entered
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web

WHERE = "/compte/boites-et-listes"


@pytest.fixture
def chief(site: Site, web: Web, person: Any) -> Any:
    """A manager to be: who it is, and the browser, logged in."""
    who = person()
    return who, entered(site, web, who)


def sent(visitor: SignedOn, page: str, action: str, **fields: str) -> Any:
    """Send a form of a page to an address."""
    token = next(form["fields"]["csrf_token"] for form in visitor.get(page).forms() if form["action"] == action)
    return visitor.follow(visitor.ask(action, {"csrf_token": token, **fields}))


def test_a_box_opens_and_closes(site: Site, chief: Any, person: Any, people: People, mail: Mail) -> None:
    (who, visitor), other = chief, person()
    box = people.box(who.uid)
    given = {"kind": "box", "name": box.uid, "part": "delegate"}
    page = f"{WHERE}/ajouter?kind=box&name={box.uid}&part=delegate"
    sent(visitor, page, f"{WHERE}/ajouter", **given, value=other.uid)
    assert other.held("mpOpens") == {}, "no manager yet"
    assert Cli(site).typed("box", "manager", box.uid, who.uid).returncode == 0
    sent(visitor, page, f"{WHERE}/ajouter", **given, value=other.account.mail)
    assert other.held("mpOpens") == {"mpOpens": [box.uid]}
    session = mail.imap(other.account)
    assert session.select(quoted(f"Partages/{box.uid}/INBOX"))[0] == "OK"
    sent(visitor, f"{WHERE}/gerer?kind=box&name={box.uid}", f"{WHERE}/retirer", **given, who=other.uid)
    assert other.held("mpOpens") == {}
    assert mail.imap(other.account).select(quoted(f"Partages/{box.uid}/INBOX"))[0] == "NO"


@pytest.mark.full
def test_the_manager_of_a_box_chooses_its_filtering(
    site: Site, web: Web, chief: Any, person: Any, people: People, mail: Mail
) -> None:
    (who, visitor), other = chief, person()
    stranger, box, page = entered(site, web, other), people.box(who.uid, other.uid), f"{WHERE}/filtrage"
    cli, sender = Cli(site), f"probe@{FOREIGN}"
    assert cli.typed("box", "manager", box.uid, who.uid).returncode == 0
    given = {"name": box.uid, "act": "add", "list": "block", "value": sender}
    own = next(
        one["fields"]["csrf_token"] for one in stranger.get("/compte/filtrage").forms() if "act" in one["fields"]
    )
    refused = stranger.ask(page, {"csrf_token": own, **given})
    assert (refused.status, refused.headers["Location"]) == (303, WHERE), "opens the box, and does not manage it"
    assert sender not in visitor.follow(visitor.ask(f"{page}?name={box.uid}")).text
    sent(visitor, f"{page}?name={box.uid}", page, **given)
    assert sender in visitor.follow(visitor.ask(f"{page}?name={box.uid}")).text
    for author, folder in ((sender, "Indésirables"), (f"test@{FOREIGN}", "INBOX")):
        word = token()
        mail.foreign(author, box.mail, compose(author, box.mail, word))
        place = f"Partages/{box.uid}/{folder}"
        # A session of its own each time: the list of shared boxes may be half a minute old.
        wait_for(partial(mail.count, other.account, word, place), 120, f"a message of {author} in {place}")
    host = site.host_of("directory")
    journal = site.run(host, f"grep -h 'expéditeur bloqué.*{sender}' /var/log/malleposte-accountd/accounts.jsonl")
    assert f'"account": "{box.uid}"' in journal and f'"by": "{who.uid}"' in journal


def test_a_list_takes_mail_of_a_poster_alone(site: Site, chief: Any, person: Any, mail: Mail) -> None:
    (who, visitor), other, name = chief, person(), f"essai-{chief[0].uid[-6:]}"
    cli, address = Cli(site), f"{name}@{site.place.domain}"
    made = cli.typed("lists", "create", name, "--name", "Essai", "--member", who.uid, "--manager", who.uid)
    assert made.returncode == 0, made.stderr
    try:
        message = f"From: {other.account.mail}\r\nTo: {address}\r\nSubject: essai {name}\r\n\r\nx\r\n".encode()
        assert not mail.submit(other.account, other.account.mail, address, message).accepted
        given = {"kind": "list", "name": name, "part": "poster"}
        page = f"{WHERE}/ajouter?kind=list&name={name}&part=poster"
        sent(visitor, page, f"{WHERE}/ajouter", **given, group="", value=other.uid)
        assert mail.submit(other.account, other.account.mail, address, message).accepted
        assert mail.arrived(who.account, f"essai {name}")
        sent(visitor, f"{WHERE}/gerer?kind=list&name={name}", f"{WHERE}/retirer", **given, who=other.uid)
        assert not mail.submit(other.account, other.account.mail, address, message).accepted
    finally:
        cli.typed("lists", "end", name, "--yes", "--reason", "essai")
