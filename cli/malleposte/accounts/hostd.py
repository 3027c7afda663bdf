"""All hosts through the hostd of the directory's host, for callers who are not root there.

hostd (role hostd, `malleposte-hostd.socket`) is started by a connection, runs as root, and knows these acts on one
account: close, forget, cut (what one of its devices has open), hold (its mail that waits in queues), carry (its
filters, after a change of class), settle (its agendas and contacts, likewise), look (what its filters forward),
traces and untrace (settings that somebody else may have left there), record (its log-ins and refused mail), journal
(what operators did to it), factors and unfactor (its second factors at the log-in page), deleted and undelete
(messages that it deleted for good). Each reaches the hosts that hold the thing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.deleted import Deleted, Wanted
from malleposte.accounts.filters import Filters
from malleposte.accounts.hosts.remote import TIMEOUT, Way, looked, told
from malleposte.accounts.record.model import Kept
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor
from malleposte.errors import MallepostError

SOCKET = Path("/run/malleposte-hostd.sock")


class Hostd:
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

    def carry(self, uid: str, profile: str) -> str:
        """See acts.Host."""
        return str(self.way.ask("carry", uid, word=profile))

    def settle(self, uid: str, profile: str) -> Moved:
        """See acts.Host."""
        return Moved(**self.way.ask("settle", uid, word=profile))

    def look(self, uid: str) -> Filters:
        """The account's filters, without their texts."""
        return looked(self.way.ask("look", uid))

    def traces(self, uid: str) -> tuple[list[Trace], list[Failure]]:
        """Settings that somebody else may have left on any host, and the hosts that did not answer."""
        found, failures = self.way.ask("traces", uid)
        return [Trace.read(one) for one in found], [Failure(*one) for one in failures]

    def untrace(self, uid: str, trace: Trace) -> list[Failure]:
        """Remove one wherever it is; the hosts where that failed."""
        return [Failure(*one) for one in self.way.ask("untrace", uid, word=json.dumps(asdict(trace)))]

    def factors(self, uid: str) -> list[Factor]:
        """The account's second factors."""
        return [Factor.read(one) for one in self.way.ask("factors", uid)]

    def unfactor(self, uid: str, ident: str) -> Factor:
        """Remove one of them; it."""
        return Factor.read(self.way.ask("unfactor", uid, word=ident))

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        """Messages that the agent deleted for good."""
        return [Deleted(**one) for one in self.way.ask("deleted", uid, word=json.dumps(asdict(wanted)))]

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        """Bring such messages back; how many came to each folder."""
        return dict(self.way.ask("undelete", uid, word=json.dumps(list(idents))))

    def record(self, uid: str) -> tuple[Kept, list[Failure]]:
        """The records of log-ins and refused mail of all hosts, and the hosts that did not answer."""
        found, failures = self.way.ask("record", uid)
        return told(found), [Failure(*one) for one in failures]

    def journal(self, uid: str) -> list[list[str]]:
        """The operators' journal about an account: time, act in French words, by whom, reason of each line."""
        return [list(map(str, one)) for one in self.way.ask("journal", uid)]
