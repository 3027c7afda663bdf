"""Messages that are taken back from boxes of the hosts of mail, and given back."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import THIS_HOST, Uid, act, every_one, failed, holding, only
from malleposte.accounts.mailbox import refused_wave, retracted
from malleposte.accounts.retraction import orders, reported, store
from malleposte.accounts.retraction.model import Order
from malleposte.accounts.retraction.orders import Shown, Summary
from malleposte.accounts.retraction.reported import Report
from malleposte.circulars import ask as circulars
from malleposte.deliveries import ask, taken_back
from malleposte.deliveries.model import Query
from malleposte.deliveries.retracted import Box, Copy, Stop
from malleposte.platform import idents

MOST = 60
"""Boxes or copies of one question: they fit a request, and are done within its time."""
Boxes = Annotated[tuple[Box, ...], msgspec.Meta(max_length=MOST)]
Copies = Annotated[tuple[Copy, ...], msgspec.Meta(max_length=MOST)]
Ident = Annotated[str, msgspec.Meta(pattern=rf"^{idents.IDENT}\Z")]
Idents = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=rf"^{reported.IDENT}\Z")], ...], msgspec.Meta(max_length=reported.MOST)
]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
__all__ = ["MOST", "Failure", "copies", "note_retracted", "seal", "stop", "unseal"]


@act(on=holding(STORE), merge=every_one, label="boxes")
def copies(host: LocalHost, boxes: Boxes) -> list[Copy]:
    """Return the copies of messages in those of the boxes that are here."""
    return retracted.find(_here(host, boxes))


@act(on=holding(STORE), merge=every_one, label="boxes")
def seal(host: LocalHost, boxes: Boxes) -> list[Copy]:
    """Take the messages out of the boxes that are here; return the copies that are still there.

    Each host notes them all before, since a box may come to it later.
    """
    taken_back.note(boxes, host.taken_back)
    return retracted.seal(_here(host, boxes))


@act(on=holding(STORE), merge=every_one, label="boxes")
def unseal(host: LocalHost, back: Copies) -> list[Copy]:
    """Give copies back to the boxes that are here; return those that were not there any more."""
    return retracted.unseal([one for one in back if host.home(one.uid).exists()])


@act(on=holding(STORE), merge=failed, label="filter")
def stop(_host: LocalHost, wave: Stop) -> None:
    """Have the filter refuse further messages of a wave; without marks, no longer."""
    refused_wave.stop(wave)


@act(on=holding(STORE), merge=failed, label="index")
def note_retracted(host: LocalHost, boxes: Boxes, back: bool = False) -> None:
    """Have the index of deliveries say that messages were taken out of boxes, or given back, as restores may then.

    The archives of lists show them no more, or again.
    """
    if back:
        taken_back.forget(boxes, host.taken_back)
    ask.retract(boxes, host.deliveries_socket, back=back)
    circulars.retract(boxes, host.circulars_socket, back=back)


@act(on=THIS_HOST, merge=only, accountd=True)
def retractions(host: LocalHost) -> list[Summary]:
    """Return the retractions of the last days, the newest first."""
    return [orders.summary(one) for one in store.every(host.retractions_folder, orders.LOG.error)]


@act(on=THIS_HOST, merge=only, accountd=True)
def retraction(host: LocalHost, ident: Ident) -> Shown | None:
    """Return a retraction with its plan; None where there is none of that name."""
    folder = host.retractions_folder
    return orders.shown(store.load(ident, folder)) if store.has(ident, folder) else None


@act(on=THIS_HOST, merge=only, accountd=True)
def ask_retraction(host: LocalHost, by: Uid, reason: Reason, query: Query, refuse_link: bool = False) -> str:
    """Have the plan of a retraction made; return its identifier, nothing where too many wait."""
    folder = host.retractions_folder
    return orders.ask(by, reason, query.checked(), _now(), refuse_link=refuse_link, folder=folder)


@act(on=THIS_HOST, merge=only, accountd=True)
def order_retraction(host: LocalHost, ident: Ident, order: Order, by: Uid) -> Shown | None:
    """Have a retraction carried out or given back, once as many persons agreed as must; None where there is none."""
    folder = host.retractions_folder
    if not store.has(ident, folder):
        return None
    return orders.shown(orders.give(ident, order, by, host.rules.retract_alone, _now(), folder))


@act(on=holding(STORE), merge=every_one, label="boxes", accountd=True)
def reports_of(host: LocalHost, uid: Uid) -> list[Report]:
    """Return the reports of suspect messages in a box that is here, those that nobody has answered."""
    return reported.find(uid, str(facts.read()["domain"]), _now().date()) if host.home(uid).exists() else []


@act(on=holding(STORE), merge=failed, label="boxes", accountd=True)
def answer_reports(host: LocalHost, uid: Uid, idents: Idents) -> None:
    """Mark reports in a box as answered."""
    if host.home(uid).exists():
        reported.answered(uid, idents)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _here(host: LocalHost, boxes: Boxes) -> list[Box]:
    return [box for box in boxes if host.home(box.uid).exists()]
