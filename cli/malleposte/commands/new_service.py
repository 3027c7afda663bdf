"""`malleposte new-service`."""

from typing import Any

import click

from malleposte.commands.options import answer
from malleposte.dev import skeleton


@click.command("new-service")
@click.argument("name")
@click.option("--group", default="web", show_default=True, help="The hosts that run it: a group of the inventory.")
@click.option("--package", help="Its package in Debian.  [default: NAME with dashes]")
@click.option("--unit", help="Its unit of systemd.  [default: PACKAGE.service]")
@click.option("--summary", help="Its purpose, in a few words.")
@click.option("--label", default="", help="The name of its web site under the domain, such as figures.")
@click.option("--port", default=0, help="Port of the loopback that the site is handed on to.")
@click.option("--database", default="", metavar="USER", help="It has a database, which this system user enters.")
@click.option("--directory", is_flag=True, help="It has an account that reads the directory.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    name: str, group: str, package: str | None, unit: str | None, summary: str | None, as_json: bool, **more: Any
) -> None:
    """Begin a service: its role, its entry in the manifest, its play, its test.

    NAME is that of the role. What is written passes the architecture tests and deploys; docs/add-a-service.md says what
    remains to do.

    \b
    Example:
      ./malleposte new-service node_exporter --group malleposte --package prometheus-node-exporter
      ./malleposte new-service figures --label figures --port 9187 --package prometheus-postgres-exporter \\
          --database prometheus --directory
    """
    package = package or name.replace("_", "-")
    unit = unit or f"{package}.service"
    service = skeleton.Service(name, group, package, unit, summary or f"The service {package}", **more)
    written = [str(path) for path in skeleton.write(service)]
    following = "next: .venv/bin/python -m malleposte.dev.reference, ./malleposte test lint architecture"
    answer({"written": written}, [*written, following], as_json=as_json, indent=2)
