"""What the commands on single accounts share: whose account, the output, the host's tools."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from malleposte.accounts import here
from malleposte.accounts.acts import Result, Tools
from malleposte.accounts.life.base import uid_of, when
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.look import by_any_name
from malleposte.accounts.settings import Settings
from malleposte.errors import ExitCode, MallepostError

WHO = click.argument("who", metavar="ACCOUNT")
"""A uid, a log-in alias or an address."""
REASON = click.option("--reason", default="", metavar="TEXT", help="Why, for the journal.")
OVERRIDE = click.option("--override", default="", metavar="REASON", help="Before the time, and why: for the DSI.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")


def now() -> datetime.datetime:
    """This moment, UTC."""
    return datetime.datetime.now(datetime.UTC)


@contextlib.contextmanager
def host(who: str = "") -> Iterator[tuple[Tools, LifeRules, Settings, str]]:
    """The host's tools, its rules, its settings, and the uid of an account given by any name."""
    settings = Settings.read()
    with here.tools(settings) as tools:
        uid = uid_of(by_any_name(tools.directory, who)) if who else ""
        yield tools, here.rules_of(settings), settings, uid


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless told not to. Raises MallepostError on no, and where nobody answers."""
    try:
        agreed = yes or click.confirm(question, err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise MallepostError("nothing was changed", "--yes says it beforehand")


def shown_time(text: str) -> str:
    """A time of the directory for a person, in the host's zone."""
    moment = when(text)
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else text


def tell(result: Result, uid: str, done: str, *, as_json: bool, lines: Sequence[str] = (), **facts: Any) -> int:
    """What an act did; exit code 1 when a part of it failed."""
    failures = [str(failure) for failure in result.failures]
    if as_json:
        document: dict[str, Any] = {"uid": uid, "changed": result.changed, "failures": failures}
        document |= {"held": result.held} if result.held else {}
        click.echo(json.dumps(document | facts, ensure_ascii=False))
    else:
        click.echo(f"{uid}: {done if result.changed else 'nothing to change'}")
        for line in lines:
            click.echo(f"  {line}")
    for failure in failures:
        click.echo(f"malleposte: {uid}: not done: {failure}", err=True)
    return ExitCode.FAILURE if failures else ExitCode.DONE


def table(row: Mapping[str, Any]) -> None:
    """One account for a person: a fact a line, the empty ones left out."""
    for name, value in row.items():
        if value in ("", [], None, False):
            continue
        words = ", ".join(map(str, value)) if isinstance(value, list) else value
        timed = name.endswith(("_since", "_until", "_changed")) or name == "archived"
        click.echo(f"{name.replace('_', ' '):<18} {shown_time(str(words)) if timed else words}")


def line(row: Mapping[str, Any]) -> str:
    """One account in a line."""
    barred = "*" if row.get("blocked_until") else ""
    schools = ",".join(row["schools"])
    return (
        f"{row['uid']:<20} {row['state'] + barred:<10} {row['profile']:<12} {row['mail']:<40} {row['name']}  {schools}"
    )
