"""The backups of a host, from the manifest."""

from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import backup_files, backup_plan, manifest
from ansible_collections.academie.malleposte.plugins.module_utils.manifest import ManifestError

SERVICES: dict[str, dict[str, Any]] = {
    "dovecot": {"group": "mail", "units": ["dovecot.service"], "backup": {"paths": ["/srv/mail"]}},
    "rspamd": {"group": "mail", "backup": {"paths": ["/var/lib/rspamd/dkim"]}},
    "openldap": {"group": "directory", "backup": {"dumps": ["ldap"]}},
    "postgresql": {"group": "database", "backup": {"dumps": ["postgresql"]}},
    "firewall": {"group": "portal"},
}


@pytest.mark.parametrize("number", [1, 2, 3, 16, 256])
def test_every_bucket_is_in_one_share(number: int) -> None:
    found = [bucket for _name, buckets in backup_plan.shares(number) for bucket in buckets]
    assert found == [f"{index:02x}" for index in range(256)]
    assert len({name for name, _buckets in backup_plan.shares(number)}) == number


@pytest.mark.parametrize("number", [0, 257])
def test_a_share_holds_a_bucket_at_least(number: int) -> None:
    with pytest.raises(ManifestError, match="1 to 256"):
        backup_plan.shares(number)


def test_a_mail_host_sends_its_store_by_share() -> None:
    kept = manifest.backup(SERVICES, ["mail", "directory"])
    assert (kept["paths"], kept["dumps"]) == (["/srv/mail", "/var/lib/rspamd/dkim"], ["ldap"])
    assert kept["units"] == {"/srv/mail": ["dovecot.service"], "/var/lib/rspamd/dkim": []}
    found = backup_plan.sources(kept["paths"], kept["dumps"], "/srv/mail", 2, ["/etc/x"], ["*/dovecot.index*"])
    assert [one["name"] for one in found] == ["ldap", "ldap-config", "system", "mail-00-7f", "mail-80-ff"]
    system, share = found[2], found[4]
    assert system["paths"] == ["/etc", "/srv/mail", "/var/lib/rspamd/dkim"]
    assert system["exclude"] == ["/etc/x", "re:^srv/mail/[0-9a-f][0-9a-f](/|$)"]
    assert (share["paths"][0], share["paths"][-1], len(share["paths"])) == ("/srv/mail/80", "/srv/mail/ff", 128)
    assert share["exclude"] == ["*/dovecot.index*"]
    repositories = backup_plan.repositories(["mail", "directory"], SERVICES, "/srv/mail", 2)
    assert repositories == ["system", "mail-00-7f", "mail-80-ff"]


def test_a_host_without_mail_sends_its_files_alone() -> None:
    (only,) = backup_plan.sources([], [], "/srv/mail", 2)
    assert only == {"name": "system", "repository": "system", "paths": ["/etc"], "exclude": []}
    assert backup_plan.repositories(["portal"], SERVICES, "/srv/mail", 2) == ["system"]


def test_an_unknown_dump_is_refused() -> None:
    with pytest.raises(ManifestError, match="unknown dump oracle; known: ldap, postgresql"):
        backup_plan.sources([], ["oracle"], "/srv/mail", 2)


def test_a_vault_that_was_not_seen_keeps_its_line() -> None:
    vaults = [{"name": "vault2", "host_key": ""}, {"name": "vault1", "host_key": "ssh-ed25519 NEW"}]
    current = "# header\nvault1 ssh-ed25519 OLD\nvault2 ssh-ed25519 KEPT\ngone ssh-ed25519 X\n"
    assert backup_files.known_hosts(vaults, current) == "vault1 ssh-ed25519 NEW\nvault2 ssh-ed25519 KEPT\n"
    assert backup_files.known_hosts(vaults, "") == "vault1 ssh-ed25519 NEW\n"


CLIENT = {"name": "mail1", "key": "ssh-ed25519 AAAA\n", "repositories": ["system", "mail-00-ff"], "passphrase": "p"}


def test_a_client_s_key_has_one_command() -> None:
    key, passphrase = backup_files.vault_files([CLIENT], "/srv/borg", 5, True, 600)
    line = key["content"].splitlines()[1]
    assert line == (
        'restrict,command="flock --shared --wait 60 --conflict-exit-code 75 /srv/borg/mail1/gate true && '
        "exec timeout --kill-after=60 600 flock --shared --wait 60 --conflict-exit-code 75 /srv/borg/mail1/lock "
        "borg serve --umask=0007 --append-only --storage-quota=5G --restrict-to-repository /srv/borg/mail1/system "
        '--restrict-to-repository /srv/borg/mail1/mail-00-ff" ssh-ed25519 AAAA'
    )
    assert (passphrase["dest"], passphrase["mode"]) == ("/etc/malleposte/vault/mail1", "0600")


def test_a_vault_without_retention_holds_no_passphrase() -> None:
    assert [one["dest"] for one in backup_files.vault_files([CLIENT], "/srv/borg", 5, False, 600)] == [
        "/etc/ssh/borg/borg-mail1"
    ]


def test_columns_of_one_length_make_rows() -> None:
    assert backup_files.rows({"name": ["a", "b"], "port": [1, 2]}) == [
        {"name": "a", "port": 1},
        {"name": "b", "port": 2},
    ]
    with pytest.raises(ValueError, match="shorter"):
        backup_files.rows({"name": ["a", "b"], "port": [1]})
