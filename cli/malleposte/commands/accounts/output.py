"""Output of the commands that act on accounts or list them: for a person, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from malleposte.accounts.acts import Result
from malleposte.commands.options import answer
from malleposte.core.errors import ExitCode
from malleposte.platform.times import local, when


def shown_time(text: str) -> str:
    """A time of the directory for a person, in the host's zone."""
    moment = when(text)
    return local(moment) if moment else text


def tell(result: Result, uid: str, done: str, *, as_json: bool, lines: Sequence[str] = (), **facts: Any) -> int:
    """Print the result of an act; exit code 4 when a part of it failed."""
    failures = list(dict.fromkeys(map(str, result.failures)))  # two parts of an act may meet one silent host
    document: dict[str, Any] = {"uid": uid, "changed": result.changed, "failures": failures}
    document |= ({"held": result.held} if result.held else {}) | facts
    head = f"{uid}: {done if result.changed else 'nothing to change'}"
    answer(document, [head, *(f"  {line}" for line in lines)], as_json=as_json)
    return failed(uid, failures)


def failed(uid: str, failures: Sequence[object], what: str = "not done") -> int:
    """Print the parts of an act that failed, each with its host; exit code 4 when there are any."""
    for failure in failures:
        click.echo(f"malleposte: {uid}: {what}: {failure}", err=True)
    return ExitCode.PARTLY if failures else ExitCode.DONE


def table(row: Mapping[str, Any]) -> Iterator[str]:
    """One account for a person: a fact a line, the empty ones left out."""
    for name, value in row.items():
        if value in ("", [], None, False):
            continue
        words = ", ".join(map(str, value)) if isinstance(value, list) else value
        timed = name.endswith(("_since", "_until", "_changed")) or name == "archived"
        text = shown_time(str(words)) if timed else local(str(words)) if name == "last_log_in" else words
        yield f"{name.replace('_', ' '):<18} {text}"


def line(row: Mapping[str, Any]) -> str:
    """One account in a line."""
    barred = "*" if row.get("blocked_until") else ""
    schools = ",".join(row["schools"])
    return (
        f"{row['uid']:<20} {row['state'] + barred:<10} {row['profile']:<12} {row['mail']:<40} {row['name']}  {schools}"
    )
