"""`malleposte accounts room …`: rooms and equipment that agents book in their agendas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from malleposte.accounts import here
from malleposte.accounts.acts import Tools, make
from malleposte.accounts.feed.values import MOST_BOOKINGS, BadValueError
from malleposte.accounts.feed.values import uai as judged
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.plan.current import Current
from malleposte.accounts.settings import Settings, one_writer
from malleposte.commands.accounts.boxes import end, shut
from malleposte.commands.accounts.options import REASON, YES, confirm
from malleposte.commands.accounts.shared import show
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.directory.model import EVERYONE, Attributes, Resource, ResourceKind, first
from malleposte.directory.protocol import Entry
from malleposte.groupware import rooms

KIND = click.Choice(list(rooms.KINDS))
BOOKINGS = click.IntRange(1, MOST_BOOKINGS)
LATER = "SOGo follows within two minutes"


@click.group("room")
def room_group() -> None:
    """Manage rooms and equipment, which agents invite to an event as they invite colleagues.

    A room that is free accepts; one that is taken refuses, and so does one that the agent may not book. Bookers are
    uids, addresses, rules such as 'uai=9990001X fonction=Enseignant', @school (the agents of its schools), @everyone.

    \b
    Example:
      sudo ./malleposte accounts room create salle.9990001x --name 'Salle de réunion' --uai 9990001X --booker @school
      sudo ./malleposte accounts room list
    """


def _schools(codes: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(judged(code) for code in codes))
    except BadValueError as error:
        raise InputError(f"--uai: {error}") from error


@room_group.command("create", cls=HostCommand)
@click.argument("local")
@click.option("--name", required=True, help="Its name in address books.")
@click.option("--kind", type=KIND, default="room", show_default=True, help="A room or equipment.")
@click.option("--uai", multiple=True, help="UAI code of its school; may be repeated.")
@click.option("--bookings", type=BOOKINGS, default=1, show_default=True, metavar="N", help="Bookings at the same time.")
@click.option("--booker", "bookers", multiple=True, metavar="WHO", help=f"Agents who may book (default: {EVERYONE}).")
def create_command(
    local: str, name: str, kind: str, uai: tuple[str, ...], bookings: int, bookers: tuple[str, ...]
) -> None:
    """Create a room or equipment LOCAL@<domain>. It has no log-in and no mailbox: mail to it is refused.

    \b
    Example:
      sudo ./malleposte accounts room create vehicule.9990001x --name 'Véhicule' --kind equipment --booker mdupond
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        schools, uid = _schools(uai), local.strip().lower()
        one = Resource(
            uid=uid,
            name=name,
            mail=f"{uid}@{settings.domain}",
            kind=rooms.KINDS[kind],
            bookings=bookings,
            bookers=rooms.bookers(tools.directory, bookers or (EVERYONE,), schools),
            establishments=schools,
        )
        change = rooms.create(one, Current(tools.directory).names(), tools.directory.suffix)
        make(tools.directory, tools.journal, [change])
    click.echo(f"{one.uid}: {one.mail} made; {LATER}")


@room_group.command("list", cls=HostCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List rooms and equipment.

    \b
    Example:
      sudo ./malleposte accounts room list --json
    """
    with Settings.read().directory() as directory:
        rows = sorted((_row(entry) for entry in directory.search("resources", rooms.ROOM)), key=lambda row: row["uid"])
    states = {row["uid"]: "" if row["state"] == "active" else f" ({row['state']})" for row in rows}
    lines = (f"{row['uid']:<32} {row['kind']:<10} {row['name']}{states[row['uid']]}" for row in rows)
    answer(rows, lines, as_json=as_json)


@room_group.command("show", cls=HostCommand)
@click.argument("room")
@AS_JSON
def show_command(room: str, as_json: bool) -> None:
    """Show a room or equipment, by uid or address.

    \b
    Example:
      sudo ./malleposte accounts room show salle.9990001x
    """
    with Settings.read().directory() as directory:
        row = _row(rooms.find(directory, room))
    show(row, as_json=as_json)


def _row(entry: Entry) -> dict[str, Any]:
    attributes = entry.attributes
    one = {key: first(attributes, name) for key, name in (("uid", "uid"), ("name", "cn"), ("mail", "mail"))}
    kind = next((word for word, kind in rooms.KINDS.items() if kind == first(attributes, "mpResourceKind")), "")
    rest = {"kind": kind, "state": first(attributes, "mpState"), "bookings": int(first(attributes, "mpBookings") or 1)}
    many = {"schools": "mpEstablishment", "bookers": "mpBooker"}
    return {**one, **rest, **{key: sorted(attributes.get(name, [])) for key, name in many.items()}}


@room_group.command("set", cls=HostCommand)
@click.argument("room")
@click.option("--name", help="Its name in address books.")
@click.option("--kind", type=KIND, help="A room or equipment.")
@click.option("--uai", multiple=True, help="UAI code of its school, in place of those it has; may be repeated.")
@click.option("--bookings", type=BOOKINGS, metavar="N", help="Bookings at the same time.")
@click.option("--booker", "bookers", multiple=True, metavar="WHO", help="Agents who may book, in place of all others.")
@click.option("--suspend/--resume", "suspend", default=None, help="Take it out of service, or back.")
@REASON
def set_command(
    room: str, name: str | None, kind: str | None, uai: tuple[str, ...], bookings: int | None,
    bookers: tuple[str, ...], suspend: bool | None, reason: str,
) -> int:  # fmt: skip
    """Change a room or equipment. Bookings that exist stay.

    \b
    Example:
      sudo ./malleposte accounts room set salle.9990001x --booker @school --booker 'fonction=Principal'
      sudo ./malleposte accounts room set vehicule.9990001x --suspend --reason "at the garage"
    """
    with here.tools(Settings.read()) as tools:
        entry = rooms.find(tools.directory, room)
        schools = _schools(uai) or tuple(entry.attributes.get("mpEstablishment", ()))
        attributes: Attributes = {}
        if name:
            attributes |= {"cn": [name], "displayName": [name]}
        if kind:
            attributes["mpResourceKind"] = [ResourceKind(rooms.KINDS[kind]).value]
        if uai:
            attributes["mpEstablishment"] = list(schools)
        if bookings:
            attributes["mpBookings"] = [str(bookings)]
        if bookers:
            attributes["mpBooker"] = list(rooms.bookers(tools.directory, bookers, schools))
        changes = rooms.edit(entry, attributes)
        if suspend is not None:
            changes += rooms.suspended(entry, suspend=suspend)
        return _changed(tools, first(entry.attributes, "uid"), changes, reason)


def _changed(tools: Tools, uid: str, changes: list[Change], reason: str) -> int:
    changed = make(tools.directory, tools.journal, changes, reason)
    click.echo(f"{uid}: {f'changed; {LATER}' if changed else 'nothing to change'}")
    # SOGo remembers what a resource is.
    return shut(tools, [uid], sessions=False)


@room_group.command("end", cls=HostCommand)
@click.argument("room")
@REASON
@YES
def end_command(room: str, reason: str, yes: bool) -> int:
    """End a room or equipment: archive its agenda on the host, remove it. Its address is never reused.

    Events that hold it stay in their owners' agendas. The archive is a ZIP file in the folder of
    accounts_archive_folder, mode 0600. After an interruption, type the same again.

    \b
    Example:
      sudo ./malleposte accounts room end vehicule.9990001x --reason "sold"
    """
    settings = Settings.read()
    with one_writer(), here.tools(settings) as tools:
        entry = rooms.find(tools.directory, room)
        uid = first(entry.attributes, "uid")
        confirm(f"End {uid} with all its bookings?", yes=yes)
        end(settings, tools, entry, reason, Kind.ROOM)
        return shut(tools, [uid], sessions=False)
