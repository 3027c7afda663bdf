"""Inventories of tests: copies of the shipped ones, edited as operators do."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from malleposte.core.paths import ROOT

HOSTS = "hosts.yml"
FACTS = "group_vars/malleposte/platform.yml"


def copied(folder: Path, name: str = "standalone") -> Path:
    """Copy a shipped inventory without its secrets; return the folder."""
    return shutil.copytree(ROOT / "inventories" / name, folder, ignore=shutil.ignore_patterns("secrets"))


def edited(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what a YAML file says."""
    content = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    edit(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


def with_hosts(folder: Path, group: str, **hosts: str) -> Path:
    """Give a group of the inventory these hosts, each with its address; return the folder."""
    members = {"hosts": {name: {"ansible_host": address} for name, address in hosts.items()}}
    edited(folder / HOSTS, lambda tree: tree["all"]["children"]["malleposte"]["children"].update({group: members}))
    return folder
