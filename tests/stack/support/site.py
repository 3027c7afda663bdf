"""The lab that is tested: facts of its inventory, addresses, ssh. Read once a session; nothing here changes it."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from malleposte.accounts import reach, vault
from malleposte.lab import Lab
from malleposte.paths import LAB_INVENTORY, VENV_BIN
from malleposte.probe import facts
from malleposte.run import environment


class NotReadyError(Exception):
    """The lab is not as the tests need it; the text is one line and says what to type."""


@dataclass(frozen=True)
class Account:
    """An account of the lab."""

    uid: str
    mail: str
    password: str
    profile: str


class Site:
    """One inventory. `MALLEPOSTE_INVENTORY` names another than the lab's own."""

    def __init__(self) -> None:
        """Look at nothing yet."""
        self.lab = Lab.load(Path(os.environ.get("MALLEPOSTE_INVENTORY") or LAB_INVENTORY))
        self.inventory = self.lab.deploy_inventory

    @cached_property
    def listing(self) -> Mapping[str, Any]:
        """What ansible-inventory says."""
        tool = VENV_BIN / "ansible-inventory"
        argv = [str(tool) if tool.exists() else "ansible-inventory", "-i", str(self.inventory), "--list"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment())
        listing: Mapping[str, Any] = json.loads(done.stdout)
        return listing

    def variables(self, host: str) -> Mapping[str, Any]:
        """Variables of a host, as written (not templated)."""
        known: Mapping[str, Any] = self.listing["_meta"]["hostvars"][host]
        return known

    @property
    def platform(self) -> dict[str, Any]:
        """The facts `malleposte_*`, without their prefix."""
        found = self.variables("mail1").items()
        return {name.removeprefix("malleposte_"): value for name, value in found if name.startswith("malleposte_")}

    @cached_property
    def place(self) -> reach.Place:
        """Where the directory is."""
        return reach.place(self.inventory)

    def address(self, host: str) -> str:
        """Address of a host."""
        return str(self.variables(host)["ansible_host"])

    def ssh(self, host: str) -> list[str]:
        """The ssh words up to the host. No shared connection: a test may kill the host under it."""
        known = self.variables(host)
        given = {
            "host": known["ansible_host"],
            "user": known.get("ansible_user", "root"),
            "port": known.get("ansible_port", 22),
            "key": known.get("ansible_ssh_private_key_file", ""),
            "ssh_args": known.get("ansible_ssh_common_args", ""),
        }
        words = facts.ssh_command(given)
        return [words[0], "-o", "ControlMaster=no", "-o", "ControlPath=none", *words[1:]]

    def run(self, host: str, *words: str, given: str = "", check: bool = True, timeout: float = 120) -> str:
        """Run words (joined by the remote shell) on a host, `given` on standard input; its standard output."""
        argv = [*self.ssh(host), *words]
        try:
            done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{host}: {' '.join(words)[:200]}: no answer in {timeout:.0f} s") from error
        if check and done.returncode != 0:
            raise AssertionError(f"{host}: {' '.join(words)[:200]}: {done.stderr.strip()[-500:] or done.returncode}")
        return done.stdout

    @property
    def folder(self) -> Path:
        """The inventory's folder."""
        return self.inventory if self.inventory.is_dir() else self.inventory.parent

    def secret(self, name: str) -> str:
        """A secret of the inventory."""
        return vault.read_text(self.folder / "secrets" / name)

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
