"""The import of accounts at several sizes, without a lab.

`sudo .venv/bin/python -m tests.bench.feed PROGRAMS [AGENTS...]` prints a JSON object a size. PROGRAMS is `/` where
Debian's slapd and slapd-contrib are installed, or the folder into which their packages (and the libraries that they
need) were unpacked. The command line is that of a host, in a mount namespace that has its files.
"""

import base64
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.platform import facts

from tests.bench.own_slapd import DOMAIN, PASSWORD, SUFFIX, WRITER, OwnSlapd, own_slapd
from tests.support import academy, ansible_loader

SIZES = (3_750, 7_500, 15_000, 30_000)
SCHOOLS, SEED = 1_600, 35
CHANGED = 50
"""One row in so many has another school in the feed that is planned last."""
_INSIDE = """
set -eu
mount -t tmpfs tmpfs "$0/layer"; mkdir "$0/layer/up" "$0/layer/work"
mount -t overlay overlay -o "lowerdir=$0/etc:/etc,upperdir=$0/layer/up,workdir=$0/layer/work" /etc
mkdir -p /var/log/malleposte /var/lib/malleposte; mount -t tmpfs tmpfs /run/lock
mount --bind "$0/log" /var/log/malleposte; mount --bind "$0/lib" /var/lib/malleposte
exec "$@"
"""


@dataclass(frozen=True)
class Host:
    """The files of a directory's host, and its slapd."""

    home: Path
    package: Path
    slapd: OwnSlapd

    def prepare(self) -> None:
        """Write the settings."""
        keys = self.home / "etc/malleposte/keys"
        for folder in (keys, self.home / "layer", self.home / "log", self.home / "lib"):
            folder.mkdir(parents=True)
        ring = {"current": "k1", "keys": {"k1": base64.b64encode(b"1" * 32).decode()}}
        settings = {
            "uri": self.slapd.uri, "suffix": SUFFIX, "domain": DOMAIN, "bind_dn": f"cn={WRITER},ou=services,{SUFFIX}",
            "password_file": "/etc/malleposte/keys/ldap-provision", "keys_file": "/etc/malleposte/keys/digests.json",
            "journal": "/var/log/malleposte/accounts.jsonl", "most_departures": 5.0,
        }  # fmt: skip
        (keys / "ldap-provision").write_text(PASSWORD)
        (keys / "digests.json").write_text(json.dumps(ring))
        (keys.parent / "accounts.json").write_text(json.dumps(settings))
        classes = facts.resolved("malleposte_profiles", None)
        (keys.parent / "platform.json").write_text(json.dumps({"profiles": classes}))

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> tuple[dict[str, float], bytes]:
        """Run the command line; its costs and what it printed. Raises MallepostError."""
        argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", _INSIDE, str(self.home)]
        slapd, disk, begun = self.slapd.processor(), self.slapd.disk(), time.monotonic()
        # A process of its own each time: what its children used is what the command used.
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.feed", "--measured", *argv, sys.executable, str(self.package), *words],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode not in codes:
            raise MallepostError(f"{' '.join(words)}: {done.stderr.decode()[-500:]}")
        costs: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
        costs |= {
            "seconds": round(time.monotonic() - begun, 1),
            "slapd_cpu": round(self.slapd.processor() - slapd, 2),
            "slapd_written_mb": round((self.slapd.disk() - disk) / 1e6),
        }
        return costs, done.stdout


def measured(argv: list[str]) -> int:
    """Run a command; say on the last line of stderr what it used."""
    code = subprocess.run(argv, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    costs = {"cpu": round(used.ru_utime + used.ru_stime, 2), "peak_mib": round(used.ru_maxrss / 1024)}
    print(f"\n{json.dumps(costs)}", file=sys.stderr)
    return code


def moved(feed: bytes) -> bytes:
    """Return the same feed, in which one agent in CHANGED is at another school."""
    rows = list(csv.reader(io.StringIO(feed.decode(), newline=""), delimiter=";"))
    places = {row[3]: academy.uai(number % SCHOOLS + 1) for number, row in enumerate(rows[1::CHANGED])}
    some = [
        (*row[:3], places[row[3]], *row[4:]) if number % CHANGED == 0 else tuple(row)
        for number, row in enumerate(rows[1:])
    ]
    return academy.render(academy.HEADER, tuple(some))


def one_size(agents: int, programs: Path, package: Path) -> dict[str, Any]:
    """Measure a first import of agents, the same feed again, one with some changes, and a list of all."""
    whole = academy.academy(agents, SCHOOLS, SEED)
    feed = academy.agents_file(whole)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, own_slapd(Path(folder) / "slapd", programs) as slapd:
        host = Host(Path(folder) / "host", package, slapd)
        host.prepare()
        files = {"schools": academy.schools_file(whole), "agents": feed, "moved": moved(feed)}
        paths = {name: Path(folder) / f"{name}.csv" for name in files}
        for name, content in files.items():
            paths[name].write_bytes(content)
        host.run("accounts", "import", "--yes", "--json", str(paths["schools"]))
        values: dict[str, Any] = {"plan": host.run("accounts", "plan", "--json", str(paths["agents"]))[0]}
        [plan] = sorted((host.home / "lib/accounts/plans").glob("*.json"))[-1:]
        values["apply"], answer = host.run("accounts", "apply", plan.stem, "--json")
        values["agents"] = json.loads(answer)["done"]
        values["again"] = host.run("accounts", "import", "--yes", "--json", str(paths["agents"]))[0]
        values["some_changes"] = host.run("accounts", "plan", "--json", str(paths["moved"]))[0]
        values["list"] = host.run("accounts", "list", "--json")[0]
    return values


def main(words: list[str]) -> int:
    """Measure; print each size as it is known."""
    if words[:1] == ["--measured"]:
        return measured(words[1:])
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    ansible_loader.start()
    from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

    with tempfile.TemporaryDirectory() as folder:
        package = toolkit.written(Path(folder), toolkit.HOSTS)
        for agents in map(int, words[1:] or SIZES):
            print(json.dumps({"asked": agents} | one_size(agents, Path(words[0]), package)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
