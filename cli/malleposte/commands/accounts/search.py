"""`malleposte accounts show|list|find`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from typing import Any

import click

from malleposte.accounts import acts, search
from malleposte.accounts.acts import Result
from malleposte.accounts.life.base import uid_of
from malleposte.accounts.life.recovery import usable_recovery
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import WHO
from malleposte.commands.accounts.output import failed, line, table
from malleposte.commands.accounts.shared import emit
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode
from malleposte.directory.model import State
from malleposte.directory.protocol import Branch
from malleposte.platform import profiles
from malleposte.throttle.record.model import Kept

STATE = click.option(
    "--state", type=click.Choice([state.value for state in State]), default=None, help="In this state."
)
SCHOOL = click.option("--school", default="", metavar="UAI", help="Of this school.")
PROFILE = click.option("--profile", default="", metavar="CLASS", help="Of this class of service.")
BLOCKED = click.option("--blocked", is_flag=True, help="Blocked, or still barred from sending.")
LIMIT = click.option("--limit", type=click.IntRange(0), default=0, help="At most so many (0: all).")


def printed(rows: Iterable[dict[str, Any]], *, as_json: bool) -> int:
    """Print accounts as they come: a JSON array, or a line each. How many."""
    count = 0

    def pieces() -> Iterator[str]:
        nonlocal count
        for count, row in enumerate(rows, 1):
            sign = "[" if count == 1 else ",\n "
            yield sign + json.dumps(row, ensure_ascii=False) if as_json else f"{line(row)}\n"
        if as_json:
            yield "]\n" if count else "[]\n"

    emit(pieces())
    return count


def last_log_in(record: Kept) -> dict[str, str]:
    """The last log-in on record: its time (ISO 8601), and by which service, from where, by which program."""
    last = record.last_log_in()
    if last is None:
        return {"last_log_in": "", "last_log_in_by": ""}
    moment = datetime.datetime.fromtimestamp(last.last, datetime.UTC)
    words = (last.event.service, last.event.place, last.event.program)
    return {"last_log_in": moment.isoformat(timespec="seconds"), "last_log_in_by": " ".join(filter(None, words))}


@click.command("show", cls=HostCommand)
@WHO
@AS_JSON
def show_command(who: str, as_json: bool) -> int:
    """Show an account, found by its log-in or one of its addresses.

    The output includes the forwards of its filters, its last log-in that is on record, and whether its means of
    recovery can be trusted. Exit code 4 when the host of its mailbox, or another mail host, does not answer.

    \b
    Example:
      sudo ./malleposte accounts show mdupond
      sudo ./malleposte accounts show marie.dupond@ac-exemple.test --json
    """
    result = Result()
    with host() as (tools, _rules, _settings, _uid):
        entry = search.by_any_name(tools.directory, who)
        filters = acts.look(tools, uid_of(entry), result)
        looked = result.whole
        record = acts.record(tools, uid_of(entry), result)
    row = search.whole(entry.attributes)
    own = profiles.read().get(row["profile"])
    row |= {"webmail": own.mail if own else "", "agenda": own.agenda if own else ""}
    if looked:
        row |= {"filters": filters.active, "forwards": list(filters.forwards), "absence": filters.absence,
                "included_filters": list(filters.included), "filters_refuse": filters.refuses,
                "carried_filters": filters.carried, "antispam": filters.level, "allowed_senders": filters.allowed,
                "blocked_senders": filters.blocked}  # fmt: skip
    row |= last_log_in(record)
    row["recovery_ignored"] = usable_recovery(entry, now()).ignored
    answer(row, table(row), as_json=as_json)
    return failed(row["uid"], result.failures, "not shown")


@click.command("list", cls=HostCommand)
@STATE
@SCHOOL
@PROFILE
@BLOCKED
@click.option("--function", default="", metavar="WORDS", help="With this function.")
@click.option("--functional", is_flag=True, help="Boxes of functions instead of people.")
@LIMIT
@AS_JSON
def list_command(
    state: str | None, school: str, profile: str, blocked: bool, function: str, functional: bool, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """List accounts, as they come from the directory.

    \b
    Example:
      sudo ./malleposte accounts list --school 0210001M
      sudo ./malleposte accounts list --state suspended --json
    """
    query = search.narrowed(state=state or "", school=school, profile=profile, function=function, blocked=blocked)
    branch: Branch = "functional" if functional else "people"
    with Settings.read().directory() as directory:
        printed(search.rows(directory, query, branch, limit), as_json=as_json)


@click.command("find", cls=HostCommand)
@click.argument("text", nargs=-1, required=True)
@STATE
@SCHOOL
@PROFILE
@LIMIT
@AS_JSON
def find_command(
    text: tuple[str, ...], state: str | None, school: str, profile: str, limit: int, as_json: bool
) -> int:  # fmt: skip
    """Find accounts by parts of a name, a log-in, an address, an alias, or by a school's code.

    Exit code 1 when there is none.

    \b
    Example:
      sudo ./malleposte accounts find dupond marie
      sudo ./malleposte accounts find 0210001M --state pending --json
    """
    query = search.narrowed(search.query_of(" ".join(text)), state=state or "", school=school, profile=profile)
    with Settings.read().directory() as directory:
        count = printed(search.rows(directory, query, "people", limit), as_json=as_json)
    return ExitCode.DONE if count else ExitCode.FAILURE
