"""Secrets are made once, read back the same, and readable by root alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils.secret_store import SecretError, SecretStore


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets")
    secret = store.get("ldap-dovecot")
    assert len(secret) == 32 and secret.isalnum()
    assert store.get("ldap-dovecot") == secret
    assert SecretStore(tmp_path / "secrets").get("ldap-postfix") != secret
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets/ldap-dovecot").stat().st_mode & 0o777 == 0o600


def test_of_several_makers_at_once_one_wins(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _n: store.get("same"), range(32)))
    assert len(secrets) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["same"]


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "ec256"])
def test_a_key_pair_has_a_public_half(tmp_path: Path, kind: str) -> None:
    store = SecretStore(tmp_path)
    assert "PRIVATE KEY" in store.get("key", kind)
    assert store.public_key("key").startswith("-----BEGIN PUBLIC KEY-----")


def test_an_ssh_key_has_the_line_that_sshd_reads(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    assert store.get("key", "ssh").startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert store.public_key("key").startswith("ssh-ed25519 AAAA")


@pytest.mark.parametrize("name", ["../evil", "", "UPPER", "/etc/passwd", ".hidden"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretError, match="is no name"):
        SecretStore(tmp_path).get(name)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SecretError, match="empty; remove it"):
        SecretStore(tmp_path).get("empty")
