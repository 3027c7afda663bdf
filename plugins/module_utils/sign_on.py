# SPDX-License-Identifier: GPL-3.0-or-later
"""The academy's own OpenID Connect provider, as the fact `malleposte_sso` says it: its faults, and how services see it.

Standard library only. Keys are JSON Web Keys (RFC 7517) of the kinds of RFC 7518, section 6.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "RS256": ("RSA", ("n", "e")),
    "PS256": ("RSA", ("n", "e")),
    "ES256": ("EC", ("crv", "x", "y")),
}
"""By algorithm of signatures: the kind of its keys, and the members that such a public key is made of.

None that a client's secret could verify (HS256), and not `none`: whoever reads a token could make one.
"""
ADDRESSES = ("issuer", "authorization_endpoint", "token_endpoint", "end_session_endpoint")
PAGES = ("authorization_endpoint", "end_session_endpoint")
"""Those to which a browser is led, after a form at the portal too."""
CLIENTS = ("portal", "roundcube", "sogo")
RSA_BITS = 2048
"""Bits of the shortest RSA key (RFC 7518, section 3.3)."""
SHORTEST_SECRET = 24
"""Characters of a client's secret."""

Fault = tuple[tuple[str | int, ...], str]
"""The path inside the fact, and what is wrong there."""


class SignOnError(Exception):
    """A provider that cannot be; the text is one line, which names the key."""


def faults(sso: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that the form of the fact does not say; nothing of an empty one."""
    if not said(sso):
        return
    missing = [name for name in (*ADDRESSES, "jwks", "clients") if not sso.get(name)]
    yield from (((), f"the key {name} is missing") for name in missing)
    algorithms = _listed(sso.get("algorithms"))
    for number, name in enumerate(algorithms):
        if name not in KINDS:
            yield ("algorithms", number), f"{name!r} is none of {', '.join(KINDS)}"
    if not algorithms:
        yield ("algorithms",), "is empty: no token could be believed"
    known = [name for name in algorithms if name in KINDS]
    if sso.get("jwks") and known:
        yield from _key_faults(sso["jwks"], known)
    scopes = _listed(sso.get("scopes"))
    if "openid" not in scopes:
        yield ("scopes",), "openid is missing: without it the provider says of nobody who it is"
    mail = str(sso.get("mail_scope", ""))
    if not re.fullmatch(r"[!#-\[\]-~]+", mail) or mail in scopes:
        yield ("mail_scope",), f"{mail!r} must be one word that no other service asks for: it opens mailboxes"
    yield from _client_faults(sso.get("clients") or {})


def said(sso: Mapping[str, Any]) -> bool:
    """Whether an inventory names a provider: a fact that says nothing has its defaults alone."""
    return any(sso.get(name) for name in (*ADDRESSES, "jwks", "clients"))


def _client_faults(clients: Mapping[str, Any]) -> Iterator[Fault]:
    names = {name: str(clients[name].get("id", "")) for name in CLIENTS if isinstance(clients.get(name), Mapping)}
    for name, ident in names.items():
        if list(names.values()).count(ident) > 1:
            yield ("clients", name, "id"), f"{ident!r} is the id of two services; each has its own"
        secret = clients[name].get("secret")
        if isinstance(secret, str) and len(secret) < SHORTEST_SECRET:
            yield ("clients", name, "secret"), f"has less than {SHORTEST_SECRET} characters"


def _key_faults(jwks: Any, algorithms: list[str]) -> Iterator[Fault]:
    path: tuple[str | int, ...] = ("jwks", "keys")
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list):
        return  # told as a fault of its form
    usable = set()
    for number, key in enumerate(listed):
        if not isinstance(key, Mapping) or key.get("use", "sig") != "sig":
            continue
        if "d" in key or "k" in key:
            yield (*path, number), "holds a secret: give the public part alone, and have the provider make another key"
        fitting = [name for name in algorithms if _fits(key, name)]
        if not fitting:
            continue
        if not str(key.get("kid") or ""):
            yield (*path, number), "has no kid, by which a token names the key that signed it"
        elif fault := _weak(key, fitting[0]):
            yield (*path, number), fault
        usable |= set(fitting)
    for name in algorithms:
        if name not in usable:
            yield path, f"no key for {name}; see what its jwks_uri answers"


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kind, members = KINDS[algorithm]
    named = key.get("alg", algorithm) == algorithm
    return named and key.get("kty") == kind and all(isinstance(key.get(name), str) for name in members)


def _weak(key: Mapping[str, Any], algorithm: str) -> str:
    try:
        numbers = {name: _number(key[name]) for name in KINDS[algorithm][1] if name != "crv"}
    except (ValueError, binascii.Error):
        return "is no key: its numbers cannot be read"
    if key.get("kty") == "RSA" and numbers["n"].bit_length() < RSA_BITS:
        return f"has {numbers['n'].bit_length()} bits, {RSA_BITS} at least are needed"
    if key.get("kty") == "EC" and key["crv"] != "P-256":
        return f"is on the curve {key['crv']}, P-256 is needed for ES256"
    return ""


def _number(text: str) -> int:
    """A number of a key (RFC 7518, section 2). Raises ValueError, binascii.Error."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(text)
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def keys(sso: Mapping[str, Any]) -> list[dict[str, str]]:
    """Its public keys for signatures, each with `kid`, `alg` where it has one, and nothing but what makes the key."""
    algorithms = [name for name in _listed(sso.get("algorithms")) if name in KINDS]
    found = []
    for key in sso["jwks"]["keys"]:
        fitting = [name for name in algorithms if key.get("use", "sig") == "sig" and _fits(key, name)]
        if fitting:
            members = ("kty", "kid", *(("alg",) if "alg" in key else ()), *KINDS[fitting[0]][1])
            found.append({name: str(key[name]) for name in members})
    return found


def origin(address: str) -> str:
    """Scheme, host and port of an https address (RFC 6454, section 4)."""
    found = re.match(r"https://[^/?#]+", address)
    return found[0] if found else ""


def described(sso: Mapping[str, Any]) -> dict[str, Any]:
    """The provider as services see it, by the names of OpenID Connect Discovery 1.0 (section 3) and by ours.

    `uid_claim` names the agent's uid in tokens. `leave_page` ends a browser's session, `factors_page` adds a factor;
    `factors_here` tells whether the platform shows and removes factors itself. `origins` are those to which a page may
    lead. `scope` is what services ask for, `mail_scope` what webmails ask for as well. `proof` says which access tokens
    prove a log-in (malleposte.accountd.proof). Raises SignOnError.
    """
    for path, fault in faults(sso):
        raise SignOnError(f"malleposte_sso{''.join(f'.{step}' for step in path)}: {fault}")
    addresses = {name: str(sso[name]) for name in ADDRESSES}
    typed = sso["token_type"] == "at+jwt"  # noqa: S105  # a type, no secret
    shown = sso.get("second_factor") or {}
    return {
        **addresses,
        "uid_claim": str(sso["uid_claim"]),
        "leave_page": str(sso.get("leave_page") or addresses["end_session_endpoint"]),
        "factors_page": str(sso.get("factors_page") or ""),
        "factors_here": False,
        "origins": list(dict.fromkeys(origin(addresses[name]) for name in PAGES)),
        "algorithms": _listed(sso["algorithms"]),
        "scope": " ".join(_listed(sso["scopes"])),
        "mail_scope": str(sso["mail_scope"]),
        "proof": {
            "algorithms": _listed(sso["algorithms"]),
            "typed": typed,
            "level_claim": "",
            "time_claim": "auth_time",
            "acr": _listed(shown.get("acr")),
            "amr": _listed(shown.get("amr")),
        },
    }


def clients(sso: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The services as the provider knows them, by our names: `id`, `secret`, and the `audience` of their tokens."""
    audience = str(sso.get("audience") or "")
    return {
        name: {
            "id": str(sso["clients"][name]["id"]),
            "secret": str(sso["clients"][name]["secret"]),
            "audience": audience or str(sso["clients"][name]["id"]),
        }
        for name in CLIENTS
    }
