"""The inventory of one host, as it is shipped, in a lab of its own: that host, and what simulates the Internet."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from malleposte.core.paths import ENV_PREFIX, LAB_INVENTORY, ROOT
from malleposte.dev.lab.settings import ENV_NETWORK, derived_network

from tests.stack.support.site import Site

SHIPPED = "inventories/standalone"
PREFIX = "seul"
"""Of its lab; the network follows."""
HOST = "mail1"
HOSTS, LAB, FACTS = "hosts.yml", "group_vars/all/lab.yml", "group_vars/malleposte/platform.yml"


@contextmanager
def bare(site: Site, folder: Path) -> Iterator[Site]:
    """The bare hosts of an inventory, in a lab of their own; the standing lab sleeps meanwhile."""
    site.lab.stop()
    known = {name: os.environ.get(name) for name in ("MALLEPOSTE_INVENTORY", ENV_PREFIX, ENV_NETWORK)}
    network = str(derived_network(PREFIX))
    os.environ |= {"MALLEPOSTE_INVENTORY": str(folder), ENV_PREFIX: PREFIX, ENV_NETWORK: network}
    try:
        made = Site()
        made.lab.up()
        yield made
        made.close()
        made.lab.down()
    finally:
        for name, value in known.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        site.lab.start()


def write(folder: Path, *, vault: str = "", root: Path = ROOT, **tls: Any) -> Path:
    """Copy the shipped inventory to `folder`, edited as an operator would, with the lab's Internet beside the host.

    `vault` is a host of the lab that is added; `root` is the tree whose inventories are meant; `tls` are keys of
    malleposte_tls.
    """
    lab = root / LAB_INVENTORY.relative_to(ROOT)
    shutil.copytree(root / SHIPPED, folder, ignore=shutil.ignore_patterns("secrets"))
    for path in (LAB, "group_vars/vantage/probe.yml"):
        (folder / path).parent.mkdir(exist_ok=True)
        shutil.copy(lab / path, folder / path)
    for path, edit in ((HOSTS, _hosts), (FACTS, _facts)):
        _edit(folder / path, partial(edit, read(lab / path)))
    if root != ROOT:
        # An older lab's names of addresses are those of its five hosts; these follow from the inventory.
        names = read(LAB_INVENTORY / LAB)
        _edit(
            folder / LAB, lambda known: known.update({one: names[one] for one in ("lab_reverse_names", "lab_others")})
        )
    if vault:
        host = read(lab / HOSTS)["all"]["children"]["malleposte"]["children"]["vault"]["hosts"][vault]
        added = {"hosts": {vault: host}}
        _edit(folder / HOSTS, lambda known: known["all"]["children"]["malleposte"]["children"].update(vault=added))
    _edit(folder / FACTS, lambda known: known["malleposte_tls"].update(tls))
    return folder


def read(path: Path) -> dict[str, Any]:
    """A file of an inventory."""
    known: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return known


def _edit(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    known = read(path)
    edit(known)
    path.write_text(yaml.safe_dump(known, allow_unicode=True, sort_keys=False), "utf-8")


def _hosts(of_lab: dict[str, Any], known: dict[str, Any]) -> None:
    lab, top = of_lab["all"], known["all"]
    top["vars"] = lab["vars"]
    top["hosts"][HOST] |= lab["children"]["malleposte"]["children"]["mail"]["hosts"][HOST]
    top["children"] |= {name: lab["children"][name] for name in ("internet", "vantage")}


def _facts(lab: dict[str, Any], known: dict[str, Any]) -> None:
    """The operator's edits: the networks, and the sources of names and certificates."""
    known["malleposte_networks"] = lab["malleposte_networks"]
    tls = {name: lab["malleposte_tls"][name] for name in ("acme_directory", "caa") if name in lab["malleposte_tls"]}
    known["malleposte_tls"] = known.get("malleposte_tls", {}) | tls
    known["malleposte_dns"] = lab["malleposte_dns"]
    known["malleposte_online_filters"] = False
