"""The calls of accountd. Nothing here knows of sockets; a call runs in a thread of its own.

A call that proves something says no more than `not_proved` when it cannot: unknown log-in, wrong password, NUMEN or
code, a state that lets nobody in. (That the answers also take the same time is the server's part: see `PACED`.)
"""

from __future__ import annotations

import datetime
import logging
import re
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from malleposte.accountd import desk, own, owned, wave, wire
from malleposte.accountd.call import OF, Call, Who
from malleposte.accountd.calls import factors
from malleposte.accountd.calls.recovery import means
from malleposte.accountd.charges import Charges, NotManagedError
from malleposte.accountd.context import (
    ONCE_SECONDS,
    Context,
    Locks,
    NotFoundError,
    RefusedValueError,
    Tools,
    known_as,
    left_open,
    look_up,
)
from malleposte.accountd.desk import Desk, ForbiddenError
from malleposte.accountd.desk_boxes import DeskBoxes
from malleposte.accountd.log_ins import LogIns
from malleposte.accountd.message import Done, ErrorCode, Hello, Owned, Refused, Violation
from malleposte.accountd.own_data import OwnData
from malleposte.accountd.proof import NoLogInError
from malleposte.accountd.senders import SenderLists
from malleposte.accountd.trial import SlowDownError, Trials
from malleposte.accountd.undelete import Undelete
from malleposte.accounts import acts, life
from malleposte.accounts.channels import Failure
from malleposte.accounts.credentials import confirmation
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords, Proof, RefusedPasswordError
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.devices import follow, notice
from malleposte.accounts.devices.uses import latest
from malleposte.accounts.journal import Journal
from malleposte.core.errors import MallepostError
from malleposte.directory.devices import Device
from malleposte.directory.errors import DirectoryError
from malleposte.directory.errors import Refused as RefusedByDirectory
from malleposte.directory.model import State
from malleposte.directory.protocol import Entry
from malleposte.platform.times import when
from malleposte.policy import devices as form
from malleposte.throttle import costs
from malleposte.throttle.limits import Taken, network
from malleposte.throttle.record.model import Kept

LOG = logging.getLogger("accountd")
_QUIET = re.compile(r"[1-7]{1,7} ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")
MEANS = ("mail", "phone")
"""Means of recovery, by the words of `SetRecovery`."""
NO_LOG_IN = "no token proves that the owner is logged in"


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
        self._does: dict[type[Any], Callable[[Context, Any], wire.Answer]] = {
            wire.Block: self._block,
            wire.EndSessions: self._end_sessions,
            wire.SetClass: self._set_class,
            wire.SetRecovery: self._set_recovery,
            wire.ConfirmRecovery: self._confirm_recovery,
            wire.SetQuietHours: self._set_quiet_hours,
            wire.Devices: self._devices,
            wire.AddDevice: self._add_device,
            wire.RevokeDevice: self._revoke_device,
            wire.ShowAccount: self._show_account,
            wire.ShowJournal: self._show_journal,
            wire.Diagnose: self._diagnose,
        }
        shared = owned.Shared(tools, tried, alone, refuse)
        ways = owned.Ways(alone, Context.owner)
        self._does.update(Charges(tools, ways).does)
        self._does.update(Undelete(tools, Context.owner).does)
        self._does.update(LogIns(tools, Context.owner).does)
        self._does.update(SenderLists(tools, ways).does)
        self._does.update(OwnData(shared, Context.owner).does)
        desk_ways = desk.Ways(alone, _said, self._blocked, factors.factor_changed, self._diagnosis)
        judge = Desk(tools, desk_ways)
        self._does.update(judge.does)
        self._does.update(DeskBoxes(tools, desk_ways, judge).does)

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
        except SlowDownError as error:
            return Refused(ErrorCode.SLOW_DOWN, wait=_whole(error.wait))
        except NotProvedError:
            return Refused(ErrorCode.NOT_PROVED)
        except RefusedPasswordError as error:
            broken = tuple(Violation(one.code, dict(one.values)) for one in error.violations)
            return Refused(ErrorCode.REFUSED_PASSWORD, violations=broken)
        except (NotFoundError, NotManagedError, ForbiddenError) as error:
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

    # --- the life of an account ---

    def _block(self, act: Context, request: wire.Block) -> wire.Answer:
        return self._blocked(act, request.uid, _said(request.reason))

    def _blocked(self, act: Context, uid: str, reason: str) -> Done:
        holder = act.account(uid)
        self.tools.proofs.end(holder.uid)
        with act.alone(holder.uid):
            result = acts.block(act.acts, holder.uid, act.now, hours=self.tools.block_hours, note=reason)
        after = library.read(act.directory, holder.uid) or holder
        return Done(holder.uid, holder.state.value, _until(after), left_open(result.failures))

    def _end_sessions(self, act: Context, request: wire.EndSessions) -> wire.Answer:
        holder = act.account(request.uid)
        self.tools.proofs.end(holder.uid)
        result = acts.end_sessions(act.acts, holder.uid)
        return Done(holder.uid, holder.state.value, open=left_open(result.failures))

    def _set_class(self, act: Context, request: wire.SetClass) -> wire.Answer:
        holder = act.account(request.uid)
        if request.profile not in (known := self.tools.classes()):
            raise RefusedValueError(f"a class of service is {' or '.join(sorted(known))}")
        with act.alone(holder.uid, "class"):
            result = acts.set_class(act.acts, holder.uid, request.profile)
        return Done(holder.uid, holder.state.value, open=left_open(result.failures))

    # --- what an agent settles ---

    def _set_recovery(self, act: Context, request: wire.SetRecovery) -> wire.Answer:
        if request.kind not in MEANS:
            raise RefusedValueError(f"a means of recovery is {' or '.join(MEANS)}")
        address, number = means(
            self.tools.domain, *((request.value, "") if request.kind == "mail" else ("", request.value))
        )
        uid = look_up(act.directory, request.login)
        with act.tried(request, uid, request.password), act.alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            proof = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state not in library.BY_OLD or not proof:
                raise act.refuse(request, uid)
            if not self._second_factor(act, request, uid):
                return Refused(ErrorCode.UNAUTHORISED, NO_LOG_IN)
        if address:
            return self._asked_to_confirm(act, uid, address)
        return self._recovers_by(act, holder, **{request.kind: number})

    def _asked_to_confirm(self, act: Context, uid: str, address: str) -> Done:
        """Send a code to a new address. Nothing is changed."""
        if wait := self.tools.limits.code(uid, act.network, address):
            raise SlowDownError(wait)
        ticket, issued = confirmation.ask(self.tools.keys, uid, address, act.now)
        try:
            self.tools.confirm(address, issued)
        except OSError as error:
            act.journal.write("confirm", uid, sent=False, reason=type(error).__name__)
            raise DirectoryError("mail cannot be sent") from error
        act.journal.write("confirm", uid, sent=True)
        return wire.Done(uid, ticket=ticket)

    def _confirm_recovery(self, act: Context, request: wire.ConfirmRecovery) -> wire.Answer:
        holder = act.owner(request.uid)
        address = confirmation.confirmed(self.tools.keys, holder.uid, request.ticket, request.code, act.now)
        if not address or not self.tools.limits.once(confirmation.PURPOSE, request.ticket, ONCE_SECONDS):
            raise RefusedValueError("the code is another one, or over")
        return self._recovers_by(act, holder, mail=address)

    def _recovers_by(self, act: Context, holder: Holder, *, mail: str | None = None, phone: str | None = None) -> Done:
        """Change one of the means of recovery, and tell of it."""
        with act.alone(holder.uid):
            entry = acts.entry(act.directory, holder.uid)
            todo = life.ask_recovery(entry, act.now, mail=mail, phone=phone, hours=self.tools.recovery_hours)
            changed = acts.make(act.directory, act.journal, todo)
            waiting = life.next_recovery(acts.entry(act.directory, holder.uid))
        if changed:
            self._told_of_recovery(act, entry, waiting.at if waiting else act.now, mail or "")
        return Done(holder.uid, holder.state.value, life.stamp(waiting.at) if waiting else "")

    def _told_of_recovery(self, act: Context, entry: Entry, at: datetime.datetime, new: str) -> None:
        """Tell the means of recovery, old and new, and the mailbox of a change. What cannot be told is not done."""
        uid, waited = entry.attributes["uid"][0], life.next_recovery(entry)
        old = life.usable_recovery(entry, act.now).mail
        to = dict.fromkeys((old, waited.mail if waited else "", new, next(iter(entry.attributes.get("mail", ())), "")))
        try:
            self.tools.tell([address for address in to if address], uid, at)
        except OSError as error:
            with act.alone(uid):
                act.change(act.account(uid), {"mpRecoveryNext": list(entry.attributes.get("mpRecoveryNext", ()))})
            LOG.error("a change of means of recovery could not be told: %s", type(error).__name__)
            raise DirectoryError("mail cannot be sent: the means of recovery are unchanged") from error

    def _set_quiet_hours(self, act: Context, request: wire.SetQuietHours) -> wire.Answer:
        holder = act.account(request.uid)
        if any(not _QUIET.fullmatch(one) for one in request.hours):
            raise RefusedValueError("quiet hours are written like `12345 18:30-07:45`, days 1 (Monday) to 7")
        with act.alone(holder.uid):
            act.change(holder, {"mpQuietHours": list(dict.fromkeys(request.hours))})
        return Done(holder.uid, holder.state.value)

    # --- devices ---

    def _devices(self, act: Context, request: wire.Devices) -> wire.Answer:
        holder = act.owner(request.uid)
        found, known = follow.of(act.directory, holder.uid), self.tools.uses()
        last = known.of(one.ident for one in found) if known and found else {}
        told = tuple(_shown(latest(one, last.get(one.ident))) for one in found)
        return wire.Done(holder.uid, holder.state.value, devices=told)

    def _add_device(self, act: Context, request: wire.AddDevice) -> wire.Answer:
        expires = act.now + datetime.timedelta(days=request.days) if request.days else None
        wanted = devices.Wanted(request.name, request.scopes or form.SCOPES, expires)
        uid = look_up(act.directory, request.login)
        with act.tried(request, uid, request.password), act.alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            proved = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state is not State.ACTIVE or proved is not Proof.RIGHT:
                raise act.refuse(request, uid)
            if not self._second_factor(act, request, uid):
                # The password was right: this counts as no wrong one.
                return Refused(ErrorCode.UNAUTHORISED, NO_LOG_IN)
            made = devices.add(act.directory, act.journal, uid, wanted, act.now, most=self.tools.devices)
        # No block waits for the letter; one in between removes the device itself.
        if not self._told_of_device(act, holder, made.device, notice.made):
            # As with means of recovery: what its owner cannot be told is not done.
            follow.remove(act.directory, act.journal, made.device, "its owner could not be told")
            raise DirectoryError("mail cannot be sent: no device was made")
        return wire.Done(uid, holder.state.value, devices=(_shown(made.device),), secret=made.password)

    def _second_factor(self, act: Context, request: wire.AddDevice | wire.SetRecovery, uid: str) -> bool:
        """Whether the account has none, or its owner is logged in, for which the provider asked for it."""
        held = [one for one in act.directory.search("people", ["mpTwoFactor"], {"uid": uid}) if one.attributes]
        if not any(one.attributes.get("mpTwoFactor") for one in held):
            return True
        try:
            return self.tools.proofs.uid(request.token) == uid
        except NoLogInError:
            return False

    def _revoke_device(self, act: Context, request: wire.RevokeDevice) -> wire.Answer:
        holder = act.owner(request.uid)
        found = [one for one in follow.of(act.directory, holder.uid) if one.ident == request.device]
        if not found:
            raise NotFoundError("no such device")
        left = devices.revoke(act.directory, act.journal, self.tools.hosts, found[0])
        self._told_of_device(act, holder, found[0], notice.revoked)
        return Done(holder.uid, holder.state.value, open=left_open(left))

    # --- what an agent is shown ---

    def _show_account(self, act: Context, request: wire.ShowAccount) -> wire.Answer:
        holder = act.owner(request.uid)
        return wire.Done(holder.uid, holder.state.value, account=self._summary(act, holder.uid))

    def _summary(self, act: Context, uid: str) -> wire.Account:
        found = next(iter(act.directory.search("people", own.READ, {"uid": uid})))
        filters = None
        if self.tools.look is not None:
            try:
                filters = self.tools.look(uid)
            except (MallepostError, OSError) as error:
                LOG.error("the filters of an account could not be read: %s", error)
        return own.summary(found, filters, self.tools.policy, act.now)

    def _diagnose(self, act: Context, request: wire.Diagnose) -> wire.Answer:
        holder = act.owner(request.uid)
        account = self._summary(act, holder.uid)
        told = self._diagnosis(act, holder.uid, account.password_since)
        return wire.Done(holder.uid, holder.state.value, account=account, diagnosis=told)

    def _diagnosis(self, act: Context, uid: str, password_since: str, **options: Any) -> wire.Diagnosis:
        """The diagnosis of an account from what was recorded of late; `options` as of own.diagnosis."""
        try:
            kept, failures = self.tools.record(uid)
        except (MallepostError, OSError) as error:
            kept, failures = Kept(), [Failure("record", str(error))]
        for one in failures:
            LOG.error("the record of log-ins could not be read: %s", one.reason)
        names = {one.ident: one.name for one in follow.of(act.directory, uid)}
        return own.diagnosis(kept, names, when(password_since), looked=not failures, **options)

    def _show_journal(self, act: Context, request: wire.ShowJournal) -> wire.Answer:
        holder = act.owner(request.uid)
        lines = [*own.journal([self.tools.journal], holder.uid), *self.tools.lines(holder.uid)]
        return wire.Done(holder.uid, holder.state.value, journal=own.newest(lines))

    def _told_of_device(self, act: Context, holder: Holder, device: Device, letter: notice.Letter) -> bool:
        to = next(iter(holder.attributes.get("mail", ())), "")
        try:
            self.tools.post(letter(device, to, self.tools.facts(), act.now))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter about a device could not be sent: %s", type(error).__name__)
            return False
        return True


def _shown(device: Device) -> wire.Device:
    """A device as a client is told of it."""
    made, expires, used = (
        life.stamp(moment) if moment else "" for moment in (device.made, device.expires, device.used)
    )
    return wire.Device(device.ident, device.name, device.scopes, made, expires, used, device.place)


def _until(holder: Holder) -> str:
    """Until when the account sends nothing, as the directory writes it; empty when it may send."""
    return next(iter(holder.attributes.get("mpBlockedUntil", ())), "")


def _said(reason: str) -> str:
    words = " ".join(reason.split())
    if not words or not words.isprintable():
        raise RefusedValueError("a reason is required")
    return words[:200]


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
