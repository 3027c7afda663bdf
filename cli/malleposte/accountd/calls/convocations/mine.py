"""« Mes convocations »: an agent sees what offices ask for, and answers."""

from __future__ import annotations

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, NotFoundError, reached
from malleposte.accountd.message import Done, Owned, Text, fitting
from malleposte.accounts.convocations.model import Answer, Event
from malleposte.accounts.convocations.orders import Mine
from malleposte.throttle import costs

__all__ = ["Answer", "AnswerConvocation", "Event", "Mine", "MyConvocations", "MyConvocationsList"]
HOST = "the directory's host"


class MyConvocationsList(Done, frozen=True):
    """The convocations of an agent that are not over, the next one first; `more`: and others."""

    convocations: tuple[Mine, ...] = ()
    more: bool = False


class MyConvocations(Owned[MyConvocationsList], frozen=True):
    """List them."""


class AnswerConvocation(Owned[MyConvocationsList], frozen=True):
    """Say whether the agent comes (`yes`); the entry in the agenda follows."""

    invitation: Text
    yes: bool


@call(cost=costs.LOOK)
def my_convocations(context: Context, request: MyConvocations) -> MyConvocationsList:
    """Read them on the directory's host."""
    return _list(context, context.owner(request.uid).uid)


@call()
def answer_convocation(context: Context, request: AnswerConvocation) -> MyConvocationsList:
    """Note the answer; the journal has it."""
    uid = context.owner(request.uid).uid
    with context.alone(uid, "convocations"), reached(what=HOST):
        before = {one.invitation: one.answer for one in context.tools.hosts.my_convocations(uid)}
        said = context.tools.hosts.answer_convocation(uid, request.invitation[:200], request.yes)
    if said is None:
        raise NotFoundError("no such convocation")
    if said.answer != before.get(said.invitation):
        word = "oui" if request.yes else "non"
        context.journal.write("convocation-answer", uid, note=f"{said.event.title}\N{NO-BREAK SPACE}: {word}")
    return _list(context, uid)


def _list(context: Context, uid: str) -> MyConvocationsList:
    with reached(what=HOST):
        every = context.tools.hosts.my_convocations(uid)
    shown = fitting(every)
    return MyConvocationsList(uid, convocations=shown, more=len(shown) < len(every))
