"""`malleposte backup restore`: what was lost, back from a vault. On the controller it runs itself on the host."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from malleposte import paths, remote
from malleposte.backup import archives, config
from malleposte.backup import restore_all as everything
from malleposte.backup import restore_box as boxes
from malleposte.backup import restore_database as databases
from malleposte.backup import restore_dav as dav
from malleposte.backup import restore_directory as directory
from malleposte.backup import restore_messages as messages
from malleposte.backup import restore_sogo as sogo
from malleposte.backup.restore_dovecot import Doveadm
from malleposte.backup.restore_host import WORK, ThisHost
from malleposte.backup.restore_model import Outcome
from malleposte.backup.restore_vault import Archives
from malleposte.commands.backup_words import VAULTS, since, when
from malleposte.errors import ExitCode, InputError, MallepostError
from malleposte.progress import Progress, duration

LOCK = Path("/run/malleposte-restore.lock")


def common[F: Callable[..., Any]](function: F) -> F:
    """The options of every kind of restore."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document; progress goes to stderr."),
        click.option("--dry-run", is_flag=True, help="Say which archive would be used; change nothing."),
        click.option("--as-of", metavar="DATE", callback=when, help="The last archive of that date or before."),
        click.option("--vault", metavar="NAME", help="From this vault alone. [default: the newest of all vaults]"),
        click.option("--host", metavar="NAME", help="The host to work on, where several could be meant."),
        click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab)."),
    ):
        function = option(function)
    return function


class Job:
    """One call: what was typed, and where it runs."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.inventory: str | None = given.pop("inventory")
        self.host: str | None = given.pop("host")
        self.vault: str | None = given.pop("vault")
        self.as_of: datetime | None = given.pop("as_of")
        self.dry_run: bool = given.pop("dry_run")
        self.as_json: bool = given.pop("as_json")
        self.progress = Progress()

    def say(self, text: str) -> None:
        """A line of progress. Who listened may be gone: a restore goes on to its end."""
        with contextlib.suppress(OSError):
            self.progress.say(text)

    def remote(self, group: str, words: Sequence[str]) -> int:
        """Run the same on the one host of `group` that is meant. Raises InputError when it is not clear which."""
        only = [self.host] if self.host else []
        places = remote.places(paths.inventory(self.inventory), group, but=VAULTS, only=only)
        if len(places) > 1:
            raise InputError(f"{len(places)} hosts could be meant", f"name one with --host: {_names(places)}")
        given = [("--vault", self.vault), ("--as-of", self.as_of.isoformat() if self.as_of else None)]
        options = [word for name, value in given if value for word in (name, value)]
        flags = [*(["--dry-run"] if self.dry_run else []), *(["--json"] if self.as_json else [])]
        return places[0].run(["backup", "restore", *words, *options, *flags])

    def archives(self) -> Archives:
        """The vaults of this host, as typed."""
        known = config.read()
        return Archives(known, archives.vaults(known, [self.vault] if self.vault else []), self.as_of, self.say)

    def show(self, outcome: Outcome) -> int:
        """Print what was done. Who listened may be gone."""
        with contextlib.suppress(OSError):
            if self.as_json:
                click.echo(json.dumps(outcome.as_dict(), indent=2, ensure_ascii=False))
            else:
                for line in lines(outcome):
                    click.echo(line)
            sys.stdout.flush()
        return ExitCode.DONE

    def foreseen(self, what: str, *wanted: str) -> int:
        """Print which archives a run would use."""
        source = self.archives()
        copies = [source.find(name) if name.startswith("/") else source.latest(name) for name in wanted]
        if self.as_json:
            click.echo(json.dumps({"what": what, "archives": [one.archive for one in copies]}, indent=2))
        else:
            for one in copies:
                click.echo(f"would restore {what} from {one}")
        return ExitCode.DONE


def _names(places: Sequence[remote.Place]) -> str:
    return ", ".join(place.name for place in places)


def lines(outcome: Outcome) -> list[str]:
    """An outcome for people."""
    found = []
    for row in outcome.rows:
        uid = "-" if row["uid"] is None else row["uid"]
        found.append(f"{row['folder']}  {uid}  {row['received'][:16]}  {row['from']}  {row['subject']}")
        found.append(f"    <{row['message_id']}>")
    counted = ", ".join(f"{number} {what}" for what, number in outcome.counts.items())
    source = f" from {outcome.copy}" if outcome.copy else ""
    found.append(f"{outcome.what}{source}: {counted}, {duration(outcome.seconds)}")
    found += [f"  {note}" for note in outcome.notes]
    if outcome.aside:
        found.append(f"  what was replaced is kept: {outcome.aside}")
    if outcome.undo:
        found.append(f"  to undo: {outcome.undo}")
    return found


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One restore at a time on a host. Raises MallepostError while another runs."""
    with LOCK.open("a+", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise MallepostError(
                f"another restore (process {handle.read().strip()}) is under way", "wait for its end"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


@click.group("restore", invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Everything of a lost host, onto a new one that `deploy` made.")
@click.option("--yes", "sure", is_flag=True, help="With --all: also on a host that has accounts already.")
@common
@click.pass_context
def command(context: click.Context, /, every: bool, sure: bool, **given: Any) -> int:
    """Bring back what was lost.

    A restore into place keeps what it replaces, and prints where it lies and how to undo. Interrupted, it is typed
    again and ends in the same place.

    \b
    Example:
      sudo ./malleposte backup restore mailbox jdupont --as-of 2026-03-14
      sudo ./malleposte backup restore folder jdupont 'Réunions' --beside
      sudo ./malleposte backup restore --all --vault vault2
    """
    if context.invoked_subcommand is not None:
        if every or any(given.values()):
            raise InputError("options come after the name of what is restored", f"see '{context.command_path} --help'")
        return ExitCode.DONE
    if not every:
        raise InputError("nothing is named", f"say what, or --all: see '{context.command_path} --help'")
    job = Job(given)
    if not paths.HOSTED:
        return job.remote("mail", ["--all", *(["--yes"] if sure else [])])
    known = config.read()
    source = job.archives()
    plan = plan_of(known)
    if job.dry_run:
        return job.foreseen("everything", *plan.dumps, "system", *plan.mail)
    with alone():
        host = ThisHost(source, job.say)
        key = f"{job.vault or 'any'} {job.as_of.isoformat() if job.as_of else 'newest'}"
        outcome = everything.restore(plan, source, host, WORK, key=key, sure=sure, say=job.say)
    outcome.notes.append("now type: malleposte backup run, then malleposte probe")
    return job.show(outcome)


def plan_of(known: config.Config) -> everything.Plan:
    """What this host's configuration says it keeps."""
    mail = tuple(one.name for one in known.mail_sources)
    system = next((one for one in known.sources if one.name == archives.COMMON), None)
    kept = [path for path in system.paths if path not in everything.SKIPPED] if system else []
    if mail:
        kept.append(f"{known.mail_root}/.shared")
    dumps = tuple(one.name for one in known.sources if one.command and one.name == directory.DUMP)
    return everything.Plan(tuple(kept), mail, dumps, known.parallel)


@command.command("mailbox")
@click.argument("uid")
@click.option("--beside", is_flag=True, help="Copy all messages to Restauration/<date>/ instead.")
@click.option("--without-newer", is_flag=True, help="Leave out messages that came after the archive.")
@click.option("--discard", is_flag=True, help="Do not keep the box that is replaced.")
@common
def mailbox_command(uid: str, beside: bool, without_newer: bool, discard: bool, **given: Any) -> int:
    """A whole mailbox: messages, flags, dates, UIDs, folders, rights, filters.

    Sessions end and deliveries wait for a moment. Messages that came after the archive stay.

    \b
    Example:
      sudo ./malleposte backup restore mailbox jdupont
      sudo ./malleposte backup restore mailbox jdupont --as-of '2026-03-14 09:00' --vault vault2
    """
    job = Job(given)
    if not paths.HOSTED:
        flags = {"--beside": beside, "--without-newer": without_newer, "--discard": discard}
        return job.remote("mail", ["mailbox", uid, *(name for name, on in flags.items() if on)])
    if beside and (without_newer or discard):
        raise InputError("--beside replaces nothing", "leave out --without-newer and --discard")
    doveadm = Doveadm()
    if job.dry_run:
        return job.foreseen(f"mailbox {uid}", str(doveadm.home(uid)))
    with alone():
        if beside:
            wanted = messages.Wanted()
            return job.show(messages.restore(uid, job.archives(), doveadm, wanted, beside=True, say=job.say))
        options = boxes.Options(keep_newer=not without_newer, discard=discard)
        return job.show(boxes.restore(uid, job.archives(), doveadm, options, job.say))


def some_messages(job: Job, uid: str, wanted: messages.Wanted, *, listed: bool, beside: bool) -> int:
    """A folder or messages, on the host."""
    doveadm = Doveadm()
    if job.dry_run:
        return job.foreseen(f"messages of {uid}", str(doveadm.home(uid)))
    with alone():
        if listed:
            return job.show(messages.listing(uid, job.archives(), doveadm, wanted))
        return job.show(messages.restore(uid, job.archives(), doveadm, wanted, beside=beside, say=job.say))


@command.command("folder")
@click.argument("uid")
@click.argument("folder")
@click.option("--beside", is_flag=True, help="Into Restauration/<date>/ instead of the folder itself.")
@common
def folder_command(uid: str, folder: str, beside: bool, **given: Any) -> int:
    """A folder's messages. What is there stays; what is there already is not doubled.

    \b
    Example:
      sudo ./malleposte backup restore folder jdupont 'Élèves/Collège' --as-of 2026-03-14
    """
    job = Job(given)
    if not paths.HOSTED:
        return job.remote("mail", ["folder", *(["--beside"] if beside else []), "--", uid, folder])
    return some_messages(job, uid, messages.Wanted(folder), listed=False, beside=beside)


@command.command("message")
@click.argument("uid")
@click.option("--message-id", "ids", multiple=True, metavar="ID", help="The message of that Message-ID (repeatable).")
@click.option("--uid", "uids", multiple=True, type=int, metavar="N", help="With --folder: that IMAP UID (repeatable).")
@click.option("--folder", default="", metavar="NAME", help="In this folder only.")
@click.option("--since", "since_date", metavar="DATE", callback=since, help="Received then or later.")
@click.option("--search", default="", metavar="TEXT", help="With this text in From, To, Cc or Subject.")
@click.option("--list", "listed", is_flag=True, help="Show them, restore none.")
@click.option("--beside", is_flag=True, help="Into Restauration/<date>/ instead of the folders they were in.")
@common
def message_command(
    uid: str,
    ids: tuple[str, ...],
    uids: tuple[int, ...],
    folder: str,
    since_date: datetime | None,
    search: str,
    listed: bool,
    beside: bool,
    **given: Any,
) -> int:
    """Messages, by Message-ID, UID, date or words; with --list, what there is to choose from.

    \b
    Example:
      sudo ./malleposte backup restore message jdupont --list --search 'conseil de classe'
      sudo ./malleposte backup restore message jdupont --message-id '<123@exemple.test>'
    """
    job = Job(given)
    if uids and not folder:
        raise InputError("--uid counts within a folder", "give --folder too")
    if not (ids or uids or folder or since_date or search or listed):
        raise InputError("no message is named", "give --message-id, --uid, --since or --search, or look with --list")
    if not paths.HOSTED:
        pairs = [("--message-id", one) for one in ids] + [("--uid", str(one)) for one in uids]
        pairs += [("--folder", folder), ("--since", since_date.isoformat() if since_date else ""), ("--search", search)]
        words = [f"{name}={value}" for name, value in pairs if value]
        flags = [name for name, on in {"--list": listed, "--beside": beside}.items() if on]
        return job.remote("mail", ["message", uid, *words, *flags])
    wanted = messages.Wanted(folder, ids, uids, since_date, search)
    return some_messages(job, uid, wanted, listed=listed, beside=beside)


@command.command("dav")
@click.argument("uid")
@click.argument("collection", default="")
@click.option(
    "--service", type=click.Choice(["radicale", "sogo"]), default="radicale", show_default=True, help="Whose it is."
)
@click.option("--beside", is_flag=True, help="As another collection, whose name bears the date.")
@common
def dav_command(uid: str, collection: str, service: str, beside: bool, **given: Any) -> int:
    """Agendas and address books of an agent: one collection, or all. What was made since stays.

    Collections are folders of Radicale, such as `agenda`; of SOGo, such as `Calendar/personal`, `Contacts/personal`.

    \b
    Example:
      sudo ./malleposte backup restore dav jdupont
      sudo ./malleposte backup restore dav jdupont Calendar/personal --service sogo --as-of 2026-03-14
    """
    job = Job(given)
    if not paths.HOSTED:
        words = ["dav", "--service", service, *(["--beside"] if beside else []), "--", uid]
        return job.remote(
            "web" if service == "radicale" else "database", [*words, *([collection] if collection else [])]
        )
    if "/" in uid or (service == "radicale" and "/" in collection):
        raise InputError(f"no collection {collection!r} of {uid}", "a folder of Radicale has no '/' in its name")
    source, shelf = job.archives(), dav.Shelf()
    if job.dry_run:
        wanted = str(shelf.collections / uid) if service == "radicale" else f"postgresql-{sogo.DATABASE}"
        return job.foreseen(f"agendas and contacts of {uid}", wanted)
    with alone():
        if service == "radicale":
            return job.show(dav.restore(uid, collection, source, shelf, beside=beside, say=job.say))
        server = databases.HostPostgres()
        return job.show(sogo.restore(uid, collection, source, server, WORK, beside=beside, say=job.say))


@command.command("database")
@click.argument("name")
@click.option("--beside", is_flag=True, help="As a second database, NAME_restore.")
@click.option("--discard", is_flag=True, help="Do not keep the database that is replaced.")
@common
def database_command(name: str, beside: bool, discard: bool, **given: Any) -> int:
    """A whole database, exchanged in one transaction.

    \b
    Example:
      sudo ./malleposte backup restore database roundcube --as-of 2026-03-14
    """
    job = Job(given)
    databases.check_name(name)
    if not paths.HOSTED:
        flags = {"--beside": beside, "--discard": discard}
        return job.remote("database", ["database", name, *(flag for flag, on in flags.items() if on)])
    if job.dry_run:
        return job.foreseen(f"database {name}", f"postgresql-{name}")
    with alone():
        source, server = job.archives(), databases.HostPostgres()
        return job.show(databases.restore(name, source, server, WORK, beside=beside, discard=discard, say=job.say))


@command.command("directory")
@click.option("--entry", metavar="UID", help="This entry only.")
@click.option("--old-passwords", is_flag=True, help="Take the archive's passwords too. [default: those of today stay]")
@common
def directory_command(entry: str | None, old_passwords: bool, **given: Any) -> int:
    """The directory, or one entry of it. Passwords of today stay, unless asked.

    \b
    Example:
      sudo ./malleposte backup restore directory --entry jdupont --as-of 2026-03-14
    """
    job = Job(given)
    if not paths.HOSTED:
        words = ["directory", *(["--entry", entry] if entry else [])]
        return job.remote("directory", [*words, *(["--old-passwords"] if old_passwords else [])])
    if job.dry_run:
        return job.foreseen(f"entry {entry}" if entry else "the directory", directory.DUMP)
    with alone():
        source, slapd = job.archives(), directory.HostSlapd()
        if entry:
            return job.show(directory.restore_entry(source, slapd, WORK, entry, old_passwords=old_passwords))
        return job.show(directory.restore(source, slapd, WORK, old_passwords=old_passwords, say=job.say))


@command.command("undo")
@click.argument("uid")
@click.argument("stamp", default="")
@click.option("-i", "--inventory", metavar="INVENTORY", help="Inventory of the platform (default: the lab).")
@click.option("--host", metavar="NAME", help="The host to work on, where several could be meant.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; progress goes to stderr.")
def undo_command(uid: str, stamp: str, inventory: str | None, host: str | None, as_json: bool) -> int:
    """Put a mailbox back that a restore set aside; STAMP is what that restore printed.

    Without STAMP: give up a restore that was interrupted and holds the box closed.

    \b
    Example:
      sudo ./malleposte backup restore undo jdupont 20260314-091500
    """
    given: dict[str, Any] = {"vault": None, "as_of": None, "dry_run": False}
    job = Job({**given, "inventory": inventory, "host": host, "as_json": as_json})
    if not paths.HOSTED:
        return job.remote("mail", ["undo", uid, *([stamp] if stamp else [])])
    with alone():
        return job.show(boxes.undo(uid, stamp, Doveadm()))
