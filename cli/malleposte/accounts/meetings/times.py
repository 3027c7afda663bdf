"""The times at which agents are busy, whatever their class: on the host of the agendas.

SOGo's events come from its tables, those of the light class from Radicale's store. Both are read by `radicale-busy`
(role radicale), a program without rights and network: what agents write never meets a parser of root's.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.agendas import Stores
from malleposte.accounts.agendas.model import MAIN
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.accounts.meetings.model import Appointment, Asked, Times
from malleposte.adapters.sogo import Sql
from malleposte.adapters.sogo import busy as sogo
from malleposte.core.errors import MallepostError

SOCKET = Path("/run/radicale/busy.sock")
"""The program's (`radicale_busy_socket`)."""
TOGETHER, AT_ONCE = 4, 4
"""People of one question, and questions at a time."""
PATIENCE = 25.0
"""Seconds for an answer."""
LARGEST = 4 << 20
"""Bytes of an answer."""
Ask = Callable[[bytes], bytes]
"""A question for the program -> its answer. Raises OSError."""


def read(stores: Stores, people: Sequence[Asked], span: tuple[str, str], sql: Sql, ask: Ask) -> list[Times]:
    """Return the busy times of these agents in `span` (UTC, as iCalendar has it). Raises MallepostError."""
    place = {one.uid: _store(stores, one.profile) for one in people}
    reachable = [one for one in people if place[one.uid]]
    in_sogo = {uid for uid, store in place.items() if store == SogoStore.name}
    events = sogo.events(sql, sorted(in_sogo), span, MAIN) if in_sogo else {}
    questions = [
        {"uid": one.uid, "mails": list(one.mails), "texts": events.get(one.uid) if one.uid in in_sogo else None}
        for one in reachable if one.uid not in in_sogo or one.uid in events
    ]  # fmt: skip
    answers = dict[str, Any]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for part in pool.map(lambda some: _answers(some, span, ask), batched(questions, TOGETHER, strict=False)):
            answers |= part
    return [_times(one.uid, answers.get(one.uid)) for one in people]


def own(stores: Stores, one: Asked, span: tuple[str, str], sql: Sql, ask: Ask) -> list[Appointment] | None:
    """Return an agent's own events in `span`; None where there are more than can be read. Raises MallepostError."""
    place, texts = _store(stores, one.profile), None
    if not place:
        return []
    if place == SogoStore.name:
        texts = sogo.events(sql, [one.uid], span, MAIN, own=True).get(one.uid, [])
    people = [{"uid": one.uid, "mails": list(one.mails), "texts": texts}]
    question = {"from": span[0], "until": span[1], "people": people}
    try:
        return msgspec.json.decode(ask(json.dumps(question).encode()), type=list[Appointment] | None)
    except (OSError, msgspec.MsgspecError) as error:
        raise MallepostError(
            f"the agenda is not told: {type(error).__name__}: {error}", "look at 'journalctl -t radicale-busy'"
        ) from error


def _store(stores: Stores, profile: str) -> str:
    """Return the name of the store in which a class has its agendas; empty where none is here."""
    try:
        return stores.main(profile).name
    except MallepostError:
        return ""


def _answers(some: Iterable[Mapping[str, Any]], span: tuple[str, str], ask: Ask) -> dict[str, Any]:
    question = {"from": span[0], "until": span[1], "people": list(some)}
    try:
        answer = json.loads(ask(json.dumps(question).encode()))
    except (OSError, ValueError) as error:
        raise MallepostError(
            f"busy times are not told: {type(error).__name__}: {error}", "look at 'journalctl -t radicale-busy'"
        ) from error
    return answer if isinstance(answer, dict) else {}


def _times(uid: str, answer: Any) -> Times:
    if not isinstance(answer, list):
        return Times(uid, known=False)
    return Times(uid, tuple((str(begin), str(end)) for begin, end in answer))


def by_socket(question: bytes, path: Path = SOCKET, target: str = "/", seconds: float = PATIENCE) -> bytes:
    """Ask the program. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(seconds)
        link.connect(str(path))
        head = f"POST {target} HTTP/1.0\r\nContent-Length: {len(question)}\r\n\r\n"
        link.sendall(head.encode("ascii") + question)
        with link.makefile("rb") as stream:
            answer = stream.read(LARGEST)
    status, _end, body = answer.partition(b"\r\n\r\n")
    if status.split()[1:2] != [b"200"]:
        raise OSError(f"{path}: {status[:100].decode('latin-1') or 'no answer'}")
    return body
