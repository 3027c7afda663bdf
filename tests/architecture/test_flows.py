"""The table of network flows names every port that the service manifest opens, and no other."""

import re

import yaml
from malleposte.core.paths import ROOT

ELSEWHERE = {22: "the firewall's own rule", 5432: "the wiring, for web hosts elsewhere"}


def test_the_flows_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))
    services = manifest["malleposte_services"].values()
    opened = {int(entry["port"]) for service in services for entry in service.get("listen", ())}
    text = (ROOT / "docs/flows.md").read_text("utf-8")
    into = text[text.index("## Into the hosts") : text.index("## Out of the hosts")]
    rows = [line.split("|")[2] for line in into.splitlines() if line.startswith(("| `", "| every"))]
    told = {int(port) for row in rows for port in re.findall(r"(\d+)/tcp", row)}
    assert told == opened | set(ELSEWHERE)
