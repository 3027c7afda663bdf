"""The password policy's response control (draft-behera-ldap-password-policy), which ldap3 does not decode."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

OID = "1.3.6.1.4.1.42.2.27.8.5.1"


class PolicyErrorCode(Enum):
    """The errors that the control reports."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    PASSWORD_MOD_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD_PASSWORD = 4
    INSUFFICIENT_QUALITY = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8
    TOO_LONG = 9


@dataclass(frozen=True)
class PolicyState:
    """The control's content: seconds before the end of the password, log-ins left after it, an error."""

    seconds_left: int | None = None
    grace_left: int | None = None
    error: PolicyErrorCode | None = None


def _element(data: bytes, start: int) -> tuple[int, bytes, int]:
    """One BER element: tag, content, where the next begins. Raises ValueError when it is cut short."""
    if start + 2 > len(data):
        raise ValueError("cut short")
    tag, length, place = data[start], data[start + 1], start + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[place : place + size], "big")
        place += size
    end = place + length
    if end > len(data):
        raise ValueError("cut short")
    return tag, data[place:end], end


def decode(value: bytes) -> PolicyState:
    """The control's value. An empty or an unreadable one says nothing, since it only adds to the result code."""
    left = grace = None
    error = None
    try:
        _tag, content, _end = _element(value, 0)
        place = 0
        while place < len(content):
            tag, inner, place = _element(content, place)
            if tag == 0xA0:
                kind, number, _end = _element(inner, 0)
                if kind == 0x80:
                    left = int.from_bytes(number, "big")
                elif kind == 0x81:
                    grace = int.from_bytes(number, "big")
            elif tag == 0x81:
                error = PolicyErrorCode(int.from_bytes(inner, "big"))
    except ValueError:
        return PolicyState()
    return PolicyState(left, grace, error)


def state_of(result: Mapping[str, Any]) -> PolicyState:
    """Return the control's state in a result as ldap3 gives it; an empty state without the control."""
    control = (result.get("controls") or {}).get(OID)
    return decode(bytes(control["value"])) if control and control["value"] else PolicyState()
