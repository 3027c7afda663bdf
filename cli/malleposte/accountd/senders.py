"""« Filtrage »: the level of antispam, allowed and blocked senders of a mailbox, kept on its host.

The mailbox is the agent's own, or a functional box that the agent manages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from malleposte.accountd import own, wire
from malleposte.accountd.charges import BOX, managed
from malleposte.accountd.owned import Ways, reached
from malleposte.accounts import names
from malleposte.accounts.feed import values
from malleposte.accounts.mailbox import senders
from malleposte.accounts.mailbox.senders import Edit, FullListError, Senders
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Attributes, first

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

APART = "senders"
"""These calls on an account wait for each other alone."""


class UnfitError(MallepostError):
    """A sender or a list that cannot be taken; its text is the word of `wire.Unfit`."""

    def __init__(self, reason: wire.Unfit) -> None:
        super().__init__(reason.value)


@dataclass(frozen=True)
class Mailbox:
    """The mailbox of a call: its uid, its entry, and the answer's uid and state, which are those of the agent."""

    uid: str
    attributes: Attributes
    agent: str
    state: str


class SenderLists:
    """Does the calls."""

    def __init__(self, tools: Tools, ways: Ways) -> None:
        self._tools, self._ways = tools, ways

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.ShowSenders: self._show, wire.SetSenders: self._set}

    def _show(self, act: Context, request: wire.ShowSenders) -> wire.Answer:
        box = self._mailbox(act, request)
        held = self._held(box.uid)
        rows = list(_rows(held))[max(request.after, 0) :]
        told = own.fitting(rows)
        return wire.Done(box.agent, box.state, level=held.level, senders=told, more=len(told) < len(rows))

    def _set(self, act: Context, request: wire.SetSenders) -> wire.Answer:
        box = self._mailbox(act, request)
        edit = Edit(
            request.level, tuple(map(sender, request.allow)), tuple(map(sender, request.block)), request.remove
        )  # fmt: skip
        self._judge(box, edit)
        with self._ways.alone(box.uid, APART):
            held = self._held(box.uid)
            try:
                after = edit.to(held)
            except FullListError as error:
                raise UnfitError(wire.Unfit.FULL) from error
            if after != held:
                with reached():
                    self._tools.set_senders(box.uid, edit)
                for note in _notes(held, after):
                    act.journal.write("senders", box.uid, note=note)
        return wire.Done(box.agent, box.state, level=after.level)

    def _mailbox(self, act: Context, request: wire.ShowSenders | wire.SetSenders) -> Mailbox:
        """Raises NotManagedError for a box that the agent does not manage."""
        holder = self._ways.owner(act, request.uid)
        if not request.box:
            return Mailbox(holder.uid, holder.attributes, holder.uid, holder.state.value)
        held = managed(act.directory, BOX, request.box, holder.uid).attributes
        return Mailbox(first(held, "uid"), held, holder.uid, holder.state.value)

    def _held(self, uid: str) -> Senders:
        with reached():
            return self._tools.senders(uid)

    def _judge(self, box: Mailbox, edit: Edit) -> None:
        """Raises UnfitError for a sender whom nobody may allow or block."""
        domain = self._tools.domain.lower()
        of_oneself = {
            one.lower() for name in ("mail", "mailLocalAddress") for one in box.attributes.get(name, ())
        }  # fmt: skip
        if of_oneself & {*edit.allow, *edit.block}:
            raise UnfitError(wire.Unfit.OWN)
        for one in edit.block:
            local, _at, of = one.rpartition("@")
            if senders.covers(one, domain) or (of == domain and local in names.RESERVED):
                raise UnfitError(wire.Unfit.ACADEMY)


def sender(typed: str) -> str:
    """An address or a domain (`ami.test`, `@ami.test`) as it is kept. Raises UnfitError."""
    local, _at, domain = typed.strip().rpartition("@")
    if "*" in local:
        # An address may have it, none has: who types it means every address of the domain, and would block none.
        raise UnfitError(wire.Unfit.FORM)
    try:
        found = values.address(f"{local or 'x'}@{domain}")
        return senders.checked(found if local else found.partition("@")[2])
    except (values.BadValueError, InputError) as error:
        raise UnfitError(wire.Unfit.FORM) from error


def _rows(held: Senders) -> Iterator[wire.Sender]:
    for allowed, each in ((True, held.allowed), (False, held.blocked)):
        yield from (wire.Sender(one, allowed) for one in each)


def _notes(held: Senders, after: Senders) -> Iterator[str]:
    """The change in French words, as the journal of its owner shows it."""
    if after.level != held.level:
        yield f"niveau {after.level}"
    for words, before, now in (
        ("autorisé", held.allowed, after.allowed), ("bloqué", held.blocked, after.blocked),
    ):  # fmt: skip
        yield from (f"expéditeur {words}\N{NO-BREAK SPACE}: {one}" for one in now if one not in before)
        yield from (f"expéditeur qui n’est plus {words}\N{NO-BREAK SPACE}: {one}" for one in before if one not in now)
