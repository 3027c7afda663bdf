"""The state of an account or of its password decides its rights: slapd decides, every channel agrees.

Each case is an account of its own, so that no cache and no delay of one touches another. All channels of all cases are
tried at once; a test then reads one answer.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from malleposte.directory.control import PolicyErrorCode
from malleposte.policy import rules

from tests.stack.support.channels import CHANNELS, Channels
from tests.stack.support.mail import wait_for
from tests.stack.support.passwords import age, root
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

SMALL = "essai-etats"
TRIES = 3


@dataclass(frozen=True)
class Case:
    """A state: what the writer and root write; whether the channels open, and what slapd says of the password."""

    name: str
    opens: bool
    state: str = "active"
    written: dict[str, list[str]] = field(default_factory=dict)
    aged_days: int = 0
    locked: bool = False
    says: PolicyErrorCode | None = None
    slapd: bool | None = None

    @property
    def binds(self) -> bool:
        """Whether slapd takes the password, whatever the daemons then ask of the entry."""
        return self.opens if self.slapd is None else self.slapd


CASES = (
    Case("active", True),
    Case("warned", True, aged_days=350),
    Case("expired-password", False, aged_days=366, says=PolicyErrorCode.PASSWORD_EXPIRED),
    Case("must-change", False, written={"pwdReset": ["TRUE"]}, says=PolicyErrorCode.CHANGE_AFTER_RESET, slapd=True),
    Case("ended", False, written={"pwdEndTime": ["20200101000000Z"]}),
    Case("locked", False, locked=True),
    Case("suspended", False, "suspended", slapd=True),
    Case("expired", False, "expired", slapd=True),
    Case("blocked", False, "blocked", slapd=True),
    Case("pending", False, "pending", slapd=True),
)
# After a new password these open again: the writer's change is all that it takes.
RENEWED = ("expired-password", "must-change", "locked")


@dataclass
class Seen:
    """The cases' accounts, and the answers."""

    accounts: dict[str, Account]
    first: dict[tuple[str, str], bool]
    old: dict[tuple[str, str], bool]
    new: dict[tuple[str, str], bool]
    said: dict[str, Any]


def prepare(site: Site, case: Case, who: Account) -> None:
    """Bring a fresh, active account into the state."""
    with directory(site) as bound:
        dn = f"uid={who.uid},ou=people,{bound.suffix}"
        bound.modify(dn, {"mpState": [case.state], **case.written})
        if case.aged_days:
            age(site, dn, case.aged_days)
        if case.locked:
            small = f"cn={SMALL},ou=policies,{bound.suffix}"
            change = f"dn: {dn}\nchangetype: modify\nreplace: pwdPolicySubentry\npwdPolicySubentry: {small}\n"
            root(site, "ldapmodify", change)
            for _ in range(TRIES):
                assert not bound.log_in(dn, rules.generate()).ok


@pytest.fixture(scope="module")
def small(site: Site) -> Iterator[str]:
    """A policy that locks after few failures, for five minutes as the platform's does."""
    dn = f"cn={SMALL},ou=policies,{site.place.suffix}"
    lines = [
        f"dn: {dn}", "objectClass: namedPolicy", "objectClass: pwdPolicy", f"cn: {SMALL}", "pwdAttribute: userPassword",
        "pwdLockout: TRUE", f"pwdMaxFailure: {TRIES}", "pwdLockoutDuration: 300", "pwdFailureCountInterval: 300",
        "pwdSafeModify: FALSE",
    ]  # fmt: skip
    if _there(site, dn):
        root(site, "ldapmodify", f"dn: {dn}\nchangetype: delete\n")
    root(site, "ldapadd", "\n".join(lines) + "\n")
    yield dn
    root(site, "ldapmodify", f"dn: {dn}\nchangetype: delete\n")


def _there(site: Site, dn: str) -> bool:
    host = site.host_of("directory")
    return bool(site.run(host, f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b {dn} -s base 1.1", check=False).strip())


@pytest.fixture(scope="module")
def seen(
    site: Site,
    plan: Any,
    web: Any,
    ca_bundle: Any,
    platform: dict[str, Any],
    small: str,
) -> Iterator[Seen]:
    """Everything is tried once: as it is, then the old and the new password after a renewal."""
    people, channels = People(site), Channels(site, plan, web, ca_bundle, platform)
    tag = secrets.token_hex(3)
    try:
        accounts = {
            case.name: people.agent(uid=f"essai-{tag}-{number}", profile="convergence")
            for number, case in enumerate(CASES)
        }
        for case in CASES:
            prepare(site, case, accounts[case.name])
        said = {}
        with directory(site) as bound:
            for name, who in accounts.items():
                said[name] = bound.log_in(f"uid={who.uid},ou=people,{bound.suffix}", who.password)
        first = channels.all_of(accounts)
        before = {name: accounts[name] for name in RENEWED}
        after = {name: replace(who, password=rules.generate()) for name, who in before.items()}
        with directory(site) as bound:
            for who in after.values():
                dn = f"uid={who.uid},ou=people,{bound.suffix}"
                bound.modify(dn, {"userPassword": [who.password], "pwdReset": []})
        # As the channels do: who could not log in is remembered as nobody for a moment.
        site.run("mail1", "doveadm auth cache flush", *(who.uid for who in after.values()))
        yield Seen(accounts, first, channels.all_of(before), channels.all_of(after), said)
    finally:
        people.clear()


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_channel_says_the_same(seen: Seen, case: Case, channel: str) -> None:
    assert seen.first[case.name, channel] is case.opens


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_slapd_says(seen: Seen, case: Case) -> None:
    assert seen.said[case.name].ok is case.binds
    assert seen.said[case.name].policy.error is case.says


def test_who_is_near_the_end_is_warned(seen: Seen, platform: dict[str, Any]) -> None:
    left = seen.said["warned"].policy.seconds_left
    assert left is not None
    assert 0 < left < max(platform["password_policy"]["warning_days"]) * 86400
    assert seen.said["active"].policy.seconds_left is None


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", RENEWED)
def test_a_new_password_opens_again_and_the_old_one_does_not(seen: Seen, name: str, channel: str) -> None:
    assert seen.new[name, channel] is True
    assert seen.old[name, channel] is False


def test_a_lock_ends_by_itself(site: Site, seen: Seen, small: str) -> None:
    people = People(site)
    try:
        who = people.agent()
        prepare(site, next(case for case in CASES if case.locked), who)
        with directory(site) as bound:
            dn = f"uid={who.uid},ou=people,{bound.suffix}"
            assert not bound.log_in(dn, who.password).ok
            change = f"dn: {small}\nchangetype: modify\nreplace: pwdLockoutDuration\npwdLockoutDuration: 1\n"
            root(site, "ldapmodify", change)
            assert wait_for(lambda: bound.log_in(dn, who.password).ok, what="the end of the lock")
    finally:
        people.clear()


def test_the_platform_s_own_lock_is_the_backstop(site: Site, platform: dict[str, Any]) -> None:
    """So far away that no daemon's retries reach it: what slows a guesser down comes before."""
    host = site.host_of("directory")
    dn = f"cn=agents,ou=policies,{site.place.suffix}"
    asked = f"-b {dn} -s base pwdMaxFailure pwdLockoutDuration"
    text = site.run(host, f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// {asked}")
    facts = platform["password_policy"]
    assert f"pwdMaxFailure: {facts['max_failures']}" in text
    assert f"pwdLockoutDuration: {facts['lockout_seconds']}" in text
    assert facts["max_failures"] >= 100
