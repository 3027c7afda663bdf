"""All hosts through the hostd of the directory's host, for callers who are not root there.

hostd (role hostd, `malleposte-hostd.socket`) is started by a connection, runs as root, and knows these acts on one
account: close, forget, cut (what one of its devices has open), hold (its mail that waits in queues), carry (its
filters, after a change of class), settle (its agendas and contacts, likewise), look (what its filters forward),
traces and untrace (settings that somebody else may have left there), record (its log-ins and refused mail), journal
(what operators did to it), factors, unfactor, log_ins and end_log_in (its second factors and log-ins at the log-in
page), deleted and undelete (messages that it deleted for good), senders and set_senders (its antispam). Each reaches
the hosts that hold the thing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from malleposte.accounts.channels import Failure
from malleposte.accounts.disclosure.lines import Line
from malleposte.accounts.hosts.remote import TIMEOUT, Asked, Way, told
from malleposte.accounts.traces.model import Trace
from malleposte.core.errors import MallepostError
from malleposte.throttle.record.model import Kept

SOCKET = Path("/run/malleposte-hostd.sock")


class Hostd(Asked):
    """A Channel that stands for all hosts. See acts.Host too."""

    name = "sessions"

    def __init__(self, path: Path = SOCKET) -> None:
        """`path`: hostd's socket."""
        self.way = Way(f"unix://{path}", timeout=2 * TIMEOUT)

    def close(self, uid: str) -> None:
        """See Channel."""
        self._all("close", uid)

    def forget(self, uid: str) -> None:
        """See Channel."""
        self._all("forget", uid)

    def _all(self, act: str, uid: str) -> None:
        failures = [str(Failure(*one)) for one in self.way.ask(act, uid)]
        if failures:
            raise MallepostError("; ".join(failures))

    def hold(self, uid: str) -> tuple[list[str], list[Failure]]:
        """See acts.Host."""
        held, failures = self.way.ask("hold", uid)
        return list(held), [Failure(*one) for one in failures]

    def cut(self, uid: str, device: str) -> list[Failure]:
        """See acts.Hosts."""
        return [Failure(*one) for one in self.way.ask("cut", uid, word=device)]

    def traces(self, uid: str) -> tuple[list[Trace], list[Failure]]:
        """Settings that somebody else may have left on any host, and the hosts that did not answer."""
        found, failures = self.way.ask("traces", uid)
        return [Trace.read(one) for one in found], [Failure(*one) for one in failures]

    def untrace(self, uid: str, trace: Trace) -> list[Failure]:
        """Remove one wherever it is; the hosts where that failed."""
        return [Failure(*one) for one in self.way.ask("untrace", uid, word=json.dumps(asdict(trace)))]

    def record(self, uid: str) -> tuple[Kept, list[Failure]]:
        """The records of log-ins and refused mail of all hosts, and the hosts that did not answer."""
        found, failures = self.way.ask("record", uid)
        return told(found), [Failure(*one) for one in failures]

    def journal(self, uid: str) -> list[Line]:
        """Return the lines of the operators' journal about an account."""
        return [Line(*map(str, one)) for one in self.way.ask("journal", uid)]
