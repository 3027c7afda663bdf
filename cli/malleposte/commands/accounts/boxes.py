"""`malleposte accounts box …`: functional mailboxes, their delegates and their managers."""

from __future__ import annotations

from collections.abc import Iterable

import click

from malleposte.accounts import boxes, here
from malleposte.accounts.acts import Tools, make
from malleposte.accounts.channels import Failure, close_all, forget_all
from malleposte.accounts.life import ending
from malleposte.accounts.mailbox import own_addresses
from malleposte.accounts.plan.changes import Kind
from malleposte.accounts.plan.current import Current
from malleposte.accounts.settings import Settings, one_writer
from malleposte.accounts.used_names import UsedNames
from malleposte.commands.accounts.context import now
from malleposte.commands.accounts.options import REASON, YES, confirm
from malleposte.commands.accounts.shared import show
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.directory.model import FunctionalBox, first
from malleposte.directory.protocol import Entry
from malleposte.platform import profiles


@click.group("box")
def box_group() -> None:
    """Manage functional mailboxes, such as ce.<UAI>@: delegates open them, without a shared password.

    \b
    Example:
      sudo ./malleposte accounts box delegate ce.9990001x mdupond
      sudo ./malleposte accounts box show ce.9990001x
    """


def relisted(tools: Tools) -> list[Failure]:
    """Have Dovecot's lists of shared boxes renewed now; each store renews its own twice a minute anyway."""
    return tools.hosts.relist()


def shut(tools: Tools, uids: Iterable[str], *, sessions: bool) -> int:
    """Make a change of rights effective at once: clear caches, and end sessions that lost a right."""
    act = close_all if sessions else forget_all
    failures = [failure for uid in uids for failure in act(tools.channels, uid)]
    return partly(failures)


def partly(failures: Iterable[Failure]) -> int:
    """Name what was not done, each once; the exit code."""
    lines = dict.fromkeys(map(str, failures))
    for line in lines:
        click.echo(f"malleposte: not done: {line}", err=True)
    return ExitCode.PARTLY if lines else ExitCode.DONE


@box_group.command("create", cls=HostCommand)
@click.argument("local")
@click.option("--name", required=True, help="Its name in address books.")
@click.option("--uai", multiple=True, help="UAI code of its school; may be repeated.")
@click.option("--delegate", "delegates", multiple=True, metavar="UID", help="A delegate (repeatable).")
@click.option("--manager", "managers", multiple=True, metavar="UID", help="A manager of the delegates (repeatable).")
@click.option("--quota", type=click.IntRange(1, 9_999_999), metavar="MB", help="Its size.")
@click.option("--agenda", is_flag=True, help="Give its delegates one agenda (`box agenda` later).")
def create_command(
    local: str, name: str, uai: tuple[str, ...], delegates: tuple[str, ...], managers: tuple[str, ...],
    quota: int | None, agenda: bool,
) -> int:  # fmt: skip
    """Create a functional mailbox LOCAL@<domain>. The schools' feed creates those of ce.<UAI>@.

    \b
    Example:
      sudo ./malleposte accounts box create vie-scolaire.9990001x --name 'Vie scolaire' --delegate abenali-morel
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        directory = tools.directory
        people = {one.attributes["uid"][0]: one for one in (boxes.person(directory, uid) for uid in delegates)}
        heads = [boxes.person(directory, uid).attributes["uid"][0] for uid in managers]
        box = FunctionalBox(
            uid=local.lower(),
            name=name,
            mail=f"{local.lower()}@{settings.domain}",
            delegates=tuple(people),
            establishments=tuple(code.upper() for code in uai),
            profile=profiles.read().default,
            quota_mb=quota,
            agenda=agenda,
        )
        changes = boxes.create(box, people, Current(directory).names(), directory.suffix, managers=heads)
        make(directory, tools.journal, changes)
        relisted(tools)
        click.echo(f"{box.uid}: {box.mail} made, opened by {', '.join(people) or 'nobody yet'}")
        return shut(tools, people, sessions=False)


@box_group.command("ensure", cls=HostCommand)
@click.argument("pairs", nargs=-1, required=True, metavar="ADDRESS=NAME...")
@AS_JSON
def ensure_command(pairs: tuple[str, ...], as_json: bool) -> None:
    """Create a functional mailbox for every ADDRESS of the domain that nobody has; existing ones are unchanged.

    A deploy does this for the addresses of the platform's facts.

    \b
    Example:
      sudo ./malleposte accounts box ensure 'dsi@ac-exemple.test=Exploitation de la messagerie'
    """
    addresses = dict(word.partition("=")[::2] for word in pairs)
    nameless = [address for address, name in addresses.items() if "@" not in address or not name]
    if nameless:
        raise InputError(f"{nameless[0]!r} is not ADDRESS=NAME")
    settings = Settings.read()
    with here.tools(settings) as tools:
        directory = tools.directory
        own_class = profiles.read().default
        missing = own_addresses.missing(directory, addresses, settings.domain, UsedNames(directory), profile=own_class)
        for box in missing:
            make(directory, tools.journal, boxes.create(box, {}, (), directory.suffix))
        if missing:
            relisted(tools)
    lines = [
        f"{box.mail}: made; nobody opens it until `malleposte accounts box delegate {box.uid} UID`" for box in missing
    ]
    answer({"made": [box.uid for box in missing]}, lines or ["every address has somewhere to arrive"], as_json=as_json)


@box_group.command("show", cls=HostCommand)
@click.argument("box")
@AS_JSON
def show_command(box: str, as_json: bool) -> None:
    """Show a functional mailbox, by uid, address or UAI code.

    \b
    Example:
      sudo ./malleposte accounts box show 9990001X
    """
    settings = Settings.read()
    with settings.directory() as directory:
        entry = boxes.find(directory, box)
    show(_row(entry), as_json=as_json)


@box_group.command("list", cls=HostCommand)
@click.option("--orphans", is_flag=True, help="Only those that nobody opens.")
@AS_JSON
def list_command(orphans: bool, as_json: bool) -> None:
    """List functional mailboxes.

    \b
    Example:
      sudo ./malleposte accounts box list --orphans
    """
    settings = Settings.read()
    with settings.directory() as directory:
        listed = [_row(entry) for entry in directory.search("functional", boxes.BOX)]
    rows = sorted((row for row in listed if not orphans or not row["delegates"]), key=lambda row: str(row["uid"]))
    lines = (f"{row['uid']:<24} {len(row['delegates']):>3}  {row['name']}" for row in rows)
    answer(rows, lines, as_json=as_json)


def _row(entry: Entry) -> dict[str, str | list[str]]:
    attributes = entry.attributes
    one = {key: (attributes.get(name) or [""])[0] for key, name in (("uid", "uid"), ("name", "cn"), ("mail", "mail"))}
    rest = {"state": (attributes.get("mpState") or [""])[0], "quota_mb": (attributes.get("mpQuota") or [""])[0]}
    rest["agenda"] = "on" if attributes.get("mpAgenda") == ["TRUE"] else "off"
    many = {"schools": "mpEstablishment", "delegates": "mpDelegate", "managers": "mpManager"}
    return {**one, **rest, **{key: sorted(attributes.get(name, [])) for key, name in many.items()}}


@box_group.command("delegate", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def delegate_command(box: str, uids: tuple[str, ...]) -> int:
    """Let agents open a functional mailbox and send from it, from their next log-in on.

    \b
    Example:
      sudo ./malleposte accounts box delegate ce.9990001x mdupond abenali-morel
    """
    with here.tools(Settings.read()) as tools:
        members = boxes.gather(tools.directory, box, uids)
        changed = make(tools.directory, tools.journal, boxes.delegate(members))
        relisted(tools)
        done = "opened by" if changed else "nothing to change, opened already by"
        click.echo(f"{members.uid}: {done} {', '.join(members.people)}")
        return shut(tools, members.people, sessions=False)


@box_group.command("undelegate", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def undelegate_command(box: str, uids: tuple[str, ...]) -> int:
    """Remove agents' access to a functional mailbox, at once: their sessions end.

    A host that does not answer is named, and sessions continue there (exit code 4): run the command again.

    \b
    Example:
      sudo ./malleposte accounts box undelegate ce.9990001x mdupond
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        members = boxes.gather(tools.directory, box, uids, gone=True)
        changed = make(tools.directory, tools.journal, boxes.undelegate(members))
        done = "no longer opened by" if changed else "nothing to change, not opened by"
        click.echo(f"{members.uid}: {done} {', '.join(members.people)}")
        return shut(tools, members.people, sessions=True)


@box_group.command("manager", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
@click.option("--remove", is_flag=True, help="Take it away from them.")
def manager_command(box: str, uids: tuple[str, ...], remove: bool) -> None:
    """Make agents the managers of a functional mailbox, who decide on its delegates.

    \b
    Example:
      sudo ./malleposte accounts box manager ce.9990001x elefevre
    """
    with here.tools(Settings.read()) as tools:
        members = boxes.gather(tools.directory, box, uids, gone=remove)
        make(tools.directory, tools.journal, boxes.managers(members, remove=remove))
        managers = boxes.find(tools.directory, members.uid).attributes.get("mpManager", [])
        click.echo(f"{members.uid}: managed by {', '.join(sorted(managers)) or 'nobody'}")


@box_group.command("agenda", cls=HostCommand)
@click.argument("box")
@click.option("--on/--off", "on", required=True, help="Whether its delegates share an agenda.")
@REASON
def agenda_command(box: str, on: bool, reason: str) -> int:
    """Give the delegates of a functional mailbox one agenda in SOGo, or take it from them.

    Each delegate whose class has SOGo sees it in the list of agendas, and writes in it. Without the agenda the
    events stay: they are there again when it is given back, and go with the mailbox.

    \b
    Example:
      sudo ./malleposte accounts box agenda ce.9990001x --on
      sudo ./malleposte accounts box agenda ce.9990001x --off --reason "nobody used it"
    """
    with here.tools(Settings.read()) as tools:
        entry = boxes.find(tools.directory, box)
        uid = entry.attributes["uid"][0]
        changed = make(tools.directory, tools.journal, boxes.agenda(entry, on=on), reason)
        later = "; SOGo follows within two minutes" if changed else " already"
        click.echo(f"{uid}: agenda {'on' if on else 'off'}{later}")
        # SOGo remembers whom it knows.
        return shut(tools, [uid], sessions=False)


@box_group.command("owners", cls=HostCommand)
@click.argument("box")
@click.option("--on/--off", "on", required=True, help="Whether each message has one owner.")
@REASON
def owners_command(box: str, on: bool, reason: str) -> None:
    """Let each message of a functional mailbox have one owner among its delegates, and notes that never leave.

    The academy allows it first (malleposte_box_owners). Mail that comes from then on is followed.

    \b
    Example:
      sudo ./malleposte accounts box owners ce.9990001x --on
      sudo ./malleposte accounts box owners ce.9990001x --off --reason "one person reads it"
    """
    with here.tools(Settings.read()) as tools:
        uid = first(boxes.find(tools.directory, box).attributes, "uid")
        tools.hosts.set_owners(uid, on)
        tools.journal.write("owners", uid, note=reason or ("on" if on else "off"))
        click.echo(f"{uid}: owners of mail {'on' if on else 'off'}")


@box_group.command("end", cls=HostCommand)
@click.argument("box")
@REASON
@YES
def end_command(box: str, reason: str, yes: bool) -> int:
    """End a functional mailbox: stop its mail, archive it on the host, remove it. Its address is never reused.

    The archive is a ZIP file in the folder of accounts_archive_folder, mode 0600. After an interruption,
    type the same again.

    \b
    Example:
      sudo ./malleposte accounts box end vie-scolaire.9990001x --reason "school closed"
    """
    settings = Settings.read()
    with one_writer(), here.tools(settings) as tools:
        entry = boxes.find(tools.directory, box)
        boxes.refuse_team(entry)
        uid = entry.attributes["uid"][0]
        people = entry.attributes.get("mpDelegate", [])
        confirm(f"End the box {uid} with all its mail ({len(people)} open it)?", yes=yes)
        end(settings, tools, entry, reason)
        relisted(tools)
        return shut(tools, people, sessions=True)


def end(settings: Settings, tools: Tools, entry: Entry, reason: str, kind: Kind = Kind.BOX) -> None:
    """End a box or a room, and tell where its archive is and from where it went. Raises MallepostError."""
    rules = here.rules_of(settings)
    path, removed = ending.end_box(tools, rules, (settings.journal,), entry, now(), reason, kind=kind)
    click.echo(f"{first(entry.attributes, 'uid')}: ended, archived in {path}; its address is never given again")
    for store in removed.stores:
        click.echo(f"  {store}")


@box_group.command("mirror", cls=HostCommand)
def mirror_command() -> int:
    """Repair both sides of every delegation from the mailboxes' entries, after another tool wrote to the directory.

    \b
    Example:
      sudo ./malleposte accounts box mirror
    """
    with here.tools(Settings.read()) as tools:
        changes = boxes.mirror(tools.directory)
        make(tools.directory, tools.journal, changes)
        relisted(tools)
        click.echo(f"{len(changes)} agents changed")
        return shut(tools, [change.uid for change in changes], sessions=True)
