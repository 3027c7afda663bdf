"""The record of log-ins and refused mail: what its owner is told of it, who else may read it, and how it ends."""

import email
import email.policy
import imaplib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.accountd.calls.account import Diagnose, Diagnosed
from malleposte.accountd.own import Diagnosis
from malleposte.policy import rules
from malleposte.probe.walker import wire as walker

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import FOREIGN, Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered
PROGRAM = "Courrier d'essai"


@pytest.fixture
def cli(site: Site) -> Cli:
    return Cli(site)


@pytest.fixture
def portal(site: Site) -> Portal:
    return Portal(site)


def with_program(sender: str, recipient: str) -> bytes:
    """A message with a program in it, which the filter refuses."""
    message = email.message_from_bytes(compose(sender, recipient, token()), policy=email.policy.SMTP)
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="facture.exe")
    return message.as_bytes()


def imap(mail: Mail, who: Account, password: str) -> bool:
    """Whether a mail program that says its name gets in."""
    plan = mail.plan
    plain = walker.connect(plan, plan.mail, "imaps")
    with walker.context(plan).wrap_socket(plain, server_hostname=plan.mail) as link:
        session = walker.Imap(link)
        session.xatom("ID", f'("name" "{PROGRAM}" "version" "1")')
        try:
            return session.login(who.uid, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False
        finally:
            session.shutdown()


def diagnosed(portal: Portal, who: Account, enough: Callable[[Diagnosis], object]) -> Diagnosed:
    """Return the answer once it has what is waited for."""

    def asked() -> Diagnosed | None:
        answer = portal.one(Diagnose(portal.source, who.uid, portal.token(who.uid)))
        assert isinstance(answer, Diagnosed), answer
        return answer if enough(answer.diagnosis) else None

    return wait_for(asked, 60, "a record")


def test_a_refused_and_an_accepted_log_in_appear_with_place_and_program(
    mail: Mail, people: People, portal: Portal, cli: Cli
) -> None:
    who, other = people.agent(), people.agent()
    assert not imap(mail, who, rules.generate())
    assert imap(mail, who, who.password)
    answer = diagnosed(portal, who, lambda told: len(told.logins) >= 2)
    told = {one.accepted: one for one in answer.diagnosis.logins}
    assert answer.diagnosis.looked
    assert {(one.service, one.program, bool(one.place)) for one in told.values()} == {("imap", PROGRAM, True)}
    assert (told[False].reason, told[True].reason, told[False].old) == ("password", "", False)
    theirs = portal.one(Diagnose(portal.source, other.uid, portal.token(other.uid)))
    assert theirs.diagnosis.logins == (), "another agent's"
    shown = cli.json("show", who.uid)
    assert shown["last_log_in"].startswith(told[True].time[:13])
    assert shown["last_log_in_by"] == f"imap {told[True].place} {PROGRAM}"
    assert cli.json("show", other.uid)["last_log_in"] == ""


def test_a_refused_message_appears_with_its_reason_to_its_recipient_alone(
    mail: Mail, people: People, portal: Portal
) -> None:
    who, other = people.agent(), people.agent()
    sender = f"pub-{token().lower()}@{FOREIGN}"
    refused = mail.stranger(sender, who.mail, with_program(sender, who.mail))
    assert refused.step == "DATA" and 550 <= refused.code <= 559, refused
    answer = diagnosed(portal, who, lambda told: told.refused)
    ((way, from_, reason),) = [(one.way, one.other, one.reason) for one in answer.diagnosis.refused]
    assert (way, from_, reason) == ("in", sender, "attachment")
    theirs = portal.one(Diagnose(portal.source, other.uid, portal.token(other.uid)))
    assert theirs.diagnosis.refused == ()


def test_what_an_agent_may_not_send_appears_to_the_agent(mail: Mail, people: People, portal: Portal) -> None:
    who, other = people.agent(), people.agent()
    forged = compose(other.mail, other.mail, token())
    assert not mail.submit(who, who.mail, other.mail, forged).accepted
    answer = diagnosed(portal, who, lambda told: told.refused)
    assert [(one.way, one.other, one.reason) for one in answer.diagnosis.refused] == [("out", other.mail, "forged")]
    theirs = portal.one(Diagnose(portal.source, other.uid, portal.token(other.uid)))
    assert theirs.diagnosis.refused == (), "whoever was to be imitated is told of nothing"


def test_a_log_in_at_the_log_in_page_appears_and_the_page_tells_it(
    site: Site, web: Any, person: Any, portal: Portal
) -> None:
    who, visitor = person(), SignedOn(site, web)
    SignedOn(site, web).log_in(who.uid, rules.generate())
    visitor.log_in(who.uid, who.account.password)
    answer = diagnosed(portal, who.account, lambda told: len({one.accepted for one in told.logins}) == 2)
    assert {(one.service, one.accepted, one.reason) for one in answer.diagnosis.logins} == {
        ("page", True, ""), ("page", False, "password"),
    }  # fmt: skip
    text = visitor.get("/diagnostic").main
    assert "1 connexion refusée" in text and "Page de connexion" in text and "mot de passe inexact" in text
    assert "1 refused log-in" in visitor.get("/en/diagnosis").main
    assert "1 connexion refusée" not in SignedOn(site, web).get("/diagnostic").main, "a stranger"


@pytest.mark.parametrize(("group", "users"), [
    ("mail", ("nobody", "_rspamd", "authpolicy")), ("directory", ("nobody", "accountd")),
])  # fmt: skip
def test_its_own_uid_alone_reads_it(site: Site, group: str, users: tuple[str, ...]) -> None:
    host, folder = site.host_of(group), "/var/lib/malleposte-record"
    assert site.run(host, f"stat -c '%U %a' {folder}") == "malleposte-record 700\n"
    for user in users:
        assert "Permission denied" in site.run(host, f"runuser -u {user} -- ls {folder} 2>&1 || true"), user
    connect = "import socket; socket.socket(socket.AF_UNIX).connect('/run/malleposte-record/asked')"
    for user in (*users, "root"):
        done = site.run(host, f'runuser -u {user} -- python3 -I -c "{connect}" 2>/dev/null && echo yes', check=False)
        assert (done == "yes\n") is (user == "root"), user


@pytest.mark.full
def test_an_export_holds_the_record_and_a_purge_erases_it(
    mail: Mail, people: People, portal: Portal, cli: Cli, site: Site
) -> None:
    who = people.agent()
    assert imap(mail, who, who.password)
    diagnosed(portal, who, lambda told: told.logins)
    done = cli.typed("export", who.uid, "--out", "-", "--reason", "essai", given=b"")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as made:
        (name,) = [one for one in made.namelist() if one.endswith("-connexions.json")]
        (row,) = json.loads(made.read(name))
    assert (row["connexion"], row["service"], row["logiciel"]) == ("acceptée", "imap", PROGRAM)
    look = f"grep -c {who.uid} /var/lib/malleposte-record/* || true"
    assert any(not line.endswith(":0") for line in site.run("mail1", look).splitlines())
    cli.out("suspend", who.uid)
    cli.out("purge", who.uid, "--override", "essai", "--yes")
    people.made = [(uid, dn.replace("ou=people", "ou=tombstones")) for uid, dn in people.made]
    left = site.run("mail1", look).splitlines()
    assert left and all(line.endswith(":0") for line in left)
