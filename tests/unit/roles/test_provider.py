"""The provider by which agents log in: every service is told the same of it, from one place of the wiring."""

import re
from typing import Any

import pytest
import yaml
from ansible_collections.academie.malleposte.plugins.filter.lemonldap import lemonldap_key_id, lemonldap_provider
from ansible_collections.academie.malleposte.plugins.module_utils import sign_on
from malleposte.accountd.proof import Provider
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site

from tests.support.inventories import copied
from tests.support.sign_on import OWN_PROVIDER

WIRING = ROOT / "playbooks/group_vars/all/wiring.yml"
ADDRESSES = {"issuer", "authorization_endpoint", "token_endpoint", "end_session_endpoint"}
SEEN = {
    "portal_sign_on": {"issuer", "uid_claim", "algorithms", "scope", "origins", "factors_page", "factors_here",
                       "client_id", "client_secret"},
    "accountd_provider": {"issuer", "uid_claim", "keys", "clients", "algorithms", "typed", "scope", "level_claim",
                          "time_claim", "acr", "amr"},
    "roundcube_sign_on": {*ADDRESSES, "leave_page", "scope", "pkce", "uid_claim", "client_id", "client_secret"},
    "dav_sign_on": {"issuer", "scope", "uid_claim", "client_id", "client_secret", "back", "algorithms",
                    "roundcube_client_id"},
}  # fmt: skip
"""The keys of which each service is told."""
NAMES = [
    *SEEN,
    "dovecot_token_issuer",
    "dovecot_token_keys",
    "dovecot_token_url",
    "lemonldap_clients",
    "roundcube_router_socket",
    "sogo_router_socket",
    "lemonldap_enabled",
    "lemonldap_signing_public_key",
    "lemonldap_hostname",
    "sso_prove_enabled",
    "sso_tokens_enabled",
    "sso_tokens_provider",
    "hostd_channels",
    "accountd_client_calls",
    "nginx_sites",
    "acme_names",
    "openldap_services",
    "portal_services",
    "__wiring_provider_keys",
]
OURS = pytest.mark.parametrize("told", ["ours"], indirect=True)
ANOTHER = pytest.mark.parametrize("told", ["another"], indirect=True)
Told = tuple[dict[str, Any], Any]


@pytest.fixture(scope="module", params=["ours", "another"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The provider of an inventory, and what variables are there."""
    folder = copied(tmp_path_factory.mktemp("inventory") / "mine")
    if request.param == "another":
        given = {"malleposte_sso": OWN_PROVIDER}
        (folder / "group_vars/malleposte/sso.yml").write_text(yaml.safe_dump(given), "utf-8")
    site = Site(folder)
    host = site.members("malleposte")[0]
    names = [*NAMES, "valkey_instances", "malleposte_services"]
    seen = site.template(host, {name: f"{{{{ {name} }}}}" for name in names})
    seen["units"] = site.template(host, "{{ malleposte_services | academie.malleposte.manifest_units(group_names) }}")
    ours = lemonldap_provider("sso.ac-exemple.test")
    return (ours if request.param == "ours" else sign_on.described(OWN_PROVIDER)), seen


def test_both_kinds_of_providers_are_described_alike() -> None:
    ours, another = lemonldap_provider("sso.ac-exemple.test"), sign_on.described(OWN_PROVIDER)
    assert set(ours) == set(another)
    assert set(ours["proof"]) == set(another["proof"])


def test_every_service_is_told_of_the_same_provider(told: Told) -> None:
    wanted, seen = told
    for name, keys in SEEN.items():
        assert set(seen[name]) == keys, name
        same = keys & set(wanted) - {"scope"}
        assert {key: seen[name][key] for key in same} == {key: wanted[key] for key in same}
    assert seen["dovecot_token_issuer"] == wanted["issuer"]
    assert seen["portal_sign_on"]["scope"] == wanted["scope"]
    webmails = {seen[name]["scope"] for name in ("roundcube_sign_on", "dav_sign_on")}
    assert webmails == {f"{wanted['scope']} {wanted['mail_scope']}"}


def test_accountd_and_the_daemon_of_tokens_can_read_what_they_are_told(told: Told) -> None:
    _wanted, seen = told
    portal = seen["portal_sign_on"]["client_id"]
    assert list(Provider(**seen["accountd_provider"]).clients) == [portal]
    if seen["sso_tokens_enabled"]:
        mail = Provider(**seen["sso_tokens_provider"])
        assert set(mail.clients) == {seen[name]["client_id"] for name in ("roundcube_sign_on", "dav_sign_on")}
        assert portal not in mail.clients, "the portal's tokens open no mail"
        assert mail.scope and mail.scope != seen["accountd_provider"]["scope"]


def test_one_daemon_verifies_the_log_outs_of_both_webmails(told: Told) -> None:
    _wanted, seen = told
    assert seen["accountd_provider"]["keys"] == seen["__wiring_provider_keys"]
    assert seen["dav_sign_on"]["roundcube_client_id"] == seen["roundcube_sign_on"]["client_id"]
    assert seen["roundcube_router_socket"] == seen["sogo_router_socket"]


@OURS
def test_the_log_in_page_tells_each_service_of_log_outs(told: Told) -> None:
    _wanted, seen = told
    at = {one["id"]: one["back_channel"] for one in seen["lemonldap_clients"] if "back_channel" in one}
    names = {"portail": "pia", "roundcube": "webmail", "sogo": "agenda"}
    assert at == {name: f"https://{host}.ac-exemple.test/connexion/fin" for name, host in names.items()}


@OURS
def test_the_log_in_page_knows_each_service_by_the_name_and_secret_that_it_has(told: Told) -> None:
    _wanted, seen = told
    known = {one["id"]: one["secret"] for one in seen["lemonldap_clients"]}
    for name in ("portal_sign_on", "roundcube_sign_on", "dav_sign_on"):
        assert known.pop(seen[name]["client_id"]) == seen[name]["client_secret"]
    assert set(known) == {"sonde"}
    assert seen["accountd_provider"]["clients"] == {"portail": "portail"}


@OURS
def test_tokens_are_proved_by_the_key_that_signs_them(told: Told) -> None:
    _wanted, seen = told
    (key,) = seen["__wiring_provider_keys"]
    assert seen["accountd_provider"]["keys"] == [key]
    assert seen["lemonldap_signing_public_key"] == key
    assert seen["dovecot_token_keys"] == {lemonldap_key_id(key): key}
    assert (seen["dovecot_token_url"], seen["sso_tokens_enabled"]) == ("", False)


@OURS
def test_the_log_in_page_is_there_where_the_academy_has_no_other(told: Told) -> None:
    _wanted, seen = told
    assert seen["lemonldap_enabled"] and seen["sso_prove_enabled"]
    assert "sso" in seen["hostd_channels"] and "portal" not in seen["hostd_channels"]
    assert "sso" in seen["valkey_instances"]
    assert "sso-prove" in seen["accountd_client_calls"]
    assert {"sso-prove.service", "lemonldap-ng-fastcgi-server.service"} <= set(seen["units"])
    assert "sso-tokens.service" not in seen["units"]
    assert "sso.ac-exemple.test" in seen["acme_names"] and "lemonldap" in seen["openldap_services"]


@ANOTHER
def test_the_services_are_what_the_other_provider_calls_them(told: Told) -> None:
    _wanted, seen = told
    names = {"portal_sign_on": "portal", "roundcube_sign_on": "roundcube", "dav_sign_on": "sogo"}
    for variable, name in names.items():
        client = OWN_PROVIDER["clients"][name]
        assert (seen[variable]["client_id"], seen[variable]["client_secret"]) == (client["id"], client["secret"])
    assert seen["accountd_provider"]["clients"] == {"portail-ac": "compte"}
    assert seen["sso_tokens_provider"]["scope"] == "courriel"
    assert seen["accountd_provider"]["scope"] == "openid", "its tokens bear no type: a scope tells them apart"
    assert not seen["roundcube_sign_on"]["pkce"]


@ANOTHER
def test_nothing_of_our_log_in_page_is_left_beside_another_provider(told: Told) -> None:
    _wanted, seen = told
    assert not seen["lemonldap_enabled"] and not seen["sso_prove_enabled"] and seen["sso_tokens_enabled"]
    assert "sso" not in seen["hostd_channels"] and "sso" not in seen["valkey_instances"]
    assert "portal" in seen["hostd_channels"], "its log-ins end here: that provider goes on giving tokens"
    assert seen["accountd_client_calls"] == {}
    assert not [unit for unit in seen["units"] if re.search(r"lemonldap|sso-prove|valkey-server@sso", unit)]
    assert {"sso-tokens.service", "sso-tokens.socket", "valkey-server@portal.service"} <= set(seen["units"])
    assert "sso.ac-exemple.test" not in seen["acme_names"] and "lemonldap" not in seen["openldap_services"]
    assert "sso.ac-exemple.test" not in [one["name"] for one in seen["nginx_sites"]]
    assert seen["dovecot_token_keys"] == {}
    assert re.fullmatch(r"http://127[.]0[.]0[.]1:\d{1,3}/", seen["dovecot_token_url"]), (
        "no other program takes its port"
    )


def test_the_log_in_page_s_addresses_stand_in_one_place() -> None:
    wiring = WIRING.read_text("utf-8")
    readers = re.findall(r"^(\w+):(?: >-\n)?.*__fact_hostnames\.sso\b", wiring, re.MULTILINE)
    assert readers == ["__wiring_provider", "lemonldap_hostname"]
    assert len(re.findall(r"hostnames\.sso\b", wiring)) == len(readers)
    assert len(re.findall(r"'sso-client-", wiring)) == len(re.findall(r"\.secret', 'sso-client-", wiring)) == 4
    roles = [path for path in (ROOT / "roles").rglob("*") if path.is_file() and "lemonldap" not in path.parts]
    copies = [str(path) for path in roles if re.search(r"oauth2/(authorize|token|logout)", path.read_text("utf-8"))]
    assert copies == []
