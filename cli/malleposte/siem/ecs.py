"""Events of the Elastic common schema (ECS 8.11), made of lines of our journals. A field that is not named here stays.

Kinds of lines: `acts` (of operators and of accountd) and `events` (the record's: log-ins, refused mail).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

VERSION = "8.11"
ACTS, EVENTS = "acts", "events"
LONGEST = 200
"""Characters of a value."""
_REFUSED = "refused"


@dataclass(frozen=True)
class Namer:
    """The way in which accounts are named: in clear, or by a digest under a key, where there is one."""

    key: bytes = b""

    def user(self, account: str) -> dict[str, str]:
        """The ECS fields of a user."""
        if not self.key:
            return {"name": account}
        return {"hash": hmac.new(self.key, account.encode("utf-8", "replace"), hashlib.sha256).hexdigest()}


def event(kind: str, line: bytes, host: str, namer: Namer, ident: str) -> dict[str, Any] | None:
    """Return the event of a journal's line; None for one that is none. `ident` tells it from every other."""
    try:
        content = json.loads(line)
        fields = _MAKERS[kind](content, namer) if isinstance(content, dict) else None
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    if fields is None:
        return None
    fields["event"] |= {"kind": "event", "module": "malleposte", "dataset": f"malleposte.{kind}", "id": ident}
    return {**fields, "ecs": {"version": VERSION}, "host": {"name": host}}


def _act(content: Mapping[str, Any], namer: Namer) -> dict[str, Any]:
    """An act on an account: of an operator, of a program, or of the owner through accountd."""
    action = _text(content["action"])
    refused = action.endswith(_REFUSED)
    proof = action == _REFUSED
    fields: dict[str, Any] = {
        "@timestamp": datetime.fromisoformat(content["time"]).astimezone(UTC).isoformat(timespec="milliseconds"),
        "event": {
            "action": action,
            "category": ["authentication" if proof else "iam"],
            "type": ["denied" if refused else "user"],
            "outcome": "failure" if refused else "success",
        },
        "user": {"target": namer.user(_text(content["account"]))},
    }
    # One of the help desk acts by the own uid; an operator by the name on the controller, a program by the service's.
    fields["user"] |= namer.user(_text(content["by"])) if content.get("by") else {"name": _text(content.get("who"))}
    if why := _text(content.get("why") or content.get("call")):
        fields["event"]["reason"] = why
    return fields | _source(content.get("source"))


def _recorded(content: Mapping[str, Any], namer: Namer) -> dict[str, Any]:
    """A log-in, or a message that the filter refused. The other end of a message is named by its domain alone."""
    refused_mail = "way" in content
    accepted = content.get("accepted") is True
    fields: dict[str, Any] = {
        "@timestamp": datetime.fromtimestamp(content["time"], UTC).isoformat(timespec="milliseconds"),
        "event": {
            "action": "mail-refused" if refused_mail else "log-in",
            "category": ["email"] if refused_mail else ["authentication"],
            "type": ["denied"] if refused_mail else ["start"],
            "outcome": "success" if accepted else "failure",
        },
        "user": namer.user(_text(content["account"])),
    }
    if reason := _text(content.get("reason")):
        fields["event"]["reason"] = reason
    if refused_mail:
        inbound = content["way"] == "in"
        fields["network"] = {"direction": "inbound" if inbound else "outbound"}
        if domain := _text(content.get("other")).rpartition("@")[2]:
            fields["source" if inbound else "destination"] = {"domain": domain}
        return fields
    fields["service"] = {"name": _text(content["service"])}
    if program := _text(content.get("program")):
        fields["user_agent"] = {"original": program}
    return fields | _source(content.get("place"))


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], Namer], dict[str, Any]]] = {ACTS: _act, EVENTS: _recorded}


def _text(value: Any) -> str:
    return " ".join(str(value or "").split())[:LONGEST]


def _source(value: Any) -> dict[str, Any]:
    try:
        return {"source": {"ip": str(ipaddress.ip_address(str(value)))}}
    except ValueError:
        return {}
