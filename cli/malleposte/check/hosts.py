"""Each host over ssh, all at once: reached, root, the right Debian, enough memory and disk, the right time."""

from __future__ import annotations

import ipaddress
import json
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.core.run import environment
from malleposte.fleet import ssh, updates
from malleposte.fleet.site import PLATFORM, UnknownError

DEBIAN = "13"
PATIENCE = 8
"""Seconds for a host to let us in."""
ANSWER = 60
"""Seconds for its whole answer: on a busy host apt takes a while to read its lists."""
CLOCK = 30
"""Seconds that a host's clock may differ from ours."""
BASE_MB = 250
"""Memory of the system itself with room to work; that of the services is in the manifest."""
SERVICES_MB = "{{ malleposte_services | academie.malleposte.manifest_memory(group_names) }}"
TOLERANCE = 0.9
"""A machine sold with 2 GB shows some less: firmware and kernel take their part."""
FREE_MB: Mapping[str, int] = {"/": 1000, "/var": 1000}
FREE_MAIL_MB = 2000

QUESTION = f"""
. /etc/os-release
echo "id=$ID"; echo "version=$VERSION_ID"; echo "user=$(id -u)"; echo "now=$(date +%s)"
echo "machine=$(cat /etc/machine-id 2>/dev/null)"; echo "client=${{SSH_CONNECTION%% *}}"
echo "memory_kb=$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
for folder in {" ".join([*FREE_MB, "/srv"])}; do
  echo "free_kb $folder=$(df -Pk "$folder" 2>/dev/null | awk 'NR==2 {{print $4}}')"
done
if [ -e /etc/malleposte/accounts.json ] && command -v malleposte >/dev/null; then
  echo "unread=$(timeout 5 malleposte accounts box list --orphans --json 2>/dev/null | tr -d '\\n')"
fi
{updates.QUESTION}
"""


@dataclass(frozen=True)
class Answer:
    """The answers of a host (`facts`), or the reason why it could not be asked. Times in seconds since the epoch."""

    host: str
    facts: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    asked: float = 0
    answered: float = 0

    @property
    def memory_mb(self) -> int:
        """Memory of the host."""
        return int(self.facts.get("memory_kb") or 0) // 1024


def command(connection: Mapping[str, Any]) -> list[str]:
    """The local argument list that gives a shell its commands on a host, as Ansible would reach it."""
    shell = ["sudo", "-n", "sh", "-s"] if str(connection["become"]).lower() in ("true", "yes", "1") else ["sh", "-s"]
    if connection["kind"] == "local":
        return shell
    return [*ssh.words(connection, patience=PATIENCE), shlex.join(shell)]


def ask(host: str, connection: Mapping[str, Any]) -> Answer:
    """One host's answer."""
    asked = time.time()
    try:
        done = subprocess.run(
            command(connection), input=QUESTION, capture_output=True, text=True, check=False,
            timeout=PATIENCE + ANSWER, env=environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(host, reason=f"no answer in {PATIENCE + ANSWER} s")
    except OSError as error:
        return Answer(host, reason=str(error.strerror))
    facts = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if done.returncode or "user" not in facts:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Answer(host, reason=lines[-1])
    return Answer(host, facts, "", asked, time.time())


def ask_all(reader: Reader, hosts: Sequence[str]) -> list[Answer]:
    """Every host's answer, in the order given."""
    ways: list[tuple[str, Mapping[str, Any] | str]] = []
    for host in hosts:
        try:
            ways.append((host, reader.site.connection(host)))
        except UnknownError as error:
            ways.append((host, str(error)))
    with ThreadPoolExecutor(max_workers=max(1, min(32, len(ways)))) as pool:
        return list(pool.map(lambda way: Answer(way[0], reason=way[1]) if isinstance(way[1], str) else ask(*way), ways))


def findings(reader: Reader, answers: Sequence[Answer]) -> Iterator[Finding]:
    """Return the findings that keep each host from its task."""
    machines: dict[str, str] = {}
    for answer in answers:
        if answer.reason:
            hint = f"; leave it out with --limit 'all:!{answer.host}'" if len(answers) > 1 else ""
            yield Finding(Level.FAILING, f"cannot be reached: {answer.reason}{hint}", host=answer.host)
            continue
        yield from _system(answer)
        if answer.host in reader.site.members(PLATFORM):
            yield from _room(reader, answer)
            yield from _way_back(reader, answer)
            yield from _unread(reader, answer)
            yield from _updates(answer)
        machine = answer.facts.get("machine", "")
        if machine and (other := machines.setdefault(machine, answer.host)) != answer.host:
            message = f"has the machine-id of {other}: one machine under two names, or a clone without its own"
            yield Finding(Level.WARNING, message, host=answer.host)


def _system(answer: Answer) -> Iterator[Finding]:
    facts = answer.facts
    if facts["user"] != "0":
        message = "the log-in is not root: set ansible_user: root, or ansible_become: true with sudo"
        yield Finding(Level.FAILING, message, host=answer.host)
    if (facts.get("id"), facts.get("version")) != ("debian", DEBIAN):
        system = f"{facts.get('id', 'unknown')} {facts.get('version', '')}".strip()
        yield Finding(Level.FAILING, f"runs {system}; Debian {DEBIAN} is needed", host=answer.host)
    now = float(facts.get("now") or 0)
    off = max(answer.asked - now, now - answer.answered, 0)
    if off > CLOCK:
        message = f"its clock differs from this machine's by {off:.0f} s"
        yield Finding(Level.FAILING, message, host=answer.host)


def _room(reader: Reader, answer: Answer) -> Iterator[Finding]:
    groups = reader.site.groups_of(answer.host)
    need = BASE_MB + (reader.derived(answer.host, SERVICES_MB) or 0)
    if answer.memory_mb < need * TOLERANCE:
        message = f"has {answer.memory_mb} MB of memory; its services need {need} (memory_mb in the service manifest)"
        yield Finding(Level.FAILING, message, host=answer.host)
    needed = {**FREE_MB, **({"/srv": FREE_MAIL_MB} if "mail" in groups else {})}
    for folder, least in needed.items():
        free = int(answer.facts.get(f"free_kb {folder}") or least * 1024) // 1024
        if free < least:
            yield Finding(Level.FAILING, f"{folder} has {free} MB free; {least} are needed", host=answer.host)


def _way_back(reader: Reader, answer: Answer) -> Iterator[Finding]:
    """Whether the firewall would let this machine in again."""
    networks = reader.value(answer.host, "malleposte_networks")
    admin = networks.get("admin") if isinstance(networks, Mapping) else None
    try:
        client = ipaddress.ip_address(answer.facts.get("client", ""))
        inside = any(client in ipaddress.ip_network(str(one), strict=False) for one in admin or [])
    except ValueError:
        return
    if not inside:
        message = f"this machine reaches {answer.host} from {client}, which is in none of these: it would be shut out"
        yield reader.wrong(answer.host, "malleposte_networks", ("admin",), message)


def _unread(reader: Reader, answer: Answer) -> Iterator[Finding]:
    """Addresses of the facts whose box nobody opens."""
    addresses = reader.value(answer.host, "accounts_addresses")
    try:
        boxes = {str(row["mail"]): str(row["uid"]) for row in json.loads(answer.facts.get("unread") or "[]")}
    except ValueError:
        return
    for address in addresses if isinstance(addresses, Mapping) else ():
        if address in boxes:
            message = f"nobody reads {address}: `malleposte accounts box delegate {boxes[address]} UID`"
            yield Finding(Level.WARNING, message, host=answer.host)


def _updates(answer: Answer) -> Iterator[Finding]:
    """Whether it gets security updates. A warning: a deploy that mends something else goes on."""
    try:
        state = updates.read(answer.facts)
    except ValueError as error:
        yield Finding(Level.WARNING, str(error), host=answer.host)
        return
    if state is None:
        return
    faults = state.faults(updates.SOON, float(answer.facts.get("now") or 0))
    for fault in faults:
        yield Finding(Level.WARNING, fault, host=answer.host)
    if not faults and state.waiting:
        yield Finding(Level.NOTE, state.summary(), host=answer.host)


def public_names(reader: Reader) -> Iterator[Finding]:
    """With certificates by ACME, names that nobody can find yet. Not where the lab's own world publishes them."""
    hosts = reader.site.members(PLATFORM)
    tls = reader.value(hosts[0], "malleposte_tls") if hosts else None
    if not isinstance(tls, dict) or tls.get("source") != "acme" or reader.site.members("internet"):
        return
    names = reader.value(hosts[0], "malleposte_hostnames")
    if not isinstance(names, Mapping):
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        published = dict(zip(names, pool.map(_published, map(str, names.values())), strict=True))
    for key, there in published.items():
        if not there:
            message = f"{names[key]} is not published yet: no certificate can be had for it (see `malleposte dns show`)"
            yield reader.wrong(hosts[0], "malleposte_hostnames", (key,), message, Level.WARNING)


def _published(name: str) -> bool:
    import dns.exception
    import dns.resolver

    resolver = dns.resolver.Resolver()
    resolver.lifetime = PATIENCE / 2
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(name, kind)
        except dns.exception.DNSException:
            continue
        return True
    return False
