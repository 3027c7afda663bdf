"""The password policy as the deployed slapd enforces it: the one table of passwords, its facts, a change of a fact."""

import base64
import json
from typing import Any

import pytest
from malleposte.directory.errors import Refused
from malleposte.directory.ldap import LdapDirectory
from malleposte.policy import project, rules
from malleposte.policy.model import Policy

from tests.support import passwords

VIOLATION, SYNTAX = 19, 21


@pytest.fixture(scope="module")
def policy(platform: dict[str, Any]) -> Policy:
    return Policy.from_mapping(platform["password_policy"])


def test_the_table(owner: tuple[LdapDirectory, str, dict[str, list[str]]]) -> None:
    """Each on an entry of its own, so that no history plays a part."""
    bound, dn, entry = owner
    wrong = []
    for row in passwords.ROWS:
        try:
            bound.add(dn, entry | {"userPassword": [row.password]})
        except Refused as error:
            verdict = error.code not in (VIOLATION, SYNTAX) and str(error)
        else:
            # No client of ours sends a control in a password.
            verdict = bound.log_in(dn, row.password).ok is row.password.isprintable()
            bound.delete(dn)
        if verdict != row.slapd:
            wrong.append((ascii(row.password)[:60], verdict))
    assert wrong == []


def test_a_change_is_judged_as_a_first_password_is(owner: tuple[LdapDirectory, str, dict[str, list[str]]]) -> None:
    bound, dn, entry = owner
    first = rules.generate()
    bound.add(dn, entry | {"userPassword": [first]})
    for row in (row for row in passwords.ROWS if not row.slapd):
        with pytest.raises(Refused) as refusal:
            bound.modify(dn, {"userPassword": [row.password]})
        assert refusal.value.code in (VIOLATION, SYNTAX), row.password
    assert bound.log_in(dn, first).ok


def test_what_the_generator_makes_is_taken(owner: tuple[LdapDirectory, str, dict[str, list[str]]]) -> None:
    bound, dn, entry = owner
    bound.add(dn, entry | {"userPassword": [rules.generate(passwords.OWNER)]})
    for _ in range(5):
        bound.modify(dn, {"userPassword": [rules.generate(passwords.OWNER)]})


def test_the_last_passwords_are_refused_and_older_ones_are_not(
    owner: tuple[LdapDirectory, str, dict[str, list[str]]], policy: Policy
) -> None:
    bound, dn, entry = owner
    used = [f"Tulipe-Verte-{number}" for number in range(10, 12 + policy.history)]
    bound.add(dn, entry | {"userPassword": [used[0]]})
    for one in used[1:]:
        bound.modify(dn, {"userPassword": [one]})
    for one in (used[1], used[-2], used[-1]):  # the oldest that the history holds, the last one, the present one
        with pytest.raises(Refused) as refusal:
            bound.modify(dn, {"userPassword": [one]})
        assert refusal.value.code == VIOLATION
    bound.modify(dn, {"userPassword": [used[0]]})


def test_slapd_has_what_the_facts_say(site: Any, policy: Policy) -> None:
    dn = f"cn=agents,ou=policies,{site.place.suffix}"
    text = site.run(_host(site), f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b {dn} -s base")
    held = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in text.splitlines())}
    for name, (value,) in project.ppolicy_attributes(policy).items():
        encoded = held.get(f"{name.lower()}:")  # "name:: base64"
        assert (base64.b64decode(encoded) if encoded else held[name.lower()].encode()) == value, name


def _host(site: Any) -> str:
    return str(site.host_of("directory"))


def test_the_command_line_judges_alike(site: Any) -> None:
    """On a host: the policy of its facts, the password from standard input alone."""
    row = next(row for row in passwords.ROWS if row.violations == ("common_word",))
    text = site.run(_host(site), "malleposte password check --json || true", given=row.password)
    assert [one["code"] for one in json.loads(text)["violations"]] == ["common_word"]
    assert site.run(_host(site), "malleposte password check --lang fr", given="Tulipe-Verte-47\n") == "Accepté.\n"
    told = site.run(_host(site), "malleposte password rules --lang fr")
    assert str(site.platform["password_policy"]["min_length"]) in told
