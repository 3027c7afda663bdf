"""Polls of dates: an agent asks people inside and outside which of some slots suit them.

A file each on the directory's host. A link is good for one person: its secret is known to that person's letter alone,
and its digest is kept. A wrong link and that of a poll that has ended are the same to whoever follows it.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from malleposte.accounts.convocations import store
from malleposte.accounts.convocations.model import DAY, Event, Person
from malleposte.accounts.meetings import invite
from malleposte.platform import idents
from malleposte.platform.times import iso
from malleposte.runtime import durable

MOST_OPEN = 20
"""Polls of an agent that have not ended."""
FEWEST, MOST_SLOTS = 2, 20
KEPT_LINKS = 3
"""Links of a person that are good: one whose letter was sent again has another."""
LONGEST_LINK = 100


class Vote(StrEnum):
    """The answer of somebody to a slot, as a letter of a row."""

    NONE = "-"
    YES = "y"
    MAYBE = "m"
    NO = "n"


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A slot, in the platform's zone (`2026-06-15T08:00`)."""

    begin: str
    end: str


class Voter(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody who is asked. `votes` has a letter of `Vote` for each slot; before `later` no letter is tried again."""

    person: Person
    votes: str = ""
    voted: int = 0
    digests: list[str] = []
    mailed: bool = False
    later: int = 0
    tries: int = 0
    failure: str = ""


class Poll(msgspec.Struct, forbid_unknown_fields=True):
    """A poll of an agent. With `tell`, who votes sees the others' votes. `chosen`: the slot that was taken, or -1."""

    ident: str
    title: str
    by: Person
    made: int
    slots: list[Slot]
    voters: list[Voter]
    text: str = ""
    tell: bool = False
    open: bool = True
    chosen: int = -1
    meeting: str = ""

    @property
    def last(self) -> float:
        """The beginning of the last slot, in seconds: the poll ends then, if not before."""
        return last_begin(self.slots)

    def stands(self, now: float) -> bool:
        """Whether votes are taken."""
        return self.open and self.last > now


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The votes of somebody."""

    name: str
    votes: str
    sent: bool = True
    failed: bool = False


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A poll as its organiser sees it, or as somebody who votes does: then `own` are that person's votes."""

    ident: str
    title: str
    organiser: str
    slots: tuple[Slot, ...] = ()
    rows: tuple[Row, ...] = ()
    text: str = ""
    own: str = ""
    open: bool = True
    chosen: int = -1
    made: str = ""
    tell: bool = False


def ask(
    by: Person, title: str, text: str, slots: Sequence[Slot], people: Iterable[Person], tell: bool,
    now: datetime.datetime, folder: Path = store.FOLDER,
) -> Shown | None:  # fmt: skip
    """Open a poll; None where the agent has too many. Raises OSError."""
    with store.turn(folder):
        if sum(one.stands(now.timestamp()) for one in _of(by.uid, folder)) >= MOST_OPEN:
            return None
        voters = [Voter(one, Vote.NONE * len(slots)) for one in people]
        ident = idents.new_ident(now, lambda word: _path(word, folder).exists())
        poll = Poll(ident, title, by, int(now.timestamp()), list(slots), voters, text, tell)
        keep(poll, folder)
        (folder / f"{poll.ident}.asked").touch(0o600)
    return shown(poll)


def listed(uid: str, folder: Path = store.FOLDER) -> list[Shown]:
    """Return the polls of an agent, the newest first, without their votes."""
    return [msgspec.structs.replace(shown(one), rows=(), text="") for one in _of(uid, folder)]


def of_owner(uid: str, ident: str, folder: Path = store.FOLDER) -> Shown | None:
    """Return a poll of an agent; None where there is none of that name."""
    one = _owned(uid, ident, folder)
    return shown(one) if one else None


def end(uid: str, ident: str, folder: Path = store.FOLDER) -> Shown | None:
    """End a poll: its links are good for nothing any more. Raises OSError."""
    with store.turn(folder):
        one = _owned(uid, ident, folder)
        if one is None:
            return None
        if one.open:
            _close(one)
            keep(one, folder)
    return shown(one)


def decide(
    uid: str, ident: str, slot: int, link: str, now: datetime.datetime, folder: Path = store.FOLDER
) -> Shown | None:
    """Take a slot: the poll ends, and its people are invited; None where that cannot be. Raises OSError.

    For an organiser who may call no further meeting it stays as it was. Interrupted and done again, with whatever
    slot, it ends with one meeting at the first one.
    """
    with store.turn(folder):
        one = _owned(uid, ident, folder)
        if (
            one is None
            or not 0 <= slot < len(one.slots)
            or (one.chosen < 0 and _moment(one.slots[slot].begin) < now.timestamp())
        ):
            return None
        if one.chosen < 0:
            if invite.is_full(uid, now.timestamp(), folder):
                return shown(one)
            one.chosen = slot
            _close(one)
        # The meeting has its name before it is called: whoever comes again finds it by that.
        one.meeting = one.meeting or idents.new_ident(now, lambda word: store.has(word, folder))
        keep(one, folder)
    taken = one.slots[one.chosen]
    if not store.has(one.meeting, folder) and _moment(taken.begin) > now.timestamp():
        event = invite.with_visio(Event(one.title, taken.begin, taken.end, "", one.text), link)
        guests = [voter.person for voter in one.voters]
        if invite.call(one.by, event, guests, now, folder, ident=one.meeting) is None:
            return None
    return shown(one)


def seen(link: str, now: float, folder: Path = store.FOLDER) -> Shown | None:
    """Return what somebody sees who follows a link; None for a wrong one, and for a poll that has ended."""
    one, voter = _by_link(link, now, folder)
    return _as_seen(one, voter) if one and voter else None


def vote(link: str, votes: str, now: float, folder: Path = store.FOLDER) -> Shown | None:
    """Note the votes of who has a link; None as `seen`, and for votes that are none. Raises OSError."""
    with store.turn(folder):
        one, voter = _by_link(link, now, folder)
        if one is None or voter is None or len(votes) != len(one.slots) or not set(votes) <= {*Vote}:
            return None
        if voter.votes != votes:
            voter.votes, voter.voted = votes, int(now)
            keep(one, folder)
    return _as_seen(one, voter)


def new_link(one: Poll, voter: Voter) -> str:
    """Return a link for somebody, whose digest is to be kept before it is sent."""
    secret = secrets.token_urlsafe(24)
    voter.digests = [*voter.digests, _digest(one.ident, secret)][-KEPT_LINKS:]
    return f"{one.ident}.{secret}"


def forget(uid: str, folder: Path = store.FOLDER) -> bool:
    """Remove the polls of an agent who is removed; whether there were any. Raises OSError."""
    if not _place(folder).is_dir():
        return False
    with store.turn(folder):
        gone = [one.ident for one in _of(uid, folder)]
        for ident in gone:
            _path(ident, folder).unlink(missing_ok=True)
    return bool(gone)


def prune(now: float, days: int, folder: Path = store.FOLDER) -> list[str]:
    """Remove those whose last slot is over for so many days; return their names. Raises OSError."""
    with store.turn(folder):
        gone = [one.ident for one in every(folder) if one.last + days * DAY < now]
        for ident in gone:
            _path(ident, folder).unlink(missing_ok=True)
    return gone


def own_terms(one: Poll, uid: str) -> list[dict[str, object]]:
    """Return what a poll holds of an agent, for the copy of the own data."""
    slots = [f"{slot.begin} {slot.end}" for slot in one.slots]
    return [
        {"sondage": one.title, "organisateur": one.by.name, "créneaux": slots, "réponses": voter.votes}
        for voter in (*one.voters, *([Voter(one.by)] if one.by.uid == uid else []))
        if voter.person.uid == uid
    ]


def every(folder: Path = store.FOLDER, word: str = "") -> Iterator[Poll]:
    """Yield all polls, the newest first; of a `word` as `store.every`. One that cannot be read stops no other."""
    place = _place(folder)
    for path in sorted(place.glob("*.json"), reverse=True) if place.is_dir() else []:
        if (not word or store.has_word(path, word)) and (one := load(path.stem, folder)) is not None:
            yield one


def load(ident: str, folder: Path = store.FOLDER) -> Poll | None:
    """Return a poll; None where there is none of that name."""
    if not idents.is_ident(ident):
        return None
    try:
        return msgspec.json.decode(_path(ident, folder).read_bytes(), type=Poll)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        store.LOG.error("%s: not a poll of this program (%s)", _path(ident, folder), error)
        return None


def keep(one: Poll, folder: Path = store.FOLDER) -> None:
    """Write a poll to its file. Raises OSError."""
    _place(folder).mkdir(mode=0o700, exist_ok=True)
    durable.write(_path(one.ident, folder), msgspec.json.encode(one))


def shown(one: Poll) -> Shown:
    """Return a poll as its organiser sees it."""
    rows = tuple(Row(_name(each), each.votes, each.mailed, bool(each.failure)) for each in one.voters)
    return Shown(
        one.ident, one.title, one.by.name, tuple(one.slots), rows, one.text, "", one.open, one.chosen, iso(one.made),
        one.tell,
    )  # fmt: skip


def _as_seen(one: Poll, voter: Voter) -> Shown:
    others = [Row(_name(each), each.votes) for each in one.voters if each is not voter] if one.tell else []
    return Shown("", one.title, one.by.name, tuple(one.slots), tuple(others), one.text, voter.votes, tell=one.tell)


def _by_link(link: str, now: float, folder: Path) -> tuple[Poll | None, Voter | None]:
    ident, _dot, secret = link[:LONGEST_LINK].partition(".")
    one = load(ident, folder)
    if one is None or not one.stands(now):
        return None, None
    digest = _digest(ident, secret)
    for voter in one.voters:
        if any(hmac.compare_digest(digest, each) for each in voter.digests):
            return one, voter
    return None, None


def _close(one: Poll) -> None:
    one.open = False
    for voter in one.voters:
        voter.digests = []


def _digest(ident: str, secret: str) -> str:
    return hashlib.sha256(f"{ident}.{secret}".encode()).hexdigest()


def last_begin(slots: Iterable[Slot]) -> float:
    """Return the beginning of the last of some slots, in seconds since 1970."""
    return max(_moment(one.begin) for one in slots)


def _moment(begin: str) -> float:
    return datetime.datetime.fromisoformat(begin).astimezone().timestamp()


def _name(voter: Voter) -> str:
    return voter.person.name or voter.person.address


def _owned(uid: str, ident: str, folder: Path) -> Poll | None:
    one = load(ident, folder)
    return one if one is not None and one.by.uid == uid else None


def _of(uid: str, folder: Path) -> Iterator[Poll]:
    return (one for one in every(folder, uid) if one.by.uid == uid)


def _place(folder: Path) -> Path:
    return folder / "polls"


def _path(ident: str, folder: Path) -> Path:
    return _place(folder) / f"{ident}.json"
