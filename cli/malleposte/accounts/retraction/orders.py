"""The orders of the DSI's page, on the directory's host: they are kept here, and `work` carries them out."""

from __future__ import annotations

import datetime
import logging
from pathlib import Path

import msgspec

from malleposte.accounts.agreement import Agreement
from malleposte.accounts.retraction import plan, store
from malleposte.accounts.retraction.alone import why_two
from malleposte.accounts.retraction.model import Order, Retraction, Stage
from malleposte.deliveries.model import Query
from malleposte.platform import idents
from malleposte.platform.times import iso

LOG = logging.getLogger("malleposte.retraction")
MOST_OPEN = 20
"""Plans of a person that wait for a decision. A further one takes the place of the oldest to which nobody agreed."""
SHOWN = 12
"""Messages, accounts and addresses that are shown of each kind."""
LONGEST = 100
"""Characters of a text that a stranger chose."""
_NEXT = {
    Order.TAKE: (Stage.PLANNED, Stage.BEGUN, Stage.DONE),
    Order.GIVE_BACK: (Stage.BEGUN, Stage.DONE),
}


class Alike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages that are the same: how many, of whom, when the first and the last came (ISO 8601).

    `inside`: whether the author is an agent of ours.
    """

    many: int
    author: str
    first: str
    last: str
    message_id: str = ""
    inside: bool = False


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A retraction in a list. `time` as ISO 8601; `by` a person, or an operator; `boxes` are those with a copy.

    `order` is what is being done. `why` says why two persons must agree (`alone`); `persons` are those who did.
    `by_command`: an operator's command made it.
    """

    ident: str = ""
    time: str = ""
    by: str = ""
    reason: str = ""
    stage: Stage = Stage.ASKED
    order: Order = Order.NONE
    boxes: int = 0
    copies: int = 0
    why: str = ""
    persons: tuple[str, ...] = ()
    by_command: bool = False


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first of many, and how many there are."""

    first: tuple[str, ...] = ()
    many: int = 0


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A retraction with its plan, and what came of it.

    `messages` are the first of `kinds` that differ, and `got` boxes got any. `readers` had opened a copy, of whom
    `written` got a letter; to the addresses of `out` a filter of a box passed one on; for those of `waiting` one is
    still in the queue; in the boxes of `left` one could not be moved.
    """

    summary: Summary = Summary()
    messages: tuple[Alike, ...] = ()
    kinds: int = 0
    got: int = 0
    readers: Listed = Listed()
    out: Listed = Listed()
    waiting: Listed = Listed()
    left: Listed = Listed()
    written: int = 0
    failures: Listed = Listed()


def ask(
    by: str, reason: str, query: Query, now: datetime.datetime, *, refuse_link: bool, folder: Path = store.FOLDER
) -> str:
    """Have a plan made; return the identifier of the retraction, nothing where too many of the person's plans wait.

    Raises OSError.
    """
    with store.turn(folder):
        store.prune(now, folder)
        open_ = (one for one in store.every(folder, LOG.error) if one.stage in (Stage.ASKED, Stage.PLANNED))
        own = [(one.ident, _given_up(one)) for one in open_ if one.agreement and one.by == by]
        if len(own) >= MOST_OPEN:
            oldest = next((ident for ident, given_up in reversed(own) if given_up), "")
            if not oldest:
                return ""
            store.remove(oldest, folder)
        one = Retraction(
            idents.new_ident(now), int(now.timestamp()), by, reason, [], [],
            hosts=[query.host] if refuse_link else [],
            stage=Stage.ASKED, agreement=Agreement(), query=query, order=Order.PLAN,
        )  # fmt: skip
        store.order(one, folder)
    return one.ident


def _given_up(one: Retraction) -> bool:
    """Return whether a plan was made, and nobody agreed to it."""
    return one.stage is Stage.PLANNED and one.order is Order.NONE and not (one.agreement and one.agreement.persons)


def give(
    ident: str, order: Order, by: str, most: int, now: datetime.datetime, folder: Path = store.FOLDER
) -> Retraction:
    """Have it taken out, or given back, or note that one of two persons agrees. Raises InputError, OSError.

    `most`: boxes that one person may empty in a day. What is under way, or was decided otherwise meanwhile, stays as it
    is: the page shows that.
    """
    with store.turn(folder):
        one = store.load(ident, folder)
        if one.order is not Order.NONE or one.stage not in _NEXT.get(order, ()):
            return one
        if order is Order.TAKE and one.agreement is not None and not one.agreement.complete:
            if not one.copies or by in one.agreement.persons:
                return one
            why = one.agreement.why or why_two(one, store.every(folder, LOG.error), most, by, now.timestamp())
            one.agreement = Agreement(why, one.agreement.persons).with_person(by)
            if not one.agreement.complete:
                store.keep(one, folder)
                return one
            one.decided = int(now.timestamp())
        one.order = order
        store.order(one, folder)
    return one


def summary(one: Retraction) -> Summary:
    """Return the line of a retraction."""
    agreement = one.agreement or Agreement()
    return Summary(
        one.ident, iso(one.time), one.by[:LONGEST], one.reason, one.stage, one.order, len(one.holders),
        len(one.copies), agreement.why, agreement.persons, one.agreement is None,
    )  # fmt: skip


def shown(one: Retraction) -> Shown:
    """Return what a person of the DSI is shown of a retraction."""
    kinds = plan.distinct(one.messages)
    alike = [
        Alike(
            len(same), (same[0].author or same[0].sender)[:LONGEST], iso(same[0].time), iso(same[-1].time),
            same[0].message_id[:LONGEST], any(each.account for each in same),
        )
        for same in kinds[:SHOWN]
    ]  # fmt: skip
    return Shown(
        summary(one), tuple(alike), len(kinds), len({box.uid for box in one.boxes}), _listed(one.readers),
        _listed([f"{uid} → {address}" for uid, address in one.out]), _listed(one.waiting),
        _listed(sorted({copy.uid for copy in one.left})), len(one.told), _listed(one.failures),
    )  # fmt: skip


def _listed(names: list[str]) -> Listed:
    return Listed(tuple(name[:LONGEST] for name in names[:SHOWN]), len(names))
