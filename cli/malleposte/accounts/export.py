"""All that is held about an agent, as one ZIP file, written as it is made: the right of access (RGPD, article 15).

Mail is read off the store, decompressed, a file a message; agendas and contacts out of Radicale's files and SOGo's
tables; settings out of both webmails' databases; the entry without any digest or password; the journal's lines.
"""

from __future__ import annotations

import datetime
import gzip
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from malleposte import zstd
from malleposte.accounts import filters
from malleposte.accounts.agendas.sogo import rows
from malleposte.accounts.doors import checked
from malleposte.accounts.doors.roundcube import psql
from malleposte.accounts.journal import SECRET
from malleposte.accounts.life.rules import LifeRules
from malleposte.directory.model import Attributes
from malleposte.errors import MallepostError

ACCOUNTD_JOURNAL = Path("/var/log/malleposte-accountd/accounts.jsonl")
README = """Données détenues au sujet du compte {uid}, le {date}
(Data held about the account {uid}, on that date)

compte.json              l'inscription à l'annuaire / the entry of the directory
courrier/                les messages, par dossier, au format .eml / messages by folder
filtres/                 les règles de tri (Sieve) / filters
agendas-et-contacts/     agendas (.ics) et contacts (.vcf)
webmail/                 réglages et contacts du webmail / settings and contacts of the webmail
journal.jsonl            les opérations faites sur le compte / what was done to the account

Ce fichier contient des données personnelles. / This file holds personal data.
"""
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>:\"|?*\\]")
_SQL = Callable[[str, str], str]


@dataclass
class Report:
    """What went into an export: how many files of each kind, and what could not be read."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """Whose data: uid, and the entry (without an entry: what the stores still hold)."""

    uid: str
    attributes: Attributes


class Exporter:
    """Writes one export."""

    def __init__(self, rules: LifeRules, journals: tuple[Path, ...], sql: _SQL = psql) -> None:
        """`journals`: files of JSON lines, rotated ones beside them."""
        self.rules, self.journals, self.sql = rules, journals, sql
        self.report = Report()

    def write(self, subject: Subject, target: IO[bytes]) -> Report:
        """Write the ZIP to a file or a pipe."""
        checked(subject.uid)
        today = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            self._put(archive, "LISEZMOI.txt", README.format(uid=subject.uid, date=today).encode(), "readme")
            self._put(archive, "compte.json", _json(_public(subject.attributes)), "entry")
            for part in (self._mail, self._filters, self._radicale, self._sogo, self._roundcube, self._journal):
                try:
                    part(archive, subject.uid)
                except (MallepostError, OSError, ValueError) as error:
                    self.report.failures.append(f"{part.__name__.strip('_')}: {error}")
            if self.report.failures:
                self._put(archive, "MANQUE.txt", "\n".join(self.report.failures).encode(), "missing")
        return self.report

    def _put(self, archive: zipfile.ZipFile, name: str, content: bytes, kind: str, when: float = 0.0) -> None:
        moment = time.localtime(max(when, 315532800.0) if when else None)  # ZIP knows no time before 1980
        entry = zipfile.ZipInfo(_fit(name), moment[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        archive.writestr(entry, content)
        self.report.counts[kind] = self.report.counts.get(kind, 0) + 1

    def _mail(self, archive: zipfile.ZipFile, uid: str) -> None:
        for folder, number, path in messages(filters.home_of(uid, self.rules.store) / "Maildir"):
            try:
                content = zstd.plain(path.read_bytes())
                status = path.stat()
            except FileNotFoundError:
                continue  # read, moved or deleted meanwhile
            except zstd.StoredMailError:
                self.report.failures.append(f"mail: {path} is damaged")
                continue
            self._put(archive, f"courrier/{folder}/{number:06d}.eml", content, "messages", status.st_mtime)

    def _filters(self, archive: zipfile.ZipFile, uid: str) -> None:
        for name, text in filters.read(filters.home_of(uid, self.rules.store)).texts.items():
            self._put(archive, f"filtres/{name.removesuffix('.sieve')}.sieve", text.encode(), "filters")

    def _radicale(self, archive: zipfile.ZipFile, uid: str) -> None:
        root = self.rules.radicale / uid
        for path in sorted(root.rglob("*")) if root.is_dir() else []:
            if path.is_file() and path.suffix in (".ics", ".vcf"):
                name = f"agendas-et-contacts/radicale/{path.relative_to(root)}"
                self._put(archive, name, path.read_bytes(), "agenda and contacts")

    def _sogo(self, archive: zipfile.ZipFile, uid: str) -> None:
        if "sogo" not in self.rules.doors:
            return
        for row in self._rows(self.rules.sogo_database, _SOGO_ITEMS.format(path=_like(uid))):
            name = str(row["name"])
            if not name.endswith((".ics", ".vcf")):
                name += ".vcf" if str(row["content"]).startswith("BEGIN:VCARD") else ".ics"
            where = f"agendas-et-contacts/sogo/{row['folder']}/{name}"
            self._put(archive, where, str(row["content"]).encode(), "agenda and contacts")
        for row in self._rows(self.rules.sogo_database, _SOGO_SETTINGS.format(uid=uid)):
            self._put(archive, "webmail/sogo.json", _json(row), "webmail")

    def _roundcube(self, archive: zipfile.ZipFile, uid: str) -> None:
        if "roundcube" not in self.rules.doors:
            return
        for name, statement in _ROUNDCUBE.items():
            rows = list(self._rows(self.rules.roundcube_database, statement.format(uid=uid)))
            if rows:
                self._put(archive, f"webmail/roundcube-{name}.json", _json(rows), "webmail")

    def _journal(self, archive: zipfile.ZipFile, uid: str) -> None:
        lines = [line for path in self.journals for line in journal_lines(path, uid)]
        self._put(archive, "journal.jsonl", "".join(lines).encode(), "journal")
        self.report.counts["journal"] = len(lines)

    def _rows(self, database: str, statement: str) -> Iterator[dict[str, Any]]:
        return rows(self.sql(database, f"SELECT row_to_json(one) FROM ({statement}) AS one;"))


_SOGO_ITEMS = """
SELECT i.c_path4 || '-' || i.c_foldername AS folder, s.c_name AS name, s.c_content AS content
FROM sogo_store s JOIN sogo_folder_info i USING (c_folder_id)
WHERE i.c_path LIKE '{path}' ESCAPE '!' AND coalesce(s.c_deleted, 0) = 0 ORDER BY i.c_path, s.c_name
"""
_SOGO_SETTINGS = "SELECT c_defaults AS defaults, c_settings AS settings FROM sogo_user_profile WHERE c_uid = '{uid}'"
_OWN = "user_id IN (SELECT user_id FROM users WHERE username = '{uid}')"
_ROUNDCUBE = {
    "user": "SELECT username, created, last_login, language, preferences FROM users WHERE username = '{uid}'",
    "identities": f"SELECT name, email, organization, signature FROM identities WHERE {_OWN} AND del = 0",
    "contacts": f"SELECT name, email, firstname, surname, vcard FROM contacts WHERE {_OWN} AND del = 0",
    "groups": f"SELECT name FROM contactgroups WHERE {_OWN} AND del = 0",
    "collected": f"SELECT name, email FROM collected_addresses WHERE {_OWN}",
    "answers": f"SELECT name, data FROM responses WHERE {_OWN} AND del = 0",
}


def _like(uid: str) -> str:
    return "/Users/" + re.sub(r"([!_%])", r"!\1", uid) + "/%"


def messages(root: Path) -> Iterator[tuple[str, int, Path]]:
    """The messages of a maildir: folder (`/` between levels), number from 1, file; the oldest first."""
    folders = [(path, path.name[1:].replace(".", "/")) for path in sorted(root.glob(".*")) if path.is_dir()]
    for path, name in [(root, "INBOX"), *folders]:
        found = [
            file for part in ("cur", "new") if (path / part).is_dir() for file in (path / part).iterdir()
            if file.is_file()
        ]  # fmt: skip
        for number, file in enumerate(sorted(found, key=lambda one: one.name), 1):
            yield name, number, file


def journal_lines(path: Path, uid: str) -> Iterator[str]:
    """A journal's lines about an account, the rotated files' first."""
    for file in sorted(path.parent.glob(f"{path.name}*"), key=lambda one: one.stat().st_mtime):
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    about = json.loads(line).get("account")
                except (ValueError, AttributeError):
                    continue
                if about == uid:
                    yield line


def _public(attributes: Attributes) -> Attributes:
    hidden = {*SECRET, "pwdhistory"}
    return {name: values for name, values in sorted(attributes.items()) if name.lower() not in hidden}


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _fit(name: str) -> str:
    """A name that every system can unpack, and that leads nowhere else."""
    parts = [_UNFIT.sub("_", part).strip() or "_" for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)
