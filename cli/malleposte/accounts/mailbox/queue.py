"""Mail of an account that waits in Postfix's queue: found by its sender or log-in, held, let go, deleted.

For root on the mail host: Postfix lets nobody else touch its queue.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from malleposte.core.errors import MallepostError

TIMEOUT = 120  # seconds
HOLD = "hold"
_ID = re.compile(r"[0-9A-Za-z]{5,30}")
_AT_ONCE = 100
_FEW = 20
_BANNER = re.compile(r"\*\*\* ENVELOPE RECORDS (?:\S*/)?(\S+) \*\*\*")
_LOGGED_IN = "named_attribute: sasl_username="


@dataclass(frozen=True)
class Waiting:
    """A message in the queue; `arrived` is a Unix time, `login` who was logged in, where it was asked."""

    ident: str
    queue: str
    sender: str
    recipients: tuple[str, ...]
    arrived: int
    size: int
    login: str = ""

    @property
    def held(self) -> bool:
        """Whether it is held."""
        return self.queue == HOLD


def read(text: str) -> list[Waiting]:
    """Parse the output of `postqueue -j`: a JSON object a line. Raises ValueError on anything else."""
    messages: list[Waiting] = []
    for line in text.splitlines():
        raw = json.loads(line)
        recipients = tuple(str(one["address"]) for one in raw.get("recipients", []))
        messages.append(
            Waiting(
                str(raw["queue_id"]), str(raw["queue_name"]), str(raw["sender"]), recipients,
                int(raw["arrival_time"]), int(raw["message_size"]),
            )
        )  # fmt: skip
    return messages


def logins(text: str) -> dict[str, str]:
    """Return the log-in of each message, by queue id, from the output of `postcat -e` for many messages."""
    by_ident: dict[str, str] = {}
    ident = ""
    for line in text.splitlines():
        banner = _BANNER.fullmatch(line.strip())
        if banner:
            ident = banner[1]
        elif line.startswith(_LOGGED_IN):
            by_ident[ident] = line.removeprefix(_LOGGED_IN).strip().lower()
    return by_ident


def of(uid: str, addresses: Iterable[str], waiting: Iterable[Waiting], logged_in: dict[str, str]) -> list[Waiting]:
    """The messages that an account sent: under one of its addresses, or logged in as it (a box of a function)."""
    own = {address.lower() for address in addresses}
    return [one for one in waiting if one.sender.lower() in own or logged_in.get(one.ident) == uid]


class Queue:
    """Postfix's queue on this host."""

    def of(self, uid: str, addresses: Iterable[str]) -> list[Waiting]:
        """Messages of an account, held or not."""
        waiting = self.waiting()
        return of(uid, addresses, waiting, self._logins(waiting))

    def held(self) -> list[Waiting]:
        """Every message that is held, with the account that was logged in."""
        waiting = [one for one in self.waiting() if one.held]
        login_of = self._logins(waiting)
        return [replace(one, login=login_of.get(one.ident, "")) for one in waiting]

    def waiting(self) -> list[Waiting]:
        """Every message of the queue. Raises MallepostError where Postfix does not say."""
        try:
            return read(self._run(["postqueue", "-j"]))
        except (ValueError, KeyError, TypeError) as error:
            raise MallepostError(f"the output of postqueue is not a queue ({error})") from error

    def _logins(self, waiting: Sequence[Waiting]) -> dict[str, str]:
        by_ident: dict[str, str] = {}
        for some in _portions([one.ident for one in waiting if _ID.fullmatch(one.ident)]):
            # One that has left meanwhile is an error of postcat: the others are printed all the same.
            by_ident |= logins(self._run(["postcat", "-eq", *some], check=False))
        return by_ident

    def hold(self, messages: Iterable[Waiting]) -> list[str]:
        """Hold messages; their ids."""
        return self._each("-h", [one for one in messages if not one.held])

    def release(self, messages: Iterable[Waiting]) -> list[str]:
        """Let held messages leave, now rather than with the next run of the queue; their ids."""
        idents = self._each("-H", [one for one in messages if one.held])
        for argv in [["-i", ident] for ident in idents] if len(idents) <= _FEW else [["-f"]]:
            self._run(["postqueue", *argv], check=False)
        return idents

    def delete(self, messages: Iterable[Waiting]) -> list[str]:
        """Delete held messages for good; their ids."""
        return self._each("-d", [one for one in messages if one.held])

    def _each(self, option: str, messages: Sequence[Waiting]) -> list[str]:
        idents = [one.ident for one in messages if _ID.fullmatch(one.ident)]
        if idents:
            self._run(["postsuper", option, "-"], text="\n".join(idents) + "\n")
        return idents

    @staticmethod
    def _run(argv: Sequence[str], text: str = "", *, check: bool = True) -> str:
        try:
            done = subprocess.run(
                list(argv), input=text, capture_output=True, text=True, errors="replace", check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise MallepostError(f"{argv[0]}: no answer in {TIMEOUT} s") from error
        if check and done.returncode:
            lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            raise MallepostError(f"{argv[0]}: {lines[-1]}", "look at 'journalctl -u postfix'")
        return done.stdout


def _portions(idents: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(idents), _AT_ONCE):
        yield idents[start : start + _AT_ONCE]
