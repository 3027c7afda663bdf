"""`malleposte accounts create|modify|rename|move|profile|quota`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

import click

from malleposte.accounts import acts, life
from malleposte.accounts.acts import Result, Tools, make
from malleposte.accounts.channels import Failure, forget_all
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.life.base import change
from malleposte.accounts.life.edits import MOST_MB
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.search import by_any_name
from malleposte.accounts.settings import Settings, one_writer
from malleposte.accounts.used_names import UsedNames
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.accounts.output import tell
from malleposte.commands.away import HostCommand, TypedCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.directory.model import Agent, Attributes, first
from malleposte.platform import profiles

NO = ""


def checked(value: str | None, judge: str) -> str | None:
    """An option judged as a cell of a feed would be; None and the empty text pass. Raises InputError."""
    if not value:
        return value
    from malleposte.accounts.feed import values

    try:
        return str(getattr(values, judge)(value))
    except values.BadValueError as error:
        raise InputError(f"{value!r}: {error}") from error


def known_schools(tools: Tools, codes: Sequence[str]) -> list[str]:
    """Codes of schools, judged; a school that the directory lacks is told, not refused: its feed may come later."""
    schools = [str(checked(code.upper(), "uai")) for code in codes]
    for code in schools:
        if not any(
            True for _ in tools.directory.search("establishments", ["mpEstablishment"], {"mpEstablishment": code})
        ):
            click.echo(f"malleposte: no school {code} in the directory yet", err=True)
    return schools


def edited(
    who: str, reason: str, done: str, what: Callable[[Tools, str], list[Change]], *, as_json: bool,
    lines: Callable[[Attributes], Sequence[str]] | None = None,
) -> int:  # fmt: skip
    """Make a plain change of one account; the channels clear their caches, so that it takes effect at once.

    `lines`: what more to say, of the entry as it is then.
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = Result(make(tools.directory, tools.journal, what(tools, uid), reason))
        # Also where nothing changed: a run before this one may not have reached every host.
        result.failures += forget_all(tools.channels, uid)
        attributes = acts.entry(tools.directory, uid).attributes
    more = {"mail": first(attributes, "mail"), "addresses": attributes.get("mailLocalAddress", [])}
    return tell(result, uid, done, as_json=as_json, lines=lines(attributes) if lines else (), **more)


@click.command("create", cls=TypedCommand)
@click.option("--given-name", required=True, metavar="NAME", help="First name.")
@click.option("--surname", required=True, metavar="NAME", help="Surname.")
@click.option("--uid", default=NO, help="Log-in name (default: made of the name).")
@click.option("--address", default=NO, help="Address (default: made of the name).")
@click.option("--profile", default=NO, metavar="CLASS", help="Class of service (default: the platform's).")
@click.option("--school", "schools", multiple=True, metavar="UAI", help="School; may be repeated.")
@click.option("--corps", default=NO, metavar="WORDS", help="Corps.")
@click.option("--discipline", default=NO, metavar="WORDS", help="Discipline taught.")
@click.option("--function", default=NO, metavar="WORDS", help="Function.")
@click.option("--recovery-mail", default=NO, metavar="ADDRESS", help="Address outside, for codes.")
@click.option("--recovery-phone", default=NO, metavar="NUMBER", help="Telephone, for codes.")
@click.option("--hidden", is_flag=True, help="Kept out of address books.")
@click.option("--numen", "numen_typed", is_flag=True, help="Read the NUMEN from standard input.")
@REASON
@AS_JSON
def create_command(
    given_name: str, surname: str, uid: str, address: str, profile: str, schools: tuple[str, ...], corps: str,
    discipline: str, function: str, recovery_mail: str, recovery_phone: str, hidden: bool, numen_typed: bool,
    reason: str, as_json: bool,
) -> int:  # fmt: skip
    """Create one account, to be activated with a code (accounts reset).

    Use it for agents who are in no feed. A code activates an account only together with its NUMEN, which also lets the
    next feed recognise the person. The NUMEN is read from standard input, since other users can see arguments.
    Names of machines and services (postmaster, abuse, root, …) are refused: create a functional mailbox.

    \b
    Example:
      sudo ./malleposte accounts create --given-name Marie --surname "Le Goff" --school 0210001M
      sudo ./malleposte accounts create --given-name Marie --surname Dupond --numen --json < numen.txt
    """
    numen = _numen_typed() if numen_typed else ""
    with one_writer(), host() as (tools, _rules, settings, _uid):
        classes = profiles.read()
        class_name = profiles.class_called(classes, profile or classes.default).name
        keys = settings.keys()
        if numen and _of_numen(tools, keys.digests("numen", numen)):
            raise InputError("that NUMEN has an account", f"it is {_of_numen(tools, keys.digests('numen', numen))[0]}")
        agent = Agent(
            uid=uid.lower(),
            given_name=str(checked(given_name, "person_name")),
            surname=str(checked(surname, "person_name")),
            mail=address,
            profile=class_name,
            establishments=tuple(known_schools(tools, schools)),
            corps=checked(corps, "label") or "",
            discipline=checked(discipline, "label") or "",
            function=checked(function, "label") or "",
            hidden=hidden,
        )
        arrival = life.Arrival(
            agent,
            keys.digest("numen", numen) if numen else "",
            checked(recovery_mail, "address") or "",
            checked(recovery_phone, "phone") or "",
        )
        changes = life.create(arrival, tools.directory.suffix, settings.domain, UsedNames(tools.directory), now())
        creation = changes[0]
        if not make(tools.directory, tools.journal, changes, reason):
            raise MallepostError(f"{creation.uid} is there already")
    mail = creation.after["mail"][0]
    activation = (
        f"a code to activate it: malleposte accounts reset {creation.uid}"
        if numen
        else "without a NUMEN no code activates it, and no letter is printed for it: "
        f"malleposte accounts modify {creation.uid} --numen < numen.txt"
    )
    lines = [mail, activation]
    return tell(Result(True), creation.uid, "created", as_json=as_json, lines=lines, mail=mail)


def _numen_typed() -> str:
    """The NUMEN on standard input. Raises InputError, which does not repeat it."""
    from malleposte.accounts.feed import values

    try:
        return values.numen(sys.stdin.readline())
    except values.BadValueError as error:
        raise InputError(f"standard input: {error}") from error


def _of_numen(tools: Tools, digests: Sequence[str]) -> list[str]:
    """The owner of the NUMEN."""
    searches = (tools.directory.search("people", ["uid"], {"mpNumenDigest": digest}) for digest in digests)
    return [first(entry.attributes, "uid") for entries in searches for entry in entries]


def _proof(tools: Tools, uid: str, keys: Keyring, numen: str) -> list[Change]:
    """The NUMEN of an account, that codes and feeds know it by."""
    others = sorted(set(_of_numen(tools, keys.digests("numen", numen))) - {uid})
    if others:
        raise InputError(f"that NUMEN is {others[0]}'s")
    entry = next(iter(tools.directory.search("people", ["uid", "mpNumenDigest"], {"uid": uid})))
    return change(Kind.MODIFY, entry, {"mpNumenDigest": [keys.digest("numen", numen)]})


class ModifyCommand(HostCommand):
    """Reads standard input where a NUMEN is asked for."""

    @property
    def standard_input(self) -> bytes | None:
        """See HostCommand."""
        return None if click.get_current_context().params["numen_typed"] else super().standard_input


@click.command("modify", cls=ModifyCommand)
@WHO
@click.option("--corps", metavar="WORDS", help="Corps; an empty text takes a fact away.")
@click.option("--discipline", metavar="WORDS", help="Discipline taught.")
@click.option("--function", metavar="WORDS", help="Function.")
@click.option("--recovery-mail", metavar="ADDRESS", help="Address outside, for codes.")
@click.option("--recovery-phone", metavar="NUMBER", help="Telephone, for codes.")
@click.option("--hidden/--shown", default=None, help="Kept out of address books, or not.")
@click.option("--numen", "numen_typed", is_flag=True, help="Read the NUMEN from standard input: codes need it.")
@REASON
@AS_JSON
def modify_command(
    who: str, corps: str | None, discipline: str | None, function: str | None, recovery_mail: str | None,
    recovery_phone: str | None, hidden: bool | None, numen_typed: bool, reason: str, as_json: bool,
) -> int:  # fmt: skip
    """Change attributes of an account. Names, schools, class and quota have commands of their own.

    \b
    Example:
      sudo ./malleposte accounts modify mdupond --function Principal --recovery-phone "06 12 34 56 78"
      sudo ./malleposte accounts modify mdupond --recovery-mail "" --hidden --json
      sudo ./malleposte accounts modify mdupond --numen < numen.txt
    """
    numen = _numen_typed() if numen_typed else ""
    facts = {"mpCorps": corps, "mpDiscipline": discipline, "mpFunction": function}
    labels = {name: checked(value, "label") for name, value in facts.items() if value is not None}
    attributes = {name: [value] if value else [] for name, value in labels.items()}
    if hidden is not None:
        attributes["mpHidden"] = ["TRUE"] if hidden else []
    mail, phone = checked(recovery_mail, "address"), checked(recovery_phone, "phone")
    if not attributes and mail is None and phone is None and not numen:
        raise InputError("nothing to change was given", "accounts modify --help")

    def what(tools: Tools, uid: str) -> list[Change]:
        entry = acts.entry(tools.directory, uid)
        proof = _proof(tools, uid, Settings.read().keys(), numen) if numen else []
        return [*life.attributes(entry, attributes), *life.set_recovery(entry, now(), mail=mail, phone=phone), *proof]

    return edited(who, reason, "modified", what, as_json=as_json)


@click.command("rename", cls=HostCommand)
@WHO
@click.option("--given-name", default=NO, metavar="NAME", help="The new first name.")
@click.option("--surname", default=NO, metavar="NAME", help="The new surname.")
@click.option("--address", default=NO, help="The new address (default: made of the name).")
@click.option("--login-alias", default=NO, metavar="NAME", help="A further name to log in with.")
@REASON
@AS_JSON
def rename_command(
    who: str, given_name: str, surname: str, address: str, login_alias: str, reason: str, as_json: bool
) -> int:
    """Give an account another name and address. The log-in stays; old addresses still receive mail and log in.

    \b
    Example:
      sudo ./malleposte accounts rename mdupond --surname Martin --login-alias mmartin
      sudo ./malleposte accounts rename mdupond --address marie.dupond-martin@ac-exemple.test
    """
    if not any((given_name, surname, address, login_alias)):
        raise InputError("no new name was given", "accounts rename --help")
    names = {"given_name": checked(given_name, "person_name") or "", "surname": checked(surname, "person_name") or ""}

    domain = Settings.read().domain

    def what(tools: Tools, uid: str) -> list[Change]:
        entry = acts.entry(tools.directory, uid)
        # Without another name the address stays, unless one is given.
        new_address = address or ("" if given_name or surname else first(entry.attributes, "mail"))
        return life.rename(entry, domain, UsedNames(tools.directory), address=new_address, log_in=login_alias, **names)

    with one_writer():
        return edited(who, reason, "renamed", what, as_json=as_json, lines=_named)


def _named(attributes: Attributes) -> list[str]:
    """Name, address, and what goes on beside them."""
    mail = first(attributes, "mail")
    others = [address for address in attributes.get("mailLocalAddress", []) if address != mail]
    lines = [f"{first(attributes, 'cn')} <{mail}>"]
    lines += [f"mail to it still arrives, and it still logs in: {address}" for address in others]
    return lines + [f"logs in as well: {alias}" for alias in attributes.get("mpLoginAlias", [])]


@click.command("move", cls=HostCommand)
@WHO
@click.argument("schools", nargs=-1, metavar="[UAI]...")
@click.option("--add", "added", multiple=True, metavar="UAI", help="A further school; may be repeated.")
@click.option("--remove", "removed", multiple=True, metavar="UAI", help="A school that is left; may be repeated.")
@REASON
@AS_JSON
def move_command(
    who: str, schools: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...], reason: str, as_json: bool
) -> int:
    """Move an account to other schools: those given replace all, --add and --remove change some.

    Lists by rule and functional mailboxes follow the schools.

    \b
    Example:
      sudo ./malleposte accounts move mdupond 0210001M
      sudo ./malleposte accounts move mdupond --add 0890001T --remove 0210001M
    """
    if bool(schools) == bool(added or removed):
        raise InputError("give the schools, or --add and --remove", "accounts move --help")

    def what(tools: Tools, uid: str) -> list[Change]:
        entry = acts.entry(tools.directory, uid)
        if schools:
            return life.move(entry, known_schools(tools, schools))
        left = {code.upper() for code in removed}
        remaining = [code for code in entry.attributes.get("mpEstablishment", []) if code.upper() not in left]
        return life.move(entry, [*remaining, *known_schools(tools, added)])

    return edited(who, reason, "moved", what, as_json=as_json)


@click.command("profile", cls=HostCommand)
@WHO
@click.argument("profile", metavar="[CLASS]", required=False, default=NO)
@click.option("--forget-filters", is_flag=True, help="Drop the filters that an earlier change of class has kept.")
@REASON
@AS_JSON
def profile_command(who: str, profile: str, forget_filters: bool, reason: str, as_json: bool) -> int:
    """Change an account's class of service, at once; its sessions end.

    Mail and filters stay: the active filters continue, and those made in the new class run after them. Agendas and
    contacts move to the store of the new class; devices that use the DAV address find them there.

    \b
    Example:
      sudo ./malleposte accounts profile mdupond roundcube
      sudo ./malleposte accounts profile mdupond --forget-filters
    """
    if not profile and not forget_filters:
        raise InputError("no class was given", "accounts profile --help")
    with host(who) as (tools, _rules, _settings, uid):
        if profile:
            profiles.class_called(profiles.read(), profile)
        result = acts.set_class(tools, uid, profile, note=reason) if profile else Result()
        try:
            if forget_filters and tools.hosts.drop(uid):
                tools.journal.write("filters-forgotten", uid)
                result.changed = True
        except (MallepostError, OSError) as error:
            result.failures.append(Failure("filters", str(error)))
        filters = acts.look(tools, uid, result)
    lines = [f"its filters of before ({result.carried}) stay in force"] if result.carried else []
    moved = result.moved
    if moved:
        lines.append(f"moved: {moved.agenda} events and tasks, {moved.contacts} contacts")
    if moved.left:
        lines.append(f"{moved.left} stay behind, which the new class does not take now; the nights try again")
    if filters.carried and filters.absence:
        lines.append("they announce an absence: --forget-filters ends it")
    done = f"class {profile}" if profile else "filters forgotten"
    return tell(result, uid, done, as_json=as_json, lines=lines, carried=result.carried, absence=filters.absence,
                moved=asdict(moved))  # fmt: skip


def _size(_context: click.Context, _argument: click.Parameter, text: str | None) -> int | None:
    """Callback: a size of a mailbox. Raises InputError on what is none, a number below nought included."""
    if text is None:
        return None
    if text.startswith("--"):
        raise click.NoSuchOption(text, ctx=_context)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_MB:
        raise InputError(f"{text} is no size in MB", f"give 1 to {MOST_MB}; that of the class: --profile")
    return int(text)


# A number below nought looks like an option: it is refused as a number.
@click.command("quota", cls=HostCommand, context_settings={"ignore_unknown_options": True})
@WHO
@click.argument("megabytes", metavar="[MB]", callback=_size, required=False)
@click.option("--profile", "of_class", is_flag=True, help="Back to the quota of the class.")
@REASON
@AS_JSON
def quota_command(who: str, megabytes: int | None, of_class: bool, reason: str, as_json: bool) -> int:
    """Set the size of a mailbox, in MB, or return to that of its class, at once. Without either, show it.

    \b
    Example:
      sudo ./malleposte accounts quota mdupond
      sudo ./malleposte accounts quota mdupond 10000
      sudo ./malleposte accounts quota mdupond --profile
    """
    if megabytes is not None and of_class:
        raise InputError("give a number of MB, or --profile", "accounts quota --help")
    if megabytes is None and not of_class:
        return _show_quota(who, as_json=as_json)

    def what(tools: Tools, uid: str) -> list[Change]:
        return life.quota(acts.entry(tools.directory, uid), megabytes)

    done = "quota of the class" if of_class else f"quota {megabytes} MB"
    return edited(who, reason, done, what, as_json=as_json)


def _show_quota(who: str, *, as_json: bool) -> int:
    with Settings.read().directory() as directory:
        entry = by_any_name(directory, who)
    uid, own, profile = (first(entry.attributes, name) for name in ("uid", "mpQuota", "mpProfile"))
    classes = profiles.read()
    of_class = classes[profile].quota_mb if profile in classes else None
    row = {"uid": uid, "quota_mb": int(own) if own else of_class, "own": bool(own), "class_mb": of_class}
    class_mb = f"{of_class or 'not known'} MB"
    own_line, class_line = f"{own} MB, its own (class {profile}: {class_mb})", f"{class_mb}, of the class {profile}"
    answer(row, [f"{uid}: {own_line if own else class_line}"], as_json=as_json)
    return ExitCode.DONE
