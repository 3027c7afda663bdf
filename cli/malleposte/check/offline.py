"""Checks of an inventory that need no answer from a host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from malleposte.check import values
from malleposte.check.findings import Finding, Level
from malleposte.check.sources import Sealed, Setting, Sources
from malleposte.check.specs import Specs
from malleposte.fleet.site import PLATFORM, Site, UnknownError
from malleposte.platform import defaults

TEMPLATE = re.compile(r"{{|{%")
LATE = re.compile(r"\bansible_facts\b|\bhostvars\b|\b__\w+")
"""Names that only a run knows: a value that needs them is left to the run."""


class Reader:
    """The inventory as written and as Ansible reads it, side by side; it knows where each value is written."""

    def __init__(self, sources: Sources, site: Site, declared: Specs) -> None:
        self.sources = sources
        self.site = site
        self.declared = declared
        self._values: dict[tuple[str, str], Any] = {}

    def hosts_of(self, setting: Setting) -> list[str]:
        """The hosts for which a setting is made."""
        if setting.of_group:
            return self.site.members(setting.scope)
        return [setting.scope] if setting.scope in self.site.members("all") else []

    def settled(self, host: str, name: str) -> Setting | None:
        """The setting that counts for a host: its own, else that of its deepest group."""
        groups = self.site.groups_of(host)
        mine = [one for one in self.sources.of(name) if (one.scope in groups if one.of_group else one.scope == host)]
        return max(mine, key=lambda one: (not one.of_group, self.site.depth(one.scope)), default=None)

    def value(self, host: str, name: str) -> Any:
        """A variable of a host, templated, a fact with its defaults; None when it is not set or cannot be told."""
        if (host, name) not in self._values:
            raw = self.site.variables(host).get(name)
            try:
                value = self.site.template(host, raw)
            except UnknownError:
                value = None
            self._values[host, name] = self.completed(host, name, value)
        return self._values[host, name]

    def derived(self, host: str, template: str) -> Any:
        """Evaluate a template with the variables of a host; None when it cannot be evaluated."""
        try:
            return self.site.template(host, template)
        except UnknownError:
            return None

    def completed(self, host: str, name: str, value: Any) -> Any:
        """A value of a host with the defaults of its fact; what is no fact is as it was given."""
        spec = self.declared.facts.get(name, {})
        if not defaults.of_spec(spec):
            return value
        operators = self.value(host, "malleposte_operators")
        operator = str(operators[0]) if isinstance(operators, list) and operators else ""
        names = {"domain": str(self.value(host, "malleposte_domain") or ""), "operator": operator}
        return defaults.resolved(spec, value, names)

    def wrong(self, host: str, name: str, path: values.Path, message: str, level: Level = Level.WRONG) -> Finding:
        """A finding at a place inside a variable of a host."""
        setting = self.settled(host, name)
        key = f"{name}{values.spoken(path)}"
        if setting is None:
            return Finding(level, message, self.sources.hosts_file or self.sources.folder, 0, key)
        return Finding(level, message, setting.file, setting.line(path), key)


def names(reader: Reader) -> Iterator[Finding]:
    """Variables that nobody reads, and those that wiring would beat without a word."""
    for setting in reader.sources.settings:
        fault = reader.declared.fault(setting.name)
        if fault:
            yield Finding(Level.WRONG, fault, setting.file, setting.key_line, setting.name)
        elif setting.of_group and setting.scope == "all" and setting.name in reader.declared.specs:
            if not setting.name.startswith("vantage_"):
                message = "set for the group all, where the wiring may beat it without a word; set it for the group "
                yield Finding(Level.WRONG, f"{message}{PLATFORM}", setting.file, setting.key_line, setting.name)
        elif setting.of_group and setting.scope not in reader.site.groups and setting.scope != "all":
            message = f"set for the group {setting.scope}, which the inventory does not have"
            yield Finding(Level.WARNING, message, setting.file, setting.key_line, setting.name)
        elif not setting.of_group and setting.scope not in reader.site.members("all"):
            message = f"set for the host {setting.scope}, which the inventory does not have"
            yield Finding(Level.WARNING, message, setting.file, setting.key_line, setting.name)


def types(reader: Reader) -> Iterator[Finding]:
    """Values that are not what their variable takes."""
    for setting in reader.sources.settings:
        spec = reader.declared.specs.get(setting.name)
        if spec is None:
            continue
        try:
            value = _settled(reader, setting)
        except UnknownError as error:
            path, text = _template_in(setting.value) or ((), "")
            if not LATE.search(text):
                key = f"{setting.name}{values.spoken(path)}"
                yield Finding(Level.WRONG, f"cannot be told: {error}", setting.file, setting.line(path), key)
            continue
        hosts = reader.hosts_of(setting)
        if value is not None and hosts:
            value = reader.completed(hosts[0], setting.name, value)
        for path, message in values.faults(value, spec, templated=_is_templated(setting)):
            key = f"{setting.name}{values.spoken(path)}"
            yield Finding(Level.WRONG, message, setting.file, setting.line(path), key)


def _settled(reader: Reader, setting: Setting) -> Any:
    if isinstance(setting.value, Sealed) or _template_in(setting.value) is None:
        return setting.value
    hosts = reader.hosts_of(setting)
    if not hosts:
        raise UnknownError("the group has no host")
    return reader.site.template(hosts[0], setting.value)


def _template_in(value: Any, path: values.Path = ()) -> tuple[values.Path, str] | None:
    """Return the position of the first template inside a value, and its text."""
    if isinstance(value, str):
        return (path, value) if TEMPLATE.search(value) else None
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return next((place for key, one in inner if (place := _template_in(one, (*path, key)))), None)


def _is_templated(setting: Setting) -> Callable[[values.Path], bool]:
    def templated(path: values.Path) -> bool:
        raw = setting.raw(path)
        return isinstance(raw, str) and bool(TEMPLATE.search(raw))

    return templated


def missing_facts(reader: Reader) -> Iterator[Finding]:
    """Facts that a host of the platform needs and does not have."""
    file = next((one.file for one in reader.sources.of("malleposte_domain")), None)
    place = file or reader.sources.folder / "group_vars" / PLATFORM / "platform.yml"
    unread = {setting.name for setting in reader.sources.settings if reader.declared.fault(setting.name)}
    slips = {reader.declared.nearest(name) for name in unread}
    for name, spec in reader.declared.facts.items():
        if name in slips:
            continue
        without = [host for host in reader.site.members(PLATFORM) if name not in reader.site.variables(host)]
        if spec.get("required") and without:
            yield Finding(Level.WRONG, f"is missing: {spec['description']}", _there(place), 0, name)


def _there(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return path if path.exists() or path == path.parent else _there(path.parent)
