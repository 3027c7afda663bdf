"""Messages that are taken back from boxes of the hosts of mail, and given back."""

from __future__ import annotations

from typing import Annotated

import msgspec

from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import act, every_one, failed, holding
from malleposte.accounts.mailbox import refused_wave, retracted
from malleposte.deliveries import ask, taken_back
from malleposte.deliveries.retracted import Box, Copy, Stop

MOST = 60
"""Boxes or copies of one question: they fit a request, and are done within its time."""
Boxes = Annotated[tuple[Box, ...], msgspec.Meta(max_length=MOST)]
Copies = Annotated[tuple[Copy, ...], msgspec.Meta(max_length=MOST)]
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
    """Have the index of deliveries say that messages were taken out of boxes, or given back, as restores may then."""
    if back:
        taken_back.forget(boxes, host.taken_back)
    ask.retract(boxes, host.deliveries_socket, back=back)


def _here(host: LocalHost, boxes: Boxes) -> list[Box]:
    return [box for box in boxes if host.home(box.uid).exists()]
