"""Device passwords: what each opens, what it does not, and how it ends; with what becomes of the main password."""

import datetime
import imaplib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from malleposte.accountd.calls.account import Diagnose
from malleposte.accountd.calls.devices import AddDevice, Devices, RevokeDevice
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.probe.walker.sieve import SieveError
from malleposte.throttle import DEVICES
from msgspec import structs

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device
from tests.stack.support.devices import SCOPES, Ways
from tests.stack.support.mail import Mail, sends, thrown_out, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site
from tests.stack.support.throttle import delay

pytestmark = pytest.mark.scattered

FORM = "abcdefgh-abcd-abcd-abcd-abcd"
OPEN, SHUT = dict.fromkeys(SCOPES, True), dict.fromkeys(SCOPES, False)


@pytest.fixture
def cli(site: Site) -> Cli:
    return Cli(site)


@pytest.fixture
def ways(mail: Mail, device: Callable[..., Device], people: People) -> Ways:
    return Ways(mail, device, people.agent())


def added(cli: Cli, who: Account, *words: str, name: str = "Essai") -> Any:
    return cli.json("device", "add", who.uid, "--name", name, *words)


def test_one_device_password_opens_all_four_by_any_name_and_its_owner_is_told(cli: Cli, ways: Ways, mail: Mail) -> None:
    made = added(cli, ways.account, name="Téléphone d’essai")
    assert ways.open(made["password"]) == OPEN
    assert ways.opens("imap", made["password"], ways.account.mail.upper())
    assert ways.open(ways.account.password) == OPEN, "without a second factor the main password still opens"
    assert made["password"] not in mail.arrived(ways.account, "device").decode()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_device_opens_what_its_scope_says_and_nothing_else(cli: Cli, ways: Ways, scope: str) -> None:
    made = added(cli, ways.account, "--scope", scope)
    assert ways.open(made["password"]) == SHUT | {scope: True}


def test_a_device_opens_from_its_networks_alone(cli: Cli, ways: Ways, site: Site) -> None:
    who, here = ways.account, f"{site.lab.settings.gateway}/32"
    inside = added(cli, who, "--network", here, "--network", "2001:db8::/32", name="Dedans")
    outside = added(cli, who, "--network", "192.0.2.0/24", name="Dehors")
    assert inside["networks"] == sorted([here, "2001:db8::/32"])
    assert ways.open(inside["password"]) == OPEN
    assert ways.open(outside["password"]) == SHUT
    assert ways.open(inside["password"]) == OPEN


def test_a_refusal_from_another_network_has_the_words_of_a_wrong_password(cli: Cli, ways: Ways) -> None:
    outside = added(cli, ways.account, "--network", "192.0.2.0/24")["password"]
    with pytest.raises(imaplib.IMAP4.error) as far:
        ways.imap(replace(ways.account, password=outside))
    with pytest.raises(imaplib.IMAP4.error) as wrong:
        ways.imap(replace(ways.account, password=FORM))
    assert str(far.value) == str(wrong.value)


def test_one_that_dovecot_remembers_is_refused_from_another_place_and_shown_as_that(
    cli: Cli, ways: Ways, site: Site
) -> None:
    who, world = ways.account, site.address("world")
    made = added(cli, who, "--network", f"{site.lab.settings.gateway}/32", name="Portable")
    free = added(cli, who, name="Libre")["password"]
    assert ways.opens("imap", made["password"])

    def from_world(password: str) -> bool:
        program = (
            "import imaplib,sys; name, word = sys.stdin.read().split();"
            f"imaplib.IMAP4_SSL('{site.platform['hostnames']['mail']}').login(name, word)"
        )
        said = site.run("world", f'python3 -c "{program}" 2>&1 || true', given=f"{who.uid} {password}")
        assert not said or "AUTHENTICATIONFAILED" in said, said
        return not said

    assert from_world(free)
    assert not from_world(made["password"])
    assert ways.opens("imap", made["password"]), "its owner is not shut out"
    portal = Portal(site)

    def shown() -> Any:
        answer = portal.one(Diagnose(portal.source, who.uid, portal.token(who.uid)))
        found = [one for one in answer.diagnosis.logins if one.reason == "network"]
        return found[0] if found else None

    refused = wait_for(shown, 30, "the refusal in the diagnosis")
    assert (refused.accepted, refused.place, refused.device) == (False, world, "Portable")
    with directory(site) as bound:
        (entry,) = bound.search("people", ["pwdFailureTime"], {"uid": who.uid})
    assert "pwdFailureTime" not in entry.attributes


def test_a_wrong_code_or_another_s_opens_nothing(cli: Cli, ways: Ways, people: People) -> None:
    made = added(cli, ways.account)["password"]
    other = added(cli, people.agent())["password"]
    wrong = made[:-1] + ("a" if made[-1] != "a" else "b")
    for password in (wrong, other, FORM, made.upper(), made[:8]):
        assert not ways.opens("imap", password), password
    assert ways.opens("imap", made)


def test_a_main_password_does_not_keep_a_device_out_nor_the_other_way(cli: Cli, ways: Ways) -> None:
    """Dovecot remembers refusals: that of the one kind of password must not be taken for the other's."""
    assert ways.opens("imap", ways.account.password)
    first, second = (added(cli, ways.account, name=name)["password"] for name in ("Un", "Deux"))
    for password in (first, ways.account.password, second, first, ways.account.password):
        assert ways.opens("imap", password)


def test_with_a_second_factor_the_main_password_opens_no_device(
    cli: Cli, ways: Ways, people: People, site: Site
) -> None:
    who = ways.account
    made = added(cli, who)["password"]
    assert ways.open(who.password) == OPEN
    people.change(who, mpTwoFactor=["totp"])
    site.run("mail1", f"doveadm auth cache flush {who.uid}")
    assert ways.open(who.password) == SHUT
    assert ways.open(made) == OPEN
    asked = f'doveadm auth test -x service={{}} -- {who.uid} "$(cat)"'
    assert "auth succeeded" in site.run("mail1", asked.format("sso"), given=who.password)
    assert "auth failed" in site.run("mail1", asked.format("imap") + " 2>&1; true", given=who.password)


def test_a_revoked_device_sends_no_more_in_a_session_that_it_has_open(
    cli: Cli, ways: Ways, mail: Mail, people: People
) -> None:
    who, other = ways.account, people.agent()
    lost = replace(who, password=added(cli, who, name="Perdu")["password"])
    with mail.session(lost) as attacker, mail.session(lost, 465) as again, mail.session(other) as neighbour:
        assert sends(attacker, who) and sends(again, who) and sends(neighbour, other)
        assert cli.json("device", "revoke", who.uid, "perdu", "--reason", "lost")["failures"] == []
        assert not sends(attacker, who) and not sends(again, who)
        assert sends(neighbour, other)
    with mail.session(who) as session:
        assert sends(session, who), "what is still good connects again"


def test_a_revoked_device_is_out_at_once_and_its_connections_with_it(cli: Cli, ways: Ways, mail: Mail) -> None:
    who = ways.account
    lost, kept = (added(cli, who, name=name) for name in ("Perdu", "Gardé"))
    sessions = [
        mail.imap(Account(who.uid, who.mail, one, "")) for one in (lost["password"], kept["password"], who.password)
    ]
    sieve = mail.sieve(Account(who.uid, who.mail, lost["password"], ""))
    assert ways.open(lost["password"]) == OPEN, "and Dovecot remembers it"
    done = cli.json("device", "revoke", who.uid, "perdu", "--reason", "lost")
    assert done["failures"] == [] and done["devices"] == [lost["device"]]
    # From here on, whatever the clock says: the command has returned.
    assert thrown_out(sessions[0])
    assert ways.open(lost["password"]) == SHUT
    assert all(session.noop()[0] == "OK" for session in sessions[1:])
    with pytest.raises((OSError, SieveError)):
        sieve.scripts()
    assert ways.open(kept["password"]) == OPEN
    lines = [
        json.loads(line)
        for line in cli.site.run(
            cli.site.host_of("directory"), f"grep -h -- {lost['device']} /var/log/malleposte/accounts.jsonl"
        ).splitlines()
    ]
    assert [line["action"] for line in lines] == ["device-add", "device-revoke"] and lines[1]["note"] == "lost"
    assert lost["password"] not in str(lines)


@pytest.mark.full
def test_the_last_use_is_known(cli: Cli, ways: Ways) -> None:
    begun = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%SZ")
    made = added(cli, ways.account)
    (before,) = cli.json("device", "list", ways.account.uid)["devices"]
    assert "used" not in before and "password" not in before
    assert ways.opens("imap", made["password"])

    def used() -> Any:
        return next((one for one in cli.json("device", "list", ways.account.uid)["devices"] if "used" in one), None)

    found = wait_for(used, 30, "the last use")
    assert found["used"] >= begun and found["place"].count(".") == 3
    cli.json("nightly", "--step", "devices")
    with directory(cli.site) as bound:
        (entry,) = bound.search("devices", ["mpDeviceUsed", "mpDevicePlace"], {"mpDeviceOwner": ways.account.uid})
    assert entry.attributes["mpDeviceUsed"][0] >= begun and entry.attributes["mpDevicePlace"] == [found["place"]]


def test_a_device_waits_for_guesses_of_devices_in_its_network_alone(
    cli: Cli, ways: Ways, people: People, site: Site
) -> None:
    """Guesses of the main password keep no device out: the directory proves none of these."""
    other, here = people.agent(), str(site.lab.settings.gateway)
    made, hers = (added(cli, who)["password"] for who in (ways.account, other))
    delay(site, DEVICES + ways.account.uid, here)
    delay(site, other.uid, here)
    with pytest.raises(imaplib.IMAP4.error, match="patientez"):
        ways.imap(replace(ways.account, password=made))
    assert ways.opens("imap", hers, other.uid)


def test_guesses_of_a_device_password_do_not_count_against_the_main_one(cli: Cli, ways: Ways, site: Site) -> None:
    """The directory's own count (ppolicy) locks an account for a while: no guess of a device gets there."""
    made = added(cli, ways.account)["password"]
    assert not ways.opens("imap", made[:-1] + ("a" if made[-1] != "a" else "b"))
    with directory(site) as bound:
        (entry,) = bound.search("people", ["pwdFailureTime"], {"uid": ways.account.uid})
    assert "pwdFailureTime" not in entry.attributes
    assert ways.opens("imap", ways.account.password) and ways.opens("imap", made)


def test_only_dovecot_and_the_writer_see_devices(cli: Cli, ways: Ways, site: Site) -> None:
    added(cli, ways.account)
    suffix = site.place.suffix

    def seen(dn: str, secret: str) -> str:
        base, wanted = f"ou=devices,{suffix}", f"mpDeviceOwner={ways.account.uid}"
        search = f"ldapsearch -LLL -x -H ldapi:/// -D {dn} -y /dev/stdin -b {base} {wanted} \\*"
        return site.run(site.host_of("directory"), f"{search} 2>&1; true", given=secret)

    for name in ("dovecot", "provision"):
        assert "mpDeviceDigest" in seen(f"cn={name},ou=services,{suffix}", site.secret(f"ldap-{name}"))
    for name in ("postfix", "rspamd", "sogo", "roundcube", "lists", "senders"):
        assert "dn: " not in seen(f"cn={name},ou=services,{suffix}", site.secret(f"ldap-{name}")), name
    assert "dn: " not in seen(f"uid={ways.account.uid},ou=people,{suffix}", ways.account.password)


def test_the_portal_makes_lists_and_revokes_for_the_owner(site: Site, ways: Ways, people: People) -> None:
    portal, who, other = Portal(site), ways.account, people.agent()
    wrong = AddDevice(portal.source, who.uid, "Faux-Passage7!", "Portail", ("imap",))
    refused, made = portal.ask(wrong, structs.replace(wrong, password=who.password))
    assert refused == Refused(ErrorCode.NOT_PROVED)
    assert ways.open(made.secret) == SHUT | {"imap": True}
    (device,) = made.devices

    def listed() -> Any:
        (found,) = portal.one(Devices(portal.source, who.uid, portal.token(who.uid))).devices
        return found if found.used else None

    found = wait_for(listed, 30, "the last use")
    assert (found.ident, found.name, found.scopes) == (device.ident, "Portail", ("imap",))
    stranger, hers, again = portal.ask(
        RevokeDevice(portal.source, other.uid, portal.token(other.uid), device.ident),
        RevokeDevice(portal.source, who.uid, portal.token(who.uid), device.ident),
        RevokeDevice(portal.source, who.uid, portal.token(who.uid), device.ident),
    )
    assert stranger.error == again.error == ErrorCode.NOT_FOUND and hers == Done(who.uid, "active")
    assert not ways.opens("imap", made.secret)
