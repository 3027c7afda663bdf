"""Means of recovery: an agent's own address and telephone, to which codes go. Each change is told to old and new."""

from __future__ import annotations

import datetime
import logging

from malleposte.accountd.call import call
from malleposte.accountd.context import NO_LOG_IN, ONCE_SECONDS, Context, RefusedValueError, look_up
from malleposte.accountd.message import Browser, Done, ErrorCode, Owned, Refused, Request, Secret, Text, Token
from malleposte.accountd.trial import SlowDownError
from malleposte.accounts import acts, life
from malleposte.accounts.credentials import codes, confirmation, passwords
from malleposte.accounts.credentials.passwords import Holder
from malleposte.accounts.feed import values
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import first
from malleposte.directory.protocol import Entry

LOG = logging.getLogger("accountd")
MEANS = ("mail", "phone")
"""Means of recovery, by the words of `SetRecovery`."""
_MARKS = dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
"""Marks that nobody sees, which come along with a number or an address copied on a telephone."""


class RecoveryAsked(Done, frozen=True):
    """`ticket` stands for a new address, to which a code went. `until` is from when on a change counts."""

    ticket: Secret = ""


class SetRecovery(Request[RecoveryAsked], frozen=True):
    """Another address (`kind` is `mail`) or telephone (`phone`) of recovery; an empty value takes it away.

    The password is asked again for it, and of an agent with a second factor the `token` of a log-in. A new address is
    confirmed first: a code goes there, the ticket stands for what is asked, and nothing is changed. Any other change
    counts after the delay of the policy, and the old means are told at once.
    """

    source: Text
    login: Text
    password: Secret
    kind: Text
    value: Secret = ""
    token: Token = ""
    browser: Browser = ""


class ConfirmRecovery(Owned[Done], frozen=True):
    """The code that went to a new address of recovery, with the ticket of `SetRecovery`. `Done.until` as there."""

    ticket: Secret
    code: Secret


@call(paced=True)
def set_recovery(context: Context, request: SetRecovery) -> RecoveryAsked | Refused:
    """Ask a new address to be confirmed, change what needs no confirmation."""
    if request.kind not in MEANS:
        raise RefusedValueError(f"a means of recovery is {' or '.join(MEANS)}")
    mail, phone = (request.value, "") if request.kind == "mail" else ("", request.value)
    address, number = means(context.tools.domain, mail, phone)
    uid = look_up(context.directory, request.login)
    with context.tried(request, uid, request.password), context.alone(uid):
        holder = passwords.read(context.directory, uid) if uid else None
        proof = context.passwords.prove(uid, request.password)
        if holder is None or holder.state not in passwords.BY_OLD or not proof:
            raise context.refuse(request, uid)
        if not context.shows_second_factor(uid, request.token):
            return Refused(ErrorCode.UNAUTHORISED, NO_LOG_IN)
    if address:
        return _ask_to_confirm(context, uid, address)
    until = _change(context, holder, **{request.kind: number})
    return RecoveryAsked(holder.uid, holder.state.value, until)


@call()
def confirm_recovery(context: Context, request: ConfirmRecovery) -> Done:
    """Change the address, once its code is right."""
    holder = context.owner(request.uid)
    tools = context.tools
    address = confirmation.confirmed(tools.keys, holder.uid, request.ticket, request.code, context.now)
    if not address or not tools.limits.once(confirmation.PURPOSE, request.ticket, ONCE_SECONDS):
        raise RefusedValueError("the code is another one, or over")
    return Done(holder.uid, holder.state.value, _change(context, holder, mail=address))


def means(domain: str, mail: str, phone: str) -> tuple[str, str]:
    """Return means of recovery as they are kept, none of the academy's `domain`; empty ones stay empty.

    Raises RefusedValueError.
    """
    try:
        address = values.address(mail.translate(_MARKS)) if mail else ""
        number = values.phone(phone.translate(_MARKS)) if phone else ""
    except values.BadValueError as error:
        raise RefusedValueError(str(error)) from error
    of = address.rpartition("@")[2].lower()
    if of == domain.lower() or of.endswith(f".{domain.lower()}"):
        raise RefusedValueError("an address of the academy cannot be read by an agent who cannot log in")
    return address, number


def _ask_to_confirm(context: Context, uid: str, address: str) -> RecoveryAsked:
    """Send a code to a new address. Nothing is changed."""
    if wait := context.tools.limits.code(uid, context.network, address):
        raise SlowDownError(wait)
    ticket, issued = confirmation.ask(context.tools.keys, uid, address, context.now)
    send_confirmation(context, uid, address, issued)
    return RecoveryAsked(uid, ticket=ticket)


def send_confirmation(context: Context, uid: str, address: str, issued: codes.Issued) -> None:
    """Send the code that confirms an address, and write down whether it left. Raises DirectoryError."""
    try:
        context.tools.letters.confirm(address, issued)
    except OSError as error:
        context.journal.write("confirm", uid, sent=False, reason=type(error).__name__)
        raise DirectoryError("mail cannot be sent") from error
    context.journal.write("confirm", uid, sent=True)


def _change(context: Context, holder: Holder, *, mail: str | None = None, phone: str | None = None) -> str:
    """Change one of the means of recovery and tell of it; return from when on it counts, empty for now."""
    with context.alone(holder.uid):
        entry = acts.entry(context.directory, holder.uid)
        todo = life.ask_recovery(entry, context.now, mail=mail, phone=phone, hours=context.tools.rules.recovery_hours)
        changed = acts.make(context.directory, context.journal, todo)
        waiting = life.next_recovery(acts.entry(context.directory, holder.uid))
    if changed:
        _tell(context, entry, waiting.at if waiting else context.now, mail or "")
    return life.stamp(waiting.at) if waiting else ""


def _tell(context: Context, entry: Entry, at: datetime.datetime, new: str) -> None:
    """Tell the means of recovery, old and new, and the mailbox of a change. What cannot be told is not done."""
    uid, waited = entry.attributes["uid"][0], life.next_recovery(entry)
    old = life.usable_recovery(entry, context.now).mail
    to = dict.fromkeys((old, waited.mail if waited else "", new, first(entry.attributes, "mail")))
    try:
        context.tools.letters.tell([address for address in to if address], uid, at)
    except OSError as error:
        with context.alone(uid):
            before = list(entry.attributes.get("mpRecoveryNext", ()))
            context.change(context.account(uid), {"mpRecoveryNext": before})
        LOG.error("a change of means of recovery could not be told: %s", type(error).__name__)
        raise DirectoryError("mail cannot be sent: the means of recovery are unchanged") from error
