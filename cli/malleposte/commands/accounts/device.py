"""`malleposte accounts device add|list|revoke`: passwords of devices, which are not the agent's own."""

from __future__ import annotations

import datetime

import click

from malleposte.accounts.acts import Result, Tools, entry
from malleposte.accounts.channels import Failure
from malleposte.accounts.devices import acts, follow, notice, uses
from malleposte.accounts.life import renewal
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.accounts.output import shown_time, tell
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.devices import Device
from malleposte.directory.model import first
from malleposte.platform import letters
from malleposte.platform.times import stamp
from malleposte.policy.devices import SCOPES, is_identifier


@click.group("device")
def device_group() -> None:
    """Manage device passwords: one for each mail program or telephone of an agent.

    A device password opens only what its scopes say, and is revoked alone. An agent with a second factor needs one for
    each device, since the main password opens none then.

    \b
    Example:
      sudo ./malleposte accounts device add mdupond --name "Téléphone"
      sudo ./malleposte accounts device list mdupond
    """


@device_group.command("add", cls=HostCommand)
@WHO
@click.option("--name", required=True, metavar="TEXT", help="Name of the device, as its owner calls it.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="An access (repeatable; all by default)."
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="A network that it opens from (repeatable; any by default).",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Days that the password is good (default: no end).")
@REASON
@AS_JSON
def add_command(
    who: str,
    name: str,
    scopes: tuple[str, ...],
    networks: tuple[str, ...],
    days: int | None,
    reason: str,
    as_json: bool,
) -> int:
    """Create a device password and print it, once. The owner is notified by mail.

    Scopes: imap (read mail), smtp (send), sieve (filters), dav (calendar and contacts). The device logs in with any
    name or address of the account. From outside its networks it is refused as a wrong password is. Give the password to
    its owner alone, for instance at the desk.

    \b
    Example:
      sudo ./malleposte accounts device add mdupond --name "Téléphone" --reason "seen at the desk with a card"
      sudo ./malleposte accounts device add mdupond --name Copieur --scope smtp --network 192.0.2.0/24 --json
    """
    moment = now()
    expires = moment + datetime.timedelta(days=days) if days else None
    with host(who) as (tools, rules, _settings, uid):
        specification = acts.Specification(name, scopes or SCOPES, expires, networks)
        created = acts.add(tools.directory, tools.journal, uid, specification, moment, most=rules.devices)
        if reason:
            tools.journal.write("device-reason", uid, device=created.device.ident, note=reason)
        result = Result(True, _notify(tools, created.device, notice.created))
    lines = [f"password    {created.password}", "it is shown this once; the directory keeps a digest"]
    facts = acts.row(created.device) | {"password": created.password}
    return tell(result, uid, f"device {created.device.name} added", as_json=as_json, lines=lines, **facts)


@device_group.command("list", cls=HostCommand)
@WHO
@AS_JSON
def list_command(who: str, as_json: bool) -> None:
    """List the devices of an account, with the last use of each; no password is shown.

    \b
    Example:
      sudo ./malleposte accounts device list mdupond
      sudo ./malleposte accounts device list marie.dupond@ac-exemple.test --json
    """
    with host(who) as (tools, _rules, _settings, uid):
        devices = follow.of(tools.directory, uid)
    usage = uses.here()
    last = usage.of(one.ident for one in devices) if usage and devices else {}
    devices = [uses.latest(one, last.get(one.ident)) for one in devices]
    document = {"uid": uid, "devices": [acts.row(one) for one in devices]}
    answer(document, map(_line, devices) if devices else [f"{uid}: no device"], as_json=as_json)


def _line(device: Device) -> str:
    end = f"until {shown_time(stamp(device.expires))}" if device.expires else "no end"
    used = f"used {shown_time(stamp(device.used))} from {device.place or '?'}" if device.used else "never used"
    near = f", from {' '.join(device.networks)} alone" if device.networks else ""
    return f"{device.ident}  {device.name:<24} {','.join(device.scopes):<20} {end}{near}, {used}"


@device_group.command("revoke", cls=HostCommand)
@WHO
@click.argument("device", metavar="[DEVICE]", required=False, default="")
@click.option("--all", "every", is_flag=True, help="All devices of the account.")
@REASON
@AS_JSON
def revoke_command(who: str, device: str, every: bool, reason: str, as_json: bool) -> int:
    """Revoke a device password, by its identifier or its name. The device is out at once; others stay.

    A host that does not answer is named (exit code 4): run the command again, by the identifier.

    \b
    Example:
      sudo ./malleposte accounts device revoke mdupond Téléphone --reason "lost on 3 May"
      sudo ./malleposte accounts device revoke mdupond --all --json
    """
    if bool(device) is every:
        raise InputError("name one device, or say --all", "accounts device revoke --help")
    with host(who) as (tools, _rules, _settings, uid):
        devices = follow.of(tools.directory, uid)
        result = Result()
        if is_identifier(device) and device not in [one.ident for one in devices]:
            # Revoked by a command that did not reach every host.
            devices, result.failures = [], tools.hosts.cut(uid, device)
        elif device:
            devices = [acts.find(tools.directory, uid, device)]
        result.changed = bool(devices)
        for one in devices:
            result.failures += acts.revoke(tools.directory, tools.journal, tools.hosts, one, reason)
            result.failures += _notify(tools, one, notice.revoked)
    done = f"revoked {', '.join(one.name for one in devices)}"
    return tell(result, uid, done, as_json=as_json, devices=[one.ident for one in devices])


def _notify(tools: Tools, device: Device, letter: notice.Letter) -> list[Failure]:
    """Write to the owner; a failure of the result where that cannot be done."""
    to = first(entry(tools.directory, device.owner).attributes, "mail")
    try:
        letters.queue(letter(device, to, renewal.Facts.read(), now()))
    except (MallepostError, ValueError) as error:
        return [Failure("notice to the owner", str(error))]
    return []
