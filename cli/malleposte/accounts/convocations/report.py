"""The report of a convocation: who answered what, as CSV for a spreadsheet and as PDF."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from malleposte.accounts.convocations.letter import spoken
from malleposte.accounts.convocations.model import Answer, Convocation, Invitee, Way
from malleposte.accounts.convocations.paper import Printer
from malleposte.core import spreadsheet

ANSWERS = {Answer.SILENCE: "pas de réponse", Answer.YES: "oui", Answer.NO: "non", Answer.MAYBE: "peut-être"}
_WAYS = {Way.NONE: "", Way.MAIL: "par messagerie", Way.PORTAL: "sur le portail"}
HEADER = (
    "Nom", "Identifiant", "Adresse", "Référence", "Titre", "Début", "Fin", "Lieu", "Envoyée le", "Réponse",
    "Répondu le", "Moyen", "Rappels", "Remplace", "Remplacé par", "À savoir",
)  # fmt: skip


def csv(one: Convocation) -> bytes:
    """Return the table: UTF-8 with a mark, inert in a spreadsheet."""
    lines = [spreadsheet.row(HEADER, quoted=True)]
    lines += [spreadsheet.row(_cells(one, invitee), quoted=True) for invitee in _ordered(one)]
    return (spreadsheet.MARK + "".join(lines)).encode()


def pdf(one: Convocation, printer: Printer, today: datetime.date) -> bytes:
    """Return the same to be printed."""
    counts = one.count()
    head = [
        f"{counts.all} convoqués\N{NO-BREAK SPACE}: {counts.yes} oui, {counts.no} non, {counts.maybe} peut-être, "
        f"{counts.silence} sans réponse"
    ]
    rows = ((_name(invitee), spoken(invitee.event), _said(one, invitee)) for invitee in _ordered(one))
    return printer.report(one, head, rows, today)


def own_rows(one: Convocation, uid: str) -> list[dict[str, str]]:
    """Return what a convocation holds of an agent, for the copy of the own data."""
    return [
        dict(zip(("service", *HEADER), (one.title, *_cells(one, invitee)), strict=True))
        for invitee in one.invitees if invitee.person.uid == uid
    ]  # fmt: skip


def _ordered(one: Convocation) -> list[Invitee]:
    return sorted(one.invitees, key=lambda invitee: (_name(invitee).casefold(), invitee.key))


def _name(invitee: Invitee) -> str:
    return invitee.person.name or invitee.person.address


def _said(one: Convocation, invitee: Invitee) -> str:
    words = "annulée" if invitee.off else ANSWERS[invitee.answer]
    if invitee.answered and not invitee.off:
        words += f", le {_moment(invitee.answered)}"
    other = one.find(invitee.called)
    return f"{words}\N{NO-BREAK SPACE}; remplacé par {_name(other)}" if other else words


def _cells(one: Convocation, invitee: Invitee) -> Iterator[str]:
    person, event = invitee.person, invitee.event
    yield from (_name(invitee), person.uid, person.address, invitee.key.partition("#")[2])
    yield from (event.title, event.begin.replace("T", " "), event.end.replace("T", " "), event.place)
    yield _moment(invitee.sent)
    yield "annulée" if invitee.off else ANSWERS[invitee.answer]
    yield from (_moment(invitee.answered), _WAYS[invitee.way], str(invitee.reminders))
    for key in (invitee.instead_of, invitee.called):
        other = one.find(key)
        yield _name(other) if other else ""
    yield invitee.failure


def _moment(seconds: int) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC).astimezone():%d/%m/%Y %H:%M}" if seconds else ""
