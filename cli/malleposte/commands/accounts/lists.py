"""`malleposte accounts lists …`: distribution lists, their members and posters, and what waits for a moderator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from malleposte.accounts import here
from malleposte.accounts.acts import Tools, make
from malleposte.accounts.life import ending
from malleposte.accounts.plan.current import Current
from malleposte.accounts.settings import Settings, one_writer
from malleposte.commands.accounts.context import now
from malleposte.commands.accounts.options import REASON, YES, confirm
from malleposte.commands.accounts.shared import show
from malleposte.commands.away import HostCommand, MailCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Directory, Entry
from malleposte.lists import daemon, edits
from malleposte.lists.members import by_rule, expand
from malleposte.lists.model import ASKED, to_list
from malleposte.lists.rule import parse

SHOWN = 20
MAX_SIZE = click.option(
    "--max-size", "max_kb", type=click.IntRange(1, 1_000_000), metavar="KB", help="Largest message."
)
RATE = click.option("--rate", type=click.IntRange(1, 1_000_000), metavar="N", help="Recipients a minute.")


@click.group("lists")
def lists_group() -> None:
    """Manage distribution lists: named members, or members found by a rule when a message is sent.

    Posters are uids, external addresses, @members, @staff (every account), @anyone, @list:NAME. A list with moderators
    holds the messages of other posters until a moderator accepts them.

    \b
    Example:
      sudo ./malleposte accounts lists create chefs-yonne --name "Chefs d'établissement de l'Yonne" \\
        --rule 'fonction=Principal,Proviseur departement=89' --poster recteur --rate 600
      sudo ./malleposte accounts lists members chefs-yonne
    """


@lists_group.command("create", cls=HostCommand)
@click.argument("name")
@click.option("--name", "title", default="", help="Its name in address books.")
@click.option("--rule", "rules", multiple=True, help="Members by a rule; may be repeated.")
@click.option("--member", "members", multiple=True, metavar="WHO", help="uid, address, @list:NAME; may be repeated.")
@click.option("--poster", "posters", multiple=True, metavar="WHO", help="A poster (default: @members).")
@click.option("--moderator", "moderators", multiple=True, metavar="UID", help="A moderator.")
@click.option("--manager", "managers", multiple=True, metavar="UID", help="A manager, who gets the bounces.")
@MAX_SIZE
@RATE
@click.option("--hidden", is_flag=True, help="Keep it out of address books.")
def create_command(
    name: str, title: str, rules: tuple[str, ...], members: tuple[str, ...], posters: tuple[str, ...],
    moderators: tuple[str, ...], managers: tuple[str, ...], max_kb: int | None, rate: int | None, hidden: bool,
) -> None:  # fmt: skip
    """Create a list NAME@<domain>.

    \b
    Example:
      sudo ./malleposte accounts lists create profs-9990001x --rule 'uai=9990001X fonction=Enseignant' --poster @members
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        one = edits.draft(
            tools.directory, name, title, settings.domain, rules=rules, members=members, posters=posters,
            moderators=moderators, managers=managers, max_kb=max_kb, rate=rate, hidden=hidden,
        )  # fmt: skip
        change = edits.create(one, Current(tools.directory).names(), tools.directory.suffix)
        make(tools.directory, tools.journal, [change])
        click.echo(f"{one.mail}: {len(expand(tools.directory, one))} members")


@lists_group.command("show", cls=HostCommand)
@click.argument("name")
@AS_JSON
def show_command(name: str, as_json: bool) -> None:
    """Show a list, by name or address.

    \b
    Example:
      sudo ./malleposte accounts lists show chefs-yonne
    """
    with Settings.read().directory() as directory:
        entry = edits.find(directory, name)
        row = _row(entry) | {"count": len(expand(directory, to_list(entry.attributes)))}
    show(row, as_json=as_json)


@lists_group.command("list", cls=HostCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the lists.

    \b
    Example:
      sudo ./malleposte accounts lists list --json
    """
    with Settings.read().directory() as directory:
        rows = sorted((_row(entry) for entry in directory.search("lists", ASKED)), key=lambda row: str(row["name"]))
    lines = (
        f"{row['name']:<32} {'rule' if row['rules'] else 'named':<6} {'moderated' if row['moderators'] else '':<10} "
        f"{row['title']}"
        for row in rows
    )
    answer(rows, lines, as_json=as_json)


def _row(entry: Entry) -> dict[str, Any]:
    one = to_list(entry.attributes)
    return {
        "name": one.name, "title": one.title, "mail": one.mail, "state": one.state, "rules": list(one.urls),
        "members": [dn.partition(",")[0].partition("=")[2] for dn in one.members] + list(one.outside),
        "posters": list(one.posters), "moderators": list(one.moderators), "managers": list(one.managers),
        "max_kb": one.max_kb, "rate": one.rate, "hidden": one.hidden, "archive": one.archive,
    }  # fmt: skip


@lists_group.command("members", cls=HostCommand)
@click.argument("name", required=False)
@click.option("--rule", help="Those of a rule, before any list has it.")
@click.option("--add", multiple=True, metavar="WHO", help="One more: uid, address, @list:NAME.")
@click.option("--remove", multiple=True, metavar="WHO", help="One less.")
@AS_JSON
def members_command(
    name: str | None, rule: str | None, add: tuple[str, ...], remove: tuple[str, ...], as_json: bool
) -> None:
    """Show the present members of a list or a rule; add or remove named members.

    \b
    Example:
      sudo ./malleposte accounts lists members chefs-yonne
      sudo ./malleposte accounts lists members --rule 'fonction=*principal* departement=89'
      sudo ./malleposte accounts lists members conseil --add mdupond --remove partenaire@exemple.test
    """
    if bool(name) == bool(rule):
        raise InputError("give the name of a list, or --rule")
    with here.tools(Settings.read()) as tools:
        directory = tools.directory
        if name and (add or remove):
            _change_members(tools, name, add, remove)
        if rule:
            everybody = list(by_rule(directory, parse(rule)))
        else:
            everybody = expand(directory, to_list(edits.find(directory, str(name)).attributes))
    rows = [{"uid": one.uid, "mail": one.address, "name": one.name} for one in everybody]
    lines = [f"{len(rows)} members", *(f"  {one.uid:<24} {one.address:<40} {one.name}" for one in everybody[:SHOWN])]
    if len(rows) > SHOWN:
        lines.append(f"  … and {len(rows) - SHOWN} more (--json has all)")
    answer(rows, lines, as_json=as_json)


def _change_members(tools: Tools, name: str, add: Sequence[str], remove: Sequence[str]) -> None:
    for attribute in ("member", "mpMember"):
        entry = edits.find(tools.directory, name)
        more, less = (
            [value for kind, value in (edits.member_of(tools.directory, word) for word in words) if kind == attribute]
            for words in (add, remove)
        )
        make(tools.directory, tools.journal, edits.adjusted(entry, attribute, more, less))


@lists_group.command("poster", cls=HostCommand)
@click.argument("name")
@click.option(
    "--add", multiple=True, metavar="WHO", help="uid, address outside, @members, @staff, @anyone, @list:NAME."
)
@click.option("--remove", multiple=True, metavar="WHO", help="The same.")
def poster_command(name: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Show or change the posters of a list; managers and moderators may always write.

    \b
    Example:
      sudo ./malleposte accounts lists poster chefs-yonne --add recteur --remove @members
    """
    click.echo(", ".join(to_list(_adjusted(name, "mpPoster", edits.poster_word, add, remove)).posters) or "nobody")


@lists_group.command("moderate", cls=HostCommand)
@click.argument("name")
@click.option("--add", multiple=True, metavar="UID", help="One more moderator.")
@click.option("--remove", multiple=True, metavar="UID", help="One less; without any nothing is held.")
def moderate_command(name: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Show or change the moderators of a list.

    \b
    Example:
      sudo ./malleposte accounts lists moderate chefs-yonne --add scom
    """
    _people(name, "mpModerator", add, remove)


@lists_group.command("manager", cls=HostCommand)
@click.argument("name")
@click.option("--add", multiple=True, metavar="UID", help="One more.")
@click.option("--remove", multiple=True, metavar="UID", help="One less.")
def manager_command(name: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Show or change the managers of a list, who get its bounces and may write to it.

    \b
    Example:
      sudo ./malleposte accounts lists manager chefs-yonne --add cmartin
    """
    _people(name, "mpManager", add, remove)


def _people(name: str, attribute: str, add: Sequence[str], remove: Sequence[str]) -> None:
    attributes = _adjusted(name, attribute, edits.account, add, remove)
    click.echo(", ".join(sorted(attributes.get(attribute, []))) or "nobody")


def _adjusted(
    name: str, attribute: str, read: Callable[[Directory, str], str], add: Sequence[str], remove: Sequence[str]
) -> Attributes:
    """The attributes of a list once words, which `read` gives their value, came to one of them and left it."""
    with here.tools(Settings.read()) as tools:
        entry = edits.find(tools.directory, name)
        more, less = ([read(tools.directory, word) for word in words] for words in (add, remove))
        make(tools.directory, tools.journal, edits.adjusted(entry, attribute, more, less))
        return edits.find(tools.directory, name).attributes


@lists_group.command("set", cls=HostCommand)
@click.argument("name")
@MAX_SIZE
@RATE
@click.option("--suspend/--resume", default=None, help="Refuse every message, or take them again.")
@click.option("--archive/--no-archive", default=None, help="Archive what it sends, for its members; or no more.")
def set_command(
    name: str, max_kb: int | None, rate: int | None, suspend: bool | None, archive: bool | None
) -> None:  # fmt: skip
    """Show or change the limits of a list, and whether it has an archive.

    \b
    Example:
      sudo ./malleposte accounts lists set chefs-yonne --max-size 5000 --rate 300
      sudo ./malleposte accounts lists set chefs-yonne --archive
    """
    typed_limits = {"mpMaxSize": max_kb, "mpRate": rate}
    after = {key: [str(value)] for key, value in typed_limits.items() if value is not None}
    if suspend is not None:
        after["mpState"] = ["suspended" if suspend else "active"]
    with here.tools(Settings.read()) as tools:
        entry = edits.find(tools.directory, name)
        changes = edits.changed(entry, after)
        if archive is not None:
            changes += edits.archive(tools.directory, entry, on=archive)
        changed = make(tools.directory, tools.journal, changes)
        one = to_list(edits.find(tools.directory, name).attributes)
    limits = f"{one.max_kb or 'any'} KB a message, {one.rate or 'the usual'} recipients a minute"
    archived = "with an archive" if one.archive else "without an archive"
    click.echo(f"{one.mail}: {'set' if changed else 'nothing to change'}: {one.state}, {limits}, {archived}")


@lists_group.command("end", cls=HostCommand)
@click.argument("name")
@REASON
@YES
def end_command(name: str, reason: str, yes: bool) -> None:
    """End a list. Its addresses are never reused; its members and rules are kept in a file on the host.

    The file is in the folder of accounts_archive_folder, mode 0600. To stop a list for a time: lists set --suspend.

    \b
    Example:
      sudo ./malleposte accounts lists end chefs-yonne --reason "replaced by chefs-89"
    """
    settings = Settings.read()
    with one_writer(), here.tools(settings) as tools:
        entry = edits.find(tools.directory, name)
        mail = to_list(entry.attributes).mail
        confirm(f"End the list {mail}?", yes=yes)
        path = ending.end_list(tools.directory, tools.journal, here.rules_of(settings), entry, now(), reason)
    click.echo(f"{mail}: ended, kept in {path}; its address is never given again")


class HeldCommand(MailCommand):
    """One about a message that some host of mail holds."""

    until_done = True


def _daemon(act: str, **words: str) -> Any:
    try:
        return daemon.ask(act, words)
    except OSError as error:
        raise MallepostError(
            f"the lists' daemon does not answer: {error.strerror}", "this works on a mail host"
        ) from error


@lists_group.command("queue", cls=MailCommand)
@AS_JSON
def queue_command(as_json: bool) -> None:
    """Show messages that wait for a moderator, that are being sent, or that were set aside, with the reason.

    \b
    Example:
      sudo ./malleposte accounts lists queue
    """
    rows = _daemon("queue")
    answer(rows, (line for row in rows for line in _waiting(row)), as_json=as_json)


def _waiting(row: Mapping[str, Any]) -> Iterator[str]:
    words = {"held": "held", "bad": "put aside"}
    far = words.get(row["place"]) or f"{row.get('done', '?')}/{row.get('recipients') or '?'}"
    yield f"{row['id']}  {far:<12} {row['list']:<24} {row['sender']:<32} {row['subject'][:60]}"
    if "reason" in row:
        yield f"    {row['reason']}"


@lists_group.command("approve", cls=HeldCommand)
@click.argument("ident", metavar="ID")
def approve_command(ident: str) -> None:
    """Accept a held message, or retry one that was set aside.

    \b
    Example:
      sudo ./malleposte accounts lists approve 20260914081500-5f2a90c1
    """
    _daemon("approve", id=ident)
    click.echo(f"{ident}: let through")


@lists_group.command("reject", cls=HeldCommand)
@click.argument("ident", metavar="ID")
@click.option("--reason", default="", help="Told to the writer.")
def reject_command(ident: str, reason: str) -> None:
    """Reject a held message and notify its author; drop one that was set aside.

    \b
    Example:
      sudo ./malleposte accounts lists reject 20260914081500-5f2a90c1 --reason 'Hors sujet'
    """
    _daemon("reject", id=ident, reason=reason)
    click.echo(f"{ident}: turned away, its writer is told")
