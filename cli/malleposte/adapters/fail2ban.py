"""fail2ban on its host: what is banned, and the end of a ban, by its own client (fail2ban-client(1))."""

from __future__ import annotations

import ast
import ipaddress
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from malleposte.core.errors import InputError, MallepostError

CLIENT = "fail2ban-client"
PATIENCE = 60.0  # seconds
_LINE = re.compile(r"(\S+)\s+(\S+ \S+) \+ (-?\d+) = (\S+ \S+)")
type Run = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Ban:
    """One banned address. `since` and `until` are local times of the host as it writes them; `until` may be empty."""

    address: str
    jail: str
    since: str
    until: str


def client(words: Sequence[str]) -> str:
    """The client's answer. Raises MallepostError with its last line."""
    try:
        done = subprocess.run([CLIENT, *words], capture_output=True, text=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MallepostError(f"{CLIENT}: {error}", "systemctl status fail2ban") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise MallepostError(f"{CLIENT} {words[0]}: {said}", "systemctl status fail2ban")
    return done.stdout


def bans(run: Run = client) -> list[Ban]:
    """Every ban of the host, those of a jail together. Raises MallepostError."""
    active: list[Ban] = []
    for jail in _jails(run):
        for line in run(["get", jail, "banip", "--with-time"]).splitlines():
            read = _LINE.fullmatch(line.strip())
            if read:
                address, since, seconds, until = read.groups()
                active.append(Ban(address, jail, since, "" if int(seconds) < 0 else until))
    return active


def _jails(run: Run) -> list[str]:
    """The names of the jails: `banned` answers a list of dictionaries in Python's words, one a jail."""
    said = run(["banned"]).strip()
    try:
        listed = ast.literal_eval(said)
        return [str(name) for one in listed for name in one]
    except (ValueError, SyntaxError, TypeError) as error:
        raise MallepostError(f"{CLIENT} banned: not understood: {said[:80]!r}") from error


def address_of(word: str) -> str:
    """An address in its usual form. Raises InputError."""
    try:
        return str(ipaddress.ip_address(word.strip()))
    except ValueError as error:
        raise InputError(f"{word!r} is no address", "such as 192.0.2.7 or 2001:db8::7") from error


def lift(addresses: Sequence[str], run: Run = client) -> list[str]:
    """End the bans of these addresses, in every jail; those that were banned. Raises MallepostError."""
    banned = {ban.address for ban in bans(run)}
    ended = [one for one in addresses if one in banned]
    if ended:
        run(["unban", *ended])
    return ended
