"""Teams: what each role may by IMAP and SMTP, in both classes; who has left; the end."""

import imaplib
import json
from collections.abc import Iterator

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.teams import Teams

pytestmark = pytest.mark.scattered


@pytest.fixture
def teams(site: Site) -> Iterator[Teams]:
    made = Teams(site)
    yield made
    made.clear()


def selects(session: imaplib.IMAP4, team: str) -> bool:
    return session.select(quoted(f"Partages/{team}/INBOX"))[0] == "OK"


def flags(session: imaplib.IMAP4, number: str = "1") -> bytes:
    return session.fetch(number, "(FLAGS)")[1][0]  # type: ignore[return-value]


def sent_as(mail: Mail, agent: Account, team: str, site: Site) -> int:
    """The code with which submission answers an agent who writes as the team."""
    address = f"{team}@{site.place.domain}"
    return mail.submit(agent, address, agent.mail, compose(address, agent.mail, token())).code


@pytest.mark.parametrize("profile", ["roundcube", pytest.param("convergence", marks=pytest.mark.full)])
def test_a_role_opens_what_it_says_and_nothing_more(
    mail: Mail, people: People, site: Site, teams: Teams, profile: str
) -> None:
    lead, writer, reader = people.agent(), people.agent(profile=profile), people.agent(profile=profile)
    team = teams.make("--lead", lead.uid, "--member", writer.uid, "--reader", reader.uid)
    folder, address, subject = quoted(f"Partages/{team}/INBOX"), f"{team}@{site.place.domain}", token()
    assert mail.submit(lead, lead.mail, address, compose(lead.mail, address, subject)).accepted
    writing, reading = mail.imap(writer), mail.imap(reader)
    wait_for(
        lambda: selects(writing, team) and writing.search(None, "ALL")[1] != [b""], what="mail in the team's folder"
    )
    assert selects(reading, team)
    assert subject.encode() in reading.fetch("1", "(RFC822)")[1][0][1]  # type: ignore[index]
    assert b"\\Seen" in flags(reading) and b"\\Seen" not in flags(writing), "read marks are each one's own"
    text = compose(reader.mail, address, token())
    assert writing.append(folder, "", "", text)[0] == "OK"
    assert reading.append(folder, "", "", text)[0] == "NO"
    assert mail.imap(reader).append(quoted(f"Partages/{team}/Brouillons"), "", "", text)[0] == "NO"
    assert writing.store("1", "+FLAGS", "\\Flagged")[0] == "OK"
    reading.store("1", "+FLAGS", "\\Deleted")
    reading.expunge()
    reading.noop()
    assert b"\\Deleted" not in flags(reading) and b"\\Flagged" in flags(reading)
    assert writing.create(quoted(f"Partages/{team}/Projets"))[0] == "OK"
    assert reading.create(quoted(f"Partages/{team}/Autres"))[0] == "NO"
    assert reading.rename(quoted(f"Partages/{team}/Projets"), quoted(f"Partages/{team}/Vol"))[0] == "NO"
    assert reading.delete(quoted(f"Partages/{team}/Projets"))[0] == "NO"
    for session, agent in ((reading, reader), (writing, writer)):
        assert session.setacl(folder, agent.uid, "lrswipkxtea")[0] == "NO"
    assert mail.imap(reader).select(quoted(f"Partages/{team}/Projets"))[0] == "OK"
    assert (sent_as(mail, writer, team, site), sent_as(mail, reader, team, site)) == (250, 553)
    stranger = mail.imap(people.agent(profile=profile))
    assert team.encode() not in b"".join(one for one in stranger.list()[1] if isinstance(one, bytes))
    assert not selects(stranger, team)


@pytest.mark.full
def test_a_name_that_is_a_part_of_another_opens_nothing(mail: Mail, people: People, teams: Teams) -> None:
    lead, reader = people.agent(), people.agent()
    team = teams.make("--lead", lead.uid, "--reader", reader.uid)
    other = people.box(lead.uid, uid=f"{team}.x")
    inner = people.box(lead.uid, uid=team[1:])
    session = mail.imap(reader)
    assert selects(session, team)
    assert not selects(session, other.uid) and not selects(session, inner.uid)
    assert selects(mail.imap(lead), other.uid)


def test_who_loses_a_role_loses_it_at_once(mail: Mail, people: People, site: Site, teams: Teams) -> None:
    lead, member = people.agent(), people.agent(profile="convergence")
    team, cli = teams.make("--lead", lead.uid), Cli(site)
    cli.out("team", "add", team, member.uid)
    session = mail.imap(member)
    assert selects(session, team) and sent_as(mail, member, team, site) == 250
    cli.out("team", "role", team, "lit", member.uid)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        wait_for(lambda: session.noop()[0] != "OK", what="the end of the session")
    session = mail.imap(member)
    assert selects(session, team) and session.append(quoted(f"Partages/{team}/INBOX"), "", "", b"a: b\n\n")[0] == "NO"
    assert sent_as(mail, member, team, site) == 553
    cli.out("team", "remove", team, member.uid)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        wait_for(lambda: session.noop()[0] != "OK", what="the end of the session")
    assert not selects(mail.imap(member), team) and selects(mail.imap(lead), team)
    refused = cli.typed("team", "remove", team, lead.uid)
    assert refused.returncode == 2 and "alone leads" in refused.stderr


@pytest.mark.full
def test_a_team_ends_archived_and_nobody_has_it_any_more(mail: Mail, people: People, site: Site, teams: Teams) -> None:
    lead, reader = people.agent(), people.agent()
    team, cli = teams.make("--lead", lead.uid, "--reader", reader.uid, "--ends", "2027-07-05"), Cli(site)
    address, session = f"{team}@{site.place.domain}", mail.imap(reader)
    shown = json.loads(cli.out("team", "show", team, "--json"))
    assert shown["members"] == sorted([f"{lead.uid}:anime", f"{reader.uid}:lit"])
    assert shown["ends"] == "2027-07-05"
    cli.out("team", "set", team, "--no-end", "--link", "Documents", "https://documents.ac-exemple.test/s/x")
    shown = json.loads(cli.out("team", "show", team, "--json"))
    assert (shown["ends"], shown["links"]) == ("", ["Documents: https://documents.ac-exemple.test/s/x"])
    refused = cli.typed("team", "set", team, "--link", "Documents", "http://documents.ac-exemple.test/")
    assert refused.returncode == 2 and "is no address of a link" in refused.stderr
    assert team in {row["uid"] for row in json.loads(cli.out("team", "list", "--json"))}
    assert mail.submit(lead, lead.mail, address, compose(lead.mail, address, token())).accepted
    wait_for(lambda: selects(session, team) and session.search(None, "ALL")[1] != [b""], what="mail in the team")
    out = cli.out("team", "end", team, "--yes", "--reason", "essai")
    archive = out.split("archived in ")[1].split(";")[0]
    names = site.run("mail1", f"python3 -m zipfile -l {archive}; rm -f -- {archive}")
    assert "courrier/INBOX" in names
    assert not selects(mail.imap(lead), team) and not selects(mail.imap(reader), team)
    assert mail.submit(lead, lead.mail, address, compose(lead.mail, address, token())).code == 550
    again = cli.typed("team", "create", team.removeprefix("equipe-"), "--lead", lead.uid)
    assert again.returncode == 2 and "is or was somebody's" in again.stderr
