"""The Sieve script of an agent's hours. Dovecot runs it after all others, with a message bound for the inbox.

What the hours were made of stands in its second line. It decides as `calendar.opens` does, by the clock of the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from malleposte.accounts.mailbox.hours import answer, calendar, holidays, model
from malleposte.accounts.mailbox.hours.model import Hours, Slot
from malleposte.accounts.mailbox.senders import AUTHOR, by_sender, quoted
from malleposte.platform.letters import ALERT
from malleposte.platform.mailstore import WAITING

HEAD = "# Written by Malleposte (the portal's page « Mes horaires »); changes are overwritten."
DATA = "#: "
YEARS = 10
"""Years for which the public holidays are written down, from that of the change."""


def script(hours: Hours, urgent: Iterable[str], platform: str, year: int) -> str:
    """The file. `urgent` are addresses and domains that always come through; `platform` writes codes and alerts."""
    lines = [HEAD, DATA + model.dumped(hours)]
    waits = list(_waits(hours, year))
    if waits:
        through = _through((*hours.senders, *urgent), platform)
        extensions = ["date", "relational", "fileinto", "mailbox", *["vacation"] * hours.answer]
        lines += [
            f"require [{', '.join(map(quoted, extensions))}];",
            "",
            f"if allof (\n  not anyof (\n    {_joined(through, 4)}\n  ),\n"
            f"  anyof (\n    {_joined(waits, 4)}\n  )\n) {{",
            f"  fileinto :create {quoted(WAITING)};",
            *(_answer(hours, platform) if hours.answer else ()),
            "}",
        ]
    return "\n".join(lines) + "\n"


def _answer(hours: Hours, platform: str) -> Iterator[str]:
    """Tell a verified colleague when the agent reads. A stranger learns no hours from an answer."""
    colleague = quoted(f"*@{platform.partition('@')[2]}")
    yield f"  if header :matches {quoted(AUTHOR)} {colleague} {{"
    yield f"    vacation :days {answer.DAYS} :handle {quoted(answer.HANDLE)} :subject {quoted(answer.SUBJECT)}"
    yield f"      {quoted(answer.text(hours))};"
    yield "  }"


def _joined(tests: Iterable[str], depth: int) -> str:
    return f",\n{' ' * depth}".join(tests)


def _through(allowed: Iterable[str], platform: str) -> list[str]:
    """Tests that hold for what comes through, by what the filter verified alone."""
    of_platform = f"allof (header :is {quoted(AUTHOR)} {quoted(platform)}, exists {quoted(ALERT)})"
    return [of_platform, *by_sender(allowed)]


def _waits(hours: Hours, year: int) -> Iterator[str]:
    """Tests that hold when mail waits."""
    if hours.until:
        since, until = quoted(f"{hours.since}:00"), quoted(f"{hours.until}:00")
        yield (f'allof (currentdate :value "ge" "iso8601" {since}, not currentdate :value "ge" "iso8601" {until})')
    if not hours.on:
        return
    if hours.rounds:
        yield "true"
        return
    if hours.holidays:
        days = sorted(day for one in range(year, year + YEARS) for day in calendar.public_holidays(one))
        yield f'currentdate :is "date" [{", ".join(quoted(day.isoformat()) for day in days)}]'
    for first, last in map(holidays.period, hours.closed):
        since, until = quoted(first.isoformat()), quoted(last.isoformat())
        yield f'allof (currentdate :value "ge" "date" {since}, currentdate :value "le" "date" {until})'
    yield f"not anyof ({', '.join(map(_within, hours.slots))})"


def _within(slot: Slot) -> str:
    # Sieve counts weekdays from Sunday, 0.
    days = ", ".join(quoted(str(day % 7)) for day in slot.days)
    begin, end = quoted(f"{slot.begin}:00"), quoted(f"{slot.end}:00")
    return (
        f'allof (currentdate :is "weekday" [{days}], currentdate :value "ge" "time" {begin}, '
        f'currentdate :value "lt" "time" {end})'
    )


def parsed(text: str) -> Hours:
    """The hours of a file. Raises InputError where it is not one of ours."""
    lines = text.splitlines()
    return model.loaded(lines[1].removeprefix(DATA) if len(lines) > 1 else "")
