"""All doors of a host through its door-keeper: for who is not root there.

The door-keeper (role accounts, `malleposte-doors.socket`) is started by a connection, runs as root, and knows six acts
on one account: close, forget, hold (its mail that waits in the queue), carry (its filters, after a change of class),
settle (its agendas and contacts, likewise), look (what its filters forward). It answers one JSON line a request, and
ends when it has been idle.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from malleposte.accounts.agendas import Moved
from malleposte.accounts.doors import checked
from malleposte.errors import MallepostError

SOCKET = Path("/run/malleposte-doors.sock")
TIMEOUT = 60.0  # seconds; a queue of thousands takes a while to read
IDLE = 60.0  # seconds without a request
LONGEST = 4096  # bytes of a request
_FIRST_FD = 3  # of systemd's socket (sd_listen_fds(3))

Acts = Mapping[str, Callable[[str, str], Any]]
"""What each act does: (uid, further word) -> what is answered."""


class Through:
    """A Door that stands for all of the host."""

    name = "doors"

    def __init__(self, path: Path = SOCKET) -> None:
        """`path`: the door-keeper's socket."""
        self.path = path

    def close(self, uid: str) -> None:
        """See Door."""
        self._ask("close", uid)

    def forget(self, uid: str) -> None:
        """See Door."""
        self._ask("forget", uid)

    def hold(self, uid: str) -> list[str]:
        """Hold the account's mail that waits to leave; queue ids."""
        return list(self._ask("hold", uid))

    def carry(self, uid: str, profile: str) -> str:
        """Keep the account's filters in force after its change to a class; what was done, in a word."""
        return str(self._ask("carry", uid, profile))

    def settle(self, uid: str, profile: str) -> Moved:
        """Bring the account's agendas and contacts to the stores of a class."""
        return Moved(**self._ask("settle", uid, profile))

    def look(self, uid: str) -> dict[str, Any]:
        """The account's filters: `active`, `scripts`, `forwards`, `absence`, `carried`."""
        return dict(self._ask("look", uid))

    def _ask(self, act: str, uid: str, word: str = "") -> Any:
        request = json.dumps({"act": act, "uid": checked(uid), "word": word})
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(TIMEOUT)
                link.connect(str(self.path))
                link.sendall(request.encode() + b"\n")
                with link.makefile("rb") as answers:
                    answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise MallepostError(f"{self.path}: {error}", "look at 'systemctl status malleposte-doors'") from error
        if "error" in answer:
            raise MallepostError(str(answer["error"]))
        return answer.get("done")


def answer(line: bytes, acts: Acts) -> dict[str, Any]:
    """The answer to one request."""
    try:
        request = json.loads(line)
        act, uid, word = (str(request.get(key, "")) for key in ("act", "uid", "word"))
    except (ValueError, AttributeError):
        return {"error": "not a request"}
    if act not in acts:
        return {"error": f"no act {act!r}"}
    try:
        return {"done": acts[act](checked(uid), word)}
    except (MallepostError, OSError) as error:
        return {"error": str(error)}


def serve(acts: Acts, listener: socket.socket | None = None, idle: float = IDLE) -> None:
    """Answer, one connection after the other, until nobody came for `idle` seconds."""
    with listener or socket.socket(fileno=_FIRST_FD) as handed:
        handed.settimeout(idle)
        while True:
            try:
                link, _address = handed.accept()
            except TimeoutError:
                return
            with link:
                _one(link, acts)


def _one(link: socket.socket, acts: Acts) -> None:
    link.settimeout(IDLE)
    try:
        with link.makefile("rb") as requests:
            line = requests.readline(LONGEST)
        if line:
            link.sendall(json.dumps(answer(line, acts)).encode() + b"\n")
    except OSError:
        return
