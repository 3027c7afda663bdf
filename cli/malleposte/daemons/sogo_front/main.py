"""The program `sogo-front`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from malleposte.daemons.sogo_front.drafts import Spool
from malleposte.daemons.sogo_front.relay import LIMITS, WAITING, Sogo
from malleposte.daemons.sogo_front.times import Store
from malleposte.daemons.sogo_front.turns import Shares
from malleposte.runtime import kit
from malleposte.runtime.streams import unix_server


async def serve(sogo: Sogo) -> None:
    """Relay on the socket that systemd hands over."""
    (handed,) = kit.handed()
    async with await unix_server(handed, sogo.relay, LIMITS.head):
        await kit.alive()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    about = (
        "Hand requests to SOGo, so many of an agent at once, and saves of agendas in their turn; tell devices when "
        "colleagues of every class are busy."
    )
    parser = argparse.ArgumentParser(prog="sogo-front", description=about)
    parser.add_argument("host", help="the address of SOGo's daemon")
    parser.add_argument("port", type=int, help="its port")
    parser.add_argument("share", type=int, help="the requests of an agent that are before SOGo at once")
    parser.add_argument("busy", nargs="?", default="", help="the socket that tells when other agents are busy")
    parser.add_argument("--spool", type=Path, help="the folder where SOGo lays the files of messages that are written")
    parser.add_argument("--room", type=int, default=500, metavar="MB", help="the room of an agent's files there")
    options = parser.parse_args(words)
    kit.log_to_journal()
    store = Store(options.busy) if options.busy else None
    spool = Spool(options.spool, options.room << 20) if options.spool else None
    shares = Shares(options.share, WAITING)
    return kit.run(serve(Sogo(options.host, options.port, store, shares=shares, spool=spool)))
