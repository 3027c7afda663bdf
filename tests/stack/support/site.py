"""The lab that is tested: facts of its inventory, addresses, ssh. Read once a session; nothing here changes it."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from malleposte.core import paths
from malleposte.dev.lab import Lab
from malleposte.directory.errors import DirectoryError
from malleposte.directory.ldap import LdapDirectory
from malleposte.fleet import reach, remote, ssh, vault
from malleposte.platform import facts as declared

from tests.stack.support.commands import Commands

ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
"""A kept connection whose host is gone ends by itself within 15 seconds."""
STABLE = "/usr/local/share/ca-certificates/malleposte-world-ca.crt"
"""The lab's authority that does not change, as hosts keep it."""
ROOT_URL = "https://acme.test:15000/roots/0"
"""The lab's other authority, that of ACME, shows its present root there."""


SHORT = frozenset({"accounts", "bans", "calendar", "mail", "notice", "password", "queue", "reports", "sso", "status"})
"""Groups of commands that need no start of their own (`commands`)."""
SHELL = re.compile(r"[;|&<>$`*?#~\n(){}]")
"""A character for which a command is left to the shell."""


class NotReadyError(Exception):
    """The lab is not as the tests need it; the text is one line and says what to type."""


@dataclass(frozen=True)
class Account:
    """An account of the lab."""

    uid: str
    mail: str
    password: str = field(repr=False)
    profile: str


class Site:
    """One inventory: the given one, else that of `MALLEPOSTE_INVENTORY`, else the lab's own."""

    def __init__(self, listing: str = "", worker: str = "main", inventory: Path | None = None) -> None:
        """Look at nothing yet. `listing`: the inventory as another read it; `worker`: who shares connections."""
        self.lab = Lab.load(inventory or paths.inventory(os.environ.get("MALLEPOSTE_INVENTORY") or None, secrets=False))
        self.inventory = self.lab.deploy_inventory
        self._listing = listing
        self._worker = worker
        self._masters: set[str] = set()
        self._lock = threading.Lock()
        self._tunnel = contextlib.ExitStack()
        self.commands = Commands(self)
        self._socket: Path | None = None

    @cached_property
    def listing(self) -> Mapping[str, Any]:
        """The inventory: its groups, and the variables of its hosts."""
        if self._listing:
            known: Mapping[str, Any] = json.loads(self._listing)
            return known
        return remote.listing(self.inventory)

    def variables(self, host: str) -> Mapping[str, Any]:
        """Variables of a host, as written (not templated)."""
        known: Mapping[str, Any] = self.listing["_meta"]["hostvars"][host]
        return known

    @property
    def platform(self) -> dict[str, Any]:
        """The facts `malleposte_*` with their defaults, without their prefix."""
        said = self.variables("mail1")
        names = {"domain": said["malleposte_domain"], "operator": said["malleposte_operators"][0]}
        known = [name for name in declared.document()["facts"] if name.startswith("malleposte_")]
        return {name.removeprefix("malleposte_"): declared.resolved(name, said.get(name), names) for name in known}

    @cached_property
    def place(self) -> reach.Place:
        """The address of the directory."""
        return reach.place_of(self.listing, self.inventory)

    def host_of(self, group: str) -> str:
        """The first host of a group, in it or below it."""
        return self.hosts_of(group)[0]

    def hosts_of(self, group: str) -> list[str]:
        """The hosts of a group, in it or below it."""
        return remote.members(self.listing, group)

    def address(self, host: str) -> str:
        """Address of a host."""
        return str(self.variables(host)["ansible_host"])

    def ssh(self, host: str) -> list[str]:
        """The ssh words up to the host, with a connection of their own."""
        return list(remote.ssh_to(self.variables(host), host))

    def _way(self, host: str) -> list[str]:
        return ssh.words(ssh.way(self.variables(host), host))

    def _kept(self, host: str) -> list[str]:
        """The ssh words over a connection that is kept; where it is gone, ssh makes one of its own.

        The lab ends these connections when it stops a host, by the name of their socket.
        """
        words = self._way(host)
        socket = self.lab.settings.ssh / f"cm-{self._worker}-{os.getpid()}@{self.address(host)}:22"
        with self._lock:
            self._open(socket, words)
        return [words[0], "-o", "ControlMaster=no", "-o", f"ControlPath={socket}", *words[1:]]

    def _open(self, socket: Path, words: list[str]) -> None:
        """Make the kept connection, unless it is there: without a session of its own, and nothing of ours held open."""
        if not socket.exists():
            argv = [words[0], "-fN", "-o", "ControlMaster=yes", "-o", f"ControlPath={socket}", "-o", "ConnectTimeout=5"]
            argv += ["-o", "ControlPersist=300", *ALIVE, *words[1:]]
            quiet = subprocess.DEVNULL
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(argv, stdin=quiet, stdout=quiet, stderr=quiet, check=False, timeout=10)
            self._masters.add(str(socket))

    def close(self) -> None:
        """End what was kept."""
        self.commands.close()
        self._tunnel.close()
        for socket in self._masters:
            subprocess.run(ssh.leave(socket), capture_output=True, check=False, timeout=10)
        self._masters.clear()

    @contextlib.contextmanager
    def directory(self) -> Iterator[LdapDirectory]:
        """The directory, bound as its one writer, by way of a tunnel that is kept and made anew where it is gone."""
        password = self.secret(f"ldap-{reach.WRITER}")
        dn = f"cn={reach.WRITER},ou=services,{self.place.suffix}"
        try:
            bound = LdapDirectory(f"ldapi://{self.tunnel()}", self.place.suffix, dn, password)
        except DirectoryError:
            self._tunnel.close()
            self._socket = None
            bound = LdapDirectory(f"ldapi://{self.tunnel()}", self.place.suffix, dn, password)
        with bound:
            yield bound

    def tunnel(self) -> Path:
        """A socket here that leads to the directory's own."""
        if self._socket is None:
            ssh = self.place.ssh
            self._socket = self._tunnel.enter_context(reach.forwarded((ssh[0], *ALIVE, *ssh[1:])))
        return self._socket

    def run(self, host: str, *words: str, given: str = "", check: bool = True, timeout: float = 120) -> str:
        """Run words (joined by the remote shell) on a host, `given` on standard input; its standard output."""
        if command := short_command(" ".join(words)):
            done = self.commands.run(host, command, given, timeout)
        else:
            argv = [*self._kept(host), *words]
            try:
                done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=timeout)
            except subprocess.TimeoutExpired as error:
                raise AssertionError(f"{host}: {' '.join(words)[:200]}: no answer in {timeout:.0f} s") from error
        if check and done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip() or str(done.returncode)
            raise AssertionError(f"{host}: {' '.join(words)[:200]}: {said[-500:]}")
        return done.stdout

    def run_python(self, host: str, code: str, given: str = "", timeout: float = 120) -> str:
        """Run lines of Python that import the platform's modules on a host, as root; their standard output."""
        done = self.commands.run(host, ["lines"], given, timeout, code=code)
        if done.returncode != 0:
            raise AssertionError(f"{host}: {done.stderr.strip()[-500:] or done.returncode}")
        return done.stdout

    def run_job(self, host: str, unit: str, timeout: float = 300, before: str = "true") -> None:
        """Run a oneshot service from its beginning: a run of its timer that is under way is not joined.

        `before` is a command for the time between that run and this one.
        """
        joined = f"[ $(systemctl show -P ActiveState {unit}) = inactive ] || systemctl start {unit} || true"
        self.run(host, f"{joined}; {before}; systemctl start {unit}", timeout=timeout)

    @property
    def folder(self) -> Path:
        """The inventory's folder."""
        return self.inventory if self.inventory.is_dir() else self.inventory.parent

    def secret(self, name: str) -> str:
        """A secret of the inventory."""
        return vault.read_text(self.folder / "secrets" / name)

    def authorities(self, folder: Path) -> Path:
        """The authorities that the mail host trusts, and the present root of the lab's, as a file of that folder.

        The lab's authority has a new root each time it starts, which hosts trust after a while: certificates that are
        renewed later are of that one.
        """
        path = folder / "ca-certificates.crt"
        store = self.run("mail1", "cat", "/etc/ssl/certs/ca-certificates.crt")
        path.write_text(store + self.run("world", "curl", "--fail", "--silent", "--cacert", STABLE, ROOT_URL))
        return path

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """Sample and probe accounts that have a password, by uid."""
        rows = {
            **vault.read_table(self.folder / "secrets" / "accounts.json"),
            **vault.read_table(self.folder / "secrets" / "probe-accounts.json"),
        }
        return {
            uid: Account(uid, row["mail"], row["password"], row["profile"])
            for uid, row in rows.items()
            if row.get("password")
        }

    def ready(self) -> None:
        """Raise NotReadyError unless the hosts run and the accounts are there."""
        sleeping = [status.name for status in self.lab.status() if status.state != "running"]
        if sleeping:
            raise NotReadyError(f"the lab is not up ({', '.join(sleeping)}): type `sudo ./malleposte up` first")
        if not self.accounts:
            raise NotReadyError(f"no accounts in {self.inventory}/secrets: type `sudo ./malleposte up` first")


def short_command(text: str) -> list[str]:
    """Return the words after `malleposte` of a command line that needs no shell and is one of SHORT; else none."""
    if not text.startswith("malleposte ") or SHELL.search(text):
        return []
    _program, group, *words = shlex.split(text)
    return [group, *words] if group in SHORT else []
