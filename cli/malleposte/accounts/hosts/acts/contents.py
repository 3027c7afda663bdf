"""All that a host holds about an account: its files for an export, and its end."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from malleposte.accounts.channels import checked
from malleposte.accounts.convocations import report
from malleposte.accounts.convocations import store as convocation_store
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import SIGN_ON, File, Piece, Removed
from malleposte.accounts.hosts.table import EVERY_HOST, Fleet, Host, On, Replies, Uid, act
from malleposte.accounts.mailbox import filters, senders
from malleposte.accounts.mailbox.archiving import model as archiving
from malleposte.accounts.mailbox.archiving.store import Store as Archiving
from malleposte.accounts.mailbox.hours import model as hours
from malleposte.accounts.mailbox.hours.store import Store as Hours
from malleposte.accounts.mailbox.later import box as later
from malleposte.accounts.mailbox.owners.box import Box as OwnedBox
from malleposte.accounts.mailbox.tools.box import Box as Tools
from malleposte.accounts.meetings import invite, polls
from malleposte.adapters import lemonldap
from malleposte.adapters.postgresql import rows
from malleposte.adapters.sogo import accounts as sogo_accounts
from malleposte.adapters.sogo import profiles as sogo_profiles
from malleposte.circulars import ask as circulars
from malleposte.core.loops import named
from malleposte.deliveries import ask as deliveries
from malleposte.deliveries.model import Query
from malleposte.platform import expunged, mailstore, times
from malleposte.runtime import owner, zstd
from malleposte.throttle.record import ask

MOST_MESSAGES = 10_000
"""Messages of the index of deliveries that an export has, the newest."""


def one_after_the_other(replies: Replies[Iterator[Piece]]) -> Iterator[Piece]:
    """Return the files of every host, one in memory at a time, and what could not be read, with the host's name."""
    for host, call in replies.calls:
        failures: list[str] = []
        with named(failures.append):
            for piece in call():
                yield _on(host, piece) if isinstance(piece, str) else piece
        yield from (_on(host, line) for line in failures)


def _on(host: str, line: str) -> str:
    return f"on {host}: {line}" if host else line


@act(on=EVERY_HOST, merge=one_after_the_other)
def files(host: LocalHost, uid: Uid) -> Iterator[Piece]:
    """Return all that is held about the account, a file at a time, and what could not be read."""
    checked(uid)
    parts: tuple[Callable[[LocalHost, str], Iterator[Piece]], ...] = (
        _mail, _filters, _radicale, _sogo, _roundcube, _record, _deliveries, convocations, _circulars,
    )  # fmt: skip
    for part in parts:
        failures: list[str] = []
        with named(failures.append, part.__name__.strip("_")):
            yield from part(host, uid)
        yield from failures


def _mail(host: LocalHost, uid: str) -> Iterator[Piece]:
    home = host.home(uid)
    with owner.as_owner(home):
        expunged.drop_living(home)  # what moved was not deleted
    gone = messages(home / mailstore.EXPUNGED)
    deleted = ((f"Messages supprimés/{folder.removeprefix('mail/')}", number, path) for folder, number, path in gone)
    for folder, number, path in chain(messages(home / mailstore.MAILDIR), deleted):
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


def _filters(host: LocalHost, uid: str) -> Iterator[Piece]:
    for name, text in filters.read(host.home(uid)).texts.items():
        yield File(f"filtres/{name.removesuffix('.sieve')}.sieve", text.encode("utf-8", "replace"), "filters")
    if settings := senders.own_terms(senders.read(host.home(uid))):
        yield File("filtres/filtrage.json", _json(settings), "filters")
    if nights := archiving.own_terms(Archiving(host.rules.store).read(uid)):
        yield File("filtres/archivage.json", _json(nights), "filters")
    if settings := hours.own_terms(Hours(host.rules.store).read(uid)):
        yield File("filtres/horaires.json", _json(settings), "filters")
    if settings := later.own_terms(uid, host.rules.store):
        yield File("filtres/envois.json", _json(settings), "filters")
    if tools := Tools(host.rules.store).own_terms(uid):
        yield File("filtres/outils.json", _json(tools), "filters")
    if owned := OwnedBox(host.rules.store).own_terms(uid):
        yield File("courrier/suivi.json", _json(owned), "owners and notes")


def _radicale(host: LocalHost, uid: str) -> Iterator[Piece]:
    root = host.rules.radicale / uid
    with owner.as_owner(root):
        paths = sorted(root.rglob("*")) if owner.folder(root) else []
        paths = [path for path in paths if owner.plain(path) and path.suffix in (".ics", ".vcf")]
    # Folders whose names begin with a dot are Radicale's cache, with files under the names of items.
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    for path in paths:
        name = f"agendas-et-contacts/radicale/{path.relative_to(root)}"
        try:
            content = owner.read(path)
        except FileNotFoundError:
            continue  # changed or deleted meanwhile
        except OSError as error:
            yield f"radicale: {path}: {error.strerror}"
            continue
        yield File(name, content, "agenda and contacts")


def _sogo(host: LocalHost, uid: str) -> Iterator[Piece]:
    if "sogo" not in host.rules.channels:
        return
    for row in sogo_accounts.items(host.sogo_sql, uid):
        name = str(row["name"])
        if not name.endswith((".ics", ".vcf")):
            name += ".vcf" if str(row["content"]).startswith("BEGIN:VCARD") else ".ics"
        where = f"agendas-et-contacts/sogo/{row['folder']}/{name}"
        yield File(where, str(row["content"]).encode(), "agenda and contacts")
    if row := sogo_profiles.row(host.sogo_sql, uid):
        yield File("webmail/sogo.json", _json(row), "webmail")


def _roundcube(host: LocalHost, uid: str) -> Iterator[Piece]:
    if "roundcube" not in host.rules.channels:
        return
    for name, statement in _ROUNDCUBE.items():
        if lines := list(_rows(host, host.rules.roundcube_database, statement.format(uid=uid))):
            yield File(f"webmail/roundcube-{name}.json", _json(lines), "webmail")


def _record(host: LocalHost, uid: str) -> Iterator[Piece]:
    record, node = ask.of(uid, host.record_socket), platform.node().partition(".")[0]
    for name, events in (("connexions", record.logins), ("courrier-refuse", record.refusals)):
        if events:
            content = _json([disclosure.seen(event) for event in events])
            yield File(f"diagnostic/{node}-{name}.json", content, "log-ins and refused mail")


def _deliveries(host: LocalHost, uid: str) -> Iterator[Piece]:
    """The messages to the account and from it, and their ends. Of others' messages, the other recipients stay out."""
    messages = deliveries.find(Query(about=uid, most=MOST_MESSAGES), host.deliveries_socket).messages
    if messages:
        content = _json([msgspec.to_builtins(one.shown_to(uid)) for one in messages])
        yield File(f"diagnostic/{platform.node().partition('.')[0]}-courrier.json", content, "messages on their way")


def convocations(host: LocalHost, uid: str) -> Iterator[Piece]:
    """Yield what convocations hold of the account: a file on the directory's host."""
    several = [
        row for one in convocation_store.every(host.convocations_folder, uid) for row in report.own_rows(one, uid)
    ]
    if several:
        yield File("agendas-et-contacts/convocations.json", _json(several), "agenda and contacts")
    asked = [row for one in polls.every(host.convocations_folder, uid) for row in polls.own_terms(one, uid)]
    if asked:
        yield File("agendas-et-contacts/sondages.json", _json(asked), "agenda and contacts")


def _circulars(host: LocalHost, uid: str) -> Iterator[Piece]:
    """The circulars that the agent opened on the portal, where the academy counts that."""
    readings = circulars.read_by(uid, host.circulars_socket)
    if readings:
        content = _json([{**msgspec.to_builtins(one), "time": times.iso(one.time)} for one in readings])
        yield File(f"diagnostic/{platform.node().partition('.')[0]}-circulaires.json", content, "circulars opened")


def _rows(host: LocalHost, database: str, statement: str) -> Iterator[dict[str, Any]]:
    return rows(host.sql(database, f"SELECT row_to_json(one) FROM ({statement}) AS one;"))


def _once_all_answer(fleet: Fleet, _uid: str) -> tuple[Host, ...]:
    fleet.demand()
    return fleet.hosts


def removed_by_host(replies: Replies[Removed]) -> Removed:
    """Return the parts that were removed and those that could not be, with the names of hosts."""
    removed = Removed()
    for host, call in replies.calls:
        failures: list[str] = []
        with named(failures.append):
            one = call()
            removed.stores += [_on(host, store) for store in one.stores]
            failures += one.failures
        removed.failures += [_on(host, failure) for failure in failures]
    return removed


ONCE_ALL_ANSWER = On("every host, once all of them answer", _once_all_answer)


def collections(host: LocalHost, uid: str) -> list[Path]:
    """Return the folders of Radicale: that of the account's collections first, then what it remembers of them."""
    return [host.rules.radicale / uid, *(folder / uid for folder in host.beside)]


@act(on=ONCE_ALL_ANSWER, merge=removed_by_host)
def empty(host: LocalHost, uid: Uid) -> Removed:
    """Remove mail with its filters, agendas, contacts, settings of the webmails, second factors, the record.

    A copy of their own data that the agent asked for goes too.
    """
    removed = Removed()
    places = [("mail", host.home(uid)), *(("radicale", path) for path in collections(host, uid))]
    for name, path in places:
        with named(removed.failures.append, name), owner.as_owner(path):
            if owner.folder(path):
                shutil.rmtree(path)
                removed.stores.append(str(path))
    apart: list[tuple[str, Callable[[], bool]]] = [
        ("hours", lambda: Hours(host.rules.store).forget(uid)),
        ("archiving", lambda: Archiving(host.rules.store).forget(uid)),
        ("later", lambda: later.forget(uid, host.rules.store)),
        ("owners", lambda: OwnedBox(host.rules.store).forget(uid)),
        ("tools", lambda: Tools(host.rules.store).forget(uid)),
        ("record", lambda: bool(ask.erase(uid, host.record_socket))),
        ("deliveries", lambda: bool(deliveries.erase([uid], host.deliveries_socket))),
        ("circulars", lambda: bool(circulars.erase([uid], host.circulars_socket))),
        ("meetings", lambda: invite.forget(uid, host.convocations_folder)),
        ("polls", lambda: polls.forget(uid, host.convocations_folder)),
        ("copy of own data", lambda: host.copies.remove(uid)),
    ]
    if SIGN_ON in host.rules.channels:
        apart.append(("second factors", lambda: bool(lemonldap.forget(checked(uid)))))
    for name, erased in apart:
        with named(removed.failures.append, name):
            if erased():
                removed.stores.append(name)
    for name, database, erase in (
        ("sogo", host.rules.sogo_database, lambda: sogo_accounts.erase(host.sogo_sql, uid)),
        ("roundcube", host.rules.roundcube_database, lambda: host.roundcube_sql(_ROUNDCUBE_END.format(uid=uid))),
    ):
        if name in host.rules.channels:
            with named(removed.failures.append, name):
                erase()
                removed.stores.append(f"database {database}")
    return removed


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
            files = [file for part in parts for file in part.iterdir() if owner.plain(file)]
        for number, file in enumerate(sorted(files, key=lambda one: one.name), 1):
            yield name, number, file


def _changed(path: Path) -> float:
    with owner.as_owner(path):
        return path.lstat().st_mtime


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
