"""The configuration of the log-in page: its contents, and the changes of its date."""

import json
import subprocess
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.lemonldap import (
    lemonldap_configuration,
    lemonldap_key_id,
    second_factor,
)

PORTAL = {
    "id": "portail",
    "secret": "s" * 32,
    "redirect": ["https://pia.ac-exemple.test/connexion/retour"],
    "logout_redirect": ["https://pia.ac-exemple.test/"],
    "nonce": True,
    "refresh": True,
    "back_channel": "https://pia.ac-exemple.test/connexion/fin",
}
WEBMAIL = {
    "id": "roundcube",
    "secret": "t" * 32,
    "redirect": ["https://webmail.ac-exemple.test/r"],
    "scopes": ["mail"],
    "pkce": False,
}
GIVEN: dict[str, Any] = {
    "hostname": "sso.ac-exemple.test",
    "portal_url": "https://pia.ac-exemple.test",
    "ldap": {"uri": "ldaps://annuaire", "base": "ou=people", "bind_dn": "cn=x", "password": "p", "ca_file": "/etc/ca"},
    "valkey": {"socket": "/run/v.sock", "forms_socket": "/run/f.sock", "user": "lemonldap", "password": "w"},
    "prove_socket": "/run/sso-prove.sock",
    "academy": "académie d'Exemple",
    "second_factor": {"everyone": "optional", "functions": {"DSI": "required"}},
    "skins": "/usr/local/share/skins",
    "key": "k",
    "signing_key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
    "signing_public_key": "-----BEGIN PUBLIC KEY-----\ny\n-----END PUBLIC KEY-----",
    "session_hours": 10,
    "token_seconds": 300,
    "clients": [PORTAL, WEBMAIL],
}


def made(**changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lemonldap_configuration(GIVEN | changed))
    return found


def test_its_date_is_that_of_its_content() -> None:
    assert made() == made()
    assert made()["cfgNum"] == 1
    assert made()["cfgDate"] != made(session_hours=9)["cfgDate"]
    assert all(made(key=str(number))["cfgDate"] > 0 for number in range(50))


def test_a_browser_is_trusted_for_thirty_days_and_only_by_a_code() -> None:
    told = made()
    assert told["stayConnectedTimeout"] == 30 * 24 * 3600
    assert (told["stayConnected"], told["trustedBrowserRule"]) == (0, "$authenticationLevel >= 4")


def test_it_locks_nobody_and_keeps_nothing_beside_the_store() -> None:
    told = made()
    assert (told["bruteForceProtection"], told["localSessionStorage"], told["registerDB"]) == (0, "", "Null")
    assert told["globalStorageOptions"] == told["persistentStorageOptions"] == told["oidcStorageOptions"]
    assert told["handlerInternalCache"] == 0
    assert told["globalStorageOptions"]["sock"] == "/run/v.sock"


def test_each_record_has_an_end_and_open_forms_a_store_of_their_own() -> None:
    held = made()
    for kind in ("global", "persistent", "oidc"):
        assert held[f"{kind}Storage"] == "Lemonldap::NG::Portal::Lib::Store"
        kept = held[f"{kind}StorageOptions"]
        assert (kept["sock"], kept["FormsSock"], kept["Lasts"]) == ("/run/v.sock", "/run/f.sock", held["timeout"])
        assert not {"_utime", "ipAddr", "_session_kind"} & set(kept["Index"].split()), "sets that only grow"


def test_each_client_has_what_it_may_and_no_other_has_its_scope() -> None:
    told = made()
    portal, webmail = (told["oidcRPMetaDataOptions"][name] for name in ("portail", "roundcube"))
    assert portal["oidcRPMetaDataOptionsRequirePKCE"] == 1
    assert webmail["oidcRPMetaDataOptionsRequirePKCE"] == 0
    required = [
        (one["oidcRPMetaDataOptionsAuthnRequireState"], one["oidcRPMetaDataOptionsAuthnRequireNonce"])
        for one in (portal, webmail)
    ]
    assert required == [(1, 1), (1, 0)]
    assert portal["oidcRPMetaDataOptionsLogoutUrl"] == "https://pia.ac-exemple.test/connexion/fin"
    assert portal["oidcRPMetaDataOptionsLogoutType"] == "back"
    assert portal["oidcRPMetaDataOptionsLogoutSessionRequired"] == 1
    assert "oidcRPMetaDataOptionsLogoutUrl" not in webmail
    assert told["oidcRPMetaDataScopeRules"] == {"portail": {"mail": "0"}, "roundcube": {"mail": "1"}}
    assert told["trustedDomains"] == "pia.ac-exemple.test webmail.ac-exemple.test"


def test_a_new_key_has_a_new_name() -> None:
    other = made(signing_public_key="-----BEGIN PUBLIC KEY-----\nz\n-----END PUBLIC KEY-----")
    assert other["oidcServiceKeyIdSig"] != made()["oidcServiceKeyIdSig"]


def truth(expression: str, **held: str) -> str:
    """The value of a Perl expression, for a session that holds these."""
    names = "".join(f"my ${name} = shift; " for name in held)
    return subprocess.run(
        ["/usr/bin/perl", "-e", f"{names}print({expression})", *held.values()],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(
    ("profile", "function", "wanted"),
    [
        ("roundcube", "Enseignante", "optional"),
        ("roundcube", "DSI, réseau", "required"),
        ("convergence", "Administratrice système", "required"),
        ("roundcube", "administratrice SYSTÈME adjointe", "required"),
        ("roundcube", "Professeure; Assistance aux usagers", "required"),
        ("roundcube", "Maître d'Assistance", "optional"),
        ("lecture", "Enseignante", "none"),
        ("lecture", "DSI", "required"),
        ("convergence", "Enseignante", "offered"),
        ("lecture", "Secrétaire", "offered"),
    ],
)
def test_who_must_have_a_second_factor(profile: str, function: str, wanted: str) -> None:
    rules = {
        "everyone": "optional",
        "classes": {"lecture": "none", "convergence": "offered"},
        "functions": {
            **dict.fromkeys(("DSI", "Administratrice système", "Assistance"), "required"),
            "Secrétaire": "offered",
        },
    }
    assert truth(second_factor(rules), mpProfile=profile, mpFunction=function) == wanted


def test_a_key_that_signed_before_is_published_with_its_own_name() -> None:
    before = {"earlier_signing_key": "private", "earlier_signing_public_key": "public"}
    told = made(**before)
    assert told["oidcServiceOldPrivateKeySig"] == "private\n"
    assert told["oidcServiceOldKeyIdSig"] == lemonldap_key_id("public") != told["oidcServiceKeyIdSig"]
    assert [name for name in made(**dict.fromkeys(before, "")) if "Old" in name] == []


def test_whoever_has_a_role_must_have_one() -> None:
    rules = {"everyone": "none", "classes": {"lecture": "none"}}
    held = {"mpProfile": "lecture", "mpFunction": "Enseignante"}
    assert truth(second_factor(rules), mpRole="helpdesk 21", **held) == "required"
    assert truth(second_factor(rules), mpRole="", **held) == "none"


def test_a_client_may_be_for_some_agents_alone() -> None:
    options = made(clients=[PORTAL, WEBMAIL | {"rule": "$uid eq 'probe3'"}])["oidcRPMetaDataOptions"]
    rule = options["roundcube"]["oidcRPMetaDataOptionsRule"]
    assert (truth(f"({rule}) + 0", uid="probe3"), truth(f"({rule}) + 0", uid="mdupond")) == ("1", "0")
    assert "oidcRPMetaDataOptionsRule" not in options["portail"]


def test_one_client_s_access_tokens_say_the_level_of_the_log_in() -> None:
    told = made(clients=[PORTAL | {"level": True}, WEBMAIL])
    options = told["oidcRPMetaDataOptions"]
    claims = "oidcRPMetaDataOptionsAccessTokenClaims"
    assert (options["portail"][claims], options["roundcube"][claims]) == (1, 0)
    assert told["oidcRPMetaDataExportedVars"]["portail"]["level"] == "loginLevel;int"
    assert "level" not in told["oidcRPMetaDataExportedVars"]["roundcube"]
    assert told["oidcRPMetaDataExportedVars"]["portail"]["level_time"] == "loginTime;int"
    assert told["oidcRPMetaDataMacros"]["portail"]["loginTime"] == "$_lastAuthnUTime"
    assert told["oidcRPMetaDataOptionsExtraClaims"] == {"portail": {"profile": "level level_time"}}
    level = told["oidcRPMetaDataMacros"]["portail"]["loginLevel"]
    assert truth(level, _trustedBrowser="", authenticationLevel="4") == "4"
    assert truth(level, _trustedBrowser="1", authenticationLevel="4") == "2", "no factor was shown this time"
    assert "level" not in str(made()["oidcRPMetaDataExportedVars"])


def test_a_name_is_a_text_and_no_pattern() -> None:
    rules = {"functions": {"a/b (c|.*": "required"}}
    assert truth(second_factor(rules), mpProfile="x", mpFunction="A/B (C|.* et plus") == "required"
    assert truth(second_factor(rules), mpProfile="x", mpFunction="autre") == "optional"


def test_who_must_have_one_needs_more_than_the_password() -> None:
    told = made()
    assert told["sfExtra"]["bureau"]["rule"].startswith("$secondFactor eq 'required' and !has2f")
    assert told["sfRequired"] == "$secondFactor eq 'required' and $_auth ne 'WebAuthn'"
    assert "!$_trustedBrowser" in told["totp2fActivation"] and "!$_trustedBrowser" in told["webauthn2fActivation"]
    assert "sfOnlyUpgrade" not in told, "with it a log-in asks for no factor"
    assert truth(told["sfExtra"]["secours"]["rule"]) == "", "offered by the pages' own button alone"
    assert told["sfExtra"]["bureau"]["level"] < told["totp2fAuthnLevel"]
    assert told["totp2fEncryptSecret"] == 1 and "_webAuthnUserHandle" in told["persistentStorageOptions"]["Index"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"clients": [PORTAL, PORTAL]}, "two clients are named portail"),
        ({"clients": [PORTAL | {"secret": "short"}]}, "the secret of portail"),
        # By its refresh token it is known that a log-in has opened it.
        ({"clients": [PORTAL | {"refresh": False}]}, "the client portail: back_channel needs refresh: true"),
        ({"second_factor": {"everyone": "maybe"}}, "maybe is none of"),
        ({"ldap": {}}, "'uri' is missing"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        made(**changed)


def test_whoever_proves_tokens_finds_the_key_by_its_name() -> None:
    public = GIVEN["signing_public_key"]
    assert lemonldap_key_id(public) == made()["oidcServiceKeyIdSig"] == lemonldap_key_id(public + "\n")
    assert lemonldap_key_id(public.replace("y", "z")) != lemonldap_key_id(public)


def test_access_tokens_hold_no_list_of_which_dovecot_would_die() -> None:
    assert "::Plugins::SingleAudience" in made()["customPlugins"].replace(",", " ").split()


def test_a_log_out_waits_for_no_service_that_gives_no_answer() -> None:
    assert made()["lwpOpts"]["timeout"] <= 5
    assert "::Plugins::LogOut" in made()["customPlugins"].replace(",", " ").split()
