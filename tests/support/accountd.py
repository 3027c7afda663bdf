"""Answers of an accountd of the tests' own."""

from types import SimpleNamespace
from typing import Any

from malleposte.accountd.call import CALLS, answer_of, load
from malleposte.accountd.message import Done, Request

load()
_FIELDS = frozenset(name for call in CALLS.values() for name in call.answer.__struct_fields__)


class Told(SimpleNamespace):
    """The answer of an accountd about an account, whatever it is asked: each answer takes the fields that it has."""

    def __init__(self, uid: str = "", before: str = "", until: str = "", **fields: Any) -> None:
        assert fields.keys() <= _FIELDS, fields.keys() - _FIELDS
        super().__init__(uid=uid, before=before, until=until, **fields)


def answer_to[A: Done](request: Request[A], told: Any) -> A:
    """Return the answer of a request's own type, with what is told."""
    kind: type[A] = answer_of(type(request))
    if isinstance(told, kind):
        return told
    return kind(**{name: getattr(told, name) for name in kind.__struct_fields__ if hasattr(told, name)})
