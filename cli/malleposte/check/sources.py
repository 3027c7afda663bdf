"""The variables that an inventory sets, each with its file and line; read as text, nothing is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from malleposte.check.findings import Finding, Level
from malleposte.core.paths import HOSTS, hosts_of

VAULTED = "$ANSIBLE_VAULT"
SUFFIXES = ("", ".yml", ".yaml", ".json")
INVENTORIES = (".yml", ".yaml", ".ini")
"""Endings of files of hosts."""
IGNORED = (".csv", ".md", ".pyc", ".cfg", ".retry", "~")


class Sealed(str):
    """A value that ansible-vault keeps: it is there, and that is all that is known."""


class _Loader(yaml.SafeLoader):
    """Reads `!unsafe` as what it holds and `!vault` as a Sealed text."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> object:
    if suffix.startswith("vault"):
        return Sealed("")
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


_Loader.add_multi_constructor("!", _tagged)


@dataclass(frozen=True)
class Setting:
    """One variable set for a group or a host. `scope` is its name, `of_group` whether it is a group."""

    name: str
    value: Any
    scope: str
    of_group: bool
    file: Path
    node: yaml.Node | None = field(repr=False, compare=False, default=None)
    key_line: int = 0

    def line(self, path: tuple[str | int, ...] = ()) -> int:
        """The line of a value inside this one, or of the nearest thing above it that is written."""
        line, node = self.key_line, self.node
        for step in path:
            if isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                break
        return line

    def raw(self, path: tuple[str | int, ...] = ()) -> Any:
        """The written value at a path; a text above it when that makes it (a template)."""
        value = self.value
        for step in path:
            within = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if not within and not (isinstance(value, Mapping) and step in value):
                break
            value = value[step]
        return value


@dataclass
class Sources:
    """Everything that an inventory's files set, and what could not be read."""

    folder: Path
    settings: list[Setting] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hosts_file: Path | None = None
    host_lines: dict[str, int] = field(default_factory=dict)
    group_lines: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> list[Setting]:
        """Return the places that set a variable, in the order of reading."""
        return [setting for setting in self.settings if setting.name == name]


def read(inventory: Path) -> Sources:
    """Reads hosts, group_vars and host_vars beside `inventory` (a folder or a file). Never raises on what they hold."""
    folder = inventory if inventory.is_dir() else inventory.parent
    sources = Sources(folder)
    hosts = hosts_of(inventory)
    for path in [hosts] if hosts.is_file() else _inventory_files(folder):
        _read_hosts(sources, path)
    for path in _inventory_files(folder) if hosts == folder / HOSTS else ():
        if path != hosts and path.suffix in INVENTORIES:
            message = f"is not read: the hosts of an inventory stand in its {HOSTS} alone"
            sources.findings.append(Finding(Level.WARNING, message, path))
    for kind, of_group in (("group_vars", True), ("host_vars", False)):
        for scope, path in _variable_files(folder / kind):
            _read_variables(sources, path, scope, of_group)
    return sources


def _inventory_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(IGNORED):
            yield path


def _variable_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(group or host, file) of every file that Ansible reads below group_vars or host_vars."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
                if inner.is_file() and inner.suffix in SUFFIXES and not hidden and not inner.name.endswith("~"):
                    yield path.name, inner
        elif path.suffix in SUFFIXES and not path.name.startswith("."):
            yield path.name.removesuffix(path.suffix), path


def _compose(sources: Sources, path: Path) -> tuple[yaml.Node | None, Any]:
    """The file's node and value; a finding where it is not YAML. A sealed file has neither."""
    try:
        text = path.read_text("utf-8")
        if text.startswith(VAULTED):
            return None, None
        loader = _Loader(text)
        node = loader.get_single_node()
        value = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        sources.findings.append(Finding(Level.WRONG, f"not YAML: {error.problem or error.context}", path, line))
        return None, None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        sources.findings.append(Finding(Level.WRONG, f"cannot be read: {reason}", path))
        return None, None
    return node, value


def _add(sources: Sources, path: Path, node: yaml.Node | None, value: Any, scope: str, of_group: bool) -> None:
    """Every variable of a mapping."""
    if not isinstance(node, yaml.MappingNode) or not isinstance(value, dict):
        return
    _twice(sources, path, node)
    for key, inner in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        sources.settings.append(Setting(name, value.get(name), scope, of_group, path, inner, line))


def _twice(sources: Sources, path: Path, node: yaml.MappingNode, where: str = "") -> None:
    """A key that is written twice in a mapping: YAML keeps the last one alone, without a word."""
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            message = f"given twice{where}, here and in line {seen[name]}; the last one counts"
            sources.findings.append(Finding(Level.WRONG, message, path, line, name))
        seen[name] = line


def _read_variables(sources: Sources, path: Path, scope: str, of_group: bool) -> None:
    node, value = _compose(sources, path)
    if value is not None and not isinstance(value, dict):
        sources.findings.append(Finding(Level.WRONG, "variables and their values are expected", path, 1))
    _add(sources, path, node, value, scope, of_group)


def _read_hosts(sources: Sources, path: Path) -> None:
    """A YAML inventory; another form is left to Ansible, which knows it."""
    if path.suffix not in (".yml", ".yaml", ".json"):
        return
    node, value = _compose(sources, path)
    if isinstance(node, yaml.MappingNode) and isinstance(value, dict):
        sources.hosts_file = sources.hosts_file or path
        for key, inner in node.value:
            _read_group(sources, path, str(key.value), key.start_mark.line + 1, inner, value.get(key.value))


def _read_group(sources: Sources, path: Path, name: str, line: int, node: yaml.Node, value: Any) -> None:
    sources.group_lines.setdefault(name, line)
    if not isinstance(node, yaml.MappingNode) or not isinstance(value, dict):
        return
    _twice(sources, path, node, f" in the group {name}")
    for key, inner in node.value:
        part = value.get(key.value)
        if isinstance(inner, yaml.MappingNode) and key.value in ("hosts", "children"):
            _twice(sources, path, inner, f" in the group {name}")
        if key.value == "vars":
            _add(sources, path, inner, part, name, True)
        elif isinstance(inner, yaml.MappingNode) and isinstance(part, dict):
            for one, below in inner.value:
                if key.value == "children":
                    _read_group(sources, path, str(one.value), one.start_mark.line + 1, below, part.get(one.value))
                elif key.value == "hosts":
                    sources.host_lines.setdefault(str(one.value), one.start_mark.line + 1)
                    _add(sources, path, below, part.get(one.value), str(one.value), False)
