"""The upgrades of each host, their order, and the point at which an earlier run stopped."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from malleposte.check.hosts import command
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import VAR
from malleposte.core.run import environment
from malleposte.fleet.site import PLATFORM, Site
from malleposte.runtime import durable

WAY = """{{ malleposte_services | academie.malleposte.manifest_upgrades(group_names)
  | combine({'prefixes': base_upgrade_blocklist}) }}"""
"""The upgrade settings of a host, as Ansible's templates over the service manifest.

Hosts of a low rank, on which the fewest depend, come first and show whether an upgrade is good. For packages to
upgrade by hand, the data format changes with the first number of the version.
"""
PATIENCE = 300
"""Seconds for a host to fetch its package lists."""
QUESTION = """
apt-get -qq -o DPkg::Lock::Timeout=120 update >&2 || exit 1
exec /usr/bin/python3 - <<'END'
import apt, json
prefixes = tuple(%s)
packages = [p for p in apt.Cache() if p.is_installed and p.is_upgradable and p.shortname.startswith(prefixes)]
print(json.dumps([
    {"name": p.shortname, "installed": p.installed.version, "candidate": p.candidate.version} for p in packages
]))
END
"""


@dataclass(frozen=True)
class Package:
    """One package that a newer version is there for."""

    name: str
    installed: str
    candidate: str

    @property
    def apt_word(self) -> str:
        """Return the packages for apt; the name alone where the package is in place already."""
        return f"{self.name}={self.candidate}" if self.candidate else self.name

    def by_hand(self, prefixes: Sequence[str]) -> bool:
        """Whether the step is too big to be taken here: a new first number of what begins with one of these."""
        return self.name.startswith(tuple(prefixes)) and first_number(self.installed) != first_number(self.candidate)


def first_number(version: str) -> str:
    """The first number of a Debian version, without its epoch: `17` of `17.12-0+deb13u1`."""
    bare = version.partition(":")[2] or version
    return bare.partition(".")[0].partition("-")[0].partition("+")[0]


@dataclass(frozen=True)
class Step:
    """The packages of one host; those to take by hand apart."""

    host: str
    packages: tuple[Package, ...] = ()
    by_hand: tuple[Package, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {"packages": [asdict(one) for one in self.packages], "by_hand": [asdict(one) for one in self.by_hand]}


def ask(host: str, connection: Mapping[str, Any], way: Mapping[str, Any]) -> Step:
    """Ask a host for its upgrades: `way` holds `prefixes` and `by_hand` (see WAY). Raises MallepostError."""
    try:
        done = subprocess.run(
            command(connection), input=QUESTION % json.dumps(list(way["prefixes"])), capture_output=True, text=True,
            check=False, timeout=PATIENCE, env=environment(),
        )  # fmt: skip
        rows = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired as error:
        raise MallepostError(f"{host}: no answer in {PATIENCE} s") from error
    except (OSError, ValueError) as error:
        raise MallepostError(f"{host}: cannot list its packages: {error}") from error
    if rows is None:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise MallepostError(f"{host}: cannot list its packages: {lines[-1]}")
    packages = sorted((Package(**row) for row in rows), key=lambda one: one.name)
    hand = tuple(one for one in packages if one.by_hand(way["by_hand"]))
    return Step(host, tuple(one for one in packages if one not in hand), hand)


def ordered(site: Site, limit: str | None = None) -> dict[str, Mapping[str, Any]]:
    """Every host's way (see WAY), those first on which the fewest others depend. Raises InputError for a bad limit."""
    matching = set(site.matching(limit)) if limit else None
    hosts = [host for host in site.members(PLATFORM) if matching is None or host in matching]
    if not hosts:
        raise InputError(f"no host of the group {PLATFORM} is left", "see --limit")
    ways = {host: site.template(host, WAY) for host in hosts}
    return dict(sorted(ways.items(), key=lambda pair: pair[1]["rank"]))


def steps(site: Site, limit: str | None = None) -> list[Step]:
    """Every host's step, in order. Raises MallepostError when a host cannot tell, InputError for a bad limit."""
    ways = ordered(site, limit)
    with ThreadPoolExecutor(max_workers=min(16, len(ways))) as pool:
        return list(pool.map(lambda host: ask(host, site.connection(host), ways[host]), ways))


class Journal:
    """The progress of a run, on the controller's disk: {host, packages, back}; removed when a host is done."""

    def __init__(self, inventory: Path) -> None:
        place = zlib.crc32(str(inventory.resolve()).encode())  # two inventories may bear one name
        self.path = VAR / f"upgrade-{inventory.name}-{place:08x}.json"

    def read(self) -> dict[str, Any] | None:
        """Return the step that an earlier run left unfinished. Raises MallepostError when it cannot be read."""
        try:
            step: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise MallepostError(f"{self.path} cannot be read: {error}", "look at the host, then remove it") from error
        return step

    def write(self, step: Step, back: str) -> None:
        """Notes, before anything is touched, what is about to be done."""
        VAR.mkdir(exist_ok=True)
        note = {"host": step.host, "packages": [asdict(one) for one in step.packages], "back": back}
        durable.write(self.path, json.dumps(note, indent=2) + "\n", 0o644)

    def clear(self) -> None:
        """The host is done."""
        self.path.unlink(missing_ok=True)


def unfinished(note: Mapping[str, Any]) -> tuple[Step, str]:
    """The step and the way back of a note."""
    return Step(str(note["host"]), tuple(Package(**one) for one in note["packages"])), str(note["back"])
