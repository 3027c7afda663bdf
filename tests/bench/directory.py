"""A slapd of its own on the lab's directory host: the role's configuration, as durable, empty but for the branches.

The lab's accounts are not touched: commands run in a mount namespace in which this slapd's socket, and a journal of its
own, stand in the place of the host's.
"""

import contextlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from malleposte.core.errors import MallepostError

from tests.bench import cost
from tests.stack.support.site import Site

HOST = "mail1"
HOME = "/var/tmp/malleposte-bench"
UNIT = "malleposte-bench-slapd"
PATIENCE = 1800.0
_SETUP = f"""
set -eu
systemctl stop {UNIT}.service 2>/dev/null || true
rm -rf {HOME}; install -d -m 0755 {HOME}; install -d -o openldap -g openldap {HOME}/config {HOME}/data {HOME}/run
install -d -m 0700 {HOME}/log
tr -d '\\n' </etc/malleposte/keys/ldap-provision >{HOME}/password; chmod 0600 {HOME}/password
slapcat -F /etc/ldap/slapd.d -n0 | sed 's#^olcDbDirectory: .*#olcDbDirectory: {HOME}/data#' >{HOME}/config.ldif
slapadd -F {HOME}/config -n0 -l {HOME}/config.ldif
slapcat -F /etc/ldap/slapd.d -n1 -a '(!(|(uid=*)(objectClass=mpSchool)(objectClass=mpList)))' >{HOME}/base.ldif
"""
_FRESH = f"""
set -eu
systemctl stop {UNIT}.service 2>/dev/null || true
rm -f {HOME}/data/* {HOME}/log/*
slapadd -q -F {HOME}/config -n1 -l {HOME}/base.ldif
"""
_START = f"""
set -eu
chown -R openldap:openldap {HOME}/config {HOME}/data
python3 {HOME}/forget.py {HOME}/data/data.mdb
systemd-run -q --unit {UNIT} -p User=openldap -p Group=openldap -p SupplementaryGroups=ssl-cert -p LimitNOFILE=8192 \
  -p BindPaths={HOME}/run:/run/slapd -p Environment=MALLOC_MMAP_THRESHOLD_=1048576 \
  /usr/sbin/slapd -d0 -h ldapi:/// -F {HOME}/config
until [ -S {HOME}/run/ldapi ]; do systemctl -q is-active {UNIT}.service; done
"""
_MEASURE = """
import json, resource, subprocess, sys, time
begun = time.monotonic()
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
    code = subprocess.run(sys.argv[3:], stdin=source, stdout=target).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": time.monotonic() - begun, "peak_mib": used.ru_maxrss / 1024, "code": code,
                  "cpu": used.ru_utime + used.ru_stime}))
"""
_FORGET = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR)
os.fsync(file)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
"""
"""A database that slapadd has just written lies in the page cache in large pieces, and a kernel whose ext4 keeps them
writes a whole piece for each page that slapd changes (6.18: 100 MB an entry). Read again it lies page by page."""
_SPLIT = """
import base64, json, sys
plan = json.load(open(sys.argv[1], encoding="utf-8"))
bulk, chunk, turns = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def ldif(path, changes):
    with open(path, "w", encoding="ascii") as target:
        for change in changes:
            target.write(f"dn: {change['dn']}\\n")
            for name, values in change["after"].items():
                for value in values:
                    target.write(f"{name}:: {base64.b64encode(value.encode()).decode()}\\n")
            target.write("\\n")
changes = plan["changes"]
first = len(changes) - chunk * turns
ldif(bulk, changes[:first])
for turn in range(turns):
    part = changes[first + turn * chunk : first + (turn + 1) * chunk]
    ldif(f"{sys.argv[5]}/turn{turn}.ldif", part)
    json.dump(plan | {"changes": part}, open(f"{sys.argv[5]}/turn{turn}.json", "w", encoding="utf-8"))
print(len(changes), first)
"""


@dataclass(frozen=True)
class Run:
    """The cost of a command: seconds, the largest memory of its process, its processor time; slapd's beside it."""

    seconds: float
    peak_mib: float
    cpu: float
    slapd_cpu: float

    @property
    def cpu_seconds(self) -> list[float]:
        """Seconds of processor time: the command's, slapd's."""
        return [round(self.cpu, 1), round(self.slapd_cpu, 1)]

    def rate(self, count: int) -> float:
        """Pieces of work a second."""
        return count / self.seconds

    def cpu_ms(self, count: int) -> list[float]:
        """Milliseconds of processor time a piece of work: the command's, slapd's."""
        return [round(1000 * used / count, 2) for used in (self.cpu, self.slapd_cpu)]


class Bench:
    """The slapd and what runs against it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def shell(self, script: str, given: str = "") -> str:
        """Run a script on the host."""
        return self.site.run(HOST, f"sh -c {shlex.quote(script)}", given=given, timeout=PATIENCE)

    def write(self, name: str, text: str) -> str:
        """A file in the bench's folder; its path."""
        self.shell(f"umask 077; cat >{HOME}/{name}", text)
        return f"{HOME}/{name}"

    def fresh(self, *, start: bool = True) -> None:
        """An empty directory."""
        self.shell(_FRESH)
        if start:
            self.shell(_START)

    def start(self) -> None:
        """Start it with what its database holds."""
        self.shell(_START)

    def run(self, *words: str, given: str = "/dev/null", out: str = "/dev/null", codes: tuple[int, ...] = (0,)) -> Run:
        """Run a command against this slapd, `given` and `out` being files of the host. Raises MallepostError."""
        before = self._slapd_cpu()
        argv = ["systemd-run", "-q", "--wait", "--pipe", "-p", f"BindPaths={HOME}/run:/run/slapd"]
        argv += ["-p", f"BindPaths={HOME}/log:/var/log/malleposte", "python3", f"{HOME}/measure.py", given, out, *words]
        found: dict[str, Any] = json.loads(self.site.run(HOST, shlex.join(argv), timeout=PATIENCE).splitlines()[-1])
        if found["code"] not in codes:
            raise MallepostError(f"{' '.join(words)[:200]} ended with {found['code']}")
        return Run(found["seconds"], found["peak_mib"], found["cpu"], self._slapd_cpu() - before)

    def _slapd_cpu(self) -> float:
        """Seconds of processor time that the bench's slapd has used since it started."""
        return cost.counters(self.shell).get(f"{UNIT}.service", 0) / 1e6

    def split(self, plan: str, bulk: str, chunk: int, turns: int) -> tuple[int, int]:
        """The last entries of a plan in parts `turnN`, as plans and as LDIF; the others as LDIF. Counts of both."""
        made, first = self.shell(f"python3 {HOME}/split.py {plan} {bulk} {chunk} {turns} {HOME}").split()
        return int(made), int(first)


@contextlib.contextmanager
def bench(site: Site) -> Iterator[Bench]:
    """The bench's slapd, empty and running; gone afterwards."""
    made = Bench(site)
    try:
        made.shell(_SETUP)
        made.write("measure.py", _MEASURE)
        made.write("split.py", _SPLIT)
        made.write("forget.py", _FORGET)
        made.fresh()
        yield made
    finally:
        made.shell(f"systemctl stop {UNIT} 2>/dev/null; systemctl reset-failed {UNIT} 2>/dev/null; rm -rf {HOME}")
