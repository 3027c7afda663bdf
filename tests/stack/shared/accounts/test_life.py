"""The commands on single accounts, from the controller to the lab: their effects, as the channels show them."""

import io
import json
import re
import zipfile

import pytest
from malleposte.directory.model import State

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.dav import EVENT
from tests.stack.support.mail import compose, token
from tests.stack.support.people import directory

pytestmark = pytest.mark.scattered

NUMEN = "01E9900042LIF"


@pytest.fixture(scope="module")
def cli(site):
    return Cli(site)


def letters():
    """A surname that nobody has."""
    return f"Essaivie{token()[2:10].translate(str.maketrans('0123456789', 'ghijklmnop'))}"


def entry(site, uid):
    with directory(site) as bound:
        names = ["mail", "mailLocalAddress", "mpLoginAlias", "mpState", "mpEstablishment", "mpFunction", "mpQuota",
                 "mpProfile", "mpHidden", "mpRecoveryPhone", "mpRecoveryChanged", "cn", "mpNumenDigest"]  # fmt: skip
        return next(bound.search("people", names, {"uid": uid})).attributes


def test_create_find_show_list(cli, made, site):
    surname = letters()
    words = ("--given-name", "Zoé", "--surname", surname, "--school", "9990001X", "--hidden", "--numen")
    done = document(cli.typed("create", *words, "--json", given=f"{NUMEN}\n"))
    made.append(done["uid"])
    assert done["mail"] == f"zoe.{surname.lower()}@ac-exemple.test"
    held = entry(site, done["uid"])
    assert held["mpState"] == ["pending"] and re.match(r"k\d+:", held["mpNumenDigest"][0])
    again = cli("create", *words, given=f"{NUMEN}\n")
    assert again.returncode == 2 and "NUMEN" in again.stderr
    second = cli.json("create", "--given-name", "Zoé", "--surname", surname, "--hidden")
    made.append(second["uid"])
    assert second["uid"] == f"{done['uid']}2"
    found = {one["uid"] for one in cli.json("find", surname[:-2].upper(), "zo")}
    assert found == {done["uid"], second["uid"]}
    assert [one["uid"] for one in cli.json("find", done["mail"])] == [done["uid"]]
    assert done["uid"] in {one["uid"] for one in cli.json("find", "9990001X", "--state", "pending")}
    assert cli.json("find", "*)(uid=*", code=1) == []
    assert cli("find", "*").returncode == 2
    shown = document(cli.typed("show", done["mail"], "--json"))
    assert (
        shown["schools"] == ["9990001X"] and "mpNumenDigest" not in json.dumps(shown) and "k1:" not in json.dumps(shown)
    )
    table = cli("show", done["uid"])
    assert table.returncode == 0 and done["mail"] in table.stdout
    assert {one["state"] for one in cli.json("list", "--state", "pending", "--school", "9990001X")} == {"pending"}
    assert len(cli.json("list", "--limit", "2")) == 2
    assert cli.typed("show", "nobody-of-that-name").returncode == 2


@pytest.mark.full
def test_modify_move_and_rename(cli, people, mail, site):
    who = people.agent()
    cli.json("modify", who.uid, "--function", "Principal", "--recovery-phone", "06 12 34 56 78", "--reason", "essai")
    held = entry(site, who.uid)
    assert (
        held["mpFunction"] == ["Principal"]
        and held["mpRecoveryPhone"] == ["+33612345678"]
        and held["mpRecoveryChanged"]
    )
    cli.json("modify", who.uid, "--function", "", "--shown")
    assert "mpFunction" not in entry(site, who.uid) and "mpHidden" not in entry(site, who.uid)
    assert cli("modify", who.uid, "--recovery-phone", "pas un numéro").returncode == 2
    cli.json("move", who.uid, "9990001X")
    cli.json("move", who.uid, "--add", "9990002Y", "--remove", "9990001X")
    assert entry(site, who.uid)["mpEstablishment"] == ["9990002Y"]
    assert cli("move", who.uid, "9990001A").returncode == 2
    mail.imap(who)
    alias = f"{who.uid}-bis"
    surname = letters()
    done = cli.json("rename", who.uid, "--surname", surname, "--login-alias", alias)
    assert done["mail"] == f"essai.{surname.lower()}@ac-exemple.test"
    subject = token()
    mail.foreign("a@lointain.test", who.mail, compose("a@lointain.test", who.mail, subject))
    by_alias = type(who)(alias, done["mail"], who.password, who.profile)
    assert subject.encode() in mail.arrived(by_alias, subject)
    taken = cli("rename", who.uid, "--address", "probe1@ac-exemple.test")
    assert taken.returncode == 2 and "never given again" in taken.stderr


@pytest.mark.full
def test_a_quota_holds_at_once(cli, people, mail, site):
    who = people.agent()
    limit = f"doveadm -f flow quota get -u {who.uid}"
    mail.imap(who)
    assert "Limit=2560000" in site.run("mail1", limit)
    cli.json("quota", who.uid, "7000")
    assert "Limit=7168000" in site.run("mail1", limit)
    assert cli.json("quota", who.uid, "--profile")["changed"]
    assert "Limit=2560000" in site.run("mail1", limit)
    assert cli("quota", who.uid, "0").returncode == 2
    assert "2500 MB, of the class roundcube" in cli("quota", who.uid).stdout


def test_an_export_holds_what_is_held(cli, people, mail, device, site, tmp_path):
    dav = device(profile="roundcube")
    who = dav.account
    subject = token()
    session = mail.imap(who)
    session.append("Archives", "", None, compose("a@lointain.test", who.mail, subject))
    sieve = mail.sieve(who)
    sieve.put("roundcube", 'redirect "ailleurs@lointain.test";\n')
    _principal, agendas, _books = dav.discover()
    place = next(iter(agendas))
    item = EVENT.format(uid="e1", summary="Conseil")
    assert dav.ask("PUT", f"{place}e1.ics", item, Content_Type="text/calendar").status == 201
    out = tmp_path / "export.zip"
    done = cli.typed("export", who.uid, "--out", out, "--reason", "demande")
    assert done.returncode == 0, done.stderr
    assert out.stat().st_mode & 0o777 == 0o600 and not list(tmp_path.glob(".*"))
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        names = archive.namelist()
        assert subject.encode() in archive.read("courrier/Archives/000001.eml")
        assert b"ailleurs" in archive.read("filtres/roundcube.sieve")
        assert any(name.startswith("agendas-et-contacts/radicale/") for name in names)
        assert json.loads(archive.read("compte.json"))["adresse"] == [who.mail]
        assert all(b"{ARGON2}" not in archive.read(name) for name in names)
    again = cli.typed("export", who.uid, "--out", out)
    assert again.returncode == 0
    with zipfile.ZipFile(out) as archive:
        assert "demande" in archive.read("journal.jsonl").decode()
    assert cli.typed("export", "nobody-here", "--out", tmp_path / "no.zip").returncode == 2
    assert not (tmp_path / "no.zip").exists()


def test_archive_and_purge_after_their_delays(cli, made, people, mail, site):
    who = people.agent(state=State.ACTIVE)
    people.made = [pair for pair in people.made if pair[0] != who.uid]
    made.append(who.uid)
    mail.imap(who).append("INBOX", "", None, compose("a@lointain.test", who.mail, "x"))
    early = cli("purge", who.uid, "--override", "essai", "--yes")
    assert early.returncode == 2 and "not suspended" in early.stderr
    cli.json("suspend", who.uid)
    early = cli("purge", who.uid, "--yes")
    assert early.returncode == 2 and "--override" in early.stderr
    kept = cli.json("archive", who.uid, "--override", "essai")
    assert site.run("mail1", f"stat -c %a:%U {kept['file']}").strip() == "600:root" and kept["counts"]["messages"] == 1
    done = cli("purge", who.uid, "--override", "essai")
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    done = cli.json("purge", who.uid, "--override", "essai", "--yes")
    assert any("/srv/mail/" in store for store in done["stores"])
    assert not site.run("mail1", f"find /srv/mail -maxdepth 2 -name {who.uid}").strip()
    assert cli("show", who.uid).returncode == 2
    again = cli("create", "--given-name", "Essai", "--surname", "Essai", "--uid", who.uid)
    assert again.returncode == 2 and "never given again" in again.stderr
    again = cli("rename", "probe1", "--address", who.mail)
    assert again.returncode == 2
    assert "suspended" in site.run("mail1", f"grep {who.uid} /var/log/malleposte/accounts.jsonl")
