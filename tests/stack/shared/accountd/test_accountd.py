"""accountd as the portal uses it: from the portal's host over TLS, with its effects in every channel."""

import datetime
import json
import re
from typing import Any

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.calls.mailbox.hours import SetHours
from malleposte.accountd.calls.protection import Block, EndSessions
from malleposte.accountd.calls.recovery import ConfirmRecovery, SetRecovery
from malleposte.accountd.calls.settings import SetClass
from malleposte.accountd.message import Done, ErrorCode, Hello, Refused
from malleposte.directory.model import State
from malleposte.policy import rules
from msgspec import structs

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import events, first, put_event
from tests.stack.support.mail import thrown_out, token, wait_for
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site

JOURNAL = "/var/log/malleposte-accountd/accounts.jsonl"
RAW = """
import socket, sys
link = socket.create_connection((sys.argv[1], 7443), 10)
link.sendall(sys.stdin.buffer.read())
"""


@pytest.fixture
def portal(site: Site) -> Portal:
    return Portal(site)


def fresh() -> str:
    """A password that nobody had, and that the policy takes."""
    return rules.generate()


NOT_PROVED = Refused(ErrorCode.NOT_PROVED)


def test_a_change_shuts_the_old_password_out_at_once(portal, person, enters, mail, device):
    who, new = person(), fresh()
    old = who.account.password
    phone = device(who.account)
    session = mail.imap(who.account)
    assert enters(who.uid, old), "and is now in Dovecot's cache"
    assert phone.ask("PROPFIND", "/").status == 207
    wrong, done = portal.ask(
        passwords.Change(portal.source, who.uid, "Faux-Chemin7!x", new),
        passwords.Change(portal.source, who.account.mail.upper(), old, new),
    )
    assert wrong == NOT_PROVED
    assert done == Done(who.uid, "active")
    assert not enters(who.uid, old)
    assert enters(who.uid, new)
    assert phone.ask("PROPFIND", "/").status == 401
    phone.password = new
    assert phone.ask("PROPFIND", "/").status == 207
    wait_for(lambda: thrown_out(session), 20, "the session is still there")


def test_no_answer_tells_whether_an_account_exists(portal, person):
    who, gone, waiting = person(), person(State.SUSPENDED), person(State.PENDING)
    where, new = portal.source, fresh()
    asked = (
        passwords.Change(where, "personne-ici", "Faux-Chemin7!x", new),
        passwords.Change(where, who.uid, "Faux-Chemin7!x", new),
        passwords.Change(where, gone.uid, gone.account.password, new),
        passwords.Change(where, waiting.uid, "Faux-Chemin7!x", new),
        passwords.Reset(where, "personne-ici", who.numen, who.code(), new),
        passwords.Reset(where, who.uid, waiting.numen, "3467934679", new),
        passwords.Reset(where, who.uid, who.numen, "3467934679", new),
        SetRecovery(where, "personne-ici", "Faux-Chemin7!x", "mail", "a@lointain.test"),
    )
    answers = portal.timed(*asked)
    assert {answer for answer, _took in answers} == {NOT_PROVED}
    # Each comes at a moment of the pace, of which the proof's own work is a small part.
    assert min(took for _answer, took in answers) >= 0.5
    sent = portal.timed(passwords.IssueCode(where, "personne-ici"), passwords.IssueCode(where, waiting.uid))
    assert [answer for answer, _took in sent] == [Done(), Done()]


def test_wrong_ones_slow_their_network_down_and_the_limit_ends(portal, person, site):
    who, new = person(), fresh()
    same = [passwords.Change(portal.source, who.uid, "Toujours-Le-Meme7!", new)] * 7
    assert portal.ask(*same) == [NOT_PROVED] * 7
    many = [passwords.Change(portal.source, who.uid, f"Essai-{number}-Faux7!", new) for number in range(60)]
    answers = portal.ask(*many, passwords.Change(portal.source, who.uid, who.account.password, new), enough=8)
    assert answers[0] == NOT_PROVED
    assert [answer.error for answer in answers[-2:]] == ["slow_down", "slow_down"]
    elsewhere = Portal(site)
    right = passwords.Change(elsewhere.source, who.uid, who.account.password, new)
    assert elsewhere.one(right) == Done(who.uid, "active"), "nobody is locked out by another's tries"
    back = passwords.Change(portal.source, who.uid, new, fresh())
    assert portal.one(back) == Done(who.uid, "active"), "and the right one frees the network"


def test_a_code_by_mail_reaches_the_agent_and_not_the_portal(portal, person, mail, enters):
    mark, new = token(), fresh()
    who = person(mpRecoveryMail=[f"test+{mark}@lointain.test"])
    assert portal.one(passwords.IssueCode(portal.source, who.uid)) == Done()
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    code = re.findall(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)[0]
    assert portal.one(passwords.Reset(portal.source, who.uid, who.numen, code, new)) == Done(who.uid, "active")
    assert enters(who.uid, new)


def test_block_voids_the_password_and_codes_open_again_without_sending(portal, person, enters):
    who, new = person(), fresh()
    old = who.account.password
    assert enters(who.uid, old)
    other = portal.one(Block(portal.source, who.uid, portal.token("chef"), "essai"))
    assert other.error == "unauthorised", "who acts on another's account must be proved"
    assert enters(who.uid, old)
    blocked = portal.one(Block(portal.source, who.uid, portal.token(who.uid), "essai"))
    assert (blocked.uid, blocked.before, bool(blocked.until), blocked.open) == (who.uid, "active", True, ())
    assert not enters(who.uid, old)
    code = who.code()
    answers = portal.ask(
        passwords.Change(portal.source, who.uid, old, new),
        passwords.Reset(portal.source, who.uid, who.numen, code, old),
        passwords.Reset(portal.source, who.uid, who.numen, code, new),
    )
    assert answers[0] == NOT_PROVED
    assert {one.code for one in answers[1].violations} == {"in_history"}
    assert answers[2] == Done(who.uid, "blocked", blocked.until)
    assert enters(who.uid, new)
    assert who.held("mpState", "mpBlockedUntil") == {"mpState": ["active"], "mpBlockedUntil": [blocked.until]}


def test_sessions_end_on_request_and_the_password_stays(portal, person, mail, enters):
    who = person()
    session = mail.imap(who.account)
    assert portal.one(EndSessions(portal.source, who.uid, portal.token(who.uid))) == Done(who.uid, "active")
    wait_for(lambda: thrown_out(session), 20, "the session is still there")
    assert enters(who.uid, who.account.password)
    assert portal.one(EndSessions(portal.source, "personne-ici", portal.token("personne-ici"))).error == "not_found"


def test_means_of_recovery_change_later_and_the_old_ones_are_told(portal, person, site, mail):
    mark = token()
    who = person(mpRecoveryMail=[f"test+{mark}@lointain.test"])
    before = datetime.datetime.now(datetime.UTC)
    new = f"test+neuf{mark}@lointain.test"
    asked = portal.one(SetRecovery(portal.source, who.uid, who.account.password, "mail", new))
    letter = mail.at_foreign("test", f"test+neuf{mark}").decode()
    code = re.findall(r"^ {4}([0-9A-Z]{5}-[0-9A-Z]{5})\r?$", letter, re.MULTILINE)[0]
    confirm = ConfirmRecovery(portal.source, who.uid, portal.token(who.uid), asked.ticket, code)
    assert portal.one(structs.replace(confirm, code="3467934679")).error == "refused_value"
    assert who.held("mpRecoveryNext") == {}
    until = datetime.datetime.strptime(portal.one(confirm).until + "+0000", "%Y%m%d%H%M%SZ%z")
    assert datetime.timedelta(hours=71.9) < until - before < datetime.timedelta(hours=72.2)
    letter = mail.at_foreign("test", f"test+{mark}").decode()
    assert "moyens de secours" in letter
    assert who.held("mpRecoveryMail") == {"mpRecoveryMail": [f"test+{mark}@lointain.test"]}

    def shown() -> dict[str, Any]:
        return dict(json.loads(site.run("mail1", f"malleposte accounts show {who.uid} --json")))

    assert shown()["recovery_next"].endswith(f"{new} -")
    site.run("mail1", f"malleposte accounts recovery {who.uid} --confirm --reason 'vu au guichet'")
    assert (shown()["recovery_mail"], shown()["recovery_next"]) == (new, "")
    again = site.run("mail1", f"malleposte accounts recovery {who.uid} --cancel 2>&1", check=False)
    assert "no means of recovery that wait" in again


def test_what_an_agent_settles(portal, person):
    who = person()
    password = who.account.password
    answers = portal.ask(
        SetRecovery(portal.source, who.uid, password, "phone", "06 12 34 56 78"),
        SetHours(portal.source, who.uid, portal.token(who.uid), slots=("12345 07:45-18:30",)),
        SetHours(portal.source, who.uid, portal.token(who.uid), slots=("9 07:45-18:30",)),
        SetRecovery(portal.source, who.uid, password, "mail", "x@ac-exemple.test"),
        SetClass(portal.source, who.uid, portal.token(who.uid), "convergence"),
    )
    assert answers[0].until > "2026"
    assert (answers[1].slots, answers[1].on) == (("12345 07:45-18:30",), False)
    assert [answer.error for answer in answers[2:4]] == ["refused_value"] * 2
    assert answers[4] == Done(who.uid, "active")
    held = who.held("mpRecoveryMail", "mpRecoveryNext", "mpProfile")
    assert held == {
        "mpRecoveryNext": [f"{answers[0].until} - +33612345678"],
        "mpProfile": ["convergence"],
    }  # fmt: skip


@pytest.mark.full
def test_agendas_follow_a_class_that_the_portal_sets(portal, person, device):
    """Accountd may not touch them: hostd does, in its sandbox."""
    who = person()
    dav = device(who.account)
    put_event(dav, first(dav.discover()[1]), "a", "Conseil")
    for profile in ("convergence", "roundcube"):
        done = portal.one(SetClass(portal.source, who.uid, portal.token(who.uid), profile))
        assert done == Done(who.uid, "active")
        assert ["Conseil"] in events(dav).values()


def test_who_is_not_known_is_refused(portal, person, site, world):
    who = person()
    change = passwords.Change(portal.source, who.uid, who.account.password, fresh())
    for client in ({"secret": "x" * 32}, {"name": "vault1"}, {"name": "", "secret": ""}):
        assert portal.ask(change, **client) == [Refused(ErrorCode.UNAUTHORISED)]
    address = site.address("mail1")
    (wrong_name,) = portal.ask(change, address=f"tls://{address}:7443")
    assert "certificate" in wrong_name, "the client checks whom it speaks to"
    reach = f"import socket; socket.create_connection(({address!r}, 7443), 3)"
    assert world.run(f'python3 -c "{reach}"').rc != 0, "the firewall lets the portal's hosts in alone"
    site.run("pia1", "python3", "-c", f'"{reach}"')
    mail_port = reach.replace("7443", "25")
    assert world.run(f'python3 -c "{mail_port}"').rc == 0, "and strangers reach what is theirs"
    assert portal.one(Hello()) == Done()


def test_garbage_and_floods_do_not_stop_it(portal, site, mail1):
    address = site.address("mail1")
    before = mail1.check_output("systemctl show -p MainPID --value accountd.service")
    for content in ("GET / HTTP/1.0\r\n\r\n", "x" * 200_000):
        site.run("pia1", "python3", "-c", f"'{RAW}'", address, given=content, check=False)
    local = (
        "import socket; l = socket.socket(socket.AF_UNIX); l.connect('/run/accountd.sock'); l.settimeout(10)\n"
        "try: l.sendall(CONTENT); l.shutdown(1)\nexcept OSError: pass\n"
        "try: print(l.recv(999))\nexcept OSError: pass\n"
    )
    for content in ("b'x' * 5_000_000", "b'[' * 16_000 + b'\\n'", "bytes(range(256))", "b''"):
        site.run("mail1", "python3", "-", given=local.replace("CONTENT", content))
    assert portal.one(Hello()) == Done()
    assert mail1.check_output("systemctl show -p MainPID --value accountd.service") == before


def test_it_has_no_right_that_it_does_not_need(portal, person, mail1):
    assert portal.one(passwords.Change(portal.source, person().uid, "Faux-Chemin7!x", fresh())) == NOT_PROVED
    enter = "python3 -c \"import socket; socket.socket(1).connect('/run/accountd.sock')\""
    assert mail1.run(f"setpriv --reuid=nobody --regid=nogroup --clear-groups {enter}").rc
    mail1.check_output(f"setpriv --reuid=nobody --regid=accountd-client --clear-groups {enter}")
    pid = mail1.check_output("systemctl show -p MainPID --value accountd.service")
    status = mail1.check_output(f"cat /proc/{pid}/status")
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert not re.search(r"^Uid:.*\b0\b", status, re.MULTILINE)
    assert "/run/credentials" not in mail1.check_output(f"tr '\\0' ' ' </proc/{pid}/cmdline")
    for path in ("/etc/malleposte/keys/ldap-provision", "/etc/malleposte/accounts.json", "/var/log/malleposte/*"):
        assert mail1.run(f"cat {path}").stdout, f"{path} is there and root reads it"
        assert mail1.run(f"runuser -u accountd -- cat {path}").rc != 0, path
    assert mail1.run("runuser -u accountd -- cat /etc/malleposte/accountd.json").rc == 0, "its own settings it reads"
    assert mail1.file("/etc/malleposte/accountd.json").mode == 0o640
    journal = mail1.file(JOURNAL)
    assert (journal.user, journal.mode) == ("accountd", 0o600)
    rating = mail1.check_output("systemd-analyze security accountd.service --no-pager | tail -n 1")
    assert float(re.findall(r"[0-9]+\.[0-9]", rating)[0]) <= 2.0, rating


def test_the_command_line_gives_no_code_that_opens_nothing(person, site):
    who = person()
    who.people.change(who.account, mpNumenDigest=[])
    refused = Cli(site)("reset", who.uid)
    assert refused.returncode == 2, refused
    assert f"{who.uid} has no NUMEN" in refused.stderr and f"accounts modify {who.uid} --numen" in refused.stderr
    assert who.held("mpInaCode") == {}


def test_the_command_line_gives_a_new_code(portal, person, site, enters):
    who, new = person(), fresh()
    old_code = who.code()
    given = Cli(site).json("reset", who.account.mail, "--days", "1")
    assert given["uid"] == who.uid
    answers = portal.ask(
        passwords.Reset(portal.source, who.uid, who.numen, old_code, new),
        passwords.Reset(portal.source, who.uid, who.numen, given["code"], new),
    )
    assert answers == [NOT_PROVED, Done(who.uid, "active")]
    assert enters(who.uid, new)
    assert given["code"] not in site.run("mail1", "cat /var/log/malleposte/accounts.jsonl")
