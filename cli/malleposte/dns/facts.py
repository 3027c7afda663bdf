"""The facts of an inventory from which its DNS records follow.

Names and policies come from the inventory and its secrets, templated by Ansible itself; the TLSA digests from the
hosts, whose keys never leave them. So a small playbook is run, and a file read: nothing here guesses at Ansible's
templates.
"""

import ipaddress
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import ROOT, VENV_BIN, hosts_of
from malleposte.core.run import environment, plain
from malleposte.dnsrecords.records import Record, expected, reverse
from malleposte.dnsrecords.zone import RecordError, absolute

PLAYBOOK = ROOT / "playbooks" / "dns.yml"


@dataclass(frozen=True)
class Published:
    """The mail domain, its records, and the servers known to hold it (none: ask the system's resolver).

    `reverse`: the PTR records that whoever holds the addresses must publish.
    """

    domain: str
    records: Sequence[Record]
    servers: Sequence[str]
    reverse: Sequence[Record] = ()

    @property
    def without_tlsa(self) -> bool:
        """Whether no key digest is known: the hosts were not reached, or have no key yet."""
        return not any(record["type"] == "TLSA" for record in self.records)


def of_inventory(inventory: Path) -> Published:
    """Raises MallepostError when Ansible cannot tell, InputError when a fact cannot be right."""
    with tempfile.TemporaryDirectory(prefix="malleposte-dns-") as folder:
        output = Path(folder) / "published.json"
        tool = VENV_BIN / "ansible-playbook"
        command = [str(tool) if tool.exists() else "ansible-playbook", "-i", str(hosts_of(inventory)), str(PLAYBOOK)]
        command += ["-e", f"dns_output={output}"]
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
        if not output.exists():
            raise MallepostError(f"cannot find the records to publish: {reason(done.stdout + done.stderr)}")
        document = json.loads(output.read_text("utf-8"))
    return parse(document)


def reason(text: str) -> str:
    """The line of Ansible's output that says why."""
    lines = [clean for line in text.splitlines() if (clean := plain(line))]
    errors = [line for line in lines if line.startswith(("[ERROR]", "fatal:", "ERROR"))]
    return (errors or lines or ["ansible-playbook printed nothing"])[-1].removeprefix("[ERROR]: ")


def parse(document: Mapping[str, Any]) -> Published:
    """From what the playbook wrote. Raises InputError."""
    facts = document["facts"]
    try:
        records = expected(facts)
    except RecordError as error:
        raise InputError(str(error)) from error
    domain = absolute(facts["domain"])
    zones = [zone for zone in document.get("stub_zones") or [] if covers(zone["zone"], domain)]
    servers = [str(address) for zone in zones for address in zone["addresses"]]
    return Published(domain.rstrip("."), records, servers, _reverse(facts, document.get("reverse_names") or {}))


def _reverse(facts: Mapping[str, Any], private_names: Mapping[str, str]) -> list[Record]:
    """The PTR records, less those of addresses whose name the hosts' own resolvers are told (a private network)."""
    private = {absolute(ipaddress.ip_address(address).reverse_pointer) for address in private_names}
    return [record for record in reverse(facts) if record["name"] not in private]


def covers(zone: str, name: str) -> bool:
    """Whether a name is a zone's or below it."""
    return f".{absolute(name)}".endswith(f".{absolute(zone)}")
