"""A host that lost its agents' data gets everything back by one command, and keeps what it replaced."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.core.paths import ROOT

from tests.stack.support import boxes
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.circulars import ArchivedList
from tests.stack.support.dav import EVENT, Device, first
from tests.stack.support.desk import entered
from tests.stack.support.mail import Mail, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web

HOST, VAULT = "mail1", "vault2"
SPOOL = "/var/spool/malleposte-lists"


def malleposte(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line of the controller."""
    argv = [str(ROOT / "malleposte"), *words, "-i", str(site.inventory)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=900)


def home(site: Site, who: Account) -> str:
    return site.run(HOST, f"doveadm user -f home {who.uid}").strip()


def share(site: Site, who: Account) -> str:
    """The source of the backups that holds an account's box."""
    bucket = home(site, who).rpartition("/")[0]
    text = site.run(HOST, "cat /etc/malleposte/backup.json")
    return next(one["name"] for one in json.loads(text)["sources"] if bucket in one.get("paths", []))


def empty_shares(site: Site) -> set[str]:
    """The shares of the mail of which the vault has no archive: no mailbox ever was there."""
    shares = {one["name"] for one in json.loads(site.run(HOST, "cat /etc/malleposte/backup.json"))["sources"]}
    listed = json.loads(malleposte(site, "backup", "list", "--host", HOST, "--vault", VAULT, "--json").stdout)
    made = listed["hosts"][HOST]["vaults"][VAULT]["made"].values()
    return {name for name in shares if name.startswith("mail-")} - {one["name"].partition("@")[0] for one in made}


def told_of_shares(notes: list[str]) -> bool:
    """Whether a restore says which shares it had nothing for."""
    return any("shares of the mail have no archive" in note for note in notes)


def put(dav: Device) -> str:
    """An event where the account's class keeps it; its address."""
    _, agendas, _ = dav.discover()
    path = f"{first(agendas)}secours.ics"
    text = EVENT.format(uid="secours", summary="Conseil d’été")
    assert dav.ask("PUT", path, text, Content_Type="text/calendar; charset=utf-8").status == 201
    return path


@pytest.fixture
def circulars(site: Site, web: Web, mail: Mail, person: Callable[..., Any], lists: Callable[..., str]) -> ArchivedList:
    """A list with an archive."""
    writer, member = person(), person()
    address = lists(member=[member.uid], poster=[writer.uid])
    Cli(site).out("lists", "set", address.partition("@")[0], "--archive")
    return ArchivedList(site, mail, address, writer.account, entered(site, web, member))


def demand_kept(site: Site) -> None:
    """All replaced things are there: under one date, listed, and gone when somebody says so."""
    shown = json.loads(malleposte(site, "backup", "kept", "--host", HOST, "--json").stdout)["hosts"][HOST]["kept"]
    kinds = {one["kind"] for one in shown}
    assert {"directory", "database", "files"} <= kinds, kinds
    spool = next(one for one in shown if one["name"] == "malleposte-lists")
    assert "depuis" in site.run(HOST, f"ls {spool['where']}").split()
    would = malleposte(site, "backup", "kept", "--host", HOST, "--older-than", "0", "--dry-run", "--json")
    assert len(json.loads(would.stdout)["hosts"][HOST]["kept"]) == len(shown)
    wrong = malleposte(site, "backup", "kept", "--host", HOST, "--remove", "files/nothing/20200101-000000")
    assert wrong.returncode == 2 and "nothing is kept as" in wrong.stderr
    one = malleposte(site, "backup", "kept", "--host", HOST, "--remove", spool["id"])
    assert one.returncode == 0 and spool["id"] in one.stdout
    assert site.run(HOST, f"test -e {spool['where']} || echo gone").strip() == "gone"
    assert malleposte(site, "backup", "kept", "--host", HOST, "--older-than", "0").returncode == 0
    assert "nothing is kept" in malleposte(site, "backup", "kept", "--host", HOST).stdout


@pytest.mark.full
def test_everything_comes_back_and_what_it_replaced_is_kept(
    site: Site, mail: Mail, device: Callable[..., Device], circulars: ArchivedList
) -> None:
    light, heavy = device(profile="roundcube"), device(profile="convergence")
    events = [(light, put(light)), (heavy, put(heavy))]
    boxes.append(mail.imap(light.account), "INBOX", "avant la panne", "\\Seen")
    boxes.append(mail.imap(heavy.account), "INBOX", "avant aussi")
    then = {one.account.uid: boxes.look(mail, one.account) for one, _path in events}
    sent, withdrawn = circulars.send(), circulars.send()
    site.run(HOST, f"touch {SPOOL}/avant")
    mail.close()
    assert malleposte(site, "backup", "run", "--host", HOST, "--vault", VAULT).returncode == 0

    # The disaster: an entry, both boxes, the events, the circulars; and something came since.
    circulars.take_back(withdrawn)
    wait_for(lambda: not circulars.found(withdrawn), what="the end of the circular in the archive", timeout=120)
    circulars.lose()
    place = home(site, light.account)
    site.run(HOST, f"rm -rf {place} {home(site, heavy.account)} /var/lib/radicale/collections/collection-root/*")
    site.run(HOST, f"rm {SPOOL}/avant; touch {SPOOL}/depuis")
    theirs = f"SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = '{heavy.account.uid}'"
    sql = f"DELETE FROM sogo_store WHERE c_folder_id IN ({theirs})"
    site.run(HOST, f'psql -U postgres -q -d sogo -c "{sql}"')
    with directory(site) as bound:
        bound.delete(f"uid={light.account.uid},ou=people,{site.place.suffix}")
    lists = site.run(HOST, "systemctl show -p InvocationID --value malleposte-lists.service").strip()

    refused = malleposte(site, "backup", "restore", "--all", "--host", HOST, "--vault", VAULT, "--json")
    told = json.loads(refused.stdout)
    assert refused.returncode == told["exit_code"] == 2
    assert "accounts" in told["error"] and "users in the database sogo" in told["error"] and "--yes" in told["hint"]
    unclear = malleposte(site, "backup", "restore", "--all", "--yes")
    assert unclear.returncode == 2 and "name one with --host" in unclear.stderr
    assert site.run(HOST, f"ls {SPOOL}").split().count("depuis") == 1

    done = malleposte(site, "backup", "restore", "--all", "--yes", "--host", HOST, "--vault", VAULT, "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert told_of_shares(outcome["notes"]) == bool(empty_shares(site)), outcome["notes"]
    assert outcome["counts"]["boxes"] >= 2 and outcome["counts"]["databases"] >= 2

    for dav, path in events:
        assert boxes.look(mail, dav.account) == then[dav.account.uid]
        assert dav.ask("GET", path).status == 200
    wait_for(lambda: circulars.found(sent), what="the circular that came back, by the words of its PDF")
    assert not circulars.found(withdrawn), "what was taken back since the archive stays so"
    assert "avant" in site.run(HOST, f"ls {SPOOL}").split()
    now = site.run(HOST, "systemctl show -p InvocationID --value malleposte-lists.service").strip()
    assert now != lists, "the daemon of the lists has begun anew in its new folder"
    assert (
        site.run(HOST, "systemctl is-active dovecot radicale sogo malleposte-lists accountd.socket").split()
        == ["active"] * 5
    )

    demand_kept(site)
    assert mail.imap(light.account).noop()[0] == "OK"


@pytest.mark.full
def test_a_suspended_agent_s_box_comes_back_and_stays_closed(site: Site, mail: Mail, people: People) -> None:
    who = people.agent()
    boxes.append(mail.imap(who), "INBOX", "avant la suspension", "\\Seen")
    then, place = boxes.look(mail, who), home(site, who)
    mail.close()
    source = share(site, who)
    site.run(HOST, f"malleposte backup run --source {source} --vault {VAULT}", timeout=300)
    people.change(who, mpState=["suspended"])
    site.run(HOST, "doveadm auth cache flush")
    lost = f"malleposte backup restore mailbox {who.uid}"
    site.run(HOST, f"rm -rf {place}/Maildir/cur/*")
    done = json.loads(site.run(HOST, lost, "--json", timeout=300))
    assert done["counts"]["messages"] == 1
    site.run(HOST, f"rm -rf {place}")
    refused = site.run(HOST, f"{lost} 2>&1; echo $?")
    assert refused.strip().endswith("2") and "--closed" in refused
    assert json.loads(site.run(HOST, lost, "--closed --json", timeout=300))["counts"]["messages"] == 1
    assert site.run(HOST, f"doveadm user -f home {who.uid} >/dev/null 2>&1 || echo closed").strip() == "closed"
    site.run(HOST, f"rm -rf {place}/Maildir/cur/*")
    folder = site.run(HOST, f"malleposte backup restore folder {who.uid} INBOX 2>&1; echo $?")
    assert folder.strip().endswith("2") and "backup restore mailbox" in folder
    assert json.loads(site.run(HOST, lost, "--json", timeout=300))["counts"]["messages"] == 1
    people.change(who, mpState=["active"])
    site.run(HOST, "doveadm auth cache flush")
    assert boxes.look(mail, who) == then


def test_an_archive_deleted_before_the_vault_looked_is_noticed(site: Site) -> None:
    site.run(VAULT, "malleposte vault watch", timeout=300)
    site.run(HOST, "malleposte backup run --source ldap --vault", VAULT, timeout=300)
    name = json.loads(site.run(HOST, f"malleposte backup list --vault {VAULT} --source ldap --json"))["archives"][0][
        "name"
    ]
    attacker = (
        "BORG_BASE_DIR=/var/lib/malleposte/backup/borg/{v} BORG_RSH='ssh -F /etc/malleposte/backup/ssh_config' "
        "BORG_PASSCOMMAND='cat /etc/malleposte/backup/{v}.passphrase' borg delete ssh://{v}/srv/borg/mail1/system::{a}"
    )
    site.run(HOST, attacker.format(v=VAULT, a=name), timeout=120)
    # The next honest run tells the vault what was made.
    site.run(HOST, "malleposte backup run --source ldap-config --vault", VAULT, timeout=300)
    found = site.run(VAULT, "malleposte vault watch 2>&1; echo $?", timeout=300)
    assert f"gone before this vault first saw them: {name}" in found and found.strip().endswith("1")
    assert malleposte(
        site, "vault", "accept", "--host", VAULT, "--client", HOST, "--repository", "system"
    ).returncode == 0  # fmt: skip
    again = site.run(VAULT, "malleposte vault watch 2>&1; echo $?", timeout=300)
    assert again.strip().endswith("0") and "mail1/system" in again
