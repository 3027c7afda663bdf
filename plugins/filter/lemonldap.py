# SPDX-License-Identifier: GPL-3.0-or-later
"""The one configuration of LemonLDAP::NG, from a few settings. What is left out has the software's own default."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

INDEXES = "_whatToTrace _session_uid _webAuthnUserHandle"
"""Fields by which records are looked for. Each value is a set of names, which the hourly purge brings in step."""
STORE = "Lemonldap::NG::Portal::Lib::Store"
"""The module that keeps records of every kind, of the role."""
CLAIMS = {"name": "cn", "email": "mail", "preferred_username": "uid", "profile_class": "mpProfile"}
"""Claims of the identity token, and the attribute of the session that each has."""
LEVEL = "level"
"""Claim of the access token of a client that acts for its agent (`level` of a client): the level of the log-in."""
TIME = "level_time"
"""Beside it: when the proofs of the log-in were given, in seconds since 1970."""
OFF, OPTIONAL, OFFERED, REQUIRED = "none", "optional", "offered", "required"
PASSWORD, DESK, CODE, KEY = 2, 3, 4, 5
"""Levels of a log-in: by password alone, with a code from the desk, with a code of a factor, with a key."""
TRUSTED_DAYS = 30
_NONE_YET = "!has2f('TOTP') and !has2f('WebAuthn')"
_BY_PASSWORD = "$_auth ne 'WebAuthn'"  # noqa: S105  # a rule, no password


def _valkey(given: Mapping[str, str], seconds: int) -> dict[str, Any]:
    """The way in which records of every kind are kept, each until `seconds` after its beginning.

    Names of what is indexed are the software's own.
    """
    return {
        "sock": given["socket"],
        "FormsSock": given["forms_socket"],
        "Lasts": seconds,
        "username": given["user"],
        "password": given["password"],
        "Index": INDEXES,
        # A worker that finds Valkey away tries again for so many seconds.
        "reconnect": "2",
    }


def _client(one: Mapping[str, Any], token_seconds: int) -> dict[str, Any]:
    """The options of one service whose log-in goes by the provider."""
    found: dict[str, Any] = {
        "ClientID": one["id"],
        "ClientSecret": one["secret"],
        "DisplayName": one.get("name", one["id"]),
        "RedirectUris": " ".join(one["redirect"]),
        "PostLogoutRedirectUris": " ".join(one.get("logout_redirect", ())),
        "BypassConsent": 1,
        "UserIDAttr": "uid",
        "RequirePKCE": int(one.get("pkce", True)),
        "AuthnRequireState": int(one.get("state", True)),
        "AuthnRequireNonce": int(one.get("nonce", False)),
        "IDTokenSignAlg": "RS256",
        "IDTokenExpiration": token_seconds,
        "IDTokenForceClaims": 1,
        "AccessTokenJWT": 1,
        "AccessTokenClaims": int(one.get("level", False)),
        "AccessTokenSignAlg": "RS256",
        "AccessTokenExpiration": token_seconds,
        "AuthorizationCodeExpiration": 60,
        "RefreshToken": int(one.get("refresh", False)),
        "LogoutBypassConfirm": 1,
    }
    if one.get("rule"):
        found["Rule"] = one["rule"]
    if one.get("back_channel"):
        # By its refresh token it is known which services a log-in has opened, once that is ended in the store.
        if not one.get("refresh"):
            raise AnsibleFilterError(f"the client {one['id']}: back_channel needs refresh: true")
        found |= {"LogoutType": "back", "LogoutUrl": one["back_channel"], "LogoutSessionRequired": 1}
    return {f"oidcRPMetaDataOptions{name}": value for name, value in found.items()}


def _begins(texts: Sequence[str]) -> str:
    """A Perl pattern for values that begin with one of these texts, in whatever case.

    A letter beyond ASCII stands for any: sessions have it as a character or as the two bytes of UTF-8.
    """
    escaped = (re.sub(r"[^\x00-\x7f]", ".{1,2}", re.escape(text).replace("/", "\\/")) for text in texts)
    return f"/(?:^|; )(?:{'|'.join(escaped)})/i"


def second_factor(rules: Mapping[str, Any]) -> str:
    """The Perl expression that says `none`, `optional`, `offered` or `required` of an agent's session.

    `everyone` is for those of whom nothing else says anything; `classes` (by name) and `functions` (by the beginnings
    of their names) may say otherwise, and the strictest holds. Raises AnsibleFilterError.
    """
    known = (OFF, OPTIONAL, OFFERED, REQUIRED)
    everyone = rules.get("everyone", OPTIONAL)
    said = {"classes": dict(rules.get("classes", {})), "functions": dict(rules.get("functions", {}))}
    for value in (everyone, *said["classes"].values(), *said["functions"].values()):
        if value not in known:
            raise AnsibleFilterError(f"malleposte_second_factor: {value} is none of {', '.join(known)}")
    tests = []
    for wanted in reversed(known):
        for kind, attribute in (("classes", "mpProfile"), ("functions", "mpFunction")):
            names = sorted(name for name, value in said[kind].items() if value == wanted)
            if names and kind == "classes":
                tests.append((f"${attribute} =~ /^(?:{'|'.join(map(re.escape, names))})$/", wanted))
            elif names:
                tests.append((f"${attribute} =~ {_begins(names)}", wanted))
    # Whoever has a role in the directory acts on others.
    tests.insert(0, ("$mpRole", REQUIRED))
    return "".join(f"({test}) ? '{wanted}' : " for test, wanted in tests) + f"'{everyone}'"


def _factors(rules: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Second factors: one-time passwords, keys, recovery codes, codes of the desk for those who must enrol one."""
    asked = f"{_BY_PASSWORD} and !$_trustedBrowser"
    return {
        "authentication": "Choice",
        "userDB": "Choice",
        "passwordDB": "Choice",
        "customAuth": "::Auth::Malleposte",
        "authChoiceModules": {"1_motdepasse": "Custom;LDAP;Null;;;{}", "2_cle": "WebAuthn;LDAP;Null;;;{}"},
        "customPlugins": "::Plugins::Malleposte, ::Plugins::Requests, ::Plugins::SingleAudience, ::Plugins::LogOut",
        "macros": {"_whatToTrace": "$uid", "secondFactor": second_factor(rules)},
        "available2F": "TOTP,WebAuthn",
        "available2FSelfRegistration": "TOTP,WebAuthn",
        "totp2fActivation": f"has2f('TOTP') and {asked}",
        "totp2fSelfRegistration": "$secondFactor ne 'none'",
        "totp2fUserCanRemoveKey": 1,
        "totp2fEncryptSecret": 1,
        "totp2fAuthnLevel": CODE,
        "webauthn2fActivation": f"has2f('WebAuthn') and {asked}",
        "webauthn2fSelfRegistration": "$secondFactor ne 'none'",
        "webauthn2fUserCanRemoveKey": 1,
        # A key that names its owner, so that it also logs in without a password.
        "webauthn2fResidentKey": "required",
        "webauthn2fUserVerification": "required",
        "webauthn2fAuthnLevel": KEY,
        "webauthnAuthnLevel": KEY,
        "webauthnRpName": name,
        "sfExtra": {
            # Never offered by itself, or everybody would have to choose at each log-in: the pages have a button.
            "secours": {"type": "Malleposte", "rule": "1 == 0", "level": CODE, "label": "Code de secours"},
            "courriel": {"type": "Malleposte", "rule": "1 == 0", "level": DESK, "label": "Code par courriel"},
            # Somebody who has the password alone must not enrol the factor that is to protect the account.
            "bureau": {
                "type": "Malleposte",
                "rule": f"$secondFactor eq 'required' and {_NONE_YET} and {_BY_PASSWORD}",
                "level": DESK,
                "label": "Code INA",
            },
        },
        "sfRequired": f"$secondFactor eq 'required' and {_BY_PASSWORD}",
        "sfRetries": 3,
        "sfLoginTimeout": 300,
        "sfRegisterTimeout": 600,
        "upgradeSession": 1,
        "stayConnected": 0,
        "trustedBrowserRule": f"$authenticationLevel >= {CODE}",
        "stayConnectedTimeout": TRUSTED_DAYS * 86_400,
        "stayConnectedCookieName": "__Host-sso-navigateur",
        # The cookie says enough, and nobody's browser is measured.
        "stayConnectedBypassFG": 1,
    }


def _public(key: str) -> str:
    return key.strip() + "\n"


def lemonldap_key_id(public_key: str) -> str:
    """Return the name of a signing key (`kid`): 16 hexadecimal digits of its digest.

    A new key has a new name, so that whoever keeps keys by name never takes one for the other.
    """
    return hashlib.sha256(_public(public_key).encode()).hexdigest()[:16]


def _earlier(key: str, public_key: str) -> dict[str, str]:
    """The key that signed before: published, and used no more."""
    if not key.strip():
        return {}
    return {
        "oidcServiceOldPrivateKeySig": key.strip() + "\n",
        "oidcServiceOldPublicKeySig": _public(public_key),
        "oidcServiceOldKeyIdSig": lemonldap_key_id(public_key),
    }


def configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """The document, without its date. Raises AnsibleFilterError on two clients of one name or a short secret."""
    clients: Sequence[Mapping[str, Any]] = given["clients"]
    names = [str(one["id"]) for one in clients]
    if len(set(names)) != len(names):
        raise AnsibleFilterError(f"lemonldap_clients: two clients are named {max(names, key=names.count)}")
    weak = [one["id"] for one in clients if len(str(one.get("secret", ""))) < 24]
    if weak:
        raise AnsibleFilterError(f"lemonldap_clients: the secret of {weak[0]} has less than 24 characters")
    seconds = int(given["session_hours"]) * 3600
    valkey, public = _valkey(given["valkey"], seconds), _public(given["signing_public_key"])
    rules = {str(one["id"]): dict.fromkeys(one.get("scopes", ()), "1") for one in clients}
    # A scope that one client has is refused to the others, whatever they ask for.
    every = {scope for held in rules.values() for scope in held}
    levels = [str(one["id"]) for one in clients if one.get("level")]
    return {
        "cfgNum": 1,
        "cfgAuthor": "Malleposte",
        "portal": f"https://{given['hostname']}/",
        "domain": "",
        "cookieName": "__Host-sso",
        "securedCookie": 1,
        "httpOnly": 1,
        "sameSite": "Lax",
        "key": given["key"],
        "timeout": seconds,
        # --- who somebody is
        "customAddParams": {"proveSocket": given["prove_socket"]},
        "registerDB": "Null",
        "ldapServer": given["ldap"]["uri"],
        "ldapBase": given["ldap"]["base"],
        "managerDn": given["ldap"]["bind_dn"],
        "managerPassword": given["ldap"]["password"],
        "ldapCAFile": given["ldap"]["ca_file"],
        "ldapVerify": "require",
        "ldapVersion": 3,
        "ldapTimeout": 10,
        "LDAPFilter": "(&(objectClass=mpAgent)(uid=$user))",
        "AuthLDAPFilter": "(&(objectClass=mpAgent)(uid=$user))",
        "exportedVars": {name: name for name in ("uid", "cn", "mail", "mpFunction", "mpProfile", "mpRole", "mpState")},
        "ldapExportedVars": {},
        "whatToTrace": "_whatToTrace",
        "grantSessionRules": {"the account may log in##1": "$mpState eq 'active'"},
        "userControl": "^[\\w.@'+-]{1,320}$",
        # Delays are the platform's own: a lock here would be a weapon against any agent whose name is known.
        "bruteForceProtection": 0,
        "requireToken": 1,
        "tokenUseGlobalStorage": 1,
        "formTimeout": 600,
        # --- what is kept, and where
        # By digests of their names (ANSSI's R21 and R25); rows of refresh tokens hold the names themselves.
        "hashedSessionStore": 1,
        "globalStorage": STORE,
        "globalStorageOptions": valkey,
        "persistentStorage": STORE,
        "persistentStorageOptions": valkey,
        "oidcStorage": STORE,
        "oidcStorageOptions": valkey,
        # A cache beside it would go on with sessions that were ended.
        "localSessionStorage": "",
        # A worker would remember a session for 15 seconds, and not see a factor that another has just added.
        "handlerInternalCache": 0,
        "localSessionStorageOptions": {},
        "loginHistoryEnabled": 0,
        "notification": 0,
        # --- the pages
        "portalSkin": "academie",
        "skinTemplateDir": given["skins"],
        "portalCustomCss": "academie/academie.css",
        "portalMainLogo": "",
        "applicationList": {},
        "portalDisplayAppslist": 0,
        "portalDisplayChangePassword": 0,
        "portalDisplayGeneratePassword": 0,
        "portalDisplayLoginHistory": 0,
        "portalDisplayLogout": 1,
        "portalDisplayOidcConsents": 0,
        "portalDisplayRefreshMyRights": 0,
        "portalDisplayRegister": 0,
        "portalDisplayResetPassword": 0,
        "portalDisplayCertificateResetByMail": 0,
        "portalCheckLogins": 0,
        "portalPingInterval": 0,
        "captcha_login_enabled": 0,
        "captcha_mail_enabled": 0,
        "captcha_register_enabled": 0,
        "corsEnabled": 0,
        "cspFrameAncestors": "'none'",
        **_factors(given["second_factor"], given["academy"]),
        # Seconds for which a password that was given counts, where a service has it asked for again (`prompt=login`).
        "portalForceAuthnInterval": 5,
        # --- ways in for programs: none
        "restSessionServer": 0,
        "restConfigServer": 0,
        "restAuthServer": 0,
        "restPasswordServer": 0,
        "soapSessionServer": 0,
        "soapConfigServer": 0,
        "issuerDBSAMLActivation": 0,
        "issuerDBCASActivation": 0,
        "issuerDBOpenIDActivation": 0,
        "issuerDBGetActivation": 0,
        "checkUser": 0,
        "trustedDomains": " ".join(sorted({uri.split("/")[2] for one in clients for uri in one["redirect"]})),
        "exportedHeaders": {},
        "locationRules": {},
        # --- OpenID Connect
        "issuerDBOpenIDConnectActivation": 1,
        "issuerDBOpenIDConnectPath": "^/oauth2/",
        "oidcServiceAllowAuthorizationCodeFlow": 1,
        "oidcServiceAllowImplicitFlow": 0,
        "oidcServiceAllowHybridFlow": 0,
        "oidcServiceAllowDynamicRegistration": 0,
        "oidcServiceAllowOnlyDeclaredScopes": 1,
        "oidcServicePrivateKeySig": given["signing_key"].strip() + "\n",
        "oidcServicePublicKeySig": public,
        "oidcServiceKeyIdSig": lemonldap_key_id(public),
        **_earlier(given.get("earlier_signing_key", ""), given.get("earlier_signing_public_key", "")),
        # Seconds for which a log-out waits for each service that is told of it.
        "lwpOpts": {"timeout": 3},
        "oidcServiceIDTokenExpiration": int(given["token_seconds"]),
        "oidcServiceAccessTokenExpiration": int(given["token_seconds"]),
        "oidcRPMetaDataOptions": {one["id"]: _client(one, int(given["token_seconds"])) for one in clients},
        "oidcRPMetaDataExportedVars": {
            name: CLAIMS | ({LEVEL: "loginLevel;int", TIME: "loginTime;int"} if name in levels else {})
            for name in names
        },
        "oidcRPMetaDataOptionsExtraClaims": {name: {"profile": f"{LEVEL} {TIME}"} for name in levels},
        # In a browser that is trusted no factor was shown this time.
        "oidcRPMetaDataMacros": {
            name: {
                "loginLevel": f"$_trustedBrowser ? {PASSWORD} : $authenticationLevel",
                # Of the password, which comes before the factor.
                "loginTime": "$_lastAuthnUTime",
            }
            for name in levels
        },
        "oidcRPMetaDataScopeRules": {
            name: {scope: rules[name].get(scope, "0") for scope in sorted(every)} for name in names
        },
    }


def lemonldap_provider(hostname: str) -> dict[str, Any]:
    """Return the provider as services see it, with the keys of module_utils/sign_on.py, `described`."""
    issuer = f"https://{hostname}/"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}oauth2/authorize",
        "token_endpoint": f"{issuer}oauth2/token",
        "end_session_endpoint": f"{issuer}oauth2/logout",
        "uid_claim": "sub",
        "leave_page": f"{issuer}?logout=1",
        "factors_page": f"{issuer}2fregisters",
        "factors_here": True,
        "origins": [issuer.rstrip("/")],
        "algorithms": ["RS256"],
        "scope": "openid profile email",
        "mail_scope": "mail",
        "proof": {
            "algorithms": ["RS256"], "typed": True, "level_claim": LEVEL, "time_claim": TIME, "acr": [], "amr": [],
        },
    }  # fmt: skip


def lemonldap_configuration(given: Mapping[str, Any]) -> str:
    """The text of lmConf-1.json. Its date is a digest of all the rest: the software takes another date for a change."""
    try:
        document = configuration(given)
    except KeyError as error:
        raise AnsibleFilterError(f"lemonldap: {error} is missing") from error
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["cfgDate"] = int(digest[:7], 16) + 1
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


FilterModule = filters(lemonldap_configuration, lemonldap_key_id, lemonldap_provider)
