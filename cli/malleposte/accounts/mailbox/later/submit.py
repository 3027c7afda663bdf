"""The daemon that hands messages of « À envoyer » to the mail server, as the agents who laid them there.

Usage: later-submit PORT

It has no password of anybody. The mail server takes its word for an agent's name (XCLIENT) at a port of the loopback
that is its user's alone, and then holds the message to the rules of submission: who may send as whom, the filter, the
limits. It reads no box and knows no order: the daemon of orders (`sender`) gives it a message on a socket of root's,
and is told what became of it. One connection, one message: a line of JSON, the message, a line of JSON.
"""

from __future__ import annotations

import re
import signal
import smtplib
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

import msgspec

from malleposte.accounts.mailbox.later import letter
from malleposte.accounts.mailbox.later.files import LARGEST
from malleposte.accounts.mailbox.later.letter import Letter, WaitsError
from malleposte.accounts.mailbox.later.model import Reason
from malleposte.core.errors import MallepostError
from malleposte.runtime import kit

SOCKET = Path("/run/malleposte-later/submit")
HOST = "127.0.0.1"
SECONDS = 120.0
"""For each answer of the mail server, whose filter may take a while."""
PATIENCE = 900.0
"""Seconds for all of a message."""
AT_ONCE = 4
LINE = 4096
_QUEUED = re.compile(r"queued as ([0-9A-Za-z]{6,40})")


class Outcome(StrEnum):
    """The end of a hand-over."""

    SENT = "sent"
    WAITS = "waits"
    """The message does not go as it is; `reason` says why."""
    LATER = "later"
    """Nothing was handed over, and it may be tried again."""
    DOUBT = "doubt"
    """The message went, and no answer came."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message to hand over: of whom, under what Message-ID, dated when, and how many bytes follow."""

    uid: str
    message_id: str
    date: float
    size: int


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer."""

    outcome: Outcome
    reason: Reason = Reason.NONE
    detail: str = ""
    queue: str = ""


class _Ended(Exception):
    """The mail server refused something; nothing was handed over."""

    def __init__(self, code: int, text: bytes) -> None:
        super().__init__(code)
        self.reply = refused(code, text)


def refused(code: int, text: bytes) -> Reply:
    """The reply after a refusal, by its code."""
    words = " ".join(text.decode("utf-8", "replace").split())[:300]
    if 500 <= code < 600:
        return Reply(Outcome.WAITS, Reason.REFUSED, f"{code} {words}")
    return Reply(Outcome.LATER, detail=f"{code} {words}")


def hand_over(uid: str, one: Letter, port: int, host: str = HOST) -> Reply:
    """Hand a message over in an agent's name, to all its recipients or to none."""
    handed = False
    try:
        with smtplib.SMTP(host, port, "localhost", SECONDS) as session:
            _said(session.ehlo(), 250)
            _said(session.docmd("XCLIENT", f"LOGIN={uid}"), 220)
            _said(session.ehlo(), 250)
            options = [f"SIZE={len(one.text)}", *(["BODY=8BITMIME"] if not one.text.isascii() else [])]
            _said(session.mail(one.sender, options), 250)
            for recipient in one.recipients:
                _said(session.rcpt(recipient), 250)
            _said(session.docmd("DATA"), 354)
            handed = True
            text = re.sub(rb"(?m)^\.", b"..", one.text)
            session.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, answer = session.getreply()
            if code != 250:
                return refused(code, answer)
            queue = _QUEUED.search(answer.decode("utf-8", "replace"))
            return Reply(Outcome.SENT, queue=queue[1] if queue else "")
    except _Ended as error:
        return error.reply
    except (OSError, smtplib.SMTPException) as error:
        return Reply(Outcome.DOUBT if handed else Outcome.LATER, detail=f"{type(error).__name__}: {error}"[:300])


def _said(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise _Ended(*answer)


def serve(link: socket.socket, port: int, hand: Callable[[str, Letter, int], Reply] = hand_over) -> None:
    """Serve one connection."""
    with link, link.makefile("rb") as incoming:
        link.settimeout(PATIENCE)
        request = msgspec.json.decode(incoming.readline(LINE), type=Request)
        if not 0 < request.size <= LARGEST:
            return
        raw = incoming.read(request.size)
        if len(raw) < request.size:
            return
        try:
            reply = hand(request.uid, letter.prepared(raw, request.message_id, request.date), port)
        except WaitsError as error:
            reply = Reply(Outcome.WAITS, error.reason, error.detail)
        link.sendall(msgspec.json.encode(reply) + b"\n")


def ask(request: Request, raw: bytes, path: Path = SOCKET) -> Reply:
    """Ask that daemon. Where no answer comes, the message may have gone. Raises MallepostError before it could."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(PATIENCE)
        try:
            link.connect(str(path))
        except OSError as error:
            raise MallepostError(f"{path}: {error}", "look at 'journalctl -u malleposte-later-submit'") from error
        try:
            link.sendall(msgspec.json.encode(request) + b"\n" + raw)
            with link.makefile("rb") as stream:
                return msgspec.json.decode(stream.readline(LINE), type=Reply)
        except (OSError, msgspec.MsgspecError) as error:
            return Reply(Outcome.DOUBT, detail=f"{type(error).__name__}: {error}"[:300])


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not words[0].isdecimal():
        print("usage: later-submit PORT", file=sys.stderr)
        return 2
    kit.log_to_journal()
    port = int(words[0])
    (listener,) = kit.handed()
    end = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: end.set())
    listener.settimeout(1.0)
    kit.tell("READY=1")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while not end.is_set():
            try:
                link, _address = listener.accept()
            except TimeoutError:
                continue
            pool.submit(_served, link, port)
    return 0


def _served(link: socket.socket, port: int) -> None:
    try:
        serve(link, port)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        kit.say(f"<3>{type(error).__name__}: {error}")
