"""Dispatch of calls: who may, limits, and errors as refusals. Nothing here knows of sockets; a call has a thread.

The handlers are in `calls`.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from malleposte.accountd.call import OF, Call, Who
from malleposte.accountd.context import (
    NO_LOG_IN,
    ONCE_SECONDS,
    Context,
    ForbiddenError,
    Locks,
    NotFoundError,
    Tools,
    known_as,
)
from malleposte.accountd.message import Done, ErrorCode, Hello, Owned, Refused, Violation
from malleposte.accountd.notices import wave
from malleposte.accountd.proof import NoLogInError
from malleposte.accountd.trial import SlowDownError, Trials
from malleposte.accounts.credentials.passwords import NotProvedError, RefusedPasswordError
from malleposte.accounts.journal import Journal
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.errors import Refused as RefusedByDirectory
from malleposte.throttle import costs
from malleposte.throttle.limits import Taken, network

LOG = logging.getLogger("accountd")


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

    def answer(self, request: Any, client: str) -> Done | Refused:
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

    def _answer_owner(self, call: Call, request: Owned[Any], where: str, client: str) -> Done | Refused:
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

    def _done(self, call: Call, request: Any, where: str, client: str) -> tuple[Done | Refused, bool]:
        """Return the answer, and whether anything changed: whatever did is in the journal."""
        begun: list[Context] = []
        answer = self._carried_out(call, request, where, client, begun)
        changed = isinstance(answer, Done) and any(act.journal.lines for act in begun)
        if changed:
            self.tools.acted(call.name)
        else:
            self.tools.limits.give_back(*(one for act in begun for one in act.taken))
        return answer, changed

    def _carried_out(self, call: Call, request: Any, where: str, client: str, begun: list[Context]) -> Done | Refused:
        always = {
            "source": request.source,
            "by": request.uid if isinstance(request, Owned) else getattr(request, "by", ""),
            "desk": call.who is Who.DESK,
        }
        try:
            with self.tools.directory() as directory, _Noted(self.tools.journal, client, always) as journal:
                context = Context(self.tools, self.locks, directory, journal, self.tools.now(), request.source, where)
                begun.append(context)
                assert call.do is not None
                answer: Done | Refused = call.do(context, request)
                return answer
        except SlowDownError as error:
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


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
