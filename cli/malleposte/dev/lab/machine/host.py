"""One lab host: its layers, its root, its systemd-nspawn."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from malleposte.dev.lab import state
from malleposte.dev.lab.errors import LabError, LabUsageError
from malleposte.dev.lab.inventory import Bind, HostSpec
from malleposte.dev.lab.machine import cgroups, controller, network, packages, processes
from malleposte.dev.lab.machine.controller import Report
from malleposte.dev.lab.runner import Runner
from malleposte.dev.lab.settings import Settings
from malleposte.dev.lab.state import HostState
from malleposte.fleet import ssh

BOOT_SECONDS = 90
STOP_SECONDS = 60
NSPAWN_RUN = Path("/run/systemd/nspawn")
# Joins the control groups, then becomes systemd-nspawn: no process of the lab stays between.
_LAUNCH = 'exec </dev/null >"$1" 2>&1; shift; while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'


def mounts_below(directory: Path, mountinfo: str | None = None) -> list[Path]:
    """Return the mount points at or under ``directory``, the deepest first."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if mountinfo is None else mountinfo
    points = [Path(line.split()[4].replace("\\040", " ")) for line in text.splitlines() if line]
    below = [point for point in points if point == directory or directory in point.parents]
    return sorted(below, key=lambda point: len(point.parts), reverse=True)


@dataclass
class Host:
    """A host of a lab. Every method can be called again after having been interrupted."""

    name: str
    settings: Settings
    run: Runner
    report: Report
    spec: HostSpec | None = None  # None: made once, no longer in the inventory

    @property
    def directory(self) -> Path:
        """Return the directory that holds all of this host."""
        return self.settings.hosts / self.name

    @property
    def root(self) -> Path:
        """Return where its root is mounted."""
        return self.directory / "root"

    @property
    def archives(self) -> Path:
        """Return its package files."""
        return self.directory / "archives"

    @property
    def console(self) -> Path:
        """Return the log of its console."""
        return self.directory / "console.log"

    @property
    def machine(self) -> str:
        """Return its machine name."""
        return self.settings.machine(self.name)

    @property
    def unit(self) -> str:
        """Return the name of its transient unit, or control group, on the controller."""
        return f"malleposte-lab-{self.machine}"

    @property
    def _state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def state(self) -> HostState | None:
        """Return what it stands on; None if it was never begun."""
        return state.load(self._state_file)

    def state_made(self) -> HostState:
        """Return its state; raise LabError if it is not made."""
        current = self.state
        if current is None or not current.provisioned:
            raise LabError(f"{self.name} is not made: run malleposte lab up")
        return current

    def running(self) -> processes.Machine | None:
        """Return its process if it runs."""
        return processes.find(self.machine, self.root)

    # --- layers ---

    def layer(self, name: str) -> Path:
        """Return the directory of a layer (``fs``: its files; ``work``: overlayfs's own)."""
        return self.directory / "layers" / name

    def sweep(self, current: HostState) -> None:
        """Remove the layers that nothing names."""
        layers = self.directory / "layers"
        for path in layers.iterdir() if layers.is_dir() else ():
            if path.name not in current.layers():
                shutil.rmtree(path)

    def mount(self, current: HostState) -> None:
        """Mount the root, unless it is."""
        if mounts_below(self.root):
            return
        layer = self.layer(current.upper)
        for path in (layer / "fs", layer / "work", self.root):
            path.mkdir(parents=True, exist_ok=True)
        # The upper directory is the root of the host: the same mode as on a disk.
        (layer / "fs").chmod(0o755)
        lowers = [str(self.layer(name) / "fs") for name in current.lowers] + [current.base]
        self.run(controller.mount_overlay(lowers, str(layer), str(self.root)))

    def unmount(self) -> None:
        """Unmount the root and whatever is mounted under it."""

        def gone() -> bool:
            for point in mounts_below(self.root):
                self.run(["umount", str(point)], check=False)
            return not mounts_below(self.root)

        if not processes.wait(gone, 5, 0.25):
            self.run(["umount", "--lazy", "--recursive", str(self.root)])

    # --- life ---

    def make(self, base: Path, resolvers: Iterable[str], public_key: str) -> bool:
        """Make the host if it is not, anew if it is half made; return whether it was made now."""
        if self.spec is None:
            return False
        current = self.state
        if current is not None and current.provisioned:
            if current.address != str(self.spec.address):
                raise LabError(
                    f"{self.name} was made with address {current.address}, the inventory now says "
                    f"{self.spec.address}: run malleposte lab down first"
                )
            return False
        self.destroy()
        self.directory.mkdir(parents=True)
        current = HostState.new(str(self.spec.address), str(base), self.own_binds)
        state.save(self._state_file, current)
        self.mount(current)
        self.provision(self.spec, list(resolvers), public_key)
        state.save(self._state_file, replace(current, provisioned=True))
        return True

    def provision(self, spec: HostSpec, resolvers: list[str], public_key: str) -> None:
        """Write the host's identity into its root: name, address, keys."""
        fqdn = spec.names[0]
        names = " ".join(spec.names)
        files = {
            "etc/hostname": f"{self.name}\n",
            "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {names}\n::1 localhost ip6-localhost ip6-loopback\n",
            "etc/machine-id": f"{uuid.uuid4().hex}\n",
            "etc/resolv.conf": "".join(f"nameserver {address}\n" for address in resolvers),
            "etc/systemd/network/10-host0.network": (
                f"[Match]\nName=host0\n\n[Network]\nAddress={spec.address}/{self.settings.network.prefixlen}\n"
                f"Gateway={self.settings.gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            ),
            "root/.ssh/authorized_keys": public_key,
        }
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(mode=0o700 if name.startswith("root/") else 0o755, parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        key = self.root / "etc/ssh/ssh_host_ed25519_key"
        self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{fqdn}", "-f", str(key)])

    def host_key(self) -> str:
        """Return the host's public key (type and value), read from its own files."""
        current = self.state_made()
        for name in (current.upper, *current.lowers):
            path = self.layer(name) / "fs/etc/ssh/ssh_host_ed25519_key.pub"
            if path.is_file():
                return " ".join(path.read_text(encoding="ascii").split()[:2])
        raise LabError(f"{self.name} has no ssh host key left: take the lab down and up again")

    def command(self, current: HostState) -> list[str]:
        """Return the systemd-nspawn command line."""
        return [
            "systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.machine}",
            f"--hostname={self.name}", "--boot", "--register=no", "--keep-unit", "--link-journal=no",
            f"--network-bridge={self.settings.bridge}", "--resolv-conf=off", "--timezone=off", "--console=pipe",
            f"--bind={self.archives}:/var/cache/apt/archives", *(f"--bind={bind}" for bind in current.binds),
        ]  # fmt: skip

    def launch_command(self, current: HostState, groups: list[Path], by_systemd: bool) -> list[str]:
        """Return the command that starts it in the background, and comes back at once."""
        if by_systemd:
            return [
                "systemd-run", "--quiet", "--collect", f"--unit={self.unit}.service",
                f"--description=Malleposte lab host {self.machine}", "--property=Delegate=yes",
                "--property=KillMode=mixed", "--property=TasksMax=infinity", "--property=DevicePolicy=auto",
                f"--property=NetworkNamespacePath=/proc/{os.getpid()}/ns/net",
                f"--property=StandardOutput=truncate:{self.console}", "--property=StandardError=inherit",
                "--", *self.command(current),
            ]  # fmt: skip
        files = [str(path) for path in groups]
        return ["setsid", "--fork", "sh", "-c", _LAUNCH, "sh", str(self.console), *files, "--", *self.command(current)]

    def start(self, binds: tuple[Bind, ...] | None = None) -> bool:
        """Boot it unless it runs; return whether it was booted. ``binds`` replaces its binds from now on."""
        if self.running():
            return False
        current = self.state_made()
        if binds is not None:
            current = replace(current, binds=tuple(str(bind) for bind in binds))
            state.save(self._state_file, current)
        for text in current.binds:
            if not Path(Bind.parse(text).source).exists():
                raise LabUsageError(f"{self.name}: {text} cannot be bound: no such file on the controller")
        self.mount(current)
        packages.sync(self.settings.shared / "archives", self.archives)
        self._clear()
        by_systemd = controller.booted_by_systemd()
        groups = [] if by_systemd else cgroups.make(self.unit, cgroups.mounted())
        self.run(self.launch_command(current, groups, by_systemd))
        return True

    def stop(self) -> bool:
        """Shut it down cleanly (SIGKILL after STOP_SECONDS, and say so); return whether it ran."""
        machine = self.running()
        if machine is None:
            self._after()
            return False
        processes.send(machine.pid, 15)
        if not processes.wait(lambda: self.running() is None, STOP_SECONDS):
            self.report(f"{self.name}: not stopped after {STOP_SECONDS} s, killed")
        return self.kill() or True

    def kill(self) -> bool:
        """Kill every process of it at once, as a power loss would; return whether it ran."""
        machine = self.running()
        if machine is not None:
            processes.kill(machine)
            if not processes.wait(lambda: self.running() is None, 5, 0.05) and not processes.wait(self._insist, 15):
                raise LabError(f"{self.name} (process {machine.pid}) does not end")
        self._after()
        return machine is not None

    def _insist(self) -> bool:
        machine = self.running()
        if machine is not None:
            processes.kill(machine, nspawn=True)
        return machine is None

    def _after(self) -> None:
        """Leave nothing of a stopped host on the controller but its files."""
        self.close_connections()
        self._clear()
        self.unmount()
        packages.harvest(self.settings.shared / "archives", self.archives)

    def _clear(self) -> None:
        """Remove the leftovers of a host that was killed: processes, unit or group, mounts of nspawn, port."""
        if controller.booted_by_systemd():
            self.run(["systemctl", "stop", f"{self.unit}.service"], check=False)
            self.run(["systemctl", "reset-failed", f"{self.unit}.service"], check=False)
        else:
            roots = cgroups.mounted()
            processes.wait(lambda: cgroups.remove(self.unit, roots), 5, 0.05)
        for part in ("unix-export", "propagate"):
            path = NSPAWN_RUN / part / self.machine
            for point in mounts_below(path):
                self.run(["umount", str(point)], check=False)
            with contextlib.suppress(OSError):
                path.rmdir()
        network.drop_stale_port(self.machine, self.run)

    def close_connections(self) -> None:
        """End shared ssh connections to it: the next one must not wait for a broken one."""
        current = self.state
        if current is None:
            return
        for socket in self.settings.ssh.glob(f"cm-*@{current.address}:*"):
            self.run(ssh.leave(socket), check=False, timeout=5)
            with contextlib.suppress(FileNotFoundError):
                socket.unlink()

    def destroy(self) -> None:
        """Remove all of it."""
        self.kill()
        remaining = mounts_below(self.directory)
        if remaining:
            raise LabError(f"{remaining[0]} is still mounted: unmount it, then run this again")
        if self.directory.exists():
            shutil.rmtree(self.directory)

    # --- snapshots (the host is stopped) ---

    def freeze(self, label: str) -> None:
        """Keep what it holds now under ``label``, in place of an older snapshot of that name."""
        current = self.state_made().without(label).frozen(label, time.time())
        state.save(self._state_file, current)
        self.sweep(current)

    @property
    def own_binds(self) -> tuple[str, ...]:
        """The binds that the inventory gives it."""
        return tuple(str(bind) for bind in self.spec.binds) if self.spec else ()

    def rewind(self, label: str) -> None:
        """Stand on the snapshot ``label`` again; what was written since, and binds of a test, are lost."""
        current = self.state_made().restored(label, self.own_binds)
        state.save(self._state_file, current)
        self.sweep(current)

    def forget(self, label: str) -> None:
        """Drop the snapshot ``label``; layers still stood on stay."""
        current = self.state_made().without(label)
        state.save(self._state_file, current)
        self.sweep(current)
