"""The probe's facts, from the inventory: names, the vantage, the way to it, the probe accounts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.core.paths import folder_of
from malleposte.fleet import ssh
from malleposte.fleet.site import PLATFORM, UnknownError
from malleposte.fleet.site import Site as Inventory

UIDS = ("probe1", "probe2")
FACTOR_UID = "probe3"
"""The account with a second factor."""
CLIENT = "sonde"
"""The probe's own name at the provider."""
WANTED = {
    "groups": "{{ group_names }}",
    **ssh.WAY,
    "domain": "{{ malleposte_domain | default('') }}",
    "hostnames": "{{ __fact_hostnames }}",
    "antivirus": "{{ __fact_antivirus }}",
    # The one that signs: a change of the key goes on from the inventory's.
    "selector": "{{ lookup('academie.malleposte.rotation', 'dkim', selector=__fact_dkim.selector).signing }}",
    "dmarc": "{{ __fact_dmarc }}",
    "second_factor": "{{ __fact_second_factor }}",
    "client_secret": "{{ lookup('academie.malleposte.secret', 'sso-client-probe') }}",
    "provider": """{{ {} if __wiring_page_is_ours else {'issuer': __wiring_provider.issuer,
        'authorization_endpoint': __wiring_provider.authorization_endpoint,
        'algorithms': __wiring_provider.algorithms,
        'keys': __wiring_provider_keys | map(attribute='kid') | list} }}""",
    "signing_since": "{{ lookup('academie.malleposte.rotation', 'since', secret='sso-signing') }}",
    "vantage_domain": "{{ vantage_domain | default('') }}",
    "vantage_smtp": "{{ vantage_smtp | default('127.0.0.1:25') }}",
    "vantage_maildir": "{{ vantage_maildir | default('') }}",
    "vantage_user": "{{ vantage_user | default('probe') }}",
}


class FactsError(InputError):
    """The inventory lacks something; the text names it."""


@dataclass(frozen=True)
class Site:
    """A platform as the probe sees it: the walker's plan, and the ssh command to the vantage (None: no vantage)."""

    plan: dict[str, Any] = field(repr=False)
    ssh: list[str] | None


def host_facts(inventory: Path) -> dict[str, dict[str, Any]]:
    """Templated facts of the hosts of the groups malleposte and vantage. Raises FactsError."""
    site = Inventory(inventory)
    names = dict.fromkeys([*site.members(PLATFORM), *site.members("vantage")])
    if not names:
        raise FactsError(f"inventory {inventory}: no host in the groups malleposte and vantage")
    by_host: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            by_host[name] = site.template(name, WANTED)
        except UnknownError as error:
            raise FactsError(f"{name}: {error}") from error
    return by_host


def vantage_plan(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The walker's vantage object. Raises FactsError when its domain is not given."""
    domain = str(facts["vantage_domain"])
    if not domain:
        raise FactsError(f"host {name} of group vantage has no vantage_domain")
    host, _, port = str(facts["vantage_smtp"]).rpartition(":")
    maildir = str(facts["vantage_maildir"]) or f"/srv/world-mail/{domain}/{{user}}/Maildir"
    return {
        "domain": domain,
        "user": str(facts["vantage_user"]),
        "smtp": [host.strip("[]"), int(port)],
        "maildir": maildir,
    }


def accounts_file(inventory: Path) -> Path:
    """The file of the probe accounts' passwords, beside the inventory's other secrets."""
    return folder_of(inventory) / "secrets" / "probe-accounts.json"


def probe_accounts(inventory: Path, domain: str) -> list[dict[str, str]]:
    """The two probe accounts and their passwords. Raises FactsError when they were not seeded."""
    path = accounts_file(inventory)
    try:
        stored = json.loads(path.read_text("utf-8"))
        return [account(uid, stored[uid], domain) for uid in UIDS]
    except FileNotFoundError as error:
        raise FactsError(f"no probe accounts yet ({path}); they are made by `malleposte probe`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FactsError(f"{path} does not hold {' and '.join(UIDS)} with their passwords") from error


def account(uid: str, stored: str | Mapping[str, str], domain: str) -> dict[str, str]:
    """One account: a password alone, or an object with `password` and maybe `mail`."""
    if isinstance(stored, str):
        return {"uid": uid, "mail": f"{uid}@{domain}", "password": stored}
    return {"uid": uid, "mail": stored.get("mail") or f"{uid}@{domain}", "password": stored["password"]}


def factor(inventory: Path, domain: str, secret: str, rules: Mapping[str, Any]) -> dict[str, Any] | None:
    """The account with a second factor; a seed whose enrolment was interrupted counts as one.

    None where it was not made yet, and where the academy gives accounts of its class no second factor.
    """
    row = json.loads(accounts_file(inventory).read_text("utf-8")).get(FACTOR_UID)
    if not isinstance(row, dict):
        return None
    if rules.get("classes", {}).get(row.get("profile"), rules.get("everyone")) == "none":
        return None
    seed = row.get("totp") or row.get("totp_next") or ""
    return {"account": account(FACTOR_UID, row, domain), "seed": seed, "client": CLIENT, "secret": secret}


def site(inventory: Path) -> Site:
    """Return the facts for a probe of the platform that this inventory describes. Raises FactsError."""
    hosts = host_facts(inventory)
    platform = next((facts for facts in hosts.values() if "malleposte" in facts["groups"]), None)
    if platform is None or not platform["domain"]:
        raise FactsError(f"inventory {inventory}: no host of group malleposte with malleposte_domain")
    outside = next(((name, facts) for name, facts in hosts.items() if "vantage" in facts["groups"]), None)
    domain, secret = str(platform["domain"]), str(platform["client_secret"])
    own = platform["provider"] or None
    plan = {
        "domain": domain,
        "mail": platform["hostnames"].get("mail") or f"mail.{domain}",
        "hosts": dict(platform["hostnames"]),
        "antivirus": bool(platform["antivirus"]),
        "selector": str(platform["selector"]),
        "dmarc_policy": platform["dmarc"].get("policy", "reject"),
        # Another provider has factors of its own, and no client of the probe's.
        "factor": None if own else factor(inventory, domain, secret, platform["second_factor"]),
        "provider": own,
        "signing_since": str(platform["signing_since"]),
        "accounts": probe_accounts(inventory, domain),
        "vantage": vantage_plan(outside[1], outside[0]) if outside else None,
        "token": secrets.token_hex(6),
    }
    return Site(plan, ssh.words(outside[1]) if outside else None)
