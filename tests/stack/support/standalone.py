"""The inventory of one host, as it is shipped, in a lab of its own: that host, and what simulates the Internet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from malleposte.paths import LAB_INVENTORY, ROOT

SHIPPED = ROOT / "inventories/standalone"
PREFIX = "seul"
"""Of its lab; the network follows."""
HOST = "mail1"
HOSTS, LAB, FACTS = "hosts.yml", "group_vars/all/lab.yml", "group_vars/malleposte/platform.yml"


def write(folder: Path) -> Path:
    """Copy the shipped inventory to `folder`, edited as an operator would, with the lab's Internet beside the host."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("secrets"))
    for path in (LAB, "group_vars/vantage/probe.yml"):
        (folder / path).parent.mkdir(exist_ok=True)
        shutil.copy(LAB_INVENTORY / path, folder / path)
    for path, edit in ((HOSTS, _hosts), (FACTS, _facts)):
        _edit(folder / path, edit)
    return folder


def read(path: Path) -> dict[str, Any]:
    """A file of an inventory."""
    known: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return known


def _edit(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    known = read(path)
    edit(known)
    path.write_text(yaml.safe_dump(known, allow_unicode=True, sort_keys=False), "utf-8")


def _hosts(known: dict[str, Any]) -> None:
    lab, top = read(LAB_INVENTORY / HOSTS)["all"], known["all"]
    top["vars"] = lab["vars"]
    top["hosts"][HOST] |= lab["children"]["malleposte"]["children"]["mail"]["hosts"][HOST]
    top["children"] |= {name: lab["children"][name] for name in ("internet", "vantage")}


def _facts(known: dict[str, Any]) -> None:
    """The operator's edits: the networks, and the sources of names and certificates."""
    lab = read(LAB_INVENTORY / FACTS)
    known["malleposte_networks"] = lab["malleposte_networks"]
    known["malleposte_tls"] = {name: lab["malleposte_tls"][name] for name in ("acme_directory", "caa")}
    known["malleposte_dns"] = lab["malleposte_dns"]
    known["malleposte_online_filters"] = False
