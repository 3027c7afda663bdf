"""The backups: their content, the limits of a client on a backup server, and maintenance there."""

import configparser
import json

import pytest
from malleposte.rotation import escrow

# Of the runs of backups on a host, one goes at a time.
pytestmark = pytest.mark.together("backup")

VAULTS = ("vault1", "vault2")
BORG = (
    "export BORG_BASE_DIR=/var/lib/malleposte/backup/borg/vault1 BORG_EXIT_CODES=modern "
    "BORG_PASSCOMMAND='cat /etc/malleposte/backup/vault1.passphrase' "
    "BORG_DELETE_I_KNOW_WHAT_I_AM_DOING=YES "
    "BORG_RSH='ssh -F /etc/malleposte/backup/ssh_config'; R=ssh://vault1/srv/borg/mail1/system; "
)


def listed(mail1, vault, source):
    return json.loads(mail1.check_output(f"malleposte backup list --json --vault {vault} --source {source}"))[
        "archives"
    ]


@pytest.fixture(scope="module")
def backed_up(mail1):
    mail1.check_output("malleposte backup run --source ldap --source system")


@pytest.mark.usefixtures("backed_up")
def test_archives_are_on_both_vaults(mail1):
    for vault in VAULTS:
        for source in ("ldap", "system"):
            (newest, *_older) = listed(mail1, vault, source)
            assert newest["name"].startswith(f"{source}@")
    state = json.loads(mail1.check_output("malleposte backup list --json"))["vaults"]
    assert all(state[vault]["sources"]["system"]["success"]["files"] > 100 for vault in VAULTS)


@pytest.mark.usefixtures("backed_up")
def test_a_sample_comes_back_byte_for_byte(mail1):
    done = json.loads(mail1.check_output("malleposte backup check --json --vault vault2 --source system --source ldap"))
    assert [source["error"] for source in done["vaults"][0]["sources"]] == ["", ""]
    assert all(source["compared"] for source in done["vaults"][0]["sources"])


@pytest.mark.full
@pytest.mark.usefixtures("backed_up")
def test_what_a_client_deletes_is_seen_and_undone(mail1, host):
    vault = host("vault1")
    vault.check_output("malleposte vault watch")
    before = [one["id"] for one in listed(mail1, "vault1", "ldap")]
    mail1.check_output(f"{BORG} borg delete --glob-archives 'ldap@*' $R; borg compact $R")
    assert listed(mail1, "vault1", "ldap") == []
    for act in ("watch", "prune"):
        done = vault.run(f"malleposte vault {act}")
        assert done.rc == 1
        assert "gone: ldap@" in done.stdout
        assert "malleposte vault undo --client mail1 --repository system" in done.stdout
    vault.run("systemctl reset-failed 'malleposte-vault@*.service'")
    vault.check_output("malleposte vault undo --client mail1 --repository system")
    mail1.check_output("malleposte backup run --vault vault1 --source ldap-config --fresh-cache")
    assert [one["id"] for one in listed(mail1, "vault1", "ldap")] == before
    vault.check_output("malleposte vault watch")


@pytest.mark.usefixtures("backed_up")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("borg delete --force $R", "append-only"),
        ("borg list ssh://vault1/srv/borg/pia1/system", "Repository path not allowed"),
        ("borg init -e none ssh://vault1/srv/borg/mail1/more", "Repository path not allowed"),
        ("$BORG_RSH vault1 'cat /etc/malleposte/vault/mail1'", "borg"),
    ],
)
def test_a_client_does_no_more_than_it_may(mail1, host, words, said):
    secret = host("vault1").check_output("cat /etc/malleposte/vault/mail1")
    done = mail1.run(f"{BORG} {words} </dev/null")
    told = done.stdout + done.stderr
    assert said in told
    assert secret not in told
    assert host("vault1").file("/srv/borg/mail1/system/config").exists


@pytest.mark.usefixtures("backed_up")
def test_a_client_chooses_no_paths_of_its_own(mail1):
    """Whatever command it asks for: ours runs, which serves its own folder."""
    asked = "ssh -F /etc/malleposte/backup/ssh_config vault1 borg serve --restrict-to-path /srv/borg"
    shell = f"""{BORG} export BORG_RSH="sh -c 'exec {asked}'"; borg list --short """
    done = mail1.run(f"{shell} ssh://vault1/srv/borg/pia1/system </dev/null")
    assert done.rc != 0
    assert "Repository path not allowed" in done.stderr
    assert "ldap@" in mail1.check_output(f"{shell} $R </dev/null"), "the same way to its own"


@pytest.mark.usefixtures("backed_up")
@pytest.mark.full
def test_the_escrow_s_keys_are_those_of_the_repositories(site, host):
    keys = escrow.keys(site.inventory)
    for client, vault in (("mail1", "vault1"), ("mail1", "vault2")):
        head, *lines = keys[f"borg-keys/{client}/{vault}/system"].decode().splitlines()
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(host(vault).check_output(f"cat /srv/borg/{client}/system/config"))
        assert head == f"BORG_KEY {parser['repository']['id']}"
        assert "".join(lines) == "".join(parser["repository"]["key"].split())


@pytest.mark.usefixtures("backed_up")
def test_nobody_else_reads_the_secrets(mail1, host):
    for path in (
        "/etc/malleposte/backup/vault1.key",
        "/etc/malleposte/backup/vault1.passphrase",
        "/etc/malleposte/backup.json",
    ):
        assert mail1.run(f"cat {path}").stdout, f"{path} is there and root reads it"
        assert mail1.run(f"setpriv --reuid=vmail --clear-groups cat {path}").rc != 0
    vault = host("vault1")
    # The first look makes the folder of the vault's own.
    vault.check_output("malleposte vault watch")
    client = "setpriv --reuid=borg-mail1 --regid=borg-mail1 --init-groups"
    for words in ("cat /etc/malleposte/vault/mail1", "ls -a /srv/borg/pia1/system", "ls /var/lib/malleposte-vault"):
        assert vault.run(words).stdout, f"root: {words}"
        assert vault.run(f"{client} {words}").rc != 0, words
    assert vault.run(f"{client} ls /srv/borg/mail1/system").rc == 0, "its own it does read"
