"""The calls of a first log-in: NUMEN and INA code open a file, steps fill it, a password ends it.

The proof is made once; the ticket that it gives stands for it. No step spends the code: the password does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from malleposte.accountd import wire
from malleposte.accounts import acts
from malleposte.accounts.credentials import codes, enrolment
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.enrolment import Asked, File, Step
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords
from malleposte.accounts.mails import welcome
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools


class WrongAnswerError(MallepostError):
    """An answer of a step that cannot be taken; the ticket stays good."""


class TooManyError(Exception):
    """No more codes for this account, address or network; again after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True)
class Ways:
    """The parts of the service that every proof uses (see `accountd.service.Service`)."""

    tried: Callable[[Context, Any, str, str], AbstractContextManager[None]]
    alone: Callable[[str], AbstractContextManager[None]]
    refuse: Callable[[Context, Any, str], NotProvedError]
    renewed: Callable[[Context, Holder, State], wire.Done]
    holder: Callable[[Any, Any], str]
    means: Callable[[str, str], tuple[str, str]]


class Enrolment:
    """First log-ins. Thread-safe."""

    def __init__(self, tools: Tools, ways: Ways) -> None:
        self.tools, self.ways = tools, ways

    def begin(self, act: Context, request: wire.Begin) -> wire.Done:
        """NUMEN and code give a ticket, and what is known of the agent. Nothing is spent.

        Known or not, the directory is asked the same questions and as many digests are made.
        """
        uid = self.ways.holder(act.directory, request)
        with self.ways.tried(act, request, uid, f"{request.numen}\0{request.code}"):
            holder = library.read(act.directory, uid or "-")
            held = holder.attributes if holder else {}
            code = codes.found(self.tools.keys, uid, request.code, held, act.now)
            if holder is None or code is None or holder.state not in library.BY_CODES:
                raise self.ways.refuse(act, request, uid)
        act.journal.write("enrol", uid, step="begin")
        done = self._told(holder, enrolment.begun(held))
        return structs.replace(done, ticket=enrolment.ticket(self.tools.keys, uid, code, act.now))

    def enrol(self, act: Context, request: wire.Enrol) -> wire.Done:
        """The answer of one step."""
        uid = enrolment.ticket_holder(request.ticket)
        with self.ways.alone(uid):
            holder = self._shown(act, request, uid)
            file = enrolment.begun(holder.attributes)
            if holder.state is not State.PENDING:
                return self._told(holder, file)
            file, send = self._answered(act, holder, file, request)
            self._keep(act, holder, file)
        if send is not None:
            self._sent(act, uid, file.sent, send)
        return self._told(holder, file)

    def activate(self, act: Context, request: wire.Activate) -> wire.Done:
        """The password, which spends every code and ends the file."""
        uid = enrolment.ticket_holder(request.ticket)
        with self.ways.alone(uid):
            holder = self._shown(act, request, uid)
            file = enrolment.begun(holder.attributes)
            missing = file.needed(self.tools.activation)
            if missing:
                raise WrongAnswerError(f"{missing[0]} is not answered yet")
            entry = acts.entry(act.directory, uid)
            passwords = Passwords(act.directory, act.journal, self.tools.policy)
            before = passwords.set_after_codes(uid, request.new, act.now, file.spent())
        done = self.ways.renewed(act, holder, before)
        if before is State.PENDING:
            self._welcome(act, holder)
            self._told_of_means(act, holder, first(entry.attributes, "mpRecoveryMail"), file)
        return done

    def _shown(self, act: Context, request: Any, uid: str) -> Holder:
        """The account of a ticket. Raises NotProvedError for one that is over, spent, or none."""
        holder = library.read(act.directory, uid or "-")
        held = holder.attributes if holder else {}
        good = enrolment.holds(self.tools.keys, request.ticket, held, act.now)
        if holder is None or not good or holder.state not in library.BY_CODES:
            raise NotProvedError("the ticket is over")
        return holder

    def _told(self, holder: Holder, file: File) -> wire.Done:
        rules, held = self.tools.activation, holder.attributes
        person = wire.Enrolment(
            first(held, "givenName"), first(held, "sn"), first(held, "mail"), file.phone or "", file.mail or "",
            file.sent, file.left(rules), file.needed(rules),
        )  # fmt: skip
        return wire.Done(holder.uid, holder.state.value, enrolment=person)

    def _answered(
        self, act: Context, holder: Holder, file: File, request: wire.Enrol
    ) -> tuple[File, codes.Issued | None]:
        value, rules = request.value.strip(), self.tools.activation
        if request.step == Step.PHONE:
            self._optional(value, rules.phone)
            return replace(file, phone=self.ways.means("", value)[1]), None
        if request.step == Step.MAIL:
            self._optional(value, rules.mail)
            if not value:
                return replace(file, mail="", sent="", end=None, digest=""), None
            address = self.ways.means(value, "")[0]
            wait = self.tools.limits.code(holder.uid, act.network, address)
            if wait:
                raise TooManyError(wait)
            return enrolment.ask_confirmation(file, self.tools.keys, holder.uid, address, act.now)
        if request.step == Step.CONFIRM:
            confirmed = enrolment.confirmed(file, self.tools.keys, holder.uid, value, act.now)
            if confirmed is None:
                raise WrongAnswerError("the code is another one, or over")
            return confirmed, None
        if request.step == Step.CHARTER:
            return enrolment.accepted(file, value, act.now), None
        if request.step == "look":
            return file, None
        raise WrongAnswerError("no such step")

    @staticmethod
    def _optional(value: str, asked: Asked) -> None:
        if not value and asked is Asked.REQUIRED:
            raise WrongAnswerError("this step cannot be passed over")

    def _keep(self, act: Context, holder: Holder, file: File) -> None:
        entry = acts.entry(act.directory, holder.uid)
        acts.make(act.directory, act.journal, enrolment.keep(entry, file))

    def _sent(self, act: Context, uid: str, address: str, issued: codes.Issued) -> None:
        try:
            self.tools.confirm(address, issued)
        except OSError as error:
            act.journal.write("confirm", uid, sent=False, reason=type(error).__name__)
            raise DirectoryError("mail cannot be sent") from error
        act.journal.write("confirm", uid, sent=True)

    def _welcome(self, act: Context, holder: Holder) -> None:
        """A letter in the new mailbox. The account is active whether or not it can be handed over."""
        try:
            self.tools.post(welcome.letter(holder.attributes, self.tools.facts(), act.now))
        except (OSError, ValueError, MallepostError) as error:
            act.journal.write("welcome", holder.uid, sent=False, reason=type(error).__name__)

    def _told_of_means(self, act: Context, holder: Holder, old: str, file: File) -> None:
        """An address on file before, which is another now, hears of it."""
        if not old or not file.mail or old.lower() == file.mail.lower():
            return
        try:
            self.tools.tell([old], holder.uid, act.now)
        except OSError as error:
            act.journal.write("told", holder.uid, sent=False, reason=type(error).__name__)
