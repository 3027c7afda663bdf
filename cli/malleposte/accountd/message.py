"""Messages to accountd and back: typed, one JSON document a line, coded and checked by msgspec.

A request is `{"form": DIGEST, "call": NAME, "args": {...}}`, an answer `{"done": {...}}` or `{"refused": {...}}`.
An unknown call or field, a missing one, a value of another type or too long is refused. `form` is a digest of the
schemas of the call and of its answer: during a deploy over several hosts both sides then say that they differ, instead
of misunderstanding each other. Over TLS the first request is `hello`, with the client's name and secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

LONGEST = 16_384
"""Bytes of a line, its end included."""
LONGEST_TEXT = 1024
"""Characters of a value."""
LONGEST_TOKEN = 4096
"""Characters of a provider's token: its signature alone has 512 with a key of 3072 bits."""
MOST_ITEMS = 14
"""Values of a list."""
MOST_BYTES = 12_000
"""Of the rows of an answer, as far as it holds one list."""
_SECRET = "secret"  # noqa: S105  # a key, no password

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Texts = Annotated[tuple[Text, ...], Meta(max_length=MOST_ITEMS)]
Secret = Annotated[str, Meta(max_length=LONGEST_TEXT, extra={_SECRET: True})]
"""A value that no log and no traceback shows."""
Token = Annotated[str, Meta(max_length=LONGEST_TOKEN, extra={_SECRET: True})]
"""An access token of the provider."""
Count = Annotated[int, Meta(gt=-(2**31), lt=2**31)]
Browser = Annotated[str, Meta(pattern=r"^(?:[0-9a-f]{32})?\Z", max_length=32)]
"""A digest of the random cookie by which a page tells browsers apart, or nothing.

It proves nothing. Delays are counted apart for a browser that has succeeded before.
"""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a request or of an answer. Its text leaves secrets out."""

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{one.name}={getattr(self, one.name)!r}" for one in msgspec.structs.fields(type(self)) if _is_shown(one)
        )
        return f"{type(self).__name__}({shown})"


class Request[A](Message, frozen=True):
    """A request; the answer to it is an `A`, or `Refused`."""


class Owned[A](Request[A], frozen=True):
    """A call for an agent who is logged in (`uid`): the access token that the provider gave the client proves it."""

    source: Text
    uid: Text
    token: Token


class Done(Message, frozen=True):
    """The answer to what was done. `uid` is whose account, `before` its state until now.

    `until`: when a blocked account may send again; when means of recovery that were changed begin to count. `open`
    names what could not be told at once: sessions may live there a few minutes more.
    """

    uid: str = ""
    before: str = ""
    until: str = ""
    open: tuple[str, ...] = ()


class WithBytes(Done, frozen=True):
    """An answer after whose line `size` bytes follow; then the connection ends."""

    size: int = 0


class Hello(Request[Done], frozen=True):
    """Identify the client (over TLS), and check that the daemon answers."""

    client: Text = ""
    secret: Secret = ""


class ErrorCode(StrEnum):
    """The reason for a refusal."""

    BAD_REQUEST = "bad_request"
    """Not understood: `message` says what."""
    VERSION = "version"
    UNAUTHORISED = "unauthorised"
    """The client is not known, or may not call this: an act on somebody else's account is for the command line."""
    NOT_PROVED = "not_proved"
    """No such account, wrong password, wrong NUMEN, wrong or old code, or nothing to do here: one answer for all."""
    MUST_RENEW = "must_renew"
    """The password is right, and its owner must choose a new one before it opens anything."""
    SLOW_DOWN = "slow_down"
    """Too many tries: again after `wait` seconds."""
    REFUSED_PASSWORD = "refused_password"  # noqa: S105  # a name, no password
    """The new password breaks `violations`."""
    REFUSED_VALUE = "refused_value"
    """A value cannot be taken: `message` says why."""
    NOT_FOUND = "not_found"
    """No such account; only where the caller acts for the academy."""
    FORBIDDEN = "forbidden"
    """The help desk, or an agent, may not do this: `message` is a word of `Forbidden`."""
    UNAVAILABLE = "unavailable"
    """The directory or what else is needed does not answer."""


class Forbidden(StrEnum):
    """The reason why the help desk, or the DSI, may not do something, or an agent with the own data."""

    ROLE = "role"
    """The agent who is logged in is of no help desk."""
    FACTOR = "factor"
    """No second factor was shown for this log-in."""
    DSI = "dsi"
    """The agent who is logged in has not the DSI's role."""
    LATELY = "lately"
    """No second factor was shown lately."""
    REACH = "reach"
    """No such account, or none of the help desk's schools: one answer for both."""
    ONESELF = "oneself"
    PROTECTED = "protected"
    """The account has a role of its own."""
    CAP = "cap"
    """No more of this today."""
    ALOUD = "aloud"
    """Codes are not read aloud here."""
    CALL_BACK = "call_back"
    """The agent was not called back."""
    NUMEN = "numen"
    """The account has no NUMEN, without which a code opens nothing."""
    MEANS = "means"
    """The account has no means of recovery for this way."""
    STATE = "state"
    """Not in the state that the account is in."""
    OFFICE = "office"
    """The agent convokes for no such box."""
    COPY_TODAY = "copy_today"
    """A copy of the own data was asked for within a day."""
    COPY_ROOM = "copy_room"
    """No room for one at the moment."""


class Violation(Message, frozen=True):
    """A rule that a password breaks; `malleposte.policy.rules.Violation(code, values)` has its sentence."""

    code: str
    values: Mapping[str, int] = {}


class Refused(Message, frozen=True):
    """The answer to what was not done; nothing is changed."""

    error: ErrorCode
    message: str = ""
    wait: int = 0
    violations: tuple[Violation, ...] = ()


class BadMessageError(ValueError):
    """A line that is not of this protocol; the text says what is wrong and repeats no value."""


class OtherFormError(BadMessageError):
    """A call that has another form on the other host, as in the middle of a deploy."""

    def __init__(self, call: str) -> None:
        super().__init__(
            f"accountd's call {call} has another form on the other host: "
            "finish the deploy, or deploy all hosts again from one version of Malleposte"
        )


class Asked(Message, frozen=True):
    """The line of a request."""

    form: str
    call: str
    args: msgspec.Raw


class Answered(Message, frozen=True):
    """The line of an answer: one of the two."""

    done: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    refused: Refused | msgspec.UnsetType = msgspec.UNSET


def encoded(content: Message) -> bytes:
    """Return a message as JSON. Raises BadMessageError where a text has half a character."""
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError as error:
        raise BadMessageError("a text holds half a character") from error


def decoded[M](kind: type[M], line: bytes | msgspec.Raw) -> M:
    """Return the message of a line. Raises BadMessageError."""
    if len(memoryview(line)) > LONGEST:
        raise BadMessageError("too long")
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.ValidationError as error:
        raise BadMessageError(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessageError("not JSON") from error


def checked[M](kind: type[M], values: Mapping[str, Any]) -> M:
    """Return a request with these values, each of its type. Raises BadMessageError."""
    try:
        return msgspec.convert(values, type=kind)
    except msgspec.ValidationError as error:
        raise BadMessageError(str(error)) from error


def fitting[M: msgspec.Struct](rows: Iterable[M], room: int = MOST_BYTES) -> tuple[M, ...]:
    """Return the first rows, as many as take so many bytes in an answer, which has a longest line."""
    shown: list[M] = []
    for one in rows:
        room -= len(msgspec.json.encode(one))
        if room < 0:
            break
        shown.append(one)
    return tuple(shown)


def _is_shown(one: msgspec.structs.FieldInfo) -> bool:
    return not is_secret(msgspec.inspect.type_info(one.type))


def is_secret(kind: Any) -> bool:
    """Whether a type, as `msgspec.inspect` describes it, holds a Secret or a Token."""
    parts = [getattr(kind, name, None) for name in ("type", "item_type")] + list(getattr(kind, "types", ()))
    return bool((getattr(kind, "extra", None) or {}).get(_SECRET)) or any(map(is_secret, filter(None, parts)))
