"""The provider by which agents log in: every service is told the same of it, from one place of the wiring."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest
import yaml
from ansible_collections.academie.malleposte.plugins.filter.lemonldap import lemonldap_key_id, lemonldap_provider
from malleposte.fleet.site import Site
from malleposte.paths import ROOT

WIRING = ROOT / "playbooks/group_vars/all/wiring.yml"
OTHER = {
    "issuer": "https://id.autre.test/realms/academie",
    "authorization_endpoint": "https://id.autre.test/auth",
    "token_endpoint": "https://jetons.autre.test/t",
    "end_session_endpoint": "https://id.autre.test/fin",
    "leave_page": "https://id.autre.test/fin?autre",
    "factors_page": "https://id.autre.test/facteurs",
    "uid_claim": "login",
}
SEEN = {
    "portal_sign_on": {"issuer", "uid_claim", "factors_page", "client_id", "client_secret"},
    "accountd_provider": {"issuer", "uid_claim", "audience", "keys"},
    "roundcube_sign_on": {*OTHER, "client_id", "client_secret"} - {"factors_page"},
    "dav_sign_on": {*OTHER, "client_id", "client_secret", "back"} - {"factors_page", "leave_page"},
}
"""The keys of which each service is told."""


@pytest.fixture(scope="module", params=["our own", "another"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Any]:
    """The provider of an inventory, and the value of a variable there."""
    folder = tmp_path_factory.mktemp("inventory") / "mine"
    shutil.copytree(ROOT / "inventories/standalone", folder, ignore=shutil.ignore_patterns("secrets"))
    if request.param == "another":
        (folder / "group_vars/malleposte/provider.yml").write_text(
            yaml.safe_dump({"__wiring_provider": OTHER}), "utf-8"
        )
    site = Site(folder)
    host = site.members("malleposte")[0]
    wanted = OTHER if request.param == "another" else lemonldap_provider("sso.ac-exemple.test")
    names = [*SEEN, "dovecot_token_issuer", "dovecot_token_claim", "dovecot_token_keys", "lemonldap_clients",
             "lemonldap_signing_public_key", "lemonldap_hostname", "__wiring_provider_keys"]  # fmt: skip
    return wanted, site.template(host, {name: f"{{{{ {name} }}}}" for name in names})


def test_every_service_is_told_of_the_same_provider(told: tuple[dict[str, str], Any]) -> None:
    wanted, seen = told
    for name, keys in SEEN.items():
        assert set(seen[name]) == keys, name
        assert {key: seen[name][key] for key in keys & set(wanted)} == {key: wanted[key] for key in keys & set(wanted)}
    assert (seen["dovecot_token_issuer"], seen["dovecot_token_claim"]) == (wanted["issuer"], wanted["uid_claim"])


def test_the_log_in_page_knows_each_service_by_the_name_and_secret_that_it_has(
    told: tuple[dict[str, str], Any],
) -> None:
    _wanted, seen = told
    known = {one["id"]: one["secret"] for one in seen["lemonldap_clients"]}
    for name in ("portal_sign_on", "roundcube_sign_on", "dav_sign_on"):
        assert known.pop(seen[name]["client_id"]) == seen[name]["client_secret"]
    assert set(known) == {"sonde"}
    assert seen["accountd_provider"]["audience"] == seen["portal_sign_on"]["client_id"]


def test_tokens_are_proved_by_the_key_that_signs_them(told: tuple[dict[str, str], Any]) -> None:
    _wanted, seen = told
    (key,) = seen["__wiring_provider_keys"]
    assert seen["accountd_provider"]["keys"] == [key]
    assert seen["lemonldap_signing_public_key"] == key
    assert seen["dovecot_token_keys"] == {lemonldap_key_id(key): key}


def test_the_log_in_page_s_addresses_stand_in_one_place() -> None:
    wiring = WIRING.read_text("utf-8")
    readers = re.findall(r"^(\w+):.*__fact_hostnames\.sso\b", wiring, re.MULTILINE)
    assert readers == ["__wiring_provider", "lemonldap_hostname"]
    assert len(re.findall(r"hostnames\.sso\b", wiring)) == len(readers)
    assert len(re.findall(r"'sso-client-", wiring)) == len(re.findall(r"\.secret', 'sso-client-", wiring)) == 4
    roles = [path for path in (ROOT / "roles").rglob("*") if path.is_file() and "lemonldap" not in path.parts]
    copies = [str(path) for path in roles if re.search(r"oauth2/(authorize|token|logout)", path.read_text("utf-8"))]
    assert copies == []
