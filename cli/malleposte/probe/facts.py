"""What the probe must know, from the inventory: names, the vantage, the way to it, the probe accounts."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.errors import InputError
from malleposte.run import environment

HEAD = re.compile(r"^(\S+) \| (\w+!?)(?: \| \w+)? => ", re.MULTILINE)
UIDS = ("probe1", "probe2")
WANTED = {
    "groups": "{{ group_names }}",
    "host": "{{ ansible_host | default(inventory_hostname) }}",
    "user": "{{ ansible_user | default('') }}",
    "port": "{{ ansible_port | default(22) }}",
    "key": "{{ ansible_ssh_private_key_file | default(ansible_private_key_file | default('')) }}",
    "ssh_args": "{{ ansible_ssh_common_args | default('') }} {{ ansible_ssh_extra_args | default('') }}",
    "domain": "{{ malleposte_domain | default('') }}",
    "hostnames": "{{ malleposte_hostnames | default({}) }}",
    "antivirus": "{{ malleposte_antivirus | default(false) }}",
    "dkim": "{{ malleposte_dkim | default({}) }}",
    "dmarc": "{{ malleposte_dmarc | default({}) }}",
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


def parse_debug(text: str) -> dict[str, dict[str, Any]]:
    """Host name to the `msg` of `ansible -m debug`. Raises FactsError when a host failed."""
    decoder = json.JSONDecoder()
    found: dict[str, dict[str, Any]] = {}
    for head in HEAD.finditer(text):
        body = decoder.raw_decode(text, head.end())[0]
        if head[2] != "SUCCESS":
            raise FactsError(f"{head[1]}: {' '.join(str(body.get('msg', '')).split())[:300]}")
        found[head[1]] = body["msg"]
    return found


def host_facts(inventory: Path) -> dict[str, dict[str, Any]]:
    """Templated facts of the hosts of the groups malleposte and vantage. Raises FactsError."""
    tool = Path(sys.executable).with_name("ansible")
    argv = [
        *(str(tool) if tool.exists() else "ansible", "malleposte:vantage", "-i", str(inventory)),
        *("-m", "ansible.builtin.debug", "-a", json.dumps({"msg": WANTED})),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment())
    found = parse_debug(done.stdout)
    if not found:
        lines = (done.stderr.strip() or "no host in the groups malleposte and vantage").splitlines()
        raise FactsError(f"inventory {inventory}: {lines[-1]}")
    return found


def ssh_command(facts: Mapping[str, Any]) -> list[str]:
    """The ssh argument list to a host, as Ansible would reach it."""
    argv = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-p", str(facts["port"])]
    if facts["key"]:
        argv += ["-i", str(facts["key"])]
    argv += shlex.split(str(facts["ssh_args"]))
    return [*argv, f"{facts['user']}@{facts['host']}" if facts["user"] else str(facts["host"])]


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
    """Where the probe accounts' passwords lie, beside the inventory's other secrets."""
    return (inventory if inventory.is_dir() else inventory.parent) / "secrets" / "probe-accounts.json"


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


def site(inventory: Path) -> Site:
    """Everything for a walk of the platform that this inventory describes. Raises FactsError."""
    hosts = host_facts(inventory)
    platform = next((facts for facts in hosts.values() if "malleposte" in facts["groups"]), None)
    if platform is None or not platform["domain"]:
        raise FactsError(f"inventory {inventory}: no host of group malleposte with malleposte_domain")
    outside = next(((name, facts) for name, facts in hosts.items() if "vantage" in facts["groups"]), None)
    domain = str(platform["domain"])
    plan = {
        "domain": domain,
        "mail": platform["hostnames"].get("mail") or f"mail.{domain}",
        "hosts": dict(platform["hostnames"]),
        "antivirus": bool(platform["antivirus"]),
        "selector": platform["dkim"].get("selector", "malleposte"),
        "dmarc_policy": platform["dmarc"].get("policy", "reject"),
        "accounts": probe_accounts(inventory, domain),
        "vantage": vantage_plan(outside[1], outside[0]) if outside else None,
        "token": secrets.token_hex(6),
    }
    return Site(plan, ssh_command(outside[1]) if outside else None)
