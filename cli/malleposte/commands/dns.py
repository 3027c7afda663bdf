"""`malleposte dns`."""

import ipaddress
import json

import click

from malleposte.commands.options import INVENTORY
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError
from malleposte.dns import facts
from malleposte.dnsrecords.zone import zone_lines

COLOURS = {"present": "green", "missing": "red", "different": "red", "unknown": "yellow"}


@click.group("dns", no_args_is_help=True)
def command() -> None:
    """Show or check the DNS records to publish.

    \b
    Example:
      ./malleposte dns show -i inventories/standalone
      ./malleposte dns check -i inventories/standalone --resolver 9.9.9.9
    """


@command.command("show")
@INVENTORY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--zone", is_flag=True, help="Print the text of a zone file. This is the default.")
def show(inventory: str | None, as_json: bool, zone: bool) -> None:
    """Print the records to publish.

    They follow from the inventory, its secrets (DKIM) and the hosts' keys (TLSA). Before a host is deployed its
    TLSA records are not known yet; publish the others, deploy, and run this again. The PTR records are in a
    comment: the owner of the addresses publishes them.

    \b
    Example:
      ./malleposte dns show
      ./malleposte dns show -i inventories/standalone > records.zone
    """
    if as_json and zone:
        raise InputError("--json and --zone exclude each other", "give one of them")
    published = facts.of_inventory(paths.inventory(inventory))
    if as_json:
        document = {"domain": published.domain, "records": list(published.records), "reverse": list(published.reverse)}
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"; what {published.domain} must publish")
    if published.without_tlsa:
        click.echo("; no TLSA: the mail hosts have no key yet, or could not be reached; ask again after the deploy")
    for line in zone_lines(published.records):
        click.echo(line)
    if published.reverse:
        click.echo("; what whoever holds the addresses must publish; large receivers refuse mail from hosts without it")
    for line in zone_lines(published.reverse):
        click.echo(f"; {line}")


def _servers(_context: click.Context, _parameter: click.Parameter, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses given by --resolver."""
    for text in addresses:
        try:
            ipaddress.ip_address(text)
        except ValueError as error:
            raise InputError(f"--resolver {text!r} is not an address") from error
    return addresses


@command.command("check")
@INVENTORY
@click.option(
    "--resolver",
    "servers",
    multiple=True,
    metavar="ADDRESS",
    callback=_servers,
    help="Server to ask, repeatable. [default: the inventory's servers of the domain, else the system's]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(inventory: str | None, servers: tuple[str, ...], as_json: bool) -> int:
    """Compare the published records with the expected ones.

    \b
    Exit codes: 0 all is right, 1 something is missing, different or could not be asked, 2 bad input.

    \b
    Example:
      ./malleposte dns check
      ./malleposte dns check -i inventories/standalone --resolver 9.9.9.9
    """
    from malleposte.dns import check as checking

    published = facts.of_inventory(paths.inventory(inventory))
    # The servers of the domain's zone do not hold that of the addresses.
    findings = checking.check(published.records, servers or published.servers)
    findings += checking.check(published.reverse, servers)
    wrong = [finding for finding in findings if finding.status is not checking.Status.PRESENT]
    if as_json:
        rows = [
            {"name": f.name, "type": f.type, "status": str(f.status), "expected": f.expected, "found": f.found,
             "reason": f.reason}
            for f in findings
        ]  # fmt: skip
        click.echo(json.dumps({"domain": published.domain, "ok": not wrong, "records": rows}, indent=2))
        return ExitCode.FAILURE if wrong else ExitCode.DONE
    for finding in findings:
        status = click.style(f"{finding.status:<10}", fg=COLOURS[finding.status])
        click.echo(f"{status} {finding.name} {finding.type}{f': {finding.reason}' if finding.reason else ''}")
        if finding.status is not checking.Status.PRESENT:
            for text in finding.expected:
                click.echo(f"           expected {text}")
            for text in finding.found:
                click.echo(f"           found    {text}")
    if published.without_tlsa:
        click.echo("no TLSA was compared: the mail hosts have no key yet, or could not be reached")
    click.echo(f"{len(findings) - len(wrong)} of {len(findings)} record sets are right")
    return ExitCode.FAILURE if wrong else ExitCode.DONE
