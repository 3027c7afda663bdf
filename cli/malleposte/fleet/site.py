"""The inventory as Ansible itself reads it, in this process: groups, hosts, variables, templates.

Much faster than a program a question.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.core.paths import ANSIBLE_CFG, ROOT, hosts_of
from malleposte.fleet import ssh

PLATFORM = "malleposte"
SECRETS = "ansible_collections.academie.malleposte.plugins.module_utils.secret_store"
CONNECTION = {
    **ssh.WAY,
    "kind": "{{ ansible_connection | default('ssh') }}",
    "become": "{{ ansible_become | default(false) }}",
}
MAGIC = frozenset(
    "environment group_names groups hostvars inventory_hostname inventory_hostname_short omit vars".split()
)
"""Variables that Ansible itself makes, of all the hosts."""


class UnknownError(Exception):
    """A value that cannot be told; the text says why, in Ansible's words."""


@dataclass(frozen=True)
class Vault:
    """The means to open values kept by ansible-vault."""

    password_file: str | None = None
    ask: bool = False


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Ansible's warnings are for its own runs; here each fault becomes a finding."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


class Site:
    """One inventory. Raises InputError when Ansible cannot read it at all."""

    def __init__(self, inventory: Path, vault: Vault | None = None) -> None:
        os.environ["ANSIBLE_CONFIG"] = str(ANSIBLE_CFG)
        os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))
        from ansible.inventory.manager import InventoryManager
        from ansible.parsing.dataloader import DataLoader
        from ansible.plugins.loader import init_plugin_loader
        from ansible.utils.collection_loader import AnsibleCollectionConfig
        from ansible.vars.hostvars import HostVars
        from ansible.vars.manager import VariableManager

        if AnsibleCollectionConfig.collection_finder is None:  # once a process
            init_plugin_loader()
        self._loader = DataLoader()
        self._open(vault or Vault())
        self._loader.set_basedir(str(ROOT / "playbooks"))
        self._read: dict[str, dict[str, Any]] = {}
        self._templars: dict[str, Any] = {}
        self.rehearsed: dict[str, str] = {}
        try:
            with quiet():
                self._inventory = InventoryManager(loader=self._loader, sources=[str(hosts_of(inventory))])
                self._variables = VariableManager(loader=self._loader, inventory=self._inventory)
                HostVars(self._inventory, self._variables, self._loader)
        except Exception as error:  # whatever Ansible's parsers raise
            raise InputError(f"inventory {inventory}: {first_line(error)}") from error

    def _open(self, vault: Vault) -> None:
        from ansible.cli import CLI
        from ansible.errors import AnsibleError
        from ansible.parsing.vault import VaultSecretsContext

        if VaultSecretsContext.current(optional=True) is None:  # once a process
            VaultSecretsContext.initialize(VaultSecretsContext([]))
        files = [vault.password_file] if vault.password_file else []
        try:
            with quiet():
                secrets = CLI.setup_vault_secrets(
                    self._loader, [], files, ask_vault_pass=vault.ask, auto_prompt=False, initialize_context=False
                )
        except AnsibleError as error:
            raise InputError(first_line(error)) from error
        VaultSecretsContext.current().secrets = secrets
        self._loader.set_vault_secrets(secrets)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Every group and its hosts, those of the groups below it too."""
        return {name: list(names) for name, names in self._inventory.get_groups_dict().items()}

    def members(self, group: str) -> list[str]:
        """The hosts of a group, in the inventory's order; none for an unknown group."""
        return self.groups.get(group, [])

    def matching(self, pattern: str) -> list[str]:
        """The hosts of one of Ansible's patterns. Raises InputError."""
        try:
            with quiet():
                names = [str(host.name) for host in self._inventory.get_hosts(pattern)]
        except Exception as error:  # whatever Ansible's patterns raise
            raise InputError(f"--limit {pattern}: {first_line(error)}") from error
        if not names:
            raise InputError(f"--limit {pattern}: the inventory has no such host or group")
        return names

    def played(self, pattern: str) -> list[str]:
        """The hosts of a play, none where it has none; its pattern may be a template. Raises UnknownError."""
        some = next(iter(self._inventory.get_hosts()), None)
        hosts = self.template(some.name, pattern) if some else []
        with quiet():
            return [str(host.name) for host in self._inventory.get_hosts(hosts)] if hosts else []

    def depth(self, group: str) -> int:
        """Return the depth of a group below `all`: the deeper one wins."""
        return int(self._inventory.groups[group].depth) if group in self._inventory.groups else 0

    def groups_of(self, host: str) -> list[str]:
        """The groups of a host."""
        return [str(group.name) for group in self._inventory.get_host(host).get_groups()]

    def variables(self, host: str) -> dict[str, Any]:
        """All variables of a host as a play would see them before any fact, not templated. Raises UnknownError."""
        if host not in self._read:
            try:
                with quiet():
                    self._read[host] = self._variables.get_vars(host=self._inventory.get_host(host))
            except Exception as error:  # whatever Ansible's vars plugins raise
                raise UnknownError(first_line(error)) from error
        return self._read[host]

    def listing(self) -> dict[str, Any]:
        """All of it in the form of `ansible-inventory --list`: of each group `hosts` and `children`, and each host's
        variables, not templated, below `_meta`, `hostvars`. Values encrypted by ansible-vault are left out.

        Raises InputError.
        """
        groups = {
            name: {"hosts": [one.name for one in group.hosts], "children": [one.name for one in group.child_groups]}
            for name, group in self._inventory.groups.items()
        }
        try:
            variables = {host: self._variables_in_json(host) for host in self._inventory.hosts}
        except UnknownError as error:
            raise InputError(f"an inventory that cannot be read: {error}") from error
        return {"_meta": {"hostvars": variables}, **groups}

    def _variables_in_json(self, host: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in self.variables(host).keys() - MAGIC:
            with contextlib.suppress(Exception):  # whatever a sealed value may raise
                values[name] = json.loads(json.dumps(plain(self.variables(host)[name]), default=str))
        return values

    def template(self, host: str, value: Any) -> Any:
        """The value with its templates replaced, as plain data. Raises UnknownError."""
        from ansible.template import Templar, trust_as_template

        try:
            with quiet():
                if host not in self._templars:  # a new one would look for each filter again
                    self._templars[host] = Templar(loader=self._loader, variables=self.variables(host))
                return plain(self._templars[host].template(_trusted(value, trust_as_template)))
        except UnknownError:
            raise
        except Exception as error:  # whatever a template may raise
            raise UnknownError(first_line(error)) from error

    def connection(self, host: str) -> dict[str, Any]:
        """The way to a host: host, user, port, key, ssh_args, kind, become."""
        facts: dict[str, Any] = self.template(host, CONNECTION)
        return facts

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Inside, secrets that a template misses are made in memory, in `rehearsed`, and no file is written."""
        store = importlib.import_module(SECRETS).SecretStore
        store.rehearsal = self.rehearsed
        try:
            yield
        finally:
            store.rehearsal = None


def _trusted(value: Any, trust: Any) -> Any:
    if isinstance(value, str):
        return trust(value)
    if isinstance(value, Mapping):
        return {key: _trusted(inner, trust) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_trusted(inner, trust) for inner in value]
    return value


def plain(value: Any) -> Any:
    """Ansible's tagged values as the plain ones they stand for."""
    if isinstance(value, Mapping):
        return {plain(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [plain(inner) for inner in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def written(value: Any) -> str:
    """The text of a value, templates as they are; empty where it is encrypted by ansible-vault."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # whatever a sealed value may raise
        return ""


def first_line(error: BaseException) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
