"""The lab: hosts, network, keys, snapshots. The command line, molecule and the tests all call this class."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from malleposte.dev.lab import inventory, runner, state, status
from malleposte.dev.lab.claim import claim, other_maker, sign
from malleposte.dev.lab.errors import LabError, LabUsageError
from malleposte.dev.lab.inventory import Bind, Inventory
from malleposte.dev.lab.machine import base, controller, network, packages, processes
from malleposte.dev.lab.machine.controller import Report
from malleposte.dev.lab.machine.host import BOOT_SECONDS, Host, mounts_below
from malleposte.dev.lab.runner import Result, Runner
from malleposte.dev.lab.settings import Settings
from malleposte.dev.lab.status import HostStatus, for_each, those
from malleposte.fleet.ssh import OWN, words
from malleposte.platform import locks
from malleposte.runtime import durable

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")


def _quiet(_: str) -> None:
    """Report to nobody."""


class Lab:
    """A lab: what the inventory says should be, and what is."""

    def __init__(
        self, settings: Settings, described: Inventory, *, run: Runner = runner.run, report: Report = _quiet
    ) -> None:
        """Look at nothing yet; see ``Lab.load`` for the usual way."""
        self.settings = settings
        self.inventory = described
        self.run = run
        self.report = report
        self._interrupted = threading.Event()

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        prefix: str | None = None,
        network: str | None = None,
        root: Path | None = None,
        report: Report = _quiet,
    ) -> Lab:
        """Return the lab that the inventory at ``path`` describes, under another prefix if one is given."""
        settings, described = inventory.settle(inventory.read(path), prefix=prefix, network=network, root=root)
        return cls(settings, described, report=report)

    # --- hosts ---

    def hosts(self, names: Sequence[str] = ()) -> list[Host]:
        """Return the hosts called ``names`` (all of the lab if none), in the order of the inventory."""
        hosts = [Host(spec.name, self.settings, self.run, self.report, spec) for spec in self.inventory.hosts]
        listed = {host.name for host in hosts}
        if self.settings.hosts.is_dir():
            strays = sorted(path.name for path in self.settings.hosts.iterdir() if path.name not in listed)
            hosts += [Host(name, self.settings, self.run, self.report) for name in strays]
        unknown = [name for name in names if name not in {host.name for host in hosts}]
        if unknown:
            there = ", ".join(host.name for host in hosts)
            raise LabUsageError(f"no host {unknown[0]} in this lab (there are {there})")
        return [host for host in hosts if not names or host.name in names]

    @property
    def deploy_inventory(self) -> Path:
        """Return the inventory to deploy this lab from."""
        own = inventory.is_own(self.inventory, self.settings)
        return self.inventory.path.parent if own else self.settings.inventory

    @property
    def other_maker(self) -> str:
        """Return the checkout that made the lab where it is not this one, else an empty text."""
        return other_maker(self.settings)

    # --- up and down ---

    def install_browser(self) -> None:
        """Install the browser of the tests on this machine, where it is missing."""
        controller.require_root()
        controller.install_packages(self.run, self.report, controller.BROWSER_PACKAGES)

    def up(self, names: Sequence[str] = ()) -> list[str]:
        """Bring the lab (or some hosts) up; return the names of the hosts booted now.

        Running hosts are left alone, missing ones made, half-made ones made anew. Raises LabUsageError where the lab
        is that of another inventory.
        """
        controller.require_root()
        controller.install_packages(self.run, self.report)
        with self._locked():
            claim(self.settings.claim, self.deploy_inventory)
            sign(self.settings.maker)
            hosts = [host for host in self.hosts(names) if host.spec is not None]
            sleeping = [host for host in hosts if not host.running()]
            if sleeping:
                self._memory_hint(sleeping)
                controller.check_namespaces(self.run, self.settings.root)
            controller.raise_limits(self.report)
            resolvers = controller.resolvers()
            public_key = self._key()
            durable.write(self.settings.resolvers, "\n".join(resolvers) + "\n", 0o644)
            self._write_inventory()
            if network.up(self.settings, self.run):
                self.report(f"network: {self.settings.network} on {self.settings.bridge}")
            for host in hosts:
                if host not in sleeping:
                    packages.sync(self.settings.shared / "archives", host.archives)
            if any(host.state is None or not host.state.provisioned for host in sleeping):
                with self._lock(self.settings.root / ".shared.lock"):
                    tree = base.ensure(self.settings.shared, base.recipe(self.run), self.run, self.report)
                    base.prune(self.settings.shared, self._used_trees(), time.time())
            else:
                tree = Path()
            for host in those(sleeping, lambda host: host.make(tree, resolvers, public_key)):
                self.report(f"{host.name}: made")
            self._write_known_hosts()
            return self._boot(hosts)

    def _boot(self, hosts: Sequence[Host], binds: tuple[Bind, ...] | None = None) -> list[str]:
        """Boot what does not run, wait until every host answers; return the names of those booted."""

        def boot(host: Host) -> bool:
            begun = time.monotonic()
            booted = host.start(binds)
            self._await(host)
            if booted:
                self.report(f"{host.name}: up at {host.state_made().address} ({time.monotonic() - begun:.1f} s)")
            return booted

        try:
            return [host.name for host in those(hosts, boot)]
        except KeyboardInterrupt:
            # Threads do not see it: without this they would go on waiting for the hosts.
            self._interrupted.set()
            raise

    def _await(self, host: Host) -> None:
        """Wait until ``host`` answers to ssh and its systemd has finished booting."""
        end = time.monotonic() + BOOT_SECONDS
        while True:
            said = self.run([*self.ssh_command(host.name, share=False), "systemctl", "is-system-running", "--wait"],
                            check=False, timeout=BOOT_SECONDS)  # fmt: skip
            word = said.out.strip()
            if word in ("running", "degraded"):
                break
            if not host.running():
                last = status.last_line(host.console)
                raise LabError(f"{host.name} stopped during its boot: {last} (see {host.console})")
            if time.monotonic() > end:
                raise LabError(
                    f"{host.name} does not answer to ssh within {BOOT_SECONDS} s: {said.last_line} (see {host.console})"
                )
            if self._interrupted.wait(0.15):
                raise LabError(f"{host.name}: interrupted while it booted")
        if word == "degraded":
            failed = self.ssh(host.name, ["systemctl", "--failed", "--plain", "--no-legend"]).out
            units = ", ".join(line.split()[0] for line in failed.splitlines() if line.strip())
            self.report(f"{host.name}: failed units: {units}")

    def down(self, *, purge: bool = False) -> None:
        """Remove the lab: processes, mounts, network, files; with ``purge``, also what labs share."""
        controller.require_root()
        with self._locked():
            for_each(self.hosts(), Host.destroy)
            network.down(self.settings, self.run)
            self._remove_strays()
            remaining = mounts_below(self.settings.state)
            if remaining:
                raise LabError(f"{remaining[0]} is still mounted: unmount it, then run this again")
            shutil.rmtree(self.settings.state, ignore_errors=True)
            if purge:
                self._purge()
            self.settings.lock.unlink(missing_ok=True)

    def _remove_strays(self) -> None:
        """Kill hosts of this lab whose files were removed by hand."""
        for machine in processes.machines():
            if Path(machine.directory).is_relative_to(self.settings.hosts):
                processes.kill(machine, nspawn=True)

    def _purge(self) -> None:
        """Remove base trees and package files, unless another lab stands on them."""
        others = sorted(path.name for path in self.settings.root.iterdir() if not path.name.startswith("."))
        others = [name for name in others if name != self.settings.prefix]
        if others:
            self.report(f"base tree and packages kept: lab {', '.join(others)} uses them")
            return
        with self._lock(self.settings.root / ".shared.lock"):
            shutil.rmtree(self.settings.shared, ignore_errors=True)
            (self.settings.root / ".shared.lock").unlink(missing_ok=True)

    # --- single hosts ---

    def start(self, names: Sequence[str] = (), binds: tuple[Bind, ...] | None = None) -> list[str]:
        """Boot made hosts; ``binds`` replaces their extra binds. Return the names of those booted."""
        controller.require_root()
        with self._locked():
            return self._boot(self.hosts(names), binds)

    def stop(self, names: Sequence[str] = ()) -> list[str]:
        """Shut hosts down cleanly; return the names of those that ran."""
        controller.require_root()
        with self._locked():
            hosts = self.hosts(names)
            return [host.name for host in those(hosts, Host.stop)]

    def kill(self, names: Sequence[str]) -> list[str]:
        """Kill all processes of hosts at once; return the names of those that ran."""
        controller.require_root()
        with self._locked():
            hosts = self.hosts(names)
            return [host.name for host in those(hosts, Host.kill)]

    # --- snapshots ---

    def snapshot(self, label: str, names: Sequence[str] = (), *, replace: bool = False) -> None:
        """Keep the present content of hosts under ``label``: clean stop, freeze, boot. Binds are not kept.

        Raises LabUsageError for a bad label, or one that exists unless ``replace``.
        """
        controller.require_root()
        if not _LABEL.fullmatch(label):
            raise LabUsageError(f"bad label {label!r}: letters, digits, dots, hyphens and underscores, at most 41")
        with self._locked():
            hosts = [host for host in self.hosts(names) if host.state is not None]
            if not hosts:
                raise LabError("nothing to keep: the lab is not made (malleposte lab up)")
            taken = [host.name for host in hosts if label in host.state_made().snapshots]
            if taken and not replace:
                where = ", ".join(taken)
                raise LabUsageError(f"snapshot {label} exists on {where}: give --replace to take it anew")
            ran = those(hosts, Host.stop)
            for host in hosts:
                host.freeze(label)
            self._boot(ran)

    def restore(self, label: str, names: Sequence[str] = ()) -> None:
        """Bring hosts back to the snapshot ``label`` and boot them; what was written since is lost."""
        controller.require_root()
        with self._locked():
            hosts = [host for host in self.hosts(names) if host.state is not None]
            missing = [host.name for host in hosts if label not in host.state_made().snapshots]
            if missing or not hosts:
                labels = ", ".join(sorted(self.snapshots())) or "none"
                where = f" on {', '.join(missing)}" if missing else ""
                raise LabUsageError(f"no snapshot {label}{where} (snapshots: {labels})")
            for_each(hosts, Host.kill)
            for host in hosts:
                host.rewind(label)
            self._write_known_hosts()
            network.up(self.settings, self.run)
            self._boot(hosts)

    def forget(self, label: str, names: Sequence[str] = ()) -> None:
        """Drop the snapshot ``label``; raise LabUsageError if no host has it."""
        controller.require_root()
        with self._locked():
            hosts = [host for host in self.hosts(names) if host.state and label in host.state.snapshots]
            if not hosts:
                raise LabUsageError(f"no snapshot {label}")
            for host in hosts:
                host.forget(label)

    def snapshots(self) -> dict[str, list[str]]:
        """Return label -> names of the hosts that have it."""
        by_label: dict[str, list[str]] = {}
        for host in self.hosts():
            current = host.state
            for label in current.snapshots if current else ():
                by_label.setdefault(label, []).append(host.name)
        return by_label

    # --- looking and entering ---

    def status(self) -> list[HostStatus]:
        """Return the status of every host; needs no root and takes no lock."""
        return for_each(self.hosts(), status.look)

    def ssh_command(self, name: str, *, share: bool = True) -> list[str]:
        """Return the ssh command that enters host ``name`` as root; the command to run there comes after it."""
        host = self.hosts([name])[0]
        address = str(host.spec.address) if host.spec else host.state_made().address
        way = {"host": address, "user": "root", "port": "", "key": self.settings.key}
        way["ssh_args"] = inventory.ssh_args(self.settings)
        own = () if share else OWN
        return words(way, patience=2, more=("-F", "none", "-o", "LogLevel=ERROR", *own))

    def ssh(self, name: str, argv: Sequence[str], *, check: bool = True, timeout: float | None = None) -> Result:
        """Run a command on host ``name`` as root (words are quoted for its shell)."""
        return self.run([*self.ssh_command(name), shlex.join(argv)], check=check, timeout=timeout)

    # --- pieces ---

    def _key(self) -> str:
        """Make the operator's key if there is none; return the public one."""
        self.settings.ssh.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = self.settings.key.with_suffix(".pub")
        if not (self.settings.key.is_file() and public.is_file()):
            self.settings.key.unlink(missing_ok=True)
            self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"malleposte-lab-{self.settings.prefix}",
                      "-f", str(self.settings.key)])  # fmt: skip
        return public.read_text(encoding="ascii")

    def _write_known_hosts(self) -> None:
        """Write the list of host keys from the hosts' own files: nothing is learnt over the network."""
        lines = []
        for host in self.hosts():
            current = host.state
            if current is not None and current.provisioned:
                names = host.spec.names if host.spec else (host.name,)
                lines.append(f"{','.join((current.address, *names))} {host.host_key()}\n")
        durable.write(self.settings.known_hosts, "".join(lines), 0o644)

    def _write_inventory(self) -> None:
        """Write the inventory of this lab, with the variables and sample accounts of the one it came from."""
        self.settings.inventory.mkdir(exist_ok=True)
        text = inventory.render(self.inventory, self.settings)
        durable.write(self.settings.inventory / "hosts.yml", text, 0o644)
        for name in ("group_vars", "host_vars", "sample-accounts.csv"):
            link, source = self.settings.inventory / name, (self.inventory.path.parent / name).absolute()
            if source == link.absolute():  # read from there: the link stands
                continue
            link.unlink(missing_ok=True)
            if source.exists():
                link.symlink_to(source)

    def _used_trees(self) -> set[str]:
        """Return the base trees that the hosts of any lab stand on."""
        states = (state.load(path) for path in self.settings.root.glob("*/hosts/*/state.json"))
        return {one.base for one in states if one is not None}

    def _memory_hint(self, sleeping: Sequence[Host]) -> None:
        """Warn when the hosts to boot will use more memory than is free."""
        needed = sum(host.spec.memory_mb for host in sleeping if host.spec)
        with contextlib.suppress(OSError, StopIteration, ValueError):
            lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
            free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) // 1024
            if needed > free:
                self.report(f"memory: these hosts will use about {needed} MiB, {free} MiB are free")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold this lab's lock."""
        with self._lock(self.settings.lock):
            self.settings.hosts.mkdir(parents=True, exist_ok=True)
            yield

    @contextlib.contextmanager
    def _lock(self, path: Path) -> Iterator[None]:
        """Hold an exclusive lock on ``path``; the file may be removed by whoever holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not locks.take(descriptor):
                self.report(f"waiting: another command holds {path}")
                locks.take(descriptor, wait=True)
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    break
            os.close(descriptor)
        try:
            yield
        finally:
            os.close(descriptor)
