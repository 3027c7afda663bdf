"""The daemon that tells tools (role dovecot), on a mail host, as a user of its own.

Usage: tools-send

It has no box, no ledger and no rule. The daemon of orders (`keeper`) and root's acts give it one note at a time on a
socket of root's, with the sealed access; it opens that, calls the tool, and says what the answer means. It calls hosts
that the platform's facts allow for that tool, and no others. Of what it calls and what is answered nothing is logged
but the tool, the outcome and a code.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.mailbox.tools import sealed
from malleposte.accounts.mailbox.tools.kinds.base import Note, Outcome, Verdict
from malleposte.accounts.mailbox.tools.kinds.table import TOOLS, checked
from malleposte.accounts.mailbox.tools.outside import Client, Reach, allowed
from malleposte.core.errors import InputError, MallepostError
from malleposte.runtime import kit

SOCKET = Path("/run/malleposte-tools/send")
LINE = 65_536
PATIENCE = 90.0
"""Seconds for all of a note: names are resolved, and every address of two redirects may be slow."""
AT_ONCE = 32
FORBIDDEN, AWAY, UNSEALED = "forbidden", "away", "unsealed"
"""Details of ours: the academy does not allow it; no answer; the access cannot be opened."""


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note to tell, by a tool and an access."""

    uid: str
    rule: str
    tool: str
    shown: dict[str, str]
    sealed: str
    note: Note

    def __repr__(self) -> str:
        """The note without what is in it."""
        return f"Delivery({self.uid}, {self.rule}, {self.tool})"


@dataclass
class Teller:
    """Tells notes. `allows` reads what the academy allows, each time anew."""

    seal: sealed.Seal
    client: Client = field(default_factory=Client)
    allows: Callable[[], dict[str, Reach]] = field(default=lambda: allowed(facts.read()))
    clock: Callable[[], float] = time.time

    def tell(self, delivery: Delivery) -> Verdict:
        """Tell a note; the outcome."""
        try:
            reach = self.allows().get(delivery.tool)
        except InputError:
            return Verdict(Outcome.LATER, AWAY)
        if reach is None or delivery.tool not in TOOLS:
            return Verdict(Outcome.REFUSED, FORBIDDEN)
        tool = TOOLS[delivery.tool]
        try:
            access = sealed.open_access(self.seal, delivery.uid, delivery.rule, delivery.sealed)
            request = tool.request(checked(delivery.tool, {**delivery.shown, **access}), delivery.note, self.clock())
        except MallepostError:
            return Verdict(Outcome.REVOKED, UNSEALED)
        try:
            return tool.judge(self.client.call(request, reach))
        except InputError:
            return Verdict(Outcome.REFUSED, FORBIDDEN)
        except MallepostError:
            return Verdict(Outcome.LATER, AWAY)


def serve(link: socket.socket, tell: Callable[[Delivery], Verdict]) -> None:
    """Serve one connection: a line of JSON, and one back."""
    with link, link.makefile("rb") as incoming:
        link.settimeout(PATIENCE)
        delivery = msgspec.json.decode(incoming.readline(LINE), type=Delivery)
        verdict = tell(delivery)
        kit.say(f"<6>{delivery.uid}: {delivery.tool}: {verdict.outcome} {verdict.detail}".rstrip())
        link.sendall(msgspec.json.encode(verdict) + b"\n")


def ask(delivery: Delivery, path: Path = SOCKET) -> Verdict:
    """Ask that daemon. Where no answer comes, it is as if the tool were away."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(PATIENCE + 10)
            link.connect(str(path))
            link.sendall(msgspec.json.encode(delivery) + b"\n")
            with link.makefile("rb") as stream:
                return msgspec.json.decode(stream.readline(LINE), type=Verdict)
    except (OSError, msgspec.MsgspecError):
        return Verdict(Outcome.LATER, AWAY)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if words:
        print("usage: tools-send", file=sys.stderr)
        return 2
    kit.log_to_journal()
    try:
        seal = sealed.Seal(sealed.read_key(Path(os.environ["CREDENTIALS_DIRECTORY"]) / sealed.CREDENTIAL))
    except (KeyError, MallepostError) as error:
        kit.say(f"<3>no key of the tools: {error}")
        return 1
    teller = Teller(seal)
    (listener,) = kit.handed()
    end = kit.ending()
    listener.settimeout(1.0)
    kit.tell("READY=1")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not end.is_set():
            try:
                link, _address = listener.accept()
            except TimeoutError:
                continue
            pool.submit(served, link, teller.tell)
    return 0


def served(link: socket.socket, tell: Callable[[Delivery], Verdict]) -> None:
    """Serve it, and name the kind of what fails."""
    try:
        serve(link, tell)
    except Exception as error:  # noqa: BLE001  # its kind alone: its words may hold what is secret
        kit.say(f"<3>{type(error).__name__}")
