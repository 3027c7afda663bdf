"""Lines of accountd's protocol (`message`) to typed requests and answers, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from malleposte.accountd.call import CALLS, OF
from malleposte.accountd.message import (
    Answered,
    Asked,
    BadMessageError,
    Done,
    OtherFormError,
    Refused,
    Request,
    decoded,
    encoded,
)


def encode(request: Request[Any]) -> bytes:
    """Return the line of a request."""
    call = OF[type(request)]
    return encoded(Asked(call.form, call.name, msgspec.Raw(encoded(request)))) + b"\n"


def decode(line: bytes) -> Any:
    """Return the request of a line. Raises BadMessageError."""
    asked = decoded(Asked, line)
    call = CALLS.get(asked.call)
    if call is None:
        raise BadMessageError("unknown call")
    if asked.form != call.form:
        raise OtherFormError(call.name)
    return decoded(call.request, asked.args)


def encode_answer(answer: Done | Refused) -> bytes:
    """Return the line of an answer."""
    whole = Answered(refused=answer) if isinstance(answer, Refused) else Answered(done=msgspec.Raw(encoded(answer)))
    return encoded(whole) + b"\n"


def decode_answer[A](kind: type[A], line: bytes) -> A | Refused:
    """Return the answer of a line, of a kind where it is done. Raises BadMessageError."""
    answer = decoded(Answered, line)
    if isinstance(answer.refused, Refused):
        return answer.refused
    if isinstance(answer.done, msgspec.UnsetType):
        raise BadMessageError("not an answer")
    return decoded(kind, answer.done)
