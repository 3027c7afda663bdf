"""The deployed directory, by protocol: who reads and writes what, which passwords it takes, what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
import pytest
from malleposte.accounts import reach, vault
from malleposte.directory import AlreadyThere, Refused, State
from malleposte.directory.control import PolicyErrorCode
from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.model import Agent, agent_attributes
from malleposte.paths import VENV_BIN
from malleposte.run import environment

ROOT = Path(__file__).parents[2]
TABLE: dict[str, Any] = json.loads((ROOT / "tests/data/passwords.json").read_text("utf-8"))
READERS = ("dovecot", "postfix", "rspamd")
NEVER = {
    "userpassword",
    "pwdhistory",
    "mpnumendigest",
    "mpinadigest",
    "mpinaexpiry",
    "mpsourcedigest",
    "mprecoverymail",
    "mprecoveryphone",
}
SECRETS = {
    "mpNumenDigest": ["k1:0123456789abcdef"],
    "mpInaDigest": ["k1:fedcba9876543210"],
    "mpSourceDigest": ["k1:00112233"],
    "mpRecoveryMail": ["essai@lointain.test"],
    "mpRecoveryPhone": ["+33600000000"],
}
GOOD, NEXT = "Tulipe-Verte-47", "Renard;Bleu;512"


@pytest.fixture(scope="module")
def place(site: Any) -> reach.Place:
    return reach.place(site.inventory)


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
    """The dn of the owner of the table's passwords, with a password and every secret; gone after the test."""
    owner = TABLE["owner"]
    domain = place.domain
    person = Agent(
        uid="essai-jdupont",
        given_name=owner["given_name"],
        surname=owner["surname"],
        mail=f"essai.{owner['given_name']}.{owner['surname']}@{domain}".lower(),
        profile="roundcube",
        state=State.ACTIVE,
        hidden=True,
    )
    dn = person.dn(place.suffix)
    if any(writer.search("people", ["uid"], {"uid": person.uid})):
        writer.delete(dn)
    writer.add(dn, agent_attributes(person) | SECRETS | {"userPassword": [GOOD]})
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


def seen(connection: Any, base: str, asked: str = "(objectClass=*)") -> dict[str, dict[str, Any]]:
    """What a client can read under a base: attributes in small letters, by dn."""
    connection.search(base, asked, attributes=[ldap3.ALL_ATTRIBUTES, ldap3.ALL_OPERATIONAL_ATTRIBUTES])
    found = [item for item in connection.response or [] if item["type"] == "searchResEntry"]
    return {i["dn"]: {name.lower(): v for name, v in i["raw_attributes"].items() if v} for i in found}


def replace(connection: Any, dn: str, **values: str) -> int:
    connection.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()})
    return int(connection.result["result"])


VIOLATION, NO_OBJECT, INSUFFICIENT, UNWILLING = 19, 32, 50, 53


@pytest.mark.parametrize("service", READERS)
def test_a_daemon_reads_what_it_needs_and_no_secret(
    service: str, folder: Path, place: reach.Place, socket: Path, jean: str
) -> None:
    password = vault.read_text(folder / f"secrets/ldap-{service}")
    with bound(socket, f"cn={service},ou=services,{place.suffix}", password) as client:
        entry = seen(client, f"ou=people,{place.suffix}", "(uid=essai-jdupont)")[jean]
        assert {"uid", "mail", "maillocaladdress", "mpstate"} <= set(entry)
        assert not NEVER & set(entry)
        assert not {"cn=agents", "cn=provision"} & {dn.partition(",")[0] for dn in seen(client, place.suffix)}
        assert replace(client, jean, mpState="suspended") == INSUFFICIENT
        assert replace(client, jean, userPassword=NEXT) == INSUFFICIENT
        client.search(f"ou=people,{place.suffix}", "(mpNumenDigest=k1:*)", attributes=["uid"])
        assert [item for item in client.response if item["type"] == "searchResEntry"] == []


def test_a_daemon_does_not_read_branches_that_are_not_its_own(folder: Path, place: reach.Place, socket: Path) -> None:
    password = vault.read_text(folder / "secrets/ldap-rspamd")
    with bound(socket, f"cn=rspamd,ou=services,{place.suffix}", password) as client:
        for branch in ("lists", "establishments", "services", "policies", "tombstones"):
            assert seen(client, f"ou={branch},{place.suffix}") == {}


def test_the_writer_sets_passwords_and_reads_none(folder: Path, place: reach.Place, socket: Path, jean: str) -> None:
    password = vault.read_text(folder / "secrets/ldap-provision")
    with bound(socket, f"cn=provision,ou=services,{place.suffix}", password) as client:
        assert replace(client, jean, userPassword=NEXT) == 0
        entry = seen(client, f"ou=people,{place.suffix}", "(uid=essai-jdupont)")[jean]
        assert not {"userpassword", "pwdhistory"} & set(entry)
        assert "mpnumendigest" in entry
        assert replace(client, jean, userPassword="{SSHA512}AAAA") == VIOLATION
        services = f"cn=services,ou=policies,{place.suffix}"
        assert replace(client, jean, pwdPolicySubentry=services) == INSUFFICIENT
        assert replace(client, f"cn=agents,ou=policies,{place.suffix}", pwdMinLength="1") == INSUFFICIENT
        assert replace(client, f"cn=dovecot,ou=services,{place.suffix}", userPassword=NEXT) in (INSUFFICIENT, NO_OBJECT)


def test_an_agent_reads_little_and_writes_nothing(place: reach.Place, socket: Path, jean: str, site: Any) -> None:
    other = f"uid={next(uid for uid in site.accounts)},ou=people,{place.suffix}"
    with bound(socket, jean, GOOD) as client:
        client.search(jean, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
        own = {name.lower() for name, values in client.response[0]["raw_attributes"].items() if values}
        assert {"uid", "mail", "cn"} <= own
        assert not NEVER & own
        assert seen(client, other) == {}
        assert seen(client, place.suffix).keys() <= {jean}
        assert replace(client, jean, mpProfile="convergence") == INSUFFICIENT
        assert replace(client, jean, userPassword=NEXT) == INSUFFICIENT


def test_ldappasswd_by_its_owner_is_refused(writer: LdapDirectory, socket: Path, jean: str) -> None:
    with bound(socket, jean, GOOD) as client:
        assert not client.extend.standard.modify_password(jean, GOOD, NEXT)
        # slapd does not even verify the old one for its owner.
        assert client.result["result"] in (INSUFFICIENT, UNWILLING)
    assert writer.log_in(jean, GOOD).ok
    assert not writer.log_in(jean, NEXT).ok


def test_an_anonymous_client_reads_nothing(place: reach.Place, socket: Path) -> None:
    connection = ldap3.Connection(ldap3.Server(f"ldapi://{socket}", get_info=ldap3.NONE))
    assert not connection.bind()
    assert seen(connection, place.suffix) == {}
    assert connection.result["result"] != 0
    connection.unbind()


def test_the_table_of_passwords(writer: LdapDirectory, jean: str, place: reach.Place) -> None:
    """Each try is made on a fresh account, so that no history plays a part."""
    owner, domain, wrong = TABLE["owner"], place.domain, []
    mail = owner["mail"].partition("@")[0] + f".essai@{domain}"
    person = Agent(owner["login"] + "-essai", owner["given_name"], owner["surname"], mail, "roundcube", State.ACTIVE)
    dn = person.dn(place.suffix)
    for row in TABLE["passwords"]:
        given = {"userPassword": [row["password"]]} if row["password"] else {"userPassword": [""]}
        try:
            writer.add(dn, agent_attributes(person) | given)
        except Refused as error:
            verdict = "refuse" if error.code in (VIOLATION, 21) else str(error)
        else:
            writer.delete(dn)
            verdict = "accept"
        if verdict != row["slapd"]:
            wrong.append((row["password"], verdict))
    assert wrong == []


def test_one_of_the_last_passwords_is_refused(writer: LdapDirectory, jean: str) -> None:
    writer.modify(jean, {"userPassword": [NEXT]})
    for old in (GOOD, NEXT):
        with pytest.raises(Refused) as refusal:
            writer.modify(jean, {"userPassword": [old]})
        assert refusal.value.code == VIOLATION


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
    return str(site.listing["directory"]["hosts"][0])


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


def _configure(site: Any, place: reach.Place, content: str) -> tuple[int, str]:
    """Run the module with a configuration, as the role does."""
    tool = VENV_BIN / "ansible"
    arguments = json.dumps({"content": content, "suffix": place.suffix})
    argv = [str(tool) if tool.exists() else "ansible", "-i", str(site.inventory), _name(site)]
    argv += ["-m", "academie.malleposte.slapd_config", "-a", arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment(), cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (("olcIdleTimeout: ", "olcIdleTimeout: jamais"), "olcIdleTimeout"),
        (("olcLogLevel: ", "olcLogLevel: bavard"), "bavard"),
        (("olcTLSCertificateFile: ", "olcTLSCertificateFile: /nowhere.pem"), "/nowhere.pem"),
    ],
)
def test_a_refused_value_stops_the_run_and_slapd_still_starts(
    site: Any, place: reach.Place, bad: tuple[str, str], message: str, wait_for: Any
) -> None:
    name = _name(site)
    before = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    pid = site.run(name, "systemctl show -p MainPID --value slapd")
    lines = [bad[1] if line.startswith(bad[0]) else line for line in before.splitlines()]
    code, text = _configure(site, place, "\n".join(lines) + "\n")
    assert code != 0
    assert message in text
    assert "nothing was changed" in text
    assert site.run(name, "systemctl show -p MainPID --value slapd") == pid
    assert site.run(name, "slapcat -n0 -o ldif-wrap=no") == before
    site.run(name, "systemctl restart slapd")
    assert "dn:uid" in site.run(name, "ldapwhoami -Q -Y EXTERNAL -H ldapi:///") or wait_for(
        lambda: "dn:" in site.run(name, "ldapwhoami -Q -Y EXTERNAL -H ldapi:///", check=False)
    )


def test_a_value_added_by_hand_goes_at_the_next_run(site: Any, place: reach.Place) -> None:
    name = _name(site)
    wanted = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    change = (
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcDbIndex\nolcDbIndex: description eq\n-\n"
        "add: olcAccess\nolcAccess: {0}to * by anonymous read\n"
    )
    site.run(name, "ldapmodify -Q -Y EXTERNAL -H ldapi:///", given=change)
    pid = site.run(name, "systemctl show -p MainPID --value slapd")
    code, text = _configure(site, place, wanted)
    assert code == 0, text
    assert site.run(name, "systemctl show -p MainPID --value slapd") == pid
    now = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    assert "description eq" not in now
    assert "by anonymous read" not in now
    code, text = _configure(site, place, wanted)
    assert '"changed": false' in text


def test_an_overlay_added_by_hand_goes_by_a_restart_and_the_data_stay(site: Any, place: reach.Place) -> None:
    name = _name(site)
    wanted = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    count = "ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b ou=people," + place.suffix + " dn | grep -c ^dn:"
    before = site.run(name, count)
    change = (
        "dn: cn=module{0},cn=config\nchangetype: modify\nadd: olcModuleLoad\nolcModuleLoad: memberof\n\n"
        "dn: olcOverlay=memberof,olcDatabase={1}mdb,cn=config\nchangetype: add\n"
        "objectClass: olcOverlayConfig\nobjectClass: olcMemberOfConfig\nolcOverlay: memberof\n"
    )
    site.run(name, "ldapmodify -Q -Y EXTERNAL -H ldapi:///", given=change)
    code, text = _configure(site, place, wanted)
    assert code == 0, text
    assert "no longer wanted" in text
    assert "memberof" not in site.run(name, "slapcat -n0 -o ldif-wrap=no")
    assert site.run(name, count) == before
