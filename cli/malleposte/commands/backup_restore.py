"""`malleposte backup restore`: restore data from a vault, on the host that holds them."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from malleposte.accounts.channels import checked
from malleposte.backup.archive import archives, config
from malleposte.backup.restore import all as everything
from malleposte.backup.restore import database as databases
from malleposte.backup.restore import dav, directory, sogo
from malleposte.backup.restore.host import WORK, ThisHost
from malleposte.backup.restore.mail import box as boxes
from malleposte.backup.restore.mail import messages
from malleposte.backup.restore.mail.dovecot import ClosedBox, Dovecot
from malleposte.backup.restore.model import Outcome
from malleposte.commands.backup_job import Job, alone, common, for_journal
from malleposte.commands.backup_options import Moment, since
from malleposte.commands.backup_where import (
    SAY_WHERE,
    SHARED,
    BoxCommand,
    DatabaseCommand,
    DavCommand,
    DirectoryCommand,
    RestoreGroup,
    WebCommand,
)
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.platform import profiles
from malleposte.runtime import owner
from malleposte.watch import silence


@click.group("restore", cls=RestoreGroup, invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Everything of a lost host, onto a new one that `deploy` made.")
@click.option("--yes", "sure", is_flag=True, help="With --all: also on a host that is in use.")
@common
@click.pass_context
def command(context: click.Context, /, every: bool, sure: bool, **options: Any) -> int:
    """Restore data from a vault (backup server).

    A restore into place keeps the data that it replaces, and prints their place and how to undo. After an
    interruption, type the same again: the result is the same.

    \b
    Example:
      sudo ./malleposte backup restore mailbox jdupont --as-of 2026-03-14
      sudo ./malleposte backup restore folder jdupont 'Réunions' --beside
      sudo ./malleposte backup restore --all --host mail1 --vault vault2
    """
    if context.invoked_subcommand is not None:
        names = [one.name or "" for one in context.command.params]
        if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in names):
            raise InputError("options come after the name of what is restored", f"see '{context.command_path} --help'")
        return ExitCode.DONE
    if not every:
        raise InputError("nothing is named", f"say what, or --all: see '{context.command_path} --help'")
    if not paths.HOSTED and isinstance(context.command, RestoreGroup):
        return context.command.go(context)
    job = Job(options)
    settings = config.read()
    key = f"{job.vault or 'any'} {job.as_of.at.isoformat() if job.as_of else 'newest'}"
    if not job.as_of and (earlier := everything.begun(WORK, key)):
        job.as_of = Moment(earlier.isoformat(), earlier)
    source = job.archives()
    plan = plan_of(settings)
    host = ThisHost(source, job.say, settings)
    if job.dry_run:
        copies = everything.look(plan, host.databases(), source, job.say)
        notes = [*host.notes, *everything.without_archive(plan, copies), *everything.unused(plan, source)]
        return job.would("everything", copies.copies, notes)
    with alone(), silence.during("a restore", 4 * silence.HOUR, silence.ALL):
        outcome = everything.restore(plan, source, host, WORK, key=key, sure=sure, say=job.say)
    outcome.notes.append("now type: malleposte backup run, then malleposte probe")
    return job.show(outcome)


def plan_of(settings: config.Config) -> everything.Plan:
    """Return the data that this host's configuration says it keeps."""
    mail = tuple(one.name for one in settings.mail_sources)
    system = next((one for one in settings.sources if one.name == archives.COMMON), None)
    files = [path for path in system.paths if path not in everything.SKIPPED] if system else []
    if mail:
        files.append(f"{settings.mail_root}/.shared")
    dumps = tuple(one.name for one in settings.sources if one.command)
    loaded = tuple(name for name in dumps if name == directory.DUMP)
    written = tuple(name for name in dumps if name == directory.CONFIGURATION)
    return everything.Plan(
        tuple(files), mail, loaded, settings.parallel, settings.units, settings.restore.stop, written
    )


@command.command("mailbox", cls=BoxCommand)
@click.argument("uid")
@click.option("--beside", is_flag=True, help="Copy all messages to Restauration/<date>/ instead.")
@click.option("--without-newer", is_flag=True, help="Leave out messages that came after the archive.")
@click.option("--discard", is_flag=True, help="Do not keep the box that is replaced.")
@click.option("--closed", is_flag=True, help="The account is suspended and stays so, and its mailbox is lost.")
@for_journal
@common
def mailbox_command(uid: str, beside: bool, without_newer: bool, discard: bool, closed: bool, **typed: Any) -> int:
    """A whole mailbox: messages, flags, dates, UIDs, folders, rights, filters.

    Sessions end and deliveries wait for a moment. Messages that came after the archive stay. The account of a
    suspended agent stays suspended.

    \b
    Example:
      sudo ./malleposte backup restore mailbox jdupont
      sudo ./malleposte backup restore mailbox jdupont --as-of '2026-03-14 09:00' --vault vault2
    """
    job = Job(typed)
    if beside and (without_newer or discard):
        raise InputError("--beside replaces nothing", "leave out --without-newer and --discard")
    doveadm = opener(uid, closed=closed)
    if job.dry_run:
        return job.foreseen(f"mailbox {uid}", str(doveadm.home(uid)))
    with alone():
        if beside:
            every_message = messages.Query()
            outcome = messages.restore(uid, job.archives(), doveadm, every_message, beside=True, say=job.say)
        else:
            options = boxes.Options(keep_newer=not without_newer, discard=discard)
            outcome = boxes.restore(uid, job.archives(), doveadm, options, job.say)
        return job.tell(outcome, "mailbox", uid)


def opener(uid: str, *, closed: bool = False) -> Dovecot:
    """Dovecot, or, of an account that it does not open, the files alone. Raises InputError where there is no box."""
    doveadm = Dovecot()
    try:
        doveadm.home(uid)
    except InputError:
        home = config.read().mailbox(checked(uid))
        with owner.as_owner(home):
            if not closed and not owner.folder(home):
                raise
        return ClosedBox(home)
    return doveadm


def some_messages(job: Job, kind: str, uid: str, query: messages.Query, *, listed: bool, beside: bool) -> int:
    """A folder or messages, on the host."""
    doveadm = opener(uid)
    if job.dry_run:
        return job.foreseen(f"messages of {uid}", str(doveadm.home(uid)))
    with alone():
        if listed:
            return job.show(messages.listing(uid, job.archives(), doveadm, query))
        outcome = messages.restore(uid, job.archives(), doveadm, query, beside=beside, say=job.say)
        return job.tell(outcome, kind, uid, query.folder)


@command.command("folder", cls=BoxCommand)
@click.argument("uid")
@click.argument("folder")
@click.option("--beside", is_flag=True, help="Into Restauration/<date>/ instead of the folder itself.")
@for_journal
@common
def folder_command(uid: str, folder: str, beside: bool, **typed: Any) -> int:
    """Restore a folder's messages. Present messages stay, and are not duplicated.

    \b
    Example:
      sudo ./malleposte backup restore folder jdupont 'Élèves/Collège' --as-of 2026-03-14
    """
    job = Job(typed)
    return some_messages(job, "folder", uid, messages.Query(folder), listed=False, beside=beside)


@command.command("message", cls=BoxCommand)
@click.argument("uid")
@click.option("--message-id", "ids", multiple=True, metavar="ID", help="The message of that Message-ID (repeatable).")
@click.option("--uid", "uids", multiple=True, type=int, metavar="N", help="With --folder: that IMAP UID (repeatable).")
@click.option("--folder", default="", metavar="NAME", help="In this folder only.")
@click.option("--since", "since_date", metavar="DATE", callback=since, help="Received then or later.")
@click.option("--search", default="", metavar="TEXT", help="With this text in From, To, Cc or Subject.")
@click.option("--list", "listed", is_flag=True, help="Show them, restore none.")
@click.option("--beside", is_flag=True, help="Into Restauration/<date>/ instead of the folders they were in.")
@for_journal
@common
def message_command(
    uid: str,
    ids: tuple[str, ...],
    uids: tuple[int, ...],
    folder: str,
    since_date: Moment | None,
    search: str,
    listed: bool,
    beside: bool,
    **typed: Any,
) -> int:
    """Restore messages by Message-ID, UID, date or words; with --list, list the candidates.

    \b
    Example:
      sudo ./malleposte backup restore message jdupont --list --search 'conseil de classe'
      sudo ./malleposte backup restore message jdupont --message-id '<123@exemple.test>'
    """
    job = Job(typed)
    if uids and not folder:
        raise InputError("--uid counts within a folder", "give --folder too")
    if not (ids or uids or folder or since_date or search or listed):
        raise InputError("no message is named", "give --message-id, --uid, --since or --search, or look with --list")
    query = messages.Query(folder, ids, uids, since_date.at if since_date else None, search)
    return some_messages(job, "message", uid, query, listed=listed, beside=beside)


@command.command("dav", cls=DavCommand)
@click.argument("uid")
@click.argument("collection", default="")
@click.option(
    "--service",
    type=click.Choice(["radicale", "sogo"]),
    help="Their store when the archive was made. [default: the store of the account's class of service]",
)
@click.option("--beside", is_flag=True, help="As another collection, whose name bears the date.")
@for_journal
@common
def dav_command(uid: str, collection: str, service: str | None, beside: bool, **typed: Any) -> int:
    """Restore agendas and address books: one collection, or all. Newer items stay.

    UID is an agent, a box, a team or a room.

    Collections are folders of Radicale, such as `agenda`; of SOGo, such as `Calendar/personal`, `Contacts/personal`.
    If the agent has changed class since, name the former service. The restored items then move to where the class of
    today keeps it; of an item that was changed since, the later one stays.

    \b
    Example:
      sudo ./malleposte backup restore dav jdupont
      sudo ./malleposte backup restore dav jdupont Calendar/personal --service sogo --as-of 2026-03-14
    """
    job = Job(typed)
    profile, shared = entry_here(uid)
    place = service or (SHARED if shared else store_of_class(uid, profile))
    if "/" in uid or (place == "radicale" and "/" in collection):
        raise InputError(f"no collection {collection!r} of {uid}", "a folder of Radicale has no '/' in its name")
    source, store = job.archives(), dav.Store()
    if job.dry_run:
        source_name = str(store.collections / uid) if place == "radicale" else f"postgresql-{sogo.DATABASE}"
        return job.foreseen(f"agendas and contacts of {uid}", source_name)
    with alone():
        if place == "radicale":
            outcome = dav.restore(uid, collection, source, store, beside=beside, say=job.say)
        else:
            server = databases.Postgres()
            outcome = sogo.restore(uid, collection, source, server, WORK, beside=beside, say=job.say)
    if not shared and profile in (classes := profiles.read()) and place not in classes[profile].stores:
        bring_home(uid, profile, place, outcome)
    return job.tell(outcome, "dav", uid, collection)


def store_of_class(uid: str, profile: str) -> str:
    """Return the store of a class's agendas and contacts. Raises InputError when the class is not known."""
    if profile not in (classes := profiles.read()):
        raise InputError(f"account {uid}: its class of service is not known here", SAY_WHERE)
    return classes[profile].agenda


def entry_here(uid: str) -> tuple[str, bool]:
    """Return the class of an account or box, and whether it is a box, team or room.

    The class is empty where this host may not ask the directory, and for one that is gone.
    """
    try:
        from malleposte.accounts.settings import Settings
    except ImportError:  # a host without the directory's library
        return "", False
    try:
        with Settings.read().directory() as bound:
            for branch in ("people", "functional", "resources"):
                for entry in bound.search(branch, ("mpProfile",), {"uid": uid}):
                    return next(iter(entry.attributes.get("mpProfile", [])), ""), branch != "people"
    except MallepostError:
        pass
    return "", False


def bring_home(uid: str, profile: str, place: str, outcome: Outcome) -> None:
    """Move data restored into the store of another class to the present one, if the directory can be asked."""
    from malleposte.accounts.hosts.acts import agendas
    from malleposte.accounts.hosts.local import LocalHost
    from malleposte.accounts.hosts.settings import HostSettings

    try:
        moved = agendas.settle(LocalHost(HostSettings.read().rules()), uid, profile)
    except (MallepostError, OSError) as error:
        outcome.missing.append(
            f"the class {profile} shows none of it yet, it lies in {place}: {error}; the night moves it, or: "
            "malleposte accounts nightly --step agendas"
        )
        return
    outcome.counts["moved"] = moved.agenda + moved.contacts
    outcome.notes.append(f"brought to where the class {profile} keeps them; what was changed since stays as it is")
    if moved.left:
        outcome.missing.append(f"{moved.left} items that the class {profile} does not take")


@command.command("database", cls=DatabaseCommand)
@click.argument("name")
@click.option("--beside", is_flag=True, help="As a second database, NAME_restore.")
@click.option("--discard", is_flag=True, help="Do not keep the database that is replaced.")
@common
def database_command(name: str, beside: bool, discard: bool, **typed: Any) -> int:
    """A whole database, exchanged in one transaction.

    \b
    Example:
      sudo ./malleposte backup restore database roundcube --as-of 2026-03-14
    """
    job = Job(typed)
    databases.check_name(name)
    if job.dry_run:
        return job.foreseen(f"database {name}", f"postgresql-{name}")
    restart = config.read().restore.restart
    with alone(), silence.during("a restore", silence.HOUR, *restart.get(name, ())):
        source, server = job.archives(), databases.Postgres(restart)
        return job.show(databases.restore(name, source, server, WORK, beside=beside, discard=discard, say=job.say))


@command.command("refresh", cls=WebCommand)
@click.argument("name", metavar="[DATABASE]", default="")
def refresh_command(name: str) -> None:
    """Restart the services of the web that cache content of the databases, such as SOGo, or of the one that is named.

    A restore of a database does it by itself. This command is for a host that could not be reached then.

    \b
    Example:
      sudo ./malleposte backup restore refresh --host web1
    """
    units_of = config.read().restore.restart
    failed = databases.settle(unit for one, units in units_of.items() if name in ("", one) for unit in units)
    if failed:
        raise MallepostError(f"not restarted: {', '.join(failed)}", f"see journalctl -u {failed[0]}")


@command.command("directory", cls=DirectoryCommand)
@click.option("--entry", metavar="UID", help="This entry only.")
@click.option("--old-passwords", is_flag=True, help="Take the archive's passwords too. [default: those of today stay]")
@common
def directory_command(entry: str | None, old_passwords: bool, **typed: Any) -> int:
    """The directory, or one entry of it. Passwords of today stay, unless asked.

    \b
    Example:
      sudo ./malleposte backup restore directory --entry jdupont --as-of 2026-03-14
    """
    job = Job(typed)
    if job.dry_run:
        return job.foreseen(f"entry {entry}" if entry else "the directory", directory.DUMP)
    with alone():
        source, slapd = job.archives(), directory.Slapd()
        if entry:
            return job.show(directory.restore_entry(source, slapd, WORK, entry, old_passwords=old_passwords))
        with silence.during("a restore", silence.HOUR, silence.ALL):
            return job.show(directory.restore(source, slapd, WORK, old_passwords=old_passwords, say=job.say))


@command.command("undo", cls=BoxCommand)
@click.argument("uid")
@click.argument("stamp", default="")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; progress goes to stderr.")
@for_journal
def undo_command(uid: str, stamp: str, as_json: bool, **typed: Any) -> int:
    """Put back a mailbox that a restore replaced; STAMP is the date that the restore printed.

    Without STAMP: give up a restore that was interrupted and holds the box closed.

    \b
    Example:
      sudo ./malleposte backup restore undo jdupont 20260314-091500
    """
    job = Job({"vault": None, "as_of": None, "dry_run": False, "as_json": as_json, **typed})
    with alone():
        return job.tell(boxes.undo(uid, stamp, opener(uid, closed=True)), "undo", uid)
