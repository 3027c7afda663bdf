"""A box whose mail has owners, for root on the host of the mailbox: what waits, who has it, notes, and the choice."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.mailbox.owners import script
from malleposte.accounts.mailbox.owners.dovecot import Dovecot, Row
from malleposte.accounts.mailbox.owners.look import described
from malleposte.accounts.mailbox.owners.model import (
    LONGEST_NOTE,
    MOST_OF_A_BOX,
    MOST_OF_A_MESSAGE,
    MOST_OF_AN_AGENT,
    MOST_SHOWN,
    Act,
    Change,
    Mail,
    Note,
    Record,
    Refused,
    RefusedError,
    Settings,
    Shown,
)  # fmt: skip
from malleposte.accounts.mailbox.owners.store import KEY, Store
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import STORE
from malleposte.platform.times import iso_here


def allowed() -> bool:
    """Whether the academy lets mail of boxes have owners. Raises MallepostError."""
    return facts.read().get("box_owners") is True


class Box:
    """The boxes of this host."""

    def __init__(
        self, root: Path = STORE, dovecot: Dovecot | None = None, allows: Callable[[], bool] = allowed,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store, self._dovecot, self._allows, self._clock = Store(root), dovecot or Dovecot(), allows, clock

    def shown(self, box: str, key: str = "") -> Shown:
        """Return what waits for an answer, the oldest first, and the notes of a message.

        Raises MallepostError, OSError.
        """
        settings = self._store.settings(box)
        if not self._allows() or not settings:
            return Shown(self._allows())
        delegates = self._dovecot.delegates(box)
        numbers = self._dovecot.waiting(box, settings.since)
        mails: list[Mail] = []
        for row in self._dovecot.rows(box, numbers[:MOST_SHOWN]):
            record = self._store.read(box, row.key).of(delegates)
            if not record.done:
                mails.append(_mail(row, record))
        mails.sort(key=lambda one: (one.received, one.number))
        notes = self._store.read(box, key).notes if any(one.key == key for one in mails) else ()
        return Shown(True, settings.since, tuple(mails), len(numbers) > MOST_SHOWN, notes)

    def set(self, box: str, *, on: bool) -> Shown:
        """Let the mail of a box that comes from now on have owners, or end that. Raises InputError, MallepostError."""
        if on and not self._allows():
            raise InputError("the academy does not let mail have owners", "set malleposte_box_owners, then deploy")
        with self._store.alone(box):
            before = self._store.settings(box)
            if on and not before:
                self._store.set_settings(box, Settings(self._clock()))
                script.lay_more(self._store, self._dovecot.delegates(box))
            elif before and not on:
                self._store.set_settings(box, None)
        return self.shown(box)

    def change(self, box: str, change: Change) -> Shown:
        """Do what a delegate asks, or say why not. Raises InputError, MallepostError, OSError."""
        if not self._allows() or not self._store.settings(box):
            raise InputError("the mail of this box has no owners", "its manager turns that on")
        refused, taker = "", ""
        try:
            with self._store.alone(box):
                taker = self._carry_out(box, change).owner
        except RefusedError as error:
            refused = error.reason.value
        return msgspec.structs.replace(self.shown(box, change.key), owner=taker, refused=refused)

    def _carry_out(self, box: str, change: Change) -> Record:
        delegates = self._dovecot.delegates(box)
        if change.agent not in delegates:
            raise InputError(f"{change.agent} does not open the box {box}", "a manager of the box may add a delegate")
        rows = self._dovecot.rows(box, [change.number]) if KEY.fullmatch(change.key) else []
        row = next((one for one in rows if one.key == change.key), None)
        if row is None:
            raise RefusedError(Refused.GONE)
        before = self._store.read(box, row.key)
        record = described(self._changed(box, before.of(delegates), change), row)
        if record != before:
            self._store.write(box, row.key, record)
        self._dovecot.label(box, row, record.labels())
        if change.act == Act.TAKE and record.owner != change.agent:
            raise RefusedError(Refused.TAKEN)
        return record

    def _changed(self, box: str, record: Record, change: Change) -> Record:
        now = self._clock()
        match change.act:
            case Act.TAKE:
                return record.taken(change.agent, now)
            case Act.GIVE:
                return record.given_back(change.agent, manager=change.manager)
            case Act.DONE:
                return record.ended(change.agent, now)
            case Act.REOPEN:
                return record.reopened(change.agent, now)
            case Act.NOTE:
                return self._noted(box, record, change)
            case Act.ERASE:
                return msgspec.structs.replace(record, notes=tuple(
                    one for one in record.notes if (one.ident, one.by) != (change.text, change.agent)
                ))  # fmt: skip

    def _noted(self, box: str, record: Record, change: Change) -> Record:
        text = change.text.strip()
        if not text or len(text) > LONGEST_NOTE:
            raise RefusedError(Refused.NOTE)
        if len(record.notes) >= MOST_OF_A_MESSAGE:
            raise RefusedError(Refused.FULL)
        authors = [note.by for key in self._store.keys(box) for note in self._store.read(box, key).notes]
        if len(authors) >= MOST_OF_A_BOX or authors.count(change.agent) >= MOST_OF_AN_AGENT:
            raise RefusedError(Refused.FULL)
        note = Note(secrets.token_hex(8), change.agent, self._clock(), text)
        return msgspec.structs.replace(record, notes=(*record.notes, note))

    def own_terms(self, box: str) -> list[dict[str, Any]]:
        """Return what is known of the messages of a box in its own terms, for an export. Raises MallepostError."""
        records = (self._store.read(box, key) for key in self._store.keys(box))
        return [_terms(one) for one in records if not one.empty]

    def forget(self, uid: str) -> bool:
        """Remove all of an account that ends; whether there was anything."""
        return self._store.forget(uid)


def _mail(row: Row, record: Record) -> Mail:
    return Mail(
        row.number, row.key, row.sender, row.subject, row.received, record.owner, record.since, len(record.notes),
    )  # fmt: skip


def _terms(record: Record) -> dict[str, Any]:
    return {
        "message": record.message_id,
        "objet": record.subject,
        "pris en charge par": record.owner,
        "depuis": iso_here(record.since),
        "traité": iso_here(record.done),
        "notes": [{"auteur": one.by, "date": iso_here(one.at), "texte": one.text} for one in record.notes],
    }
