"""A first log-in: NUMEN and INA code open a file, steps fill it, a password ends it.

The proof is made once; the ticket that it gives stands for it. No step spends the code: the password does.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from malleposte.accountd.call import Counts, call
from malleposte.accountd.calls.passwords import renewed, uid_of_numen
from malleposte.accountd.calls.recovery import means, send_confirmation
from malleposte.accountd.context import Context
from malleposte.accountd.message import Done, Message, Request, Secret, Text
from malleposte.accountd.trial import SlowDownError
from malleposte.accounts import acts
from malleposte.accounts.credentials import codes, enrolment
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.enrolment import Asked, File, Step
from malleposte.accounts.credentials.passwords import Holder, NotProvedError
from malleposte.accounts.mails import welcome
from malleposte.adapters import sms
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first

LOOK = "look"
"""A step that changes nothing."""


class WrongAnswerError(MallepostError):
    """An answer of a step that cannot be taken; the ticket stays good."""


class Enrolment(Message, frozen=True):
    """The file of a first log-in: the agent's names and academic address, answers so far, and the steps that are left.

    `waiting` is an address that waits for its code, `called` a number that does. `needed` are the steps that cannot be
    passed over, `steps` are all.
    """

    given: str = ""
    surname: str = ""
    mail: str = ""
    phone: str = ""
    recovery: str = ""
    waiting: str = ""
    called: str = ""
    left: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class EnrolmentFile(Done, frozen=True):
    """The file as it is now."""

    enrolment: Enrolment = msgspec.field(default_factory=Enrolment)


class EnrolmentBegun(EnrolmentFile, frozen=True):
    """The file, and the `ticket` that stands for NUMEN and code in the next calls."""

    ticket: Secret = ""


class Begin(Request[EnrolmentBegun], frozen=True):
    """First log-in: NUMEN and INA code give a ticket, which stands for them in the next two calls.

    Nothing is spent, and the same two secrets open the file again where it was left. `once` is a word that is good
    for one request; with `question` it comes from a plain question, for which limits are stricter.
    """

    source: Text
    numen: Secret
    code: Secret
    once: Text = ""
    question: Text = ""


class Enrol(Request[EnrolmentFile], frozen=True):
    """One step of it: `phone`, `mail` (a code goes there), `confirm` (that code), `charter` (its version), or `look`.

    Where there is a gateway for text messages, a code goes to the telephone too, and `phone_code` takes it. Without a
    value the step is passed over, where the academy lets it.
    """

    source: Text
    ticket: Secret
    step: Text
    value: Secret = ""


class Activate(Request[Done], frozen=True):
    """Last step of it: the password. The account is active, the code spent, and the file's means of recovery count."""

    source: Text
    ticket: Secret
    new: Secret


@call(paced=True, counts=Counts.CODES, asks_slapd=False)
def begin(context: Context, request: Begin) -> EnrolmentBegun:
    """Give a ticket, and what is known of the agent. Nothing is spent.

    Known or not, the directory is asked the same questions and as many digests are made.
    """
    uid, keys = uid_of_numen(context, request.numen), context.tools.keys
    with context.tried(request, uid, f"{request.numen}\0{request.code}"):
        holder = library.read(context.directory, uid or "-")
        attributes = holder.attributes if holder else {}
        code = codes.find_waiting(keys, uid, request.code, attributes, context.now)
        if holder is None or code is None or holder.state not in library.BY_CODES:
            raise context.refuse(request, uid)
    context.journal.write("enrol", uid, step="begin")
    person = _shown(context, holder, enrolment.begun(attributes))
    return EnrolmentBegun(
        uid, holder.state.value, enrolment=person, ticket=enrolment.ticket(keys, uid, code, context.now)
    )


@call(counts=Counts.TICKET)
def enrol(context: Context, request: Enrol) -> EnrolmentFile:
    """Take the answer of one step."""
    uid = enrolment.ticket_holder(request.ticket)
    with context.alone(uid):
        holder = _holder(context, request.ticket, uid)
        file, issued = enrolment.begun(holder.attributes), None
        if holder.state is State.PENDING:
            file, issued = _answered(context, holder, file, request)
            acts.make(
                context.directory, context.journal, enrolment.keep(acts.entry(context.directory, holder.uid), file)
            )
    if issued is not None and request.step == Step.PHONE:
        _call(context, uid, file.called.to, issued)
    elif issued is not None:
        send_confirmation(context, uid, file.sent.to, issued)
    return EnrolmentFile(holder.uid, holder.state.value, enrolment=_shown(context, holder, file))


@call(counts=Counts.TICKET)
def activate(context: Context, request: Activate) -> Done:
    """Set the password, which spends every code and ends the file."""
    uid = enrolment.ticket_holder(request.ticket)
    with context.alone(uid):
        holder = _holder(context, request.ticket, uid)
        file = enrolment.begun(holder.attributes)
        missing = file.needed(context.tools.rules.activation)
        if missing:
            raise WrongAnswerError(f"{missing[0]} is not answered yet")
        entry = acts.entry(context.directory, uid)
        before = context.passwords.set_after_codes(uid, request.new, context.now, file.spent())
    done = renewed(context, holder, before)
    if before is State.PENDING:
        _welcome(context, holder)
        _tell_old_address(context, holder, first(entry.attributes, "mpRecoveryMail"), file)
    return done


def _holder(context: Context, ticket: str, uid: str) -> Holder:
    """Return the account of a ticket. Raises NotProvedError for one that is over, spent, or none."""
    holder = library.read(context.directory, uid or "-")
    attributes = holder.attributes if holder else {}
    good = enrolment.holds(context.tools.keys, ticket, attributes, context.now)
    if holder is None or not good or holder.state not in library.BY_CODES:
        raise NotProvedError("the ticket is over")
    return holder


def _shown(context: Context, holder: Holder, file: File) -> Enrolment:
    rules, attributes = context.tools.rules.activation, holder.attributes
    return Enrolment(
        first(attributes, "givenName"), first(attributes, "sn"), first(attributes, "mail"), file.phone or "",
        file.mail or "", file.sent.to, file.called.to, file.left(rules), file.needed(rules),
        file.steps(rules, holder.state),
    )  # fmt: skip


def _answered(context: Context, holder: Holder, file: File, request: Enrol) -> tuple[File, codes.Issued | None]:
    """Return the file with the answer of a step, and the code that is to be sent for it."""
    value, tools = request.value.strip(), context.tools
    if request.step == Step.PHONE:
        _check_empty(value, tools.rules.activation.phone)
        number = means(tools.domain, "", value)[1]
        if not number or not tools.gateway:
            return replace(file, phone=number, called=enrolment.Waiting()), None
        # Apart from the codes that go to addresses: a number that was mistyped costs none of those.
        if wait := tools.limits.code(f"{holder.uid} phone", context.network, number):
            raise SlowDownError(wait)
        return enrolment.ask_confirmation(file, tools.keys, holder.uid, Step.PHONE, number, context.now)
    if request.step == Step.MAIL:
        _check_empty(value, tools.rules.activation.mail)
        if not value:
            return replace(file, mail="", sent=enrolment.Waiting()), None
        address = means(tools.domain, value, "")[0]
        if wait := tools.limits.code(holder.uid, context.network, address):
            raise SlowDownError(wait)
        return enrolment.ask_confirmation(file, tools.keys, holder.uid, Step.MAIL, address, context.now)
    if request.step in (Step.CONFIRM, Step.PHONE_CODE):
        confirmed = enrolment.confirmed(file, tools.keys, holder.uid, Step(request.step), value, context.now)
        if confirmed is None:
            raise WrongAnswerError("the code is another one, or over")
        return confirmed, None
    if request.step == Step.CHARTER:
        return enrolment.accepted(file, value, context.now), None
    if request.step == LOOK:
        return file, None
    raise WrongAnswerError("no such step")


def _call(context: Context, uid: str, number: str, issued: codes.Issued) -> None:
    """Send the code that confirms a number, and write down whether it left. Raises DirectoryError."""
    minutes = int(enrolment.CONFIRM_MINUTES)
    try:
        context.text(number, f"Code reçu {issued.shown}, valable {minutes} minutes. Ne le donnez à personne.")
    except OSError as error:
        context.journal.write("confirm", uid, sent=False, reason=sms.reason(error))
        raise DirectoryError("a text message cannot be sent") from error
    context.journal.write("confirm", uid, sent=True)


def _check_empty(value: str, asked: Asked) -> None:
    if not value and asked is Asked.REQUIRED:
        raise WrongAnswerError("this step cannot be passed over")


def _welcome(context: Context, holder: Holder) -> None:
    """Send a letter to the new mailbox. The account is active whether or not it can be handed over."""
    try:
        context.tools.letters.post(welcome.letter(holder.attributes, context.tools.facts(), context.now))
    except (OSError, ValueError, MallepostError) as error:
        context.journal.write("welcome", holder.uid, sent=False, reason=type(error).__name__)


def _tell_old_address(context: Context, holder: Holder, old: str, file: File) -> None:
    """Tell an address on file before that another one counts now."""
    if not old or not file.mail or old.lower() == file.mail.lower():
        return
    try:
        context.tools.letters.tell([old], holder.uid, context.now)
    except OSError as error:
        context.journal.write("told", holder.uid, sent=False, reason=type(error).__name__)
