"""« Filtrage »: the level of antispam, allowed and blocked senders of a mailbox, kept on its host.

The mailbox is the agent's own, or a functional box that the agent manages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from malleposte.accountd.call import call
from malleposte.accountd.calls.shared.charges import BOX, managed
from malleposte.accountd.context import Context, reached
from malleposte.accountd.message import Count, Done, Message, Owned, Text, Texts, fitting
from malleposte.accounts import names
from malleposte.accounts.feed import values
from malleposte.accounts.mailbox import senders
from malleposte.accounts.mailbox.senders import Edit, FullListError, Senders
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Attributes, first
from malleposte.throttle import costs

APART = "senders"
"""These calls on an account wait for each other alone."""


class Sender(Message, frozen=True):
    """An address or a domain that an agent allows, or blocks."""

    value: str
    allowed: bool


class SenderLists(Done, frozen=True):
    """The level of antispam (`normal`, `strict`), and the senders; `more`: and others."""

    level: str = ""
    senders: tuple[Sender, ...] = ()
    more: bool = False


class ShowSenders(Owned[SenderLists], frozen=True):
    """Show the level of antispam and the senders that an agent allows or blocks.

    `after` is how many were told before. With a `box`, they are those of a functional box that the agent manages.
    """

    after: Count = 0
    box: Text = ""


class SetSenders(Owned[SenderLists], frozen=True):
    """Set the level (empty: as before), add senders (addresses, domains) to a list, or take them from either.

    A sender that comes to a list goes from the other. A value that is refused has a word of `Unfit`. `box` as in
    `ShowSenders`. The answer has the level alone.
    """

    level: Text = ""
    allow: Texts = ()
    block: Texts = ()
    remove: Texts = ()
    box: Text = ""


class Unfit(StrEnum):
    """The reason why a sender is neither allowed nor blocked."""

    FORM = "form"
    """No address and no domain."""
    OWN = "own"
    """An address of the agent's."""
    ACADEMY = "academy"
    """The whole domain of the academy, or an address from which it tells of accounts."""
    FULL = "full"
    """The list has no room."""


class UnfitError(MallepostError):
    """A sender or a list that cannot be taken; its text is the word of `Unfit`."""

    def __init__(self, reason: Unfit) -> None:
        super().__init__(reason.value)


@dataclass(frozen=True)
class Mailbox:
    """The mailbox of a call: its uid, its entry, and the answer's uid and state, which are those of the agent."""

    uid: str
    attributes: Attributes
    agent: str
    state: str


@call(cost=costs.LOOK)
def show_senders(context: Context, request: ShowSenders) -> SenderLists:
    """Read them on the host of the mailbox."""
    box = _mailbox(context, request)
    lists = _lists(context, box.uid)
    rows = list(_rows(lists))[max(request.after, 0) :]
    shown = fitting(rows)
    return SenderLists(box.agent, box.state, level=lists.level, senders=shown, more=len(shown) < len(rows))


@call()
def set_senders(context: Context, request: SetSenders) -> SenderLists:
    """Change them there; the journal has each change."""
    box = _mailbox(context, request)
    edit = Edit(
        request.level, tuple(map(sender, request.allow)), tuple(map(sender, request.block)), request.remove
    )  # fmt: skip
    _judge(context, box, edit)
    with context.alone(box.uid, APART):
        before = _lists(context, box.uid)
        try:
            after = edit.to(before)
        except FullListError as error:
            raise UnfitError(Unfit.FULL) from error
        if after != before:
            with reached():
                context.tools.hosts.set_senders(box.uid, edit)
            for note in _notes(before, after):
                context.journal.write("senders", box.uid, note=note)
    return SenderLists(box.agent, box.state, level=after.level)


def _mailbox(context: Context, request: ShowSenders | SetSenders) -> Mailbox:
    """Raises NotFoundError for a box that the agent does not manage."""
    holder = context.owner(request.uid)
    if not request.box:
        return Mailbox(holder.uid, holder.attributes, holder.uid, holder.state.value)
    attributes = managed(context.directory, BOX, request.box, holder.uid).attributes
    return Mailbox(first(attributes, "uid"), attributes, holder.uid, holder.state.value)


def _lists(context: Context, uid: str) -> Senders:
    with reached():
        return context.tools.hosts.senders(uid)


def _judge(context: Context, box: Mailbox, edit: Edit) -> None:
    """Raises UnfitError for a sender whom nobody may allow or block."""
    domain = context.tools.domain.lower()
    of_oneself = {
        one.lower() for name in ("mail", "mailLocalAddress") for one in box.attributes.get(name, ())
    }  # fmt: skip
    if of_oneself & {*edit.allow, *edit.block}:
        raise UnfitError(Unfit.OWN)
    for one in edit.block:
        local, _at, of = one.rpartition("@")
        if senders.covers(one, domain) or (of == domain and local in names.RESERVED):
            raise UnfitError(Unfit.ACADEMY)


def sender(typed: str) -> str:
    """Return an address or a domain (`ami.test`, `@ami.test`) as it is kept. Raises UnfitError."""
    local, _at, domain = typed.strip().rpartition("@")
    if "*" in local:
        # An address may have it, none has: who types it means every address of the domain, and would block none.
        raise UnfitError(Unfit.FORM)
    try:
        address = values.address(f"{local or 'x'}@{domain}")
        return senders.checked(address if local else address.partition("@")[2])
    except (values.BadValueError, InputError) as error:
        raise UnfitError(Unfit.FORM) from error


def _rows(lists: Senders) -> Iterator[Sender]:
    for allowed, each in ((True, lists.allowed), (False, lists.blocked)):
        yield from (Sender(one, allowed) for one in each)


def _notes(before: Senders, after: Senders) -> Iterator[str]:
    """The change in French words, as the journal of its owner shows it."""
    if after.level != before.level:
        yield f"niveau {after.level}"
    for words, old, new in (
        ("autorisé", before.allowed, after.allowed), ("bloqué", before.blocked, after.blocked),
    ):  # fmt: skip
        yield from (f"expéditeur {words}\N{NO-BREAK SPACE}: {one}" for one in new if one not in old)
        yield from (f"expéditeur qui n’est plus {words}\N{NO-BREAK SPACE}: {one}" for one in old if one not in new)
