"""The tools of the acts, for root on the directory's host: directory, journal, passwords, and all hosts."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from malleposte.accounts import facts
from malleposte.accounts.actor import actor
from malleposte.accounts.acts import Tools
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost, no_journal
from malleposte.accounts.hosts.model import ReadJournal
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.settings import FILE, Settings
from malleposte.directory.protocol import Directory


def rules_of(settings: Settings) -> LifeRules:
    """The rules of the life of accounts, with what lies on this host. Raises InputError."""
    return LifeRules.parse({**settings.life, **HostSettings.read().here}, str(FILE))


def hosts(settings: Settings, directory: Directory, journal: ReadJournal = no_journal) -> Hosts:
    """Every host that holds something of accounts. Raises InputError."""
    return Hosts(directory, [LocalHost(rules_of(settings), journal=journal), *HostSettings.read().others()])


class _LatePasswords:
    """`accounts.passwords`, looked for when it is needed: hostd needs none."""

    def __init__(self, directory: Directory, journal: Journal) -> None:
        self.directory, self.journal = directory, journal

    def scramble(self, uid: str, now: datetime.datetime) -> bool:
        """See acts.Scrambler."""
        from malleposte.accounts.credentials.passwords import Passwords

        return Passwords(self.directory, self.journal, facts.policy()).scramble(uid, now)


@contextlib.contextmanager
def tools(settings: Settings) -> Iterator[Tools]:
    """All that the acts need, for root on the directory's host."""
    with settings.directory() as directory, Journal(settings.journal, actor()) as journal:
        reached = hosts(settings, directory)
        yield Tools(directory, journal, reached.channels(), _LatePasswords(directory, journal), reached)
