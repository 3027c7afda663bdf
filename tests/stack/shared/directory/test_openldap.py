"""The deployed directory, by protocol: effects of a password's state, refused values, its configuration.

Who reads and writes what: test_directory_rights.py. Which passwords it takes: test_password_policy.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
import pytest
from malleposte.directory.control import PolicyErrorCode
from malleposte.directory.errors import AlreadyThere, Refused
from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.fleet import reach, vault

from tests.support import passwords

GOOD, NEXT = "Tulipe-Verte-47", "Renard;Bleu;512"


@pytest.fixture(scope="module")
def place(site: Any) -> reach.Place:
    found: reach.Place = site.place
    return found


@pytest.fixture(scope="module")
def socket(place: reach.Place) -> Iterator[Path]:
    """The directory's Unix socket, here."""
    with reach.forwarded(place.ssh) as path:
        yield path


@pytest.fixture(scope="module")
def folder(site: Any) -> Path:
    inventory: Path = site.inventory
    return inventory if inventory.is_dir() else inventory.parent


@pytest.fixture
def writer(folder: Path, place: reach.Place, socket: Path) -> Iterator[LdapDirectory]:
    password = vault.read_text(folder / "secrets/ldap-provision")
    dn = f"cn=provision,ou=services,{place.suffix}"
    with LdapDirectory(f"ldapi://{socket}", place.suffix, dn, password) as bound:
        yield bound


@pytest.fixture
def jean(place: reach.Place, writer: LdapDirectory) -> Iterator[str]:
    """The dn of an account with a password; gone after the test."""
    mail = f"essai.{passwords.MAIL.partition('@')[0]}@{place.domain}"
    person = Agent(
        "essai-jdupont", passwords.GIVEN_NAME, passwords.SURNAME, mail, "roundcube", State.ACTIVE, hidden=True
    )
    dn = person.dn(place.suffix)
    if any(writer.search("people", ["uid"], {"uid": person.uid})):
        writer.delete(dn)
    writer.add(dn, agent_attributes(person) | {"userPassword": [GOOD]})
    yield dn
    writer.delete(dn)


@contextmanager
def bound(socket: Path, dn: str, password: str) -> Iterator[Any]:
    connection = ldap3.Connection(ldap3.Server(f"ldapi://{socket}", get_info=ldap3.NONE), dn, password)
    try:
        assert connection.bind(), connection.result
        yield connection
    finally:
        connection.unbind()


VIOLATION, INSUFFICIENT = 19, 50


def test_a_password_that_must_change_opens_nothing_else(writer: LdapDirectory, socket: Path, jean: str) -> None:
    writer.modify(jean, {"pwdReset": ["TRUE"]})
    assert writer.log_in(jean, GOOD).policy.error is PolicyErrorCode.CHANGE_AFTER_RESET
    with bound(socket, jean, GOOD) as client:
        client.search(jean, "(objectClass=*)", ldap3.BASE)
        assert client.result["result"] == INSUFFICIENT


def test_the_end_of_an_account_survives_a_new_password(writer: LdapDirectory, jean: str) -> None:
    writer.modify(jean, {"pwdEndTime": ["20200101000000Z"]})
    assert not writer.log_in(jean, GOOD).ok
    writer.modify(jean, {"userPassword": [NEXT]})
    assert not writer.log_in(jean, NEXT).ok
    writer.modify(jean, {"pwdEndTime": []})
    assert writer.log_in(jean, NEXT).ok


def test_few_wrong_passwords_do_not_lock_an_account(writer: LdapDirectory, jean: str) -> None:
    for _attempt in range(10):
        assert not writer.log_in(jean, "Faux-Mot-2031").ok
    assert writer.log_in(jean, GOOD).ok


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("mpState", "zombie"),
        ("mpProfile", "zimbra"),
        ("mpQuota", "-5"),
        ("mpEstablishment", "9990001I"),
        ("mpRecoveryPhone", "0600000000"),
        ("mailLocalAddress", "Jean.Dupont@ac-exemple.test"),
    ],
)
def test_a_value_outside_the_rules_is_refused(writer: LdapDirectory, jean: str, attribute: str, value: str) -> None:
    with pytest.raises(Refused) as refusal:
        writer.modify(jean, {attribute: [value]})
    assert refusal.value.code == VIOLATION


def test_an_address_belongs_to_one(writer: LdapDirectory, jean: str, place: reach.Place, site: Any) -> None:
    taken = next(iter(site.accounts.values())).mail
    with pytest.raises(AlreadyThere):
        writer.modify(jean, {"mailLocalAddress": [taken]})


def test_digests_are_argon2id_at_the_agreed_cost(site: Any, jean: str, place: reach.Place) -> None:
    command = f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b '{jean}' -s base userPassword"
    text = site.run(_name(site), f"{command} | sed -n 's/^userPassword:: //p' | base64 -d")
    assert text.startswith("{ARGON2}$argon2id$v=19$m=19456,t=2,p=1$")


def _name(site: Any) -> str:
    return str(site.host_of("directory"))


def test_no_plain_listener(site: Any) -> None:
    listening = site.run(_name(site), "ss -Hlnt")
    ports = {line.split()[3].rpartition(":")[2] for line in listening.splitlines()}
    assert "389" not in ports
    assert "636" in ports


def test_tls_below_1_2_is_refused(site: Any) -> None:
    old = "openssl s_client -connect localhost:636 -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null 2>&1"
    assert "Cipher is (NONE)" in site.run(_name(site), old, check=False)
    new = "openssl s_client -connect localhost:636 -tls1_2 </dev/null 2>&1"
    assert "Cipher is (NONE)" not in site.run(_name(site), new, check=False)


def test_the_key_is_read_through_its_group_and_slapd_is_no_root(site: Any) -> None:
    status = site.run(_name(site), "cat /proc/$(systemctl show -p MainPID --value slapd)/status")
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in uids
    assert "NoNewPrivs:\t1" in status
