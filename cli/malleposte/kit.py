"""Services of systemd for a daemon: passed sockets, watchdog notifications, lines of the journal."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Coroutine

from malleposte.errors import ExitCode, InputError, MallepostError

_FIRST_FD = 3  # sd_listen_fds(3)


def handed() -> list[socket.socket]:
    """The sockets that systemd opened for this process. Raises InputError when there is none."""
    mine = os.environ.get("LISTEN_PID") == str(os.getpid())
    count = int(os.environ.get("LISTEN_FDS", "0")) if mine else 0
    if not count:
        raise InputError("no socket was handed over", "systemd starts this: systemctl start its unit")
    return [socket.socket(fileno=_FIRST_FD + number) for number in range(count)]


def tell(state: str) -> None:
    """Tell systemd, such as `READY=1` (sd_notify(3)); nobody where it does not ask."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.connect("\0" + path[1:] if path.startswith("@") else path)
            link.sendall(state.encode())


async def alive() -> None:
    """Tell systemd that connections are taken, then that the event loop turns, until cancelled.

    Twice within each `WatchdogSec=` of the unit (sd_watchdog_enabled(3)); without one, never again.
    """
    tell("READY=1")
    pause = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    while pause:
        tell("WATCHDOG=1")
        await asyncio.sleep(pause)
    await asyncio.Event().wait()


def run(serving: Coroutine[object, object, None]) -> int:
    """Run an asyncio daemon to its end; the exit code. What somebody can cure is one line of the journal."""
    try:
        asyncio.run(serving)
    except MallepostError as error:
        say(f"<3>{error}")
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


def log_to_journal() -> None:
    """Lines of `logging` from INFO on go to standard error, which is the journal: it knows time and unit."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)


def say(line: str) -> None:
    """A line of the journal; `<3>` at its beginning makes it an error (sd-daemon(3))."""
    print(line, file=sys.stderr, flush=True)
