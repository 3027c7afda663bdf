"""Keep the store as its sources and the directory are. The timer's work, as the store's own user.

A source that does not answer, or sends what is refused, leaves the last good content in place; its entry says why.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from malleposte.accounts.agendas.radicale import as_kept
from malleposte.accounts.mailbox.hours import holidays
from malleposte.core.loops import reason
from malleposte.directory.query import Search
from malleposte.groupware.published import content, days, fetch, model
from malleposte.groupware.published.content import Kept
from malleposte.groupware.published.model import Published, Shown
from malleposte.groupware.published.settings import Fixed
from malleposte.groupware.published.store import Store, digest, write
from malleposte.lists.rule import agents_of, from_url

AGAIN = datetime.timedelta(hours=3)
"""The age at which a source is read again."""
AS_BEFORE = "its agents are as they were"


@dataclass(frozen=True)
class Gatherer:
    """The work on one store. `web` is the folder that nginx serves, `suffix` the directory's.

    `fixed` are the calendars of the inventory.
    """

    store: Store
    web: Path
    suffix: str
    search: Search
    read: Callable[[str], bytes] = fetch.read
    normalise: Kept = as_kept
    fixed: tuple[Fixed, ...] = ()

    def run(self, now: datetime.datetime, *, every: bool = False) -> list[str]:
        """Do all of it; what went wrong, a line each. `every`: sources that are not due, too."""
        said = list(self._fix(now))
        due = [one for one in self.store.every() if one.source and (every or _due(one, now))]
        said += [line for one in due for line in self._renew(one, now)]
        shown: list[Shown] = []
        before = {one.ident: one for one in self.store.shown()}
        with self.store.locked():
            published = self.store.every()
            for one in published:
                try:
                    members = self.members(one)
                except Exception as problem:  # noqa: BLE001  # said, and the others are brought up to date
                    error = f"{AS_BEFORE}: {reason(problem)}"
                    said.append(f"{one.ident}: {error}")
                    self.store.put(replace(one, error=one.error or error))
                    members = before[one.ident].members if one.ident in before else ()
                else:
                    if one.error.startswith(AS_BEFORE):
                        self.store.put(replace(one, error=""))
                shown.append(Shown(one.ident, one.name, one.colour, digest(self.store.content(one.ident)), members))
            self.store.show(shown)
            self._serve(published)
            said += self._tell(published, now.astimezone().date())
        return said

    def members(self, one: Published) -> tuple[str, ...] | None:
        """The agents for whom a calendar is; None for all. Raises MallepostError."""
        return agents_of(from_url(one.url, self.suffix), self.search) if one.rule else None

    def _fix(self, now: datetime.datetime) -> Iterator[str]:
        """Publish what the inventory has, and withdraw what it had; the faults."""
        fixed = {one.ident: one for one in self.fixed}
        with self.store.locked():
            for calendar in self.store.every():
                if calendar.fixed and calendar.ident not in fixed:
                    self.store.withdraw(calendar.ident, now)
        for ident, one in fixed.items():
            before = self.store.find(ident)
            new = replace(
                before or Published(ident, one.name, token=secrets.token_hex(16)),
                name=one.name, colour=model.colour(one.colour), rule="", url="", source=one.source, fixed=True,
            )  # fmt: skip
            if new == before and one.source:
                continue  # its turn comes as that of every source
            try:
                raw = self.read(one.source) if one.source else one.content.encode()
                text = content.whole(content.check(raw, one.source or one.name, self.normalise).items, one.name)
            except Exception as problem:  # noqa: BLE001  # said, and the others are published
                yield f"{ident}: it is not published as the inventory has it: {reason(problem)}"
                continue
            with self.store.locked():
                if new != before or self.store.content(ident).decode() != text:
                    at = now.isoformat(timespec="seconds")
                    self.store.put(replace(new, published=at, fetched=at, error=""), text)

    def _renew(self, one: Published, now: datetime.datetime) -> Iterator[str]:
        """Read a source again; the fault, where there is one."""
        text, error = None, ""
        try:
            text = content.whole(content.check(self.read(one.source), one.source, self.normalise).items, one.name)
        except Exception as problem:  # noqa: BLE001  # said, and the others are read
            error = reason(problem)
            yield f"{one.ident}: its last good content stays: {error}"
        with self.store.locked():
            calendar = self.store.find(one.ident)
            if calendar is not None and calendar.source == one.source:
                fetched = now.isoformat(timespec="seconds") if text is not None else calendar.fetched
                self.store.put(replace(calendar, fetched=fetched, error=error), text)

    def _serve(self, published: Iterable[Published]) -> None:
        """The files that nginx serves: the new ones first, then what is withdrawn goes."""
        contents = {one.file: self.store.content(one.ident).decode() for one in published}
        files = {path.name: path for path in self.web.glob("*.ics")}
        for name, text in contents.items():
            if name not in files or files[name].read_bytes() != text.encode():
                write(self.web / name, text)
        for name in files.keys() - contents.keys():
            files[name].unlink()

    def _tell(self, published: Iterable[Published], today: datetime.date) -> Iterator[str]:
        """Write down the school holidays that are not over, for the hours of agents; the faults."""
        periods = set[str]()
        for one in published:
            if one.fixed:
                try:
                    text = self.store.content(one.ident).decode()
                    periods |= {holidays.written(*each) for each in days.periods(text) if each[1] >= today}
                except ValueError as problem:  # a day that no calendar has; the others are told
                    yield f"{one.ident}: its days are not known to the hours of agents: {problem}"
        text = holidays.dumped(tuple(sorted(periods))[: holidays.MOST])
        path = self.store.root / holidays.FILE.name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write(path, text)


def _due(one: Published, now: datetime.datetime) -> bool:
    return not one.fetched or bool(one.error) or now - datetime.datetime.fromisoformat(one.fetched) >= AGAIN
