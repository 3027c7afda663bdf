"""`malleposte accounts` from the controller to the directory: import, departures, kills, modes of its files."""

import base64
import imaplib
import json

import pytest
from malleposte.platform import mailstore

from tests.stack.support.feeds import MARK, people_of, written
from tests.stack.support.mail import ended
from tests.support import academy, naughty
from tests.support.classes import read_feed

# An import takes whom another feed brought for departed: one feed at a time.
pytestmark = pytest.mark.together("feed")


def test_an_import_from_the_controller_and_the_same_again(typed, feeds, tmp_path):
    feed = written(tmp_path / "agents.csv", (*people_of(30), ("pas un numen", MARK, "Zoé")), "cp1252")
    done = typed("import", feed, "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["done"]) == (4, 30), done
    assert json.loads(done.stdout)["plan"] in typed("changes").stdout.decode(), "what `accounts apply` wants"
    assert len(feeds.dns("(mpState=pending)")) == 30
    assert "userPassword" not in feeds.search(f"(sn={MARK}*)", "userPassword")
    rejects = tmp_path / "agents.rejects.csv"
    assert rejects.stat().st_mode & 0o777 == 0o600
    assert "n’est pas un NUMEN" in rejects.read_text("utf-8-sig")

    again = typed("plan", feed, "--json", "--detailed-exitcode")
    plan = json.loads(again.stdout)
    assert (again.returncode, plan["changes"], plan["unchanged"]) == (4, [], 30), "a row is refused again"


def test_who_leaves_by_a_feed_is_shut_out_at_once(typed, feeds, mail, people, tmp_path):
    who = people.agent()
    people.change(who, mpSourceDigest=["of an earlier feed"])
    session = mail.imap(who)
    session.send(b"a1 IDLE\r\n")
    session.readline()
    done = typed("import", written(tmp_path / "a.csv", people_of(1)), "--yes", "--force-departures", "--json")
    answer = json.loads(done.stdout)
    assert (answer["done"], answer["failures"]) == (2, []), done
    assert ended(session)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        mail.imap(who)


def test_a_file_without_end_is_refused(typed):
    done = typed("import", "/dev/zero", "--yes")
    assert (done.returncode, b"more than 64 MB" in done.stderr) == (2, True), done.stderr


def test_texts_of_every_kind_go_in_exactly_or_are_refused(typed, feeds, tmp_path):
    """Functions of markup, shell, LDAP, formulas: what the directory holds is what the feed held, letter for letter."""
    texts = (*naughty.MARKUP, *naughty.SQL, *naughty.SHELL, *naughty.TEMPLATES, *naughty.LDAP, *naughty.FORMULAS)
    rows = [(*row[:6], text, *row[7:]) for row, text in zip(people_of(len(texts)), texts, strict=True)]
    source = read_feed(academy.render(academy.HEADER, tuple(rows)), "pire.csv")
    done = typed("import", written(tmp_path / "pire.csv", tuple(rows)), "--yes", "--json")
    assert json.loads(done.stdout)["done"] == len(source.people), done.stderr
    functions = sorted(person.function for person in source.people if person.function)
    assert len(functions) > 20 and source.left_out > 10
    held = feeds.search(f"(sn={MARK}*)", "mpFunction")
    found = [base64.b64decode(line.partition(":: ")[2]).decode() if ":: " in line else line.partition(": ")[2]
             for line in held.splitlines() if line.startswith("mpFunction:")]  # fmt: skip
    assert sorted(found) == functions


def test_keys_settings_and_journal_are_for_root_alone(host):
    mail1 = host("mail1")
    for path in (
        "/etc/malleposte/accounts.json",
        "/etc/malleposte/keys/digests.json",
        "/etc/malleposte/keys/ldap-provision",
    ):
        file = mail1.file(path)
        assert (file.user, file.mode) == ("root", 0o600), path
    assert mail1.file("/etc/malleposte/keys").mode == 0o700
    assert mail1.run("runuser -u nobody -- malleposte accounts plan /dev/null").rc == 2


def log_ins(feeds) -> list[str]:
    return sorted(dn.partition(",")[0].removeprefix("uid=") for dn in feeds.dns("(mpState=pending)"))


@pytest.mark.full
def test_a_wrong_import_is_taken_back_but_for_what_is_in_use(typed, feeds, site, tmp_path):
    """One that got mail stays; the others go without a trace, and the corrected file gives their log-ins again."""
    feed = written(tmp_path / "a.csv", people_of(12))
    planned = typed("plan", feed).stderr.decode()
    ident = planned.split("accounts apply ")[1].split()[0]
    assert json.loads(typed("apply", ident, "--json").stdout)["done"] == 12
    assert b"new accounts" in typed("changes", ident).stdout
    assert typed("changes", ident, "--csv").stdout.count(b"\r\nnew accounts;") == 12
    uids = log_ins(feeds)
    letter = "Subject: reprise\n\nBonjour.\n"
    site.run(site.host_of("mail"), f"doveadm save -u {uids[0]} -m INBOX", given=letter)
    done = typed("revert", ident, "--yes", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["done"], answer["failures"]) == (4, 11, []), done
    assert answer["left"] == {uids[0]: "has mail, an agenda or a log-in"}
    assert log_ins(feeds) == uids[:1]
    assert f"uid={uids[1]}," not in site.run("mail1", f"slapcat -o ldif-wrap=no -H 'ldap:///???(uid={uids[1]})'")
    again = json.loads(typed("revert", ident, "--yes", "--json").stdout)
    assert (again["done"], list(again["left"])) == (0, uids[:1])
    assert json.loads(typed("import", feed, "--yes", "--json").stdout)["done"] == 11
    assert log_ins(feeds) == uids
    site.run(site.host_of("mail"), f"rm -rf {mailstore.home_of(uids[0])}")


def facts(feeds) -> list[str]:
    """Names and addresses of all who came by a feed: tests beside this one make accounts by hand."""
    return sorted(
        feeds.search("(mpSourceDigest=*)", "uid", "cn", "sn", "mail", "mailLocalAddress", "mpSourceDigest").splitlines()
    )


@pytest.mark.full
def test_a_wrong_file_of_renames_is_refused_and_says_why(typed, feeds, tmp_path):
    """Beside it: it is applied when it is meant, and taken back."""
    rows = people_of(12)
    assert typed("import", written(tmp_path / "a.csv", rows), "--yes").returncode == 0
    before = facts(feeds)
    loud = [(row[0], row[1].upper(), row[2].upper(), *row[3:]) for row in rows]
    planned = typed("plan", written(tmp_path / "b.csv", loud))
    ident = planned.stderr.decode().split("accounts apply ")[1].split()[0]
    assert "12 of 12 agents would get another name" in planned.stdout.decode()
    refused = typed("apply", ident)
    assert refused.returncode == 1 and b"names in capitals: plan again with --recase?" in refused.stderr, refused
    assert facts(feeds) == before
    assert typed("apply", ident, "--force", "renames", "--json").returncode == 0
    assert facts(feeds) != before
    assert typed("revert", ident, "--yes", "--json").returncode == 0
    assert facts(feeds) == before


def many_are_removed(typed, agents, path, site, people, made):
    """Suspended, they are too young to be removed but for a reason; then nothing of them is left."""
    assert typed("bulk", "suspend", "--from", path, "--yes", "--force", "departures").returncode == 4
    young = json.loads(typed("bulk", "purge", "--from", path, "--yes", "--json").stdout)
    assert young["done"] == 0 and "suspended for 0 days" in young["left"][agents[0].uid]
    for one in agents:
        people.forget(one.uid)
        made.append(one.uid)
    gone = json.loads(typed("bulk", "purge", "--from", path, "--override", "essai", "--yes", "--json").stdout)
    assert (gone["done"], gone["skipped"], list(gone["left"])) == (3, [], ["nobody-at-all"])
    again = json.loads(typed("apply", gone["plan"], "--json").stdout)
    assert (again["done"], again["already"]) == (0, 3)
    assert b"removes accounts for good" in typed("revert", gone["plan"], "--yes").stderr
    for one in agents:
        assert typed("show", one.uid).returncode == 2
        assert site.run("mail1", f"ls -d /srv/mail/*/{one.uid}", check=False) == ""


def test_a_remembered_password_opens_nothing_when_very_many_leave(typed, people, mail, site, tmp_path):
    """Dovecot forgets all of them, however long the list of their names is; taken back, they are let in again."""
    agents = [people.agent() for _ in range(60)]
    chosen = (agents[0], agents[30], agents[-1])
    path = tmp_path / "leave.txt"
    path.write_text("".join(f"{one.mail}\n" for one in agents))
    assert all(mail.imap(one).noop()[0] == "OK" for one in chosen)
    done = typed("bulk", "suspend", "--from", path, "--yes", "--force", "departures", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["done"], answer["failures"]) == (0, 60, []), done
    for one in chosen:
        with pytest.raises(imaplib.IMAP4.error):
            mail.imap(one)
    assert json.loads(typed("revert", answer["plan"], "--yes", "--json").stdout)["done"] == 60
    assert all(mail.imap(one).noop()[0] == "OK" for one in chosen)


@pytest.mark.full
def test_an_act_on_many_accounts_is_shown_applied_and_taken_back(typed, people, mail, site, made, tmp_path):
    """A list with one name that is nobody's; a session of one of them ends."""
    agents = [people.agent() for _ in range(3)]
    path = tmp_path / "leave.txt"
    path.write_text("".join(f"{one.mail}\n" for one in agents) + "nobody-at-all\n")
    session = mail.imap(agents[0])
    seen = typed("bulk", "suspend", "--from", path, "--dry-run")
    assert seen.returncode == 4 and b"suspended:" in seen.stdout and b"nobody-at-all" in seen.stdout, seen
    assert session.noop()[0] == "OK"
    done = typed("bulk", "suspend", "--from", path, "--yes", "--force", "departures", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["done"], list(answer["left"])) == (4, 3, ["nobody-at-all"]), done
    assert ended(session)
    assert json.loads(typed("revert", answer["plan"], "--yes", "--json").stdout)["done"] == 3
    assert mail.imap(agents[0]).noop()[0] == "OK"
    moved = json.loads(typed("bulk", "profile", "convergence", "--from", path, "--yes", "--json").stdout)
    assert (moved["done"], moved["failures"]) == (3, [])
    many_are_removed(typed, agents, path, site, people, made)
    refused = typed("bulk", "profile", "nothing", "--from", path, "--yes")
    assert refused.returncode == 2 and b"no class nothing" in refused.stderr
