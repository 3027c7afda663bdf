"""The academy's own provider, where agents log in by that: it answers, its keys are known, services lead there.

Nobody logs in: the probe's accounts are the platform's, and the provider's pages are its own.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import replace
from typing import Any

from ..https import Browser
from ..plan import Elsewhere, PathError, Plan


def provider(plan: Plan) -> str:
    """Its discovery document and keys answer, and no key for tokens is published that the platform does not know."""
    theirs = plan.own_provider()
    discovery = _document(
        plan, f"{theirs.issuer.rstrip('/')}/.well-known/openid-configuration", "the discovery document"
    )
    if discovery.get("issuer") != theirs.issuer:
        raise PathError(f"the issuer is {discovery.get('issuer')}, {theirs.issuer} wanted")
    listed = _document(plan, str(discovery.get("jwks_uri", "")), "the keys").get("keys")
    signing = [key for key in listed or [] if _signs(key, theirs)]
    if not signing:
        raise PathError("no key to check tokens with")
    unknown = sorted({str(key.get("kid")) for key in signing} - set(theirs.keys))
    if unknown:
        where = "fetch the document at its jwks_uri again, and deploy"
        raise PathError(f"it publishes the key {unknown[0]}, which malleposte_sso.jwks does not hold: {where}")
    return f"discovery document, {len(signing)} known key(s)"


def leads(plan: Plan, service: Browser, start: str) -> str:
    """The place to which a service sends a visitor, in words. Raises PathError when it is not that provider."""
    theirs = plan.own_provider()
    where = service.get(start).expect(302, what="the way to the log-in page").headers.get("location", "")
    if where.partition("?")[0] != theirs.authorization_endpoint.partition("?")[0]:
        raise PathError(f"leads to {where.partition('?')[0] or 'nowhere'}, not to the academy's provider")
    return "leads to the academy's provider, where the probe does not log in"


def _signs(key: Any, theirs: Elsewhere) -> bool:
    return (
        isinstance(key, dict)
        and key.get("use", "sig") == "sig"
        and key.get("alg", theirs.algorithms[0]) in theirs.algorithms
    )


def _document(plan: Plan, address: str, what: str) -> dict[str, Any]:
    where = urllib.parse.urlsplit(address)
    if where.scheme != "https" or not where.hostname:
        raise PathError(f"{what}: {address or 'nothing'} is no https address")
    there = replace(plan, ports=plan.ports | {"https": where.port}) if where.port else plan
    path = urllib.parse.urlunsplit(("", "", where.path or "/", where.query, ""))
    document = Browser(there, where.hostname).get(path).expect(200, what=what).json()
    if not isinstance(document, dict):
        raise PathError(f"{what}: no object")
    return document
