"""Hosts that hold something of accounts, in memory."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.model import File, Piece, Removed
from malleposte.accounts.hosts.table import Act
from malleposte.accounts.mailbox.archiving.model import Choice
from malleposte.accounts.mailbox.archiving.model import State as Archived
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.hours.model import Change as HoursChange
from malleposte.accounts.mailbox.hours.model import State as HoursState
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import MallepostError
from malleposte.throttle.record.model import Kept, LogIn, Seen


class NoPasswords:
    """Credentials of which no password is there to scramble."""

    def scramble(self, uid: str, now: object) -> bool:
        return False


class FakeHands:
    """Hosts and credentials for acts on an account: what was asked of them; while `down`, no device is cut."""

    def __init__(self) -> None:
        self.down = False
        self.scrambled: list[str] = []
        self.cuts: list[tuple[str, str]] = []
        self.carried: list[tuple[str, str]] = []
        self.settled: list[tuple[str, str]] = []

    def cut(self, uid: str, device: str) -> list[Failure]:
        if self.down:
            raise MallepostError("no route to host")
        self.cuts.append((uid, device))
        return []

    def hold(self, uid: str) -> tuple[list[str], list[Failure]]:
        return ["4ABCDEF"], []

    def carry(self, uid: str, profile: str) -> str:
        self.carried.append((uid, profile))
        return "sogo"

    def settle(self, uid: str, profile: str) -> Moved:
        self.settled.append((uid, profile))
        return Moved(agenda=3, contacts=2)

    def scramble(self, uid: str, now: object) -> bool:
        self.scrambled.append(uid)
        return True


class FakeChannel:
    """See channels.Channel; a close fails for the `reason`, where there is one."""

    name = "essai"

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.closed: list[str] = []
        self.forgotten: list[str] = []

    def close(self, uid: str) -> None:
        self.closed.append(uid)
        if self.reason:
            raise MallepostError(self.reason)

    def close_many(self, uids: Sequence[str]) -> None:
        self.closed += uids
        if self.reason:
            raise MallepostError(self.reason)

    def forget(self, uid: str) -> None:
        self.forgotten.append(uid)


@dataclass
class FakeHost:
    """See hosts.table.Host; an act is the method of its name. `done` is what was asked; while `down`, nothing is."""

    name: str
    holds: frozenset[str]
    down: bool = False
    done: list[tuple[str, str, object]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    held: list[Factor] = field(default_factory=list)
    open: list[Session] = field(default_factory=list)
    untold: tuple[str, ...] = ()
    left: list[Trace] = field(default_factory=list)
    chosen: Senders = field(default_factory=Senders)
    hours_state: HoursState = field(default_factory=HoursState)
    archived: Archived = field(default_factory=Archived)

    def _asked(self, act: str, uid: str = "", more: object = "") -> None:
        if self.down:
            raise MallepostError("no route to host")
        self.done.append((act, uid, more))

    def ask(self, act: Act[..., Any, Any], /, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, act.name)(**act.bind(*args, **kwargs))

    def acts(self) -> list[str]:
        """Names of the acts that were done."""
        return [act for act, *_ in self.done]

    def close(self, uid: str, names: Sequence[str]) -> list[Failure]:
        self._asked("close", uid, tuple(names))
        return self.failures

    def forget(self, uid: str, names: Sequence[str]) -> list[Failure]:
        self._asked("forget", uid, tuple(names))
        return self.failures

    def cut(self, uid: str, device: str, names: Sequence[str]) -> None:
        self._asked("cut", uid, device)

    def queue(self, action: str, uid: str, names: Sequence[str]) -> list[Waiting]:
        self._asked("queue", uid, action)
        state = "active" if action == "hold" else "hold"
        return [Waiting("4ABC", state, f"{uid}@ac-exemple.test", ("a@b.test",), 1, 2)] if names else []

    def hold(self, uid: str, names: Sequence[str]) -> list[str]:
        self._asked("hold", uid)
        return ["4ABC"] if names else []

    def carry(self, uid: str, profile: str) -> str:
        self._asked("carry", uid, profile)
        return "sogo"

    def look(self, uid: str) -> Filters:
        self._asked("look", uid)
        return Filters("sogo", ("sogo",), ("ami@lointain.test",))

    def traces(self, uid: str) -> list[Trace]:
        self._asked("traces", uid)
        return list(self.left)

    def untrace(self, uid: str, trace: Trace, names: Sequence[str]) -> None:
        self._asked("untrace", uid, trace)
        if trace in self.left:
            self.left.remove(trace)

    def factors(self, uid: str) -> list[Factor]:
        self._asked("factors", uid)
        return list(self.held)

    def enrolled(self) -> Mapping[str, Sequence[str]]:
        self._asked("enrolled")
        return {"mdupond": [one.kind for one in self.held]} if self.held else {}

    def unfactor(self, uid: str, ident: str) -> Factor | None:
        self._asked("unfactor", uid, ident)
        gone = next((one for one in self.held if one.ident == ident), None)
        self.held = [one for one in self.held if one is not gone]
        return gone

    def log_ins(self, uid: str) -> list[Session]:
        self._asked("log_ins", uid)
        return list(self.open)

    def end_log_in(self, uid: str, ident: str) -> tuple[str, ...] | None:
        self._asked("end_log_in", uid, ident)
        left = [one for one in self.open if one.ident != ident]
        ended, self.open = len(left) < len(self.open), left
        return self.untold if ended else None

    def drop(self, uid: str) -> bool:
        self._asked("drop", uid)
        return True

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        self._asked("deleted", uid, wanted.sender)
        return [Deleted("Projets:12", "Projets", "ami@lointain.test", "Bonjour", "2026-01-01", "2026-01-02", 10)]

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        self._asked("undelete", uid, *idents)
        return {"Projets": len(idents)}

    def senders(self, uid: str) -> Senders:
        self._asked("senders", uid)
        return self.chosen

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        self._asked("set_senders", uid, edit)
        self.chosen = edit.to(self.chosen)
        return self.chosen

    def hours(self, uid: str) -> HoursState:
        self._asked("hours", uid)
        return self.hours_state

    def set_hours(self, uid: str, change: HoursChange) -> HoursState:
        self._asked("set_hours", uid, change)
        hours = change.to(self.hours_state.hours, datetime.datetime(2026, 12, 1, 10))  # noqa: DTZ001  # of the zone here
        self.hours_state = HoursState(hours)
        return self.hours_state

    def archiving(self, uid: str) -> Archived:
        self._asked("archiving", uid)
        return self.archived

    def set_archiving(self, uid: str, choice: Choice) -> Archived:
        self._asked("set_archiving", uid, choice)
        self.archived = Archived(choice.checked())
        return self.archived

    def undo_archiving(self, uid: str, at: int) -> int:
        self._asked("undo_archiving", uid, at)
        return 3

    def settle(self, uid: str, profile: str) -> Moved:
        self._asked("settle", uid, profile)
        return Moved(3, 2)

    def holders(self) -> Mapping[str, Sequence[str]]:
        self._asked("holders")
        return {"radicale": ["mdupond"]}

    def record(self, uid: str) -> Kept:
        self._asked("record", uid)
        return Kept((Seen(LogIn(uid, True, "imap", "192.0.2.7", self.name), 1_700_000_000, 1_700_000_000),))

    def files(self, uid: str) -> Iterator[Piece]:
        self._asked("files", uid)
        yield from self.pieces or [File(f"courrier/{self.name}.eml", b"x", "messages")]

    def empty(self, uid: str) -> Removed:
        self._asked("empty", uid)
        return Removed([f"store/{uid}"], [])

    def ping(self) -> None:
        self._asked("ping")

    def relist(self) -> None:
        self._asked("relist")
