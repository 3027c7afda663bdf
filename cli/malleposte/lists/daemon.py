"""The daemon of the lists (role lists): sockets of systemd in, Postfix and the directory out.

It has a user of its own and writes nothing in the directory.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.circulars import ask as circulars
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.protocol import Directory
from malleposte.lists import notices
from malleposte.lists.carrier import Carrier, by_smtp
from malleposte.lists.intake import Intake
from malleposte.lists.spool import Spool
from malleposte.runtime import kit, servers, settings

FILE = Path("/etc/malleposte/lists.json")
CONTROL = Path("/run/malleposte-lists/control.sock")
CREDENTIAL = "ldap-password"
BEAT = 10.0  # seconds between two signs of life to systemd
_NEEDED = ("lmtp.sock", "policy.sock", "control.sock")


@dataclass(frozen=True)
class ListSettings:
    """The settings from the role. Nothing here is secret: the password comes as a credential of the unit.

    `archive` is the socket of the archives, empty where there are none.
    """

    uri: str
    suffix: str
    bind_dn: str
    domain: str
    delivery_domain: str
    hostname: str
    spool: Path
    port: int
    rate: int
    batch: int
    ca_file: str | None = None
    archive: str = ""

    @classmethod
    def read(cls, path: Path = FILE) -> ListSettings:
        """Read them. Raises InputError."""
        return settings.read(path, cls, "the lists", "deploy the role lists")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Directory]:
        """The directory, bound as the lists' own account."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
        password = Path(folder, CREDENTIAL).read_text("utf-8").strip()
        with LdapDirectory(self.uri, self.suffix, self.bind_dn, password, self.ca_file) as bound:
            yield bound


def handed() -> dict[str, socket.socket]:
    """The sockets of systemd, by the last part of their path. Raises InputError when one is missing."""
    by_name = {Path(str(one.getsockname())).name: one for one in kit.handed()}
    missing = [name for name in _NEEDED if name not in by_name]
    if missing:
        raise InputError(f"no socket {missing[0]}", "systemd starts this: systemctl start malleposte-lists.service")
    return by_name


def serve(settings: ListSettings | None = None) -> None:
    """Serve until SIGTERM; the batch under way is ended first."""
    chosen = settings or ListSettings.read()
    sockets = handed()
    spool = Spool(chosen.spool)
    send = by_smtp("127.0.0.1", chosen.port)
    postmaster = f"postmaster@{chosen.domain}"

    def tell(name: str, about: str, reason: str) -> None:
        if refused := send("", [postmaster], notices.aside(postmaster, name, about, reason)):
            raise OSError(f"{postmaster}: {refused}")

    archive = functools.partial(circulars.file, path=Path(chosen.archive)) if chosen.archive else None
    carrier = Carrier(
        spool,
        chosen.opened,
        send,
        chosen.delivery_domain,
        chosen.rate,
        chosen.batch,
        kit.say,
        tell=tell,
        archive=archive,
    )
    intake = Intake(spool, chosen.opened, send, carrier, chosen.domain, chosen.delivery_domain, kit.say)
    acts = {
        "queue": lambda _request: list(spool.rows()),
        "approve": lambda request: intake.approve(str(request["id"])),
        "reject": lambda request: intake.reject(str(request["id"]), str(request.get("reason", ""))),
    }

    def take(envelope: servers.Envelope, message: bytes) -> str:
        return intake.taken(envelope.sender, envelope.recipient, message)

    running = [
        servers.lmtp(sockets["lmtp.sock"], chosen.hostname, take, kit.say),
        servers.policy(sockets["policy.sock"], intake.asked, kit.say),
        servers.control(sockets["control.sock"], acts, kit.say),
    ]
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in running]
    sender = threading.Thread(target=carrier.run, daemon=True)
    for thread in (*threads, sender):
        thread.start()
    kit.tell("READY=1")
    failed = ""
    while not failed and not over.wait(BEAT):
        if not all(thread.is_alive() for thread in (*threads, sender)):
            failed = "a thread ended"
        elif carrier.alive():
            kit.tell("WATCHDOG=1")
    if failed:
        raise MallepostError(f"{failed}, nothing more could be sent", "systemd starts this again; see the lines before")
    kit.tell("STOPPING=1")
    for server in running:
        server.shutdown()
    carrier.end()
    sender.join()


def main(words: Sequence[str]) -> int:
    """The exit code. It takes no word: its settings have one place."""
    if words:
        kit.say("usage: lists")
        return ExitCode.BAD_INPUT
    try:
        serve()
    except MallepostError as error:
        kit.say(f"<3>{error}")
        return error.exit_code
    return 0


def ask(act: str, words: Mapping[str, str], path: Path = CONTROL) -> Any:
    """Ask the daemon of this host, as root. Raises InputError with its words, OSError when it is not there."""
    return servers.ask(path, act, words)
