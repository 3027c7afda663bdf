"""A changed fact of the password policy reaches slapd."""

import json
import subprocess
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.filter import openldap
from malleposte.core.paths import ROOT, VENV_BIN
from malleposte.core.run import environment
from malleposte.directory.errors import Refused
from malleposte.directory.ldap import LdapDirectory

VIOLATION = 19


def _host(site: Any) -> str:
    return str(site.host_of("directory"))


def _give(site: Any, facts: dict[str, Any]) -> None:
    """The policies' entries as the role makes them of these facts, by the module that it uses."""
    suffix = site.place.suffix
    wanted = openldap.openldap_entries(suffix, "x", {}, "provision", facts)
    entries = [entry for entry in wanted if entry["dn"].endswith(f",ou=policies,{suffix}")]
    tool = VENV_BIN / "ansible"
    argv = [str(tool) if tool.exists() else "ansible", "-i", str(site.inventory), _host(site)]
    argv += ["-m", "academie.malleposte.ldap_entries", "-a", json.dumps({"base": suffix, "entries": entries})]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment(), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
def test_a_changed_fact_reaches_slapd(
    site: Any, platform: dict[str, Any], owner: tuple[LdapDirectory, str, dict[str, list[str]]]
) -> None:
    bound, dn, entry = owner
    facts = dict(platform["password_policy"])
    thirteen, two_digits = "Tulipe-Vert-4", "Tulipe-Verte-4-Lampe"
    bound.add(dn, entry | {"userPassword": [thirteen]})
    bound.delete(dn)
    try:
        _give(site, facts | {"min_length": 14, "min_digit": 2})
        for short in (thirteen, two_digits):
            with pytest.raises(Refused) as refusal:
                bound.add(dn, entry | {"userPassword": [short]})
            assert refusal.value.code == VIOLATION
        bound.add(dn, entry | {"userPassword": ["Tulipe-Verte-47"]})
        bound.delete(dn)
    finally:
        _give(site, facts)
    bound.add(dn, entry | {"userPassword": [two_digits]})
