"""The host as the acts use it, for root: its doors, its queue, its mail store; and the door-keeper for others."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import asdict

from malleposte.accounts import facts, filters
from malleposte.accounts.acts import Tools
from malleposte.accounts.agendas import Moved, Shelf, Shelves
from malleposte.accounts.agendas.radicale import Radicale
from malleposte.accounts.agendas.roundcube import RoundcubeBook
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.accounts.doors import Door, checked, close_all, forget_all
from malleposte.accounts.doors.dovecot import Dovecot, RemoteDovecot
from malleposte.accounts.doors.roundcube import Roundcube, psql
from malleposte.accounts.doors.sogo import Sogo
from malleposte.accounts.doors.through import Acts, serve
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.queue import Queue, Waiting
from malleposte.accounts.run import actor
from malleposte.accounts.settings import FILE, Settings
from malleposte.directory.protocol import Directory
from malleposte.errors import InputError, MallepostError

NAMES = ("uid", "mail", "mailLocalAddress", "mpLoginAlias")


def rules_of(settings: Settings) -> LifeRules:
    """The rules of the life of accounts. Raises InputError."""
    return LifeRules.parse(settings.life, str(FILE))


def names(directory: Directory, uid: str) -> list[str]:
    """Every name that an account may be opened under; the uid alone of one that is no longer there."""
    found = list(directory.search("people", NAMES, {"uid": uid}))
    values = [value.lower() for entry in found for name in NAMES for value in entry.attributes.get(name, [])]
    return list(dict.fromkeys([uid, *values]))


def doors(rules: LifeRules, directory: Directory) -> list[Door]:
    """The doors of this host."""

    def known(uid: str) -> list[str]:
        return names(directory, uid)

    made: list[Door] = []
    if "dovecot" in rules.doors:
        made.append(Dovecot(known))
    elif rules.dovecot_url:
        made.append(RemoteDovecot(rules.dovecot_url, rules.dovecot_key_file))
    if "sogo" in rules.doors:
        made.append(Sogo(known, rules.memcached))
    if "roundcube" in rules.doors:
        made.append(Roundcube(rules.roundcube_database))
    return made


def shelves(rules: LifeRules) -> Shelves:
    """The stores of agendas and contacts of this host."""
    made: list[Shelf] = []
    if "sogo" in rules.doors:
        made.append(SogoStore(rules.sogo_database, psql))
    if rules.radicale.parent.is_dir():
        made.append(Radicale(rules.radicale))
    if "roundcube" in rules.doors:
        made.append(RoundcubeBook(rules.roundcube_database, lambda: str(facts.read()["hostnames"]["mail"]), psql))
    return Shelves(made)


class HostKeeper:
    """See acts.Keeper: queue and filters of this host, as root."""

    def __init__(self, rules: LifeRules, directory: Directory) -> None:
        """For one host."""
        self.rules, self.directory = rules, directory

    def waiting(self, uid: str) -> list[Waiting]:
        """The account's mail in the queue."""
        return Queue().of(uid, names(self.directory, uid)) if self.rules.queue else []

    def hold(self, uid: str) -> list[str]:
        """See Keeper."""
        return Queue().hold(self.waiting(uid))

    def carry(self, uid: str, profile: str) -> str:
        """See Keeper."""
        if profile not in self.rules.profiles:
            raise InputError(f"no class {profile!r}", f"known are {', '.join(self.rules.profiles)}")
        return filters.carry(filters.home_of(checked(uid), self.rules.store), profile)

    def settle(self, uid: str, profile: str) -> Moved:
        """See Keeper."""
        return shelves(self.rules).settle(checked(uid), profile)


class _LatePasswords:
    """`accounts.passwords`, looked for when it is needed: the door-keeper needs none."""

    def __init__(self, directory: Directory, journal: Journal) -> None:
        self.directory, self.journal = directory, journal

    def scramble(self, uid: str, now: datetime.datetime) -> bool:
        """See acts.Scrambler."""
        from malleposte.accounts.passwords import Passwords

        return Passwords(self.directory, self.journal, facts.policy()).scramble(uid, now)


@contextlib.contextmanager
def tools(settings: Settings) -> Iterator[Tools]:
    """All that the acts need, for root on the directory's host."""
    rules = rules_of(settings)
    with settings.directory() as directory, Journal(settings.journal, actor()) as journal:
        yield Tools(
            directory,
            journal,
            doors(rules, directory),
            _LatePasswords(directory, journal),
            HostKeeper(rules, directory),
        )


def keep_doors(settings: Settings) -> None:
    """Be the door-keeper: answer on systemd's socket until nobody has come for a while."""
    rules = rules_of(settings)

    def each(act: str) -> Acts:
        def done(uid: str, word: str) -> object:
            with settings.directory() as directory:
                if act == "hold":
                    return HostKeeper(rules, directory).hold(uid)
                if act == "carry":
                    return HostKeeper(rules, directory).carry(uid, word)
                if act == "settle":
                    return asdict(HostKeeper(rules, directory).settle(uid, word))
                if act == "look":
                    found = filters.read(filters.home_of(uid, rules.store))
                    return {key: value for key, value in asdict(found).items() if key != "texts"}
                shut = (close_all if act == "close" else forget_all)(doors(rules, directory), uid)
            if shut:
                raise MallepostError("; ".join(map(str, shut)))
            return True

        return {act: done}

    words = ("close", "forget", "hold", "carry", "settle", "look")
    serve({key: act for word in words for key, act in each(word).items()})
