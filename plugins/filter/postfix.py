# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that shape Postfix's configuration text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

PARAMETER = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)\s*=")


def postfix_override(text: str, overrides: Mapping[str, Any]) -> str:
    """main.cf text in which ``overrides`` (parameter to value) replace the lines of the same name.

    Postfix warns about a parameter set twice, so the first setting is left out with its continuation lines.
    Values: text, whole numbers, true/false (yes/no). Raises when a name or a value cannot stand in main.cf.
    """
    for name, value in overrides.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
            raise AnsibleFilterError(f"postfix_main_overrides: not a parameter name: {name!r}")
        if not isinstance(value, (str, int)) or "\n" in str(value):
            raise AnsibleFilterError(f"postfix_main_overrides: {name}: expected one line of text, got {value!r}")
    kept: list[str] = []
    skipping = False
    for line in text.splitlines():
        found = PARAMETER.match(line)
        if found:
            skipping = found[1] in overrides
        elif not line[:1].isspace():
            skipping = False
        if not skipping:
            kept.append(line)
    if overrides:
        kept += ["", "# Settings of this site"]
        kept += [f"{name} = {_word(value)}".rstrip() for name, value in sorted(overrides.items())]
    return "\n".join(kept) + "\n"


def _word(value: str | int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def postfix_system_addresses(local_parts: Iterable[str], domains: Iterable[str]) -> list[str]:
    """Every ``local@domain``, without repeats, for the table of the host's own addresses (virtual(5))."""
    ordered = list(dict.fromkeys(domain.lower() for domain in domains if domain))
    return [f"{local.lower()}@{domain}" for domain in ordered for local in dict.fromkeys(local_parts)]


def postfix_refusals(domains: Iterable[str], text: str) -> str:
    """An inline access table that answers ``554 text`` for each domain and what is below it."""
    inner = ", ".join(f"{{ {domain.lower()} = 554 {text} }}" for domain in domains)
    return f"inline:{{ {inner} }}"


def postfix_taken(addresses: Iterable[str]) -> str:
    """The beginning of restrictions that take mail for ``addresses`` whatever those after it say; empty for none."""
    table = ", ".join(f"{{ {one} = OK }}" for one in dict.fromkeys(address.lower() for address in addresses))
    return f"check_recipient_access inline:{{ {table} }},\n    " if table else ""


def postfix_rights(senders: Iterable[str]) -> str:
    """Restrictions that let pass the envelope senders of ``senders`` and the empty one, and refuse all others.

    ``@domain`` stands for every address of a domain, ``*`` for every address: nothing is restricted then.
    """
    given = list(senders)
    if "*" in given:
        return ""
    keys = ", ".join(f"{{ {one.lower().removeprefix('@')} = OK }}" for one in ["<>", *given])
    refusal = "554 5.7.1 Expediteur non permis d'ici / this sender is not allowed from here"
    return f"check_sender_access inline:{{ {keys} }}, check_sender_access static:{{{refusal}}}"


def postfix_class(name: str) -> str:
    """The restriction class of a host, by its name."""
    return "host_" + re.sub(r"[^a-z0-9]", "_", name.lower())


def postfix_confined(accounts: Mapping[str, Iterable[str]]) -> str:
    """Restrictions at the end of a list: accounts that may write to some addresses alone, by log-in."""
    if not accounts:
        return ""
    table = ", ".join(f"{{ {login.lower()} = {_confined(login)} }}" for login in sorted(accounts))
    return f", check_sasl_access inline:{{ {table} }}"


def postfix_confined_classes(accounts: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Their restriction classes: a recipient of their own is let pass, every other refused."""
    return {
        _confined(login): "check_recipient_access inline:{ "
        + ", ".join(f"{{ {address.lower()} = OK }}" for address in accounts[login])
        + " }, reject"
        for login in sorted(accounts)
    }


def _confined(login: str) -> str:
    return "confined_" + re.sub(r"[^a-z0-9]", "_", login.lower())


def postfix_hosts(
    hosts: Iterable[str],
    addresses: Mapping[str, Any],
    domain: str,
    senders: Iterable[str],
    more: Mapping[str, Iterable[str]] | None = None,
) -> list[dict[str, Any]]:
    """Rows of ``postfix_hosts``: what each host may send as, which is itself, ``senders`` and what ``more`` gives it.

    ``hosts`` are names of the inventory, ``addresses`` gives one address or several for each.
    """
    rows = []
    for host in sorted(hosts):
        name, found = f"{host.partition('.')[0]}.{domain}", addresses[host]
        rows.append(
            {
                "name": name,
                "addresses": [found] if isinstance(found, str) else list(found),
                "senders": list(dict.fromkeys([f"@{name}", *senders, *(more or {}).get(host, ())])),
            }
        )
    return rows


def postfix_policy_service(endpoint: str) -> str:
    """A further restriction that asks ``endpoint`` (unix:PATH or inet:HOST:PORT); nothing when empty.

    While the service is away mail is let through: the store itself refuses what does not fit. A connection serves one
    question: an idle session of SMTP would keep one of the service's processes from others.
    """
    if not endpoint:
        return ""
    return f",\n    check_policy_service {{ {endpoint}, timeout=10s, request_limit=1, default_action=DUNNO }}"


def postfix_list_policy(folder: str) -> str:
    """The restriction that asks the lists' daemon by its sockets in ``folder``; when empty, one that lets through."""
    if not folder:
        return "permit_auth_destination"
    return (
        f"check_policy_service {{ unix:{folder}/policy.sock, timeout=30s, "
        "{ default_action = 451 4.3.0 Liste indisponible pour le moment / list unavailable for now } }"
    )


FilterModule = filters(
    postfix_override,
    postfix_system_addresses,
    postfix_refusals,
    postfix_taken,
    postfix_policy_service,
    postfix_list_policy,
    postfix_rights,
    postfix_class,
    postfix_hosts,
    postfix_confined,
    postfix_confined_classes,
)
