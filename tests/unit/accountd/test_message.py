"""accountd's protocol: messages arrive unchanged, anything else is refused, and no secret is shown."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from malleposte.accountd import codec
from malleposte.accountd.call import CALLS, OF, Call, load
from malleposte.accountd.message import (
    LONGEST_TEXT,
    LONGEST_TOKEN,
    MOST_ITEMS,
    BadMessageError,
    ErrorCode,
    OtherFormError,
    Refused,
    Violation,
    encoded,
    is_secret,
)

load()
BROWSER = "0123456789abcdef" * 2
SECRET = "S3CRET"
MEANT = {"code", "new", "numen", "old", "password", "secret", "ticket", "token", "value"}
"""Fields of requests that hold secrets."""
EVERY = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
CHANGE = {"source": "192.0.2.7", "login": "a", "old": "b", "new": "c"}


def filled(info: Any, text: str = "é\u2028\0") -> Any:
    """A value of a type: `text`, or SECRET where it is one."""
    match info:
        case msgspec.inspect.Metadata():
            return SECRET if is_secret(info) and isinstance(info.type, msgspec.inspect.StrType) else filled(info.type)
        case msgspec.inspect.StrType():
            return BROWSER if info.pattern else text
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.VarTupleType():
            return (filled(info.item_type),) * 2
        case msgspec.inspect.UnionType():
            return filled(next(one for one in info.types if not isinstance(one, msgspec.inspect.NoneType)))
        case msgspec.inspect.StructType():
            return whole(info.cls)
        case msgspec.inspect.EnumType():
            return list(info.cls)[-1]
    raise AssertionError(f"no value for {info}")


def whole(kind: type[Any]) -> Any:
    """A message with a value in each field."""
    return kind(**{one.name: filled(msgspec.inspect.type_info(one.type)) for one in msgspec.structs.fields(kind)})


def line(**document: Any) -> bytes:
    """The line of a request to change a password, but for these parts."""
    name = document.get("call", "change")
    form = CALLS[name].form if isinstance(name, str) and name in CALLS else "0"
    return json.dumps({"form": form, "call": "change", "args": CHANGE} | document).encode() + b"\n"


@EVERY
def test_a_request_and_its_answer_come_back(call: Call) -> None:
    request, answer = whole(call.request), whole(call.answer)
    asked, answered = codec.encode(request), codec.encode_answer(answer)
    assert (asked.count(b"\n"), answered.count(b"\n")) == (1, 1)
    assert codec.decode(asked) == request
    assert codec.decode_answer(call.answer, answered) == answer
    assert codec.decode_answer(call.answer, codec.encode_answer(call.answer())) == call.answer()


@pytest.mark.parametrize(
    "answer",
    [
        Refused(ErrorCode.FORBIDDEN, "reach"),
        Refused(ErrorCode.SLOW_DOWN, wait=12),
        Refused(ErrorCode.REFUSED_PASSWORD, violations=(Violation("too_short", {"least": 12}),)),
    ],
)
def test_a_refusal_comes_back(answer: Refused) -> None:
    assert codec.decode_answer(CALLS["change"].answer, codec.encode_answer(answer)) == answer


@EVERY
def test_no_secret_is_shown_by_accident(call: Call) -> None:
    for one in (whole(call.request), whole(call.answer)):
        assert SECRET not in repr(one)
    request = {one.name: msgspec.inspect.type_info(one.type) for one in msgspec.structs.fields(call.request)}
    assert [name for name in request if name in MEANT and not is_secret(request[name])] == []


def test_what_is_no_secret_is_shown() -> None:
    change = CALLS["change"].request(**CHANGE | {"login": "mdupond", "old": SECRET})
    assert "login='mdupond'" in repr(change)
    assert SECRET in change.old


def test_all_that_is_meant_to_be_shown_once_is_a_secret() -> None:
    codes, device = CALLS["make_recovery_codes"].answer, CALLS["add_device"].answer
    assert SECRET not in repr(codes(codes=(SECRET,)))
    assert SECRET not in repr(device(secret=SECRET))


BLOCK = {"source": "192.0.2.7", "uid": "mdupond", "token": "t", "reason": "r"}
HOURS = {"source": "192.0.2.7", "uid": "mdupond", "token": "t"}
TRIED = {"source": "192.0.2.7", "uid": "mdupond", "kind": "totp", "code": "c"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (line(call="delete"), line(), "unknown call"),
        (line(call=["change"]), line(), r"Expected `str`.*\$.call"),
        (line(extra=1), line(), "unknown field `extra`"),
        (line(args=[]), line(), "Expected `object`"),
        (line(args=CHANGE | {"uid": "x"}), line(), "unknown field `uid`"),
        (line(args={"source": "192.0.2.7"}), line(), "missing required field `login`"),
        (line(args=CHANGE | {"login": 1}), line(args=CHANGE | {"login": "1"}), r"Expected `str`.*\$.login"),
        (line(args=CHANGE | {"login": None}), line(args=CHANGE | {"login": ""}), r"Expected `str`.*\$.login"),
        (
            line(call="factor_tried", args=TRIED | {"right": 1}),
            line(call="factor_tried", args=TRIED | {"right": True}),
            r"Expected `bool`.*\$.right",
        ),
        *(
            (line(args=CHANGE | {"browser": wrong}), line(args=CHANGE | {"browser": right}), r"\$.browser")
            for right in (BROWSER, "")
            for wrong in ("\n", BROWSER[1:], f"{BROWSER}0", f"{BROWSER}\n", BROWSER.upper(), 7, None, [BROWSER])
        ),
        (
            line(args=CHANGE | {"login": "x" * (LONGEST_TEXT + 1)}),
            line(args=CHANGE | {"login": "x" * LONGEST_TEXT}),
            f"length <= {LONGEST_TEXT}",
        ),
        (
            line(call="block", args=BLOCK | {"token": "x" * (LONGEST_TOKEN + 1)}),
            line(call="block", args=BLOCK | {"token": "x" * LONGEST_TOKEN}),
            f"length <= {LONGEST_TOKEN}",
        ),
        (line(call="block", args=BLOCK | {"hours": 1}), line(call="block", args=BLOCK), "unknown field `hours`"),
        (
            line(call="set_hours", args=HOURS | {"slots": ["x"] * (MOST_ITEMS + 1)}),
            line(call="set_hours", args=HOURS | {"slots": ["x"] * MOST_ITEMS}),
            f"length <= {MOST_ITEMS}",
        ),
    ],
)
def test_a_request_of_another_shape_is_refused_with_its_words(wrong: bytes, right: bytes, said: str) -> None:
    codec.decode(right)
    with pytest.raises(BadMessageError, match=said):
        codec.decode(wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"GET / HTTP/1.1\r\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (line().replace(b'"a"', b'"\xff"'), "not JSON"),
        (line().replace(b'"a"', b'"\\ud800"'), "not JSON"),
        (b"[" * 16_000 + b"\n", "Expected `object`"),
        (b"9" * 9000 + b"\n", "Number out of range"),
        (b"[]\n", "Expected `object`"),
        (b" " * 17_000 + b"{}", "too long"),
    ],
)
def test_what_is_no_request_is_refused(content: bytes, said: str) -> None:
    assert codec.decode(line()) == CALLS["change"].request(**CHANGE)
    with pytest.raises(BadMessageError, match=said):
        codec.decode(content)


def test_half_a_character_is_not_sent() -> None:
    change = CALLS["change"].request
    assert "é" in encoded(change(**CHANGE | {"login": "é"})).decode()
    with pytest.raises(BadMessageError, match="half a character"):
        codec.encode(change(**CHANGE | {"login": "\ud800"}))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"done":{"uid":7}}', b'{"done":{"more":[]}}', b'{"refused":{"error":"x"}}', b'{"v":15,"ok":true}'],
)
def test_what_is_no_answer_is_an_error(content: bytes) -> None:
    kind = CALLS["change"].answer
    assert codec.decode_answer(kind, b'{"done":{"uid":"mdupond"}}') == kind("mdupond")
    with pytest.raises(BadMessageError):
        codec.decode_answer(kind, content)


def test_another_form_is_said_before_anything_else() -> None:
    for args in (CHANGE, CHANGE | {"later": 1}, {}):
        with pytest.raises(OtherFormError, match="call change has another form on the other host: finish the deploy"):
            codec.decode(line(form="0123456789abcdef", args=args))


class Before(msgspec.Struct):
    """Stands for a request or an answer of another version."""

    login: str


@pytest.mark.parametrize("part", ["request", "answer"])
def test_the_form_of_a_call_is_that_of_its_request_and_answer(part: str) -> None:
    def changed(kind: type[Any]) -> str:
        parts: Any = {part: kind}
        return replace(CALLS["change"], **parts).form

    assert changed(Before) != CALLS["change"].form
    assert replace(CALLS["change"]).form == CALLS["change"].form
    renamed = msgspec.defstruct("Before", [("login", str)], namespace={"__doc__": "Other words, for people."})
    assert changed(renamed) == changed(Before)
    assert changed(msgspec.defstruct("Before", [("login", str, "")])) != changed(Before)


def test_a_call_has_one_name_and_one_request() -> None:
    assert {one.request for one in CALLS.values()} == set(OF)
    assert all(OF[one.request] is one for one in CALLS.values())
