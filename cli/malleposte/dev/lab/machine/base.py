"""The base tree: one minimal Debian shared, read-only, by every host of every lab.

It is made by mmdebstrap and kept under a name that digests its recipe: another release of this file, another
source of packages or another certificate gives another tree; the old one stays while a host stands on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from malleposte.dev.lab.errors import LabError
from malleposte.dev.lab.machine import apt
from malleposte.dev.lab.machine.controller import Report
from malleposte.dev.lab.runner import Runner

PRUNE_SECONDS = 3600
RECIPE = 2  # raise when what build() does changes
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "iproute2", "openssh-server",
    "ca-certificates", "procps",
)  # fmt: skip
LAB_APT = """\
# A lab host keeps what it downloads: its archives directory is filled from, and fills, the lab's pool.
APT::Keep-Downloaded-Packages "true";
Binary::apt::APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
"""
# Timers that would take dpkg's lock at a moment of their own; a role may enable them again.
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")


@dataclass(frozen=True)
class Recipe:
    """All that decides what the base tree holds."""

    sources: str
    settings: str
    files: tuple[tuple[str, str], ...]  # (path in the tree, path on the controller): certificates, keyrings
    digests: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of the tree: twelve hexadecimal digits of the recipe's digest."""
        text = json.dumps([RECIPE, PACKAGES, LAB_APT, TIMERS, self.sources, self.settings, self.files, self.digests])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def recipe(
    run: Runner, etc: Path = Path("/etc/apt"), local_ca: Path = Path("/usr/local/share/ca-certificates")
) -> Recipe:
    """Read the recipe off the controller. Raises LabError if it has no Debian source that hosts can use."""
    sources = apt.sources_for_hosts(etc)
    if not sources:
        raise LabError(f"no http source of Debian {apt.SUITE} in {etc}: lab hosts could install nothing")
    settings = apt.settings_for_hosts(run(["apt-config", "dump"]).out)
    paths = [*sorted(local_ca.glob("**/*.crt")), *apt.keyrings(sources), *apt.files_in_settings(settings)]
    files = tuple((str(path), str(path)) for path in paths if path.is_file())
    digests = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for _, path in files)
    return Recipe(apt.render_sources(sources), settings, files, digests)


def command(target: Path, scratch: Path, files: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the mmdebstrap command line; ``scratch`` holds the sources and the apt settings."""
    hooks = []
    for inside, path in files:
        quoted = shlex.quote(inside.lstrip("/"))
        hooks.append(f'[ -e "$1"/{quoted} ] || install -D -m 0644 {shlex.quote(path)} "$1"/{quoted}')
    hooks += [
        f'install -m 0644 {shlex.quote(str(scratch / "apt.conf"))} "$1"/etc/apt/apt.conf.d/80malleposte-lab',
        'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap',
        # A lab is thrown away: dpkg need not wait for the disk after each file.
        'echo force-unsafe-io >"$1"/etc/dpkg/dpkg.cfg.d/malleposte-lab',
        'chroot "$1" update-ca-certificates',
        'chroot "$1" systemctl --quiet enable systemd-networkd.service ssh.service',
        f'chroot "$1" systemctl --quiet disable {" ".join(TIMERS)}',
        # Keys and identity belong to a host, never to the tree they share.
        'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf',
        ': >"$1"/etc/machine-id',
        'rm -f "$1"/var/lib/dbus/machine-id',
    ]
    return [
        "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
        f"--include={','.join(PACKAGES)}", f"--aptopt={scratch / 'apt.conf'}",
        # Package lists stay: a new host installs at once.
        "--skip=cleanup/apt/lists",
        *(f"--customize-hook={hook}" for hook in hooks),
        apt.SUITE, str(target), str(scratch / "malleposte-lab.sources"),
    ]  # fmt: skip


def ensure(shared: Path, base_recipe: Recipe, run: Runner, report: Report) -> Path:
    """Return the base tree of ``base_recipe``, building it if need be (about 20 s). The caller holds the lock."""
    tree = shared / "base" / base_recipe.name
    if tree.is_dir():
        os.utime(tree)
        return tree
    report("base: building the Debian tree all hosts share (about 20 s, once)")
    part = shared / "base" / f".{base_recipe.name}.part"
    scratch = shared / "base" / f".{base_recipe.name}.recipe"
    for path in (part, scratch):
        shutil.rmtree(path, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / "malleposte-lab.sources").write_text(base_recipe.sources, encoding="utf-8")
    (scratch / "apt.conf").write_text(LAB_APT + base_recipe.settings, encoding="utf-8")
    try:
        done = run(["nice", "-n", "5", *command(part, scratch, base_recipe.files)], check=False, timeout=1800)
        if done.code != 0:
            log = shared / "base" / "mmdebstrap.log"
            log.write_text(done.err, encoding="utf-8")
            cause = next((line for line in done.err.splitlines() if line.startswith("E: ")), done.last_line)
            raise LabError(f"the base tree was not built: {cause} (see {log})")
        part.rename(tree)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return tree


def prune(shared: Path, used: Collection[str], now: float) -> list[str]:
    """Remove base trees that no host stands on and no lab asked for within the last hour; return their names.

    The hour covers a host that is just being made. The caller holds the lock.
    """
    gone = []
    for tree in sorted((shared / "base").glob("[0-9a-f]" * 12)):
        if str(tree) not in used and now - tree.stat().st_mtime > PRUNE_SECONDS:
            shutil.rmtree(tree)
            gone.append(tree.name)
    return gone
