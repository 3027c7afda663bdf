"""This host, for root: what it is and holds, as the acts on it need it (`accounts.hosts.acts`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from malleposte.accounts import facts
from malleposte.accounts.agendas import Store, Stores
from malleposte.accounts.channels import Channel, Names, checked
from malleposte.accounts.convocations import store as convocations
from malleposte.accounts.disclosure.spool import Spool
from malleposte.accounts.hosts.model import PORTAL, QUEUE, SIGN_ON, STORE, ReadJournal, Sql
from malleposte.accounts.hosts.table import Act
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox.hours import holidays
from malleposte.accounts.retraction import store as retractions
from malleposte.adapters import postgresql
from malleposte.adapters.log_outs import Tell
from malleposte.circulars.ask import SOCKET as CIRCULARS_SOCKET
from malleposte.core.errors import InputError
from malleposte.deliveries.ask import SOCKET as DELIVERIES_SOCKET
from malleposte.deliveries.taken_back import PATH as TAKEN_BACK
from malleposte.platform import mailstore, profiles
from malleposte.reports.ask import SOCKET as REPORTS_SOCKET
from malleposte.throttle.record import ask

TIMEOUT = 30  # seconds for an answer of a database
RADICALE_CACHE = Path("/var/cache/radicale/collection-cache")


def sql_of(rules: LifeRules) -> Sql:
    """SQL for the databases of this host's services: as the administrator here, as the service on another host."""
    away = dict(rules.databases)

    def run(database: str, text: str) -> str:
        where = away.get(database)
        user = "" if where else postgresql.ADMINISTRATOR
        return postgresql.sql(where or database, text, user=user, timeout=TIMEOUT)

    return run


def no_journal(_uid: str) -> list[list[str]]:
    """Refuse it: accounts.hosts knows no journal of itself. Raises InputError."""
    raise InputError("the journal is not read here", "hostd of the directory's host reads it")


class LocalHost:
    """See table.Host."""

    def __init__(
        self,
        rules: LifeRules,
        sql: Sql | None = None,
        *,
        beside: Sequence[Path] = (RADICALE_CACHE,),
        name: str = "",
        record_socket: Path = ask.SOCKET,
        reports_socket: Path = REPORTS_SOCKET,
        deliveries_socket: Path = DELIVERIES_SOCKET,
        circulars_socket: Path = CIRCULARS_SOCKET,
        retractions_folder: Path = retractions.FOLDER,
        convocations_folder: Path = convocations.FOLDER,
        taken_back: Path = TAKEN_BACK,
        school_holidays: Path = holidays.FILE,
        copies: Spool | None = None,
        journal: ReadJournal = no_journal,
    ) -> None:
        """`rules` say what is here; `beside`: folders of what Radicale remembers.

        `name` is empty on the caller's host. `copies`: those of their own data that agents asked for. `journal` reads
        that of the operators.
        """
        self.rules, self.sql, self.beside, self.name = rules, sql or sql_of(rules), tuple(beside), name
        self.record_socket, self.copies, self.journal = record_socket, copies or Spool(), journal
        self.reports_socket, self.deliveries_socket, self.taken_back = reports_socket, deliveries_socket, taken_back
        self.retractions_folder, self.convocations_folder = retractions_folder, convocations_folder
        self.circulars_socket, self.holidays = circulars_socket, school_holidays

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """See table.Host."""
        return act.function(self, *args, **kwargs)

    @property
    def holds(self) -> frozenset[str]:
        """See table.Host."""
        kinds = set(self.rules.channels) | ({QUEUE} if self.rules.queue else set())
        kinds |= {STORE} if "dovecot" in kinds else set()
        return frozenset(kinds | ({"radicale"} if self.rules.radicale.parent.is_dir() else set()))

    def home(self, uid: str) -> Path:
        """Return the place of the account's mailbox, if it is here. Raises InputError."""
        return mailstore.home_of(checked(uid), self.rules.store)

    def sogo_sql(self, text: str) -> str:
        """Return the output of SOGo's database."""
        return self.sql(self.rules.sogo_database, text)

    def roundcube_sql(self, text: str) -> str:
        """Return the output of Roundcube's database."""
        return self.sql(self.rules.roundcube_database, text)

    def channels(self, names: Names, tell: Tell | None = None) -> list[Channel]:
        """Return the access channels of this host; by `tell` services hear of the end of single log-ins."""
        # The modules that only one kind of host needs are loaded there.
        from malleposte.accounts.channels.dovecot import Dovecot
        from malleposte.accounts.channels.portal import Portal
        from malleposte.accounts.channels.roundcube import Roundcube
        from malleposte.accounts.channels.sogo import Sogo
        from malleposte.accounts.channels.sso import Sso

        inner = (self.rules.delivery_domain, f"sent.{self.rules.delivery_domain}")

        def names_here(uid: str) -> list[str]:
            return [*names(uid), *(f"{uid}@{domain}" for domain in inner)]

        makers: dict[str, Callable[[], Channel]] = {
            SIGN_ON: lambda: Sso(tell),
            PORTAL: Portal,
            "dovecot": lambda: Dovecot(names_here, self.record_socket),
            "sogo": lambda: Sogo(names_here, self.rules.memcached),
            "roundcube": lambda: Roundcube(self.rules.roundcube_database, self.sql),
        }
        return [make() for name, make in makers.items() if name in self.rules.channels]

    def agendas(self) -> Stores:
        """Return the stores of agendas and contacts of this host."""
        from malleposte.accounts.agendas.radicale import Radicale
        from malleposte.accounts.agendas.roundcube import RoundcubeBook
        from malleposte.accounts.agendas.sogo import SogoStore

        stores: list[Store] = []
        if "sogo" in self.rules.channels:
            stores.append(SogoStore(self.rules.sogo_database, self.sql))
        if self.rules.radicale.parent.is_dir():
            stores.append(Radicale(self.rules.radicale))
        if "roundcube" in self.rules.channels:
            stores.append(
                RoundcubeBook(self.rules.roundcube_database, lambda: str(facts.read()["hostnames"]["mail"]), self.sql)
            )
        return Stores(stores, profiles.read())
