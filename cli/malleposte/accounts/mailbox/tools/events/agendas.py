"""Agendas that rules of tools watch, on the host of the agendas. Texts of events meet no parser of root's.

They are read by `radicale-busy` (role radicale), a program without rights and network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from malleposte.accounts.agendas import Place, Stores
from malleposte.accounts.mailbox.tools.events.model import MOST_EVENTS, Agenda, Changes, Event, Look, Seen
from malleposte.accounts.mailbox.tools.events.model import key as key_of
from malleposte.accounts.meetings.times import Ask
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named

MARGIN = 60.0
"""Seconds before a look from which the next one begins: what is being written meanwhile."""
LONGEST_TITLE = 200


def own(stores: Stores, uid: str, profile: str) -> list[Agenda]:
    """Return the agendas of an agent of a class; none where the class has none here."""
    try:
        titles = stores.changes(profile).titles(uid)
    except MallepostError:
        return []
    return [Agenda(uid, name, title[:LONGEST_TITLE]) for name, title in titles.items()]


def changed(stores: Stores, looks: Sequence[Look], clock: Callable[[], float] = time.time) -> list[Changes]:
    """Return the changes of these agendas, in this order."""
    answers: dict[Look, Changes] = {}
    for profile in dict.fromkeys(look.profile for look in looks):
        some = [look for look in looks if look.profile == profile]
        faults: list[str] = []
        with named(faults.append):
            answers |= _of_store(stores, profile, some, clock())
        if faults and len(some) > 1:
            for look in some:  # one that cannot be read stops no other
                answers[look] = changed(stores, [look], clock)[0]
        elif faults:
            answers[some[0]] = Changes(clock(), fault=faults[0])
    return [answers[look] for look in looks]


def _of_store(stores: Stores, profile: str, looks: Sequence[Look], now: float) -> dict[Look, Changes]:
    places = {look: Place(look.owner, look.name, look.after) for look in looks}
    entries = stores.changes(profile).changed(list(dict.fromkeys(places.values())), MOST_EVENTS + 1)
    answers: dict[Look, Changes] = {}
    for look, place in places.items():
        listed = entries.get(place)
        seen = tuple(Seen(one.name, key_of(one.key), one.changed) for one in (listed or ())[:MOST_EVENTS])
        answers[look] = Changes(now - MARGIN, listed is not None, seen, len(listed or ()) > MOST_EVENTS)
    return answers


class Words(msgspec.Struct, frozen=True):
    """The words of an event, as `radicale-busy` gives them."""

    title: str
    begin: str
    end: str
    place: str


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of an agenda of which a tool is to be told. See Look; `mails`: addresses of the owner."""

    look: Look
    events: tuple[Seen, ...]
    mails: tuple[str, ...]
    horizon: float


def read(stores: Stores, question: Question, ask: Ask) -> list[Event]:
    """Return of these events what is told, and nothing of the others. Raises MallepostError."""
    look = question.look
    names = [one.name for one in question.events]
    texts = stores.changes(look.profile).texts(Place(look.owner, look.name), names)
    there = [one for one in question.events if one.name in texts]
    asked = {"horizon": question.horizon, "mails": question.mails, "texts": [texts[one.name] for one in there]}
    try:
        answers = msgspec.json.decode(ask(msgspec.json.encode(asked)), type=list[Words | None])
    except (OSError, msgspec.MsgspecError) as error:
        raise MallepostError(
            f"new events are not read: {type(error).__name__}: {error}", "look at 'journalctl -t radicale-busy'"
        ) from error
    return [
        Event(seen.key, one.title, one.begin, one.end, one.place)
        for seen, one in zip(there, answers, strict=True) if one is not None
    ]  # fmt: skip
