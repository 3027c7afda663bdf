"""Services of systemd for a daemon: passed sockets, watchdog notifications, lines of the journal."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.loops import named
from malleposte.runtime import durable

if TYPE_CHECKING:
    import threading

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
    import asyncio  # up to 3 MB, which daemons of threads do without

    tell("READY=1")
    pause = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    while pause:
        tell("WATCHDOG=1")
        await asyncio.sleep(pause)
    await asyncio.Event().wait()


def ending() -> threading.Event:
    """Return what is set once the process is asked to end: a daemon of threads looks at it between two turns."""
    import threading

    end = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: end.set())
    return end


def look_again(look: Callable[[], int], pause: float, end: threading.Event, *, at_once: bool = False) -> int:
    """Tell systemd that the daemon is ready, then look until it ends; the exit code.

    `pause` seconds lie between two looks, but `at_once` none after one that did something. One that fails is said in
    the journal.
    """
    tell("READY=1")
    while not end.is_set():
        failures: list[str] = []
        done = 0
        with named(failures.append, "look"):
            done = look()
        for line in failures:
            say(f"<4>{line}")
        tell("WATCHDOG=1")
        if not (at_once and done) or failures:
            end.wait(pause)
    return 0


def run(serving: Coroutine[object, object, None]) -> int:
    """Run an asyncio daemon to its end; the exit code. What somebody can cure is one line of the journal."""
    import asyncio

    try:
        asyncio.run(serving)
    except MallepostError as error:
        say(f"<3>{error}")
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE


async def until_ended(serving: Coroutine[object, object, None], write: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then `write` what waits. An end of `serving` by itself raises what ended it."""
    import asyncio

    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, end.set)
    task, ending = loop.create_task(serving), loop.create_task(end.wait())
    await asyncio.wait((task, ending), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    write()


def start[Settings](
    words: Sequence[str],
    name: str,
    about: str,
    read: Callable[..., Settings],
    serve: Callable[[Settings], int],
    files: Sequence[str] = ("settings",),
) -> int:
    """The whole of a daemon's `main`: read the settings from `files` named in `words`, then serve; the exit code.

    With `--check` the settings are read and nothing else is done. The first line of `about` is the help. What is wrong
    with the settings, and what somebody can cure, is one line.
    """
    parser = argparse.ArgumentParser(prog=name, description=about.splitlines()[0])
    for file in files:
        parser.add_argument(file, type=Path)
    parser.add_argument("--check", action="store_true", help="read the settings and stop")
    options = parser.parse_args(words)
    places = [getattr(options, file) for file in files]
    log_to_journal()
    try:
        settings = read(*places)
    except (MallepostError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        say(f"{'' if options.check else '<3>'}{places[0] if places else name}: {error}")
        return ExitCode.FAILURE
    try:
        return ExitCode.DONE if options.check else serve(settings)
    except (MallepostError, OSError) as error:
        say(f"<3>{name}: {error}")
        return ExitCode.FAILURE


def state[T](path: Path, parse: Callable[[str], T]) -> T | None:
    """Return what a daemon has kept in a file, as `durable.read_state`; what it set aside is said in the journal."""
    return durable.read_state(path, parse, lambda line: say(f"<4>{line}"))


def log_to_journal() -> None:
    """Lines of `logging` from INFO on go to standard error, which is the journal: it knows time and unit."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)


def say(line: str) -> None:
    """A line of the journal; `<3>` at its beginning makes it an error (sd-daemon(3))."""
    print(line, file=sys.stderr, flush=True)
