"""This host, for root: its access channels, its queue, its mail store, its agendas."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from malleposte.accounts import facts
from malleposte.accounts.agendas import Moved, Store, Stores
from malleposte.accounts.agendas.radicale import Radicale
from malleposte.accounts.agendas.roundcube import RoundcubeBook
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.accounts.channels import Channel, Failure, Names, checked, close_all, forget_all
from malleposte.accounts.channels.dovecot import Dovecot
from malleposte.accounts.channels.portal import Portal
from malleposte.accounts.channels.roundcube import Roundcube
from malleposte.accounts.channels.sogo import Sogo
from malleposte.accounts.channels.sso import Sso
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.accounts.disclosure.spool import Spool
from malleposte.accounts.hosts.model import PORTAL, QUEUE, SIGN_ON, STORE, File, Piece, Removed, Sql
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox import deleted, filters, senders
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Queue, Waiting
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.traces import folders, groupware, identities
from malleposte.accounts.traces.model import Kind as Trail
from malleposte.accounts.traces.model import Trace
from malleposte.adapters import dovecot, lemonldap, postgresql
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.adapters.postgresql import rows
from malleposte.adapters.sogo import accounts as sogo_accounts
from malleposte.adapters.sogo import profiles as sogo_profiles
from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.platform import mailstore, profiles
from malleposte.policy.devices import is_identifier
from malleposte.runtime import owner, zstd
from malleposte.throttle.record import ask
from malleposte.throttle.record.model import Kept

TIMEOUT = 30  # seconds for an answer of a database
RADICALE_CACHE = Path("/var/cache/radicale/collection-cache")
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    Trail.FORWARD: ("redirect",), Trail.DISCARD: ("discard", "reject", "ereject"), Trail.ANSWER: ("vacation",),
}  # fmt: skip
"""The commands of Sieve that leave traces of each kind."""
LISTING = Path("/etc/systemd/system/malleposte-boxes.service")
"""The unit that tells Dovecot which boxes are shared at all, where the store is on this host."""


def sql_of(rules: LifeRules) -> Sql:
    """SQL for the databases of this host's services: as the administrator here, as the service on another host."""
    away = dict(rules.databases)

    def run(database: str, text: str) -> str:
        where = away.get(database)
        user = "" if where else postgresql.ADMINISTRATOR
        return postgresql.sql(where or database, text, user=user, timeout=TIMEOUT)

    return run


class LocalHost:
    """See model.Host."""

    def __init__(
        self,
        rules: LifeRules,
        sql: Sql | None = None,
        *,
        beside: Sequence[Path] = (RADICALE_CACHE,),
        name: str = "",
        asked: Path = ask.SOCKET,
        copies: Spool | None = None,
    ) -> None:
        """`rules` say what is here; `beside`: folders of what Radicale remembers; `asked`: the record's socket.

        `name` is empty on the caller's host. `copies`: those of their own data that agents asked for.
        """
        self.rules, self.sql, self.beside, self.name = rules, sql or sql_of(rules), tuple(beside), name
        self.asked, self.copies = asked, copies or Spool()

    @property
    def holds(self) -> frozenset[str]:
        """See Host."""
        found = set(self.rules.channels) | ({QUEUE} if self.rules.queue else set())
        found |= {STORE} if "dovecot" in found else set()
        return frozenset(found | ({"radicale"} if self.rules.radicale.parent.is_dir() else set()))

    # --- sessions and queue ---

    def channels(self, names: Names) -> list[Channel]:
        """The access channels of this host."""
        inner = (self.rules.delivery_domain, f"sent.{self.rules.delivery_domain}")

        def known(uid: str) -> list[str]:
            return [*names(uid), *(f"{uid}@{domain}" for domain in inner)]

        made: list[Channel] = []
        if SIGN_ON in self.rules.channels:
            made.append(Sso())
        if PORTAL in self.rules.channels:
            made.append(Portal())
        if "dovecot" in self.rules.channels:
            made.append(Dovecot(known, self.asked))
        if "sogo" in self.rules.channels:
            made.append(Sogo(known, self.rules.memcached))
        if "roundcube" in self.rules.channels:
            made.append(Roundcube(self.rules.roundcube_database, self.sql))
        return made

    def close(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """See Host."""
        return close_all(self.channels(lambda _uid: names), uid)

    def forget(self, uid: str, names: Sequence[str]) -> list[Failure]:
        """See Host."""
        return forget_all(self.channels(lambda _uid: names), uid)

    def cut(self, uid: str, device: str, names: Sequence[str]) -> None:
        """See Host."""
        if not is_identifier(device):
            raise InputError(f"{device!r} is no device")
        for channel in self.channels(lambda _uid: names):
            if isinstance(channel, Dovecot):
                channel.cut(checked(uid), device)

    def queue(self, act: str, uid: str, names: Sequence[str]) -> list[Waiting]:
        """See Host."""
        if not self.rules.queue:
            return []
        queue = Queue()
        found = queue.of(checked(uid), [uid, *names])
        if act == "show":
            return found
        todo = {"hold": queue.hold, "release": queue.release, "delete": queue.delete}.get(act)
        if todo is None:
            raise InputError(f"no act {act!r} on a queue")
        done = set(todo(found))
        return [one for one in found if one.ident in done]

    # --- filters and agendas ---

    def _home(self, uid: str) -> Path:
        return mailstore.home_of(checked(uid), self.rules.store)

    def carry(self, uid: str, profile: str) -> str:
        """See Host."""
        return filters.carry(self._home(uid), profiles.known(profiles.read(), profile).mail)

    def look(self, uid: str) -> Filters:
        """See Host."""
        return replace(filters.read(self._home(uid)), texts={})

    def traces(self, uid: str) -> list[Trace]:
        """See Host."""
        home, found = self._home(uid), list[Trace]()
        if home.exists():
            held = filters.read(home)
            found += [Trace(Trail.FORWARD, who=one) for one in held.forwards]
            found += [Trace(Trail.DISCARD)] * (held.discards or held.refuses) + [Trace(Trail.ANSWER)] * held.absence
            found += folders.find(home) + senders.traces(home)
        if STORE in self.holds:
            found += folders.theirs(uid, self.rules.store)
        if "sogo" in self.rules.channels:
            found += groupware.find(self._sogo_sql, uid) + groupware.theirs(self._sogo_sql, uid)
        if "roundcube" in self.rules.channels:
            found += identities.find(self._roundcube_sql, uid)
        return list(dict.fromkeys(found))

    def untrace(self, uid: str, trace: Trace, names: Sequence[str]) -> None:
        """See Host."""
        home = self._home(uid)
        if home.exists() and trace.kind in _COMMANDS:
            filters.remove(home, _COMMANDS[trace.kind], trace.who if trace.kind == Trail.FORWARD else None)
        elif home.exists() and trace.kind == Trail.FOLDER:
            folders.remove(home, trace)
        elif home.exists() and trace.kind == Trail.SENDERS:
            senders.empty(home, trace)
        if "sogo" in self.rules.channels and trace.kind not in (Trail.FOLDER, Trail.SENDERS):
            groupware.remove(self._sogo_sql, uid, trace)
            self.forget(uid, names)
        if "roundcube" in self.rules.channels and trace.kind in identities.COLUMNS:
            identities.remove(self._roundcube_sql, uid, trace)

    def _sogo_sql(self, text: str) -> str:
        return self.sql(self.rules.sogo_database, text)

    def _roundcube_sql(self, text: str) -> str:
        return self.sql(self.rules.roundcube_database, text)

    def factors(self, uid: str) -> list[Factor]:
        """See Host."""
        return lemonldap.factors(checked(uid))

    def enrolled(self) -> Mapping[str, Sequence[str]]:
        """See Host."""
        return lemonldap.enrolled()

    def unfactor(self, uid: str, ident: str) -> Factor:
        """See Host."""
        return lemonldap.remove(checked(uid), ident)[0]

    def log_ins(self, uid: str) -> list[Session]:
        """See Host."""
        return lemonldap.sessions(checked(uid))

    def end_log_in(self, uid: str, ident: str) -> tuple[str, ...] | None:
        """See Host."""
        ended = lemonldap.end_one(checked(uid), ident)
        return ended.untold if ended else None

    def drop(self, uid: str) -> bool:
        """See Host."""
        return filters.drop(self._home(uid))

    def deleted(self, uid: str, wanted: Wanted) -> list[Deleted]:
        """See Host."""
        return deleted.find(uid, wanted)

    def undelete(self, uid: str, idents: Sequence[str]) -> Mapping[str, int]:
        """See Host."""
        return deleted.restore(uid, idents)

    def senders(self, uid: str) -> Senders:
        """See Host."""
        return senders.read(self._home(uid))

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        """See Host."""
        return senders.change(self._home(uid), edit)

    def agendas(self) -> Stores:
        """The stores of agendas and contacts of this host."""
        made: list[Store] = []
        if "sogo" in self.rules.channels:
            made.append(SogoStore(self.rules.sogo_database, self.sql))
        if self.rules.radicale.parent.is_dir():
            made.append(Radicale(self.rules.radicale))
        if "roundcube" in self.rules.channels:
            made.append(
                RoundcubeBook(self.rules.roundcube_database, lambda: str(facts.read()["hostnames"]["mail"]), self.sql)
            )
        return Stores(made, profiles.read())

    def settle(self, uid: str, profile: str) -> Moved:
        """See Host."""
        return self.agendas().settle(checked(uid), profile)

    def holders(self) -> Mapping[str, Sequence[str]]:
        """See Host."""
        return self.agendas().holders()

    # --- log-ins and refused mail ---

    def record(self, uid: str) -> Kept:
        """See Host."""
        held = ask.of(checked(uid), self.asked)
        if not self._home(uid).exists():
            return held
        used, quota = dovecot.room(uid, timeout=TIMEOUT)
        return replace(held, used_mb=used, quota_mb=quota)

    # --- all that is held ---

    def files(self, uid: str) -> Iterator[Piece]:
        """See Host."""
        checked(uid)
        parts: tuple[Callable[[str], Iterator[Piece]], ...] = (
            self._mail, self._filters, self._radicale, self._sogo, self._roundcube, self._record,
        )  # fmt: skip
        for part in parts:
            failures: list[str] = []
            with named(failures.append, part.__name__.strip("_")):
                yield from part(uid)
            yield from failures

    def _mail(self, uid: str) -> Iterator[Piece]:
        home = self._home(uid)
        gone = messages(home / mailstore.EXPUNGED)
        kept = ((f"Messages supprimés/{folder.removeprefix('mail/')}", number, path) for folder, number, path in gone)
        for folder, number, path in chain(messages(home / mailstore.MAILDIR), kept):
            try:
                content = zstd.plain(owner.read(path))
                changed = _changed(path)
            except FileNotFoundError:
                continue  # read, moved or deleted meanwhile
            except zstd.StoredMailError:
                yield f"mail: {path} is damaged"
                continue
            except OSError as error:
                yield f"mail: {path}: {error.strerror}"
                continue
            yield File(f"courrier/{folder}/{number:06d}.eml", content, "messages", changed)

    def _filters(self, uid: str) -> Iterator[Piece]:
        for name, text in filters.read(self._home(uid)).texts.items():
            yield File(f"filtres/{name.removesuffix('.sieve')}.sieve", text.encode("utf-8", "replace"), "filters")
        if told := senders.told(senders.read(self._home(uid))):
            yield File("filtres/filtrage.json", _json(told), "filters")

    def _radicale(self, uid: str) -> Iterator[Piece]:
        root = self.rules.radicale / uid
        with owner.as_owner(root):
            found = sorted(root.rglob("*")) if owner.folder(root) else []
            found = [path for path in found if owner.plain(path) and path.suffix in (".ics", ".vcf")]
        for path in found:
            name = f"agendas-et-contacts/radicale/{path.relative_to(root)}"
            try:
                content = owner.read(path)
            except FileNotFoundError:
                continue  # changed or deleted meanwhile
            except OSError as error:
                yield f"radicale: {path}: {error.strerror}"
                continue
            yield File(name, content, "agenda and contacts")

    def _sogo(self, uid: str) -> Iterator[Piece]:
        if "sogo" not in self.rules.channels:
            return
        for row in sogo_accounts.items(self._sogo_sql, uid):
            name = str(row["name"])
            if not name.endswith((".ics", ".vcf")):
                name += ".vcf" if str(row["content"]).startswith("BEGIN:VCARD") else ".ics"
            where = f"agendas-et-contacts/sogo/{row['folder']}/{name}"
            yield File(where, str(row["content"]).encode(), "agenda and contacts")
        if row := sogo_profiles.row(self._sogo_sql, uid):
            yield File("webmail/sogo.json", _json(row), "webmail")

    def _roundcube(self, uid: str) -> Iterator[Piece]:
        if "roundcube" not in self.rules.channels:
            return
        for name, statement in _ROUNDCUBE.items():
            found = list(self._rows(self.rules.roundcube_database, statement.format(uid=uid)))
            if found:
                yield File(f"webmail/roundcube-{name}.json", _json(found), "webmail")

    def _record(self, uid: str) -> Iterator[Piece]:
        held = ask.of(uid, self.asked)
        told = {
            "connexions": [disclosure.seen(one) for one in held.logins],
            "courrier-refuse": [disclosure.seen(one) for one in held.refusals],
        }
        for name, seen in told.items():
            if seen:
                host = platform.node().partition(".")[0]
                yield File(f"diagnostic/{host}-{name}.json", _json(seen), "log-ins and refused mail")

    def _rows(self, database: str, statement: str) -> Iterator[dict[str, Any]]:
        return rows(self.sql(database, f"SELECT row_to_json(one) FROM ({statement}) AS one;"))

    def empty(self, uid: str) -> Removed:
        """See Host: mail with its filters, agendas, contacts, settings of the webmails, second factors, the record.

        A copy of their own data that the agent asked for goes too.
        """
        removed = Removed()
        places = [("mail", self._home(uid)), ("radicale", self.rules.radicale / uid)]
        places += [("radicale", folder / uid) for folder in self.beside]
        for name, path in places:
            with named(removed.failures.append, name), owner.as_owner(path):
                if owner.folder(path):
                    shutil.rmtree(path)
                    removed.stores.append(str(path))
        apart: list[tuple[str, Callable[[], bool]]] = [
            ("record", lambda: bool(ask.erase(uid, self.asked))), ("copy of own data", lambda: self.copies.remove(uid)),
        ]  # fmt: skip
        if SIGN_ON in self.rules.channels:
            apart.append(("second factors", lambda: bool(lemonldap.forget(checked(uid)))))
        for name, erased in apart:
            with named(removed.failures.append, name):
                if erased():
                    removed.stores.append(name)
        for name, database, erase in (
            ("sogo", self.rules.sogo_database, lambda: sogo_accounts.erase(self._sogo_sql, uid)),
            ("roundcube", self.rules.roundcube_database, lambda: self._roundcube_sql(_ROUNDCUBE_END.format(uid=uid))),
        ):
            if name in self.rules.channels:
                with named(removed.failures.append, name):
                    erase()
                    removed.stores.append(f"database {database}")
        return removed

    def ping(self) -> None:
        """See Host."""

    def relist(self) -> None:
        """See Host: now, rather than at the next half minute."""
        if LISTING.exists():
            subprocess.run(["systemctl", "restart", LISTING.name], check=False, stdin=subprocess.DEVNULL)


_OWN = "user_id IN (SELECT user_id FROM users WHERE username = '{uid}')"
_ROUNDCUBE = {
    "user": "SELECT username, created, last_login, language, preferences FROM users WHERE username = '{uid}'",
    "identities": f"SELECT name, email, organization, signature FROM identities WHERE {_OWN} AND del = 0",
    "contacts": f"SELECT name, email, firstname, surname, vcard FROM contacts WHERE {_OWN} AND del = 0",
    "groups": f"SELECT name FROM contactgroups WHERE {_OWN} AND del = 0",
    "collected": f"SELECT name, email FROM collected_addresses WHERE {_OWN}",
    "answers": f"SELECT name, data FROM responses WHERE {_OWN} AND del = 0",
}
_ROUNDCUBE_END = "DELETE FROM users WHERE username = '{uid}';"


def messages(root: Path) -> Iterator[tuple[str, int, Path]]:
    """The messages of a maildir: folder (`/` between levels), number from 1, file; the oldest first."""
    with owner.as_owner(root):
        folders = [(path, path.name[1:].replace(".", "/")) for path in sorted(root.glob(".*")) if owner.folder(path)]
    for path, name in [(root, "INBOX"), *folders]:
        with owner.as_owner(root):
            parts = [path / part for part in ("cur", "new") if owner.folder(path / part)]
            found = [file for part in parts for file in part.iterdir() if owner.plain(file)]
        for number, file in enumerate(sorted(found, key=lambda one: one.name), 1):
            yield name, number, file


def _changed(path: Path) -> float:
    with owner.as_owner(path):
        return path.lstat().st_mtime


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
