"""The calls of accountd. Nothing here knows of sockets; a call runs in a thread of its own.

A call that proves something says no more than `not_proved` when it cannot: unknown log-in, wrong password, NUMEN or
code, a state that lets nobody in. (That the answers also take the same time is the server's part: see `PACED`.)
"""

from __future__ import annotations

import contextlib
import functools
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from malleposte.accountd import hacked, sms, wave, wire
from malleposte.accountd.call import OF, Call, Who
from malleposte.accountd.calls.recovery import means
from malleposte.accountd.context import (
    NO_LOG_IN,
    ONCE_SECONDS,
    Context,
    ForbiddenError,
    Locks,
    NotFoundError,
    RefusedValueError,
    Tools,
    known_as,
    look_up,
)
from malleposte.accountd.enrolment import Enrolment, TooManyError, Ways
from malleposte.accountd.factors import Factors, Shared
from malleposte.accountd.hacked import Hacked
from malleposte.accountd.message import Done, ErrorCode, Hello, Owned, Refused, Violation
from malleposte.accountd.proof import NoLogInError
from malleposte.accountd.trial import SlowDownError, Trials
from malleposte.accounts import acts
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords, Proof, RefusedPasswordError
from malleposte.accounts.feed import values as cell
from malleposte.accounts.journal import Journal
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.errors import Refused as RefusedByDirectory
from malleposte.directory.model import State
from malleposte.directory.protocol import Directory
from malleposte.throttle import costs
from malleposte.throttle.limits import Taken, network
from malleposte.throttle.record import model as record
from malleposte.throttle.record.model import LogIn

LOG = logging.getLogger("accountd")
_STATES_FOR_CODES = library.BY_CODES - {State.PENDING}


class _Noted(Journal):
    """A journal whose lines also say whence and for whom."""

    def __init__(self, path: Path, actor: str, always: dict[str, Any]) -> None:
        super().__init__(path, actor)
        self._always = {name: value for name, value in always.items() if value}

    def write(self, action: str, account: str, **facts: Any) -> None:
        super().write(action, account, **(self._always | facts))


class Service:
    """Answers requests. Thread-safe."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.locks = Locks()

        def tried(act: Context, request: Any, uid: str, secret: str) -> AbstractContextManager[None]:
            return act.tried(request, uid, secret)

        def refuse(act: Context, request: Any, uid: str) -> NotProvedError:
            return act.refuse(request, uid)

        alone = self.locks.alone
        settled = functools.partial(means, tools.domain)
        first_log_in = Enrolment(tools, Ways(tried, alone, refuse, self._renewed, self._holder, settled))
        self._does: dict[type[Any], Callable[[Context, Any], wire.Answer]] = {
            wire.Begin: first_log_in.begin,
            wire.Enrol: first_log_in.enrol,
            wire.Activate: first_log_in.activate,
            wire.Reset: self._reset,
            wire.RemindLogin: self._remind_login,
            wire.Change: self._change,
            wire.Prove: self._prove,
            wire.IssueCode: self._issue_code,
        }
        shared = Shared(tools, Context.begun, Context.trial, tried, alone, refuse)
        factors = Factors(shared)
        self._does.update(factors.does)
        taken_back = hacked.Ways(
            tried, alone, refuse, self._holder, Context.forget_guesses, lambda act: act.acts, factors.changed
        )
        self._does.update(Hacked(tools, taken_back).does)

    def answer(self, request: Any, client: str) -> wire.Answer:
        """Do what is asked. `client` is the calling service, for the journal. Never raises."""
        call = OF[type(request)]
        if isinstance(request, Hello):
            return Done()
        try:
            where = network(request.source)
        except ValueError:
            return Refused(ErrorCode.BAD_REQUEST, "source is no address")
        if isinstance(request, Owned):
            return self._answer_owner(call, request, where, client)
        ask = self.tools.limits.log_in if call.cost is costs.LOG_IN else self.tools.limits.call
        trials = Trials(self.tools.keys, self.tools.limits, self.tools.throttle)
        wait = ask(trials.counted(trials.name(request), request), where)
        word, question = getattr(request, "once", ""), getattr(request, "question", "")
        wait = wait or (self.tools.limits.question(where) if question else 0.0)
        if wait:
            return Refused(ErrorCode.SLOW_DOWN, wait=_whole(wait))
        if (word or question) and not self.tools.limits.once("form", word or question, ONCE_SECONDS):
            return Refused(ErrorCode.REFUSED_VALUE, "this word was used before")
        if call.later:
            if request.channel not in ("mail", "sms"):
                return Refused(ErrorCode.REFUSED_VALUE, "a channel is mail or sms")
            self.tools.later(lambda: self._done(call, request, where, client))
            return Done()
        return self._done(call, request, where, client)[0]

    def _answer_owner(self, call: Call, request: Owned[Any], where: str, client: str) -> wire.Answer:
        """Do what an agent who is logged in asks. What changed nothing takes nothing of the budgets of acts."""
        if not self._is_owner(call, request, client):
            return Refused(ErrorCode.UNAUTHORISED, NO_LOG_IN)
        limits, uid = self.tools.limits, known_as(request.uid)
        if call.cost is costs.PROTECT:
            answer, changed = self._done(call, request, where, client)
            if changed and limits.protected(client):
                wave.tell(client, limits.rates.protections, self.tools)
            return answer
        taken = Taken(wait=wait) if (wait := limits.look(uid)) else limits.take(call.cost, uid, client)
        if taken.wait:
            return Refused(ErrorCode.SLOW_DOWN, wait=_whole(taken.wait))
        answer, changed = self._done(call, request, where, client)
        if not changed:
            limits.give_back(taken)
        return answer

    def _done(self, call: Call, request: Any, where: str, client: str) -> tuple[wire.Answer, bool]:
        """Return the answer, and whether anything changed: whatever did is in the journal."""
        begun: list[Context] = []
        answer = self._carried_out(call, request, where, client, begun)
        changed = isinstance(answer, Done) and any(act.journal.lines for act in begun)
        if not changed:
            self.tools.limits.give_back(*(one for act in begun for one in act.taken))
        return answer, changed

    def _carried_out(self, call: Call, request: Any, where: str, client: str, begun: list[Context]) -> wire.Answer:
        always = {
            "source": request.source,
            "by": request.uid if isinstance(request, Owned) else getattr(request, "by", ""),
            "desk": call.who is Who.DESK,
        }
        try:
            with self.tools.directory() as directory, _Noted(self.tools.journal, client, always) as journal:
                context = Context(self.tools, self.locks, directory, journal, self.tools.now(), request.source, where)
                begun.append(context)
                do = call.do or self._does[type(request)]
                return do(context, request)
        except (SlowDownError, TooManyError) as error:
            return Refused(ErrorCode.SLOW_DOWN, wait=_whole(error.wait))
        except NotProvedError:
            return Refused(ErrorCode.NOT_PROVED)
        except RefusedPasswordError as error:
            broken = tuple(Violation(one.code, dict(one.values)) for one in error.violations)
            return Refused(ErrorCode.REFUSED_PASSWORD, violations=broken)
        except (NotFoundError, ForbiddenError) as error:
            forbidden = isinstance(error, ForbiddenError)
            return Refused(ErrorCode.FORBIDDEN if forbidden else ErrorCode.NOT_FOUND, str(error))
        except DirectoryError as error:
            LOG.error("%s: %s", call.name, f"{error.code}" if isinstance(error, RefusedByDirectory) else error)
            return Refused(ErrorCode.UNAVAILABLE, "the directory gives no answer")
        except MallepostError as error:
            return Refused(ErrorCode.REFUSED_VALUE, str(error))
        except Exception as error:  # noqa: BLE001  # one call's defect must not end the daemon; values stay out of the log
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error("defect: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            return Refused(ErrorCode.UNAVAILABLE, "a defect; the log of accountd has it")

    def _is_owner(self, call: Call, request: Owned[Any], client: str) -> bool:
        """Whether its token is that of a log-in of the account's owner."""
        try:
            return self.tools.proofs.uid(request.token) == known_as(request.uid)
        except NoLogInError as error:
            LOG.warning("%s of %s refused: %s", call.name, client, error)
            return False

    def _renewed(self, act: Context, holder: Holder, before: State) -> wire.Done:
        """After a new password: remove old ones from every cache, and reset the counts of wrong ones."""
        act.forget_guesses(holder)
        return wire.Done(holder.uid, before.value, _until(holder), act.close_sessions(holder.uid))

    # --- passwords and codes ---

    def _change(self, act: Context, request: wire.Change) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        with act.tried(request, uid, request.old), act.alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            passwords = Passwords(act.directory, act.journal, self.tools.policy)
            try:
                passwords.change(uid, request.old, request.new, act.now)
            except NotProvedError:
                raise act.refuse(request, uid) from None
            assert holder is not None
        return self._renewed(act, holder, holder.state)

    def _prove(self, act: Context, request: wire.Prove) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        try:
            answer = self._proved(act, request, uid)
        except (NotProvedError, SlowDownError) as error:
            self._noted(act, uid, record.WAIT if isinstance(error, SlowDownError) else record.PASSWORD)
            raise
        if isinstance(answer, Refused):
            self._noted(act, uid, record.EXPIRED)
        return answer

    def _noted(self, act: Context, uid: str, reason: str) -> None:
        """A log-in at the log-in page was refused. Names that mean no account are not recorded."""
        if uid:
            self.tools.note(LogIn(uid, False, record.PAGE, act.source, reason=reason))

    def _proved(self, act: Context, request: wire.Prove, uid: str) -> wire.Answer:
        with act.tried(request, uid, request.password):
            holder = library.read(act.directory, uid) if uid else None
            proof = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state not in library.BY_OLD or not proof:
                raise act.refuse(request, uid)
        if proof is Proof.EXPIRED or holder.state is State.EXPIRED:
            return Refused(ErrorCode.MUST_RENEW)
        return wire.Done(holder.uid, holder.state.value)

    def _reset(self, act: Context, request: wire.Reset) -> wire.Answer:
        uid = self._holder(act.directory, request)
        with act.tried(request, uid, f"{request.numen}\0{request.code}"), act.alone(uid):
            holder = library.read(act.directory, uid or "-")
            held = holder.attributes if holder else {}
            right = codes.matches(self.tools.keys, uid, request.code, held, act.now)
            if holder is None or not right or holder.state not in library.BY_CODES:
                raise act.refuse(request, uid)
            if holder.state is State.PENDING:
                raise RefusedValueError("this account was never activated: it has a first log-in")
            passwords = Passwords(act.directory, act.journal, self.tools.policy)
            before = passwords.set_after_codes(uid, request.new, act.now)
        return self._renewed(act, holder, before)

    def _holder(self, directory: Directory, request: wire.Begin | wire.Reset | wire.Recover | wire.RemindLogin) -> str:
        """The uid of the NUMEN, if the log-in, where one is given, is the same agent's."""
        try:
            numen = cell.numen(request.numen)
        except cell.BadValueError:
            numen = ""
        uid = codes.holder(directory, self.tools.keys, numen)
        login = getattr(request, "login", "")
        named = look_up(directory, login) if login else uid
        return uid if uid == named else ""

    def _issue_code(self, act: Context, request: wire.IssueCode) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        with act.alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            if holder is None or holder.state not in _STATES_FOR_CODES:
                return wire.Done()
            entry = acts.entry(act.directory, uid)
            to = act.recovery_of(entry, request.channel)
            many = codes.waits(entry.attributes, act.now, codes.Way.MAIL) >= codes.MOST_MAILED
            opens = codes.opens(act.directory, uid)
            if not to or not opens or many or self.tools.limits.code(uid, act.network, to):
                reason = "no NUMEN" if not opens else "too many" if to else "no means of recovery"
                act.journal.write("code", uid, sent=False, reason=reason)
                return wire.Done()
            days = self.tools.code_minutes / 1440
            issued, change = codes.renew(entry, self.tools.keys, act.now, days, way=codes.Way.MAIL)
            acts.make(act.directory, act.journal, [change])
        with _sending(act, "code", uid, request.channel):
            act.send_code(request.channel, to, issued)
        return wire.Done()

    def _remind_login(self, act: Context, request: wire.RemindLogin) -> wire.Answer:
        uid = self._holder(act.directory, request)
        holder = library.read(act.directory, uid or "-")
        if holder is None or holder.state not in _STATES_FOR_CODES:
            return wire.Done()
        to = act.recovery_of(acts.entry(act.directory, uid), request.channel)
        if not to or self.tools.limits.code(uid, act.network, to):
            act.journal.write("login-sent", uid, sent=False, reason="too many" if to else "no means of recovery")
            return wire.Done()
        with _sending(act, "login-sent", uid, request.channel):
            if request.channel == "sms" and self.tools.gateway:
                self.tools.gateway.send(to, f"Votre identifiant de messagerie académique : {uid}")
            else:
                self.tools.remind(to, uid, act.now)
        return wire.Done()


@contextlib.contextmanager
def _sending(act: Context, what: str, uid: str, channel: str) -> Iterator[None]:
    """Around what is sent: how it ended is in the journal, and nowhere else."""
    try:
        yield
    except OSError as error:
        act.journal.write(what, uid, sent=False, reason=sms.reason(error))
        LOG.error("%s could not be sent: %s", what, sms.reason(error))
    else:
        act.journal.write(what, uid, sent=True, channel=channel)


def _until(holder: Holder) -> str:
    """Until when the account sends nothing, as the directory writes it; empty when it may send."""
    return next(iter(holder.attributes.get("mpBlockedUntil", ())), "")


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
