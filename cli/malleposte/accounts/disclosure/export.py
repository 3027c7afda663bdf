"""All that is held about an agent, as one ZIP file, written as it is made: the right of access (RGPD, article 15).

What the hosts hold comes file by file (`hosts.model.Source`); the entry and the journal's lines are put into words that
the agent understands.
"""

from __future__ import annotations

import datetime
import gzip
import itertools
import json
import re
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from malleposte.accounts.channels import checked
from malleposte.accounts.devices import follow
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.accounts.hosts.model import Source
from malleposte.accounts.life.base import uid_of
from malleposte.core.loops import named
from malleposte.directory.devices import Device
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Directory, Entry
from malleposte.platform import profiles

ACCOUNTD_JOURNAL = Path("/var/log/malleposte-accountd/accounts.jsonl")
README = """Données détenues au sujet du compte {uid}, le {date}
(Data held about the account {uid}, on that date)

compte.json              l’inscription à l’annuaire / the entry of the directory
appareils.json           les appareils qui ont leur mot de passe / devices with a password of their own
courrier/                les messages, par dossier, au format .eml / messages by folder
filtres/                 les règles de tri (Sieve), horaires, envois, outils / filters, hours, tools
agendas-et-contacts/     agendas (.ics) et contacts (.vcf)
diagnostic/              connexions et messages refusés des derniers jours / log-ins and refused mail of late
webmail/                 réglages et contacts de la messagerie / settings and contacts of your mail
journal.jsonl            les opérations faites sur le compte, une par ligne / what was done to the account

Ce fichier contient des données personnelles. / This file holds personal data.
"""
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff<>:\"|?*\\]")
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""The times that ZIP can write (APPNOTE.TXT, 4.4.6: seven bits for the year, two seconds a step)."""


@dataclass
class Report:
    """The content of an export: the number of files of each kind, and the parts that could not be read."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """The owner of the data: uid, entry (without an entry: the data that the stores still hold), devices."""

    uid: str
    attributes: Attributes
    devices: Sequence[Device] = ()

    @classmethod
    def of(cls, directory: Directory, entry: Entry) -> Subject:
        """From an account's entry, with every fact that is told. Raises ValueError for a uid that is none."""
        uid, attributes = checked(uid_of(entry)), entry.attributes
        for fact in directory.search("people", tuple(disclosure.FACTS), {"uid": uid}):
            attributes = attributes | fact.attributes
        return cls(uid, attributes, follow.of(directory, uid))


class Exporter:
    """Writes one export."""

    def __init__(self, source: Source, journals: tuple[Path, ...]) -> None:
        """`source` gives what the hosts hold; `journals`: files of JSON lines, rotated ones beside them."""
        self.source, self.journals = source, journals
        self.report = Report()

    def write(self, subject: Subject, target: IO[bytes]) -> Report:
        """Write the ZIP to a file or a pipe."""
        checked(subject.uid)
        today = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            self._put(archive, "LISEZMOI.txt", README.format(uid=subject.uid, date=today).encode(), "readme")
            self._put(
                archive, "compte.json", _json(disclosure.account(subject.attributes, profiles.labels("fr"))), "entry"
            )
            if subject.devices:
                devices = [disclosure.device(one) for one in subject.devices]
                self._put(archive, "appareils.json", _json(devices), "devices")
            for piece in self.source(subject.uid):
                if isinstance(piece, str):
                    self.report.failures.append(piece)
                else:
                    self._put(archive, piece.name, piece.content, piece.kind, piece.when)
            self._journal(archive, subject.uid)
            if self.report.failures:
                self._put(archive, "MANQUE.txt", "\n".join(self.report.failures).encode(), "missing")
        return self.report

    def _put(self, archive: zipfile.ZipFile, name: str, content: bytes, kind: str, when: float = 0.0) -> None:
        entry = zipfile.ZipInfo(_free(_fit(name), archive), _moment(when or time.time()))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        archive.writestr(entry, content)
        self.report.counts[kind] = self.report.counts.get(kind, 0) + 1

    def _journal(self, archive: zipfile.ZipFile, uid: str) -> None:
        lines: list[str] = []
        for path in self.journals:
            with named(self.report.failures.append, f"journal {path}"):
                lines += [shown for line in journal_lines(path, uid) if (shown := disclosure.line(line))]
        self._put(archive, "journal.jsonl", "".join(lines).encode(), "journal")
        self.report.counts["journal"] = len(lines)


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


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _moment(when: float) -> tuple[int, int, int, int, int, int]:
    """The local time of a file, in seconds since 1970, or the nearest time that ZIP can write."""
    try:
        year, month, day, hour, minute, second = time.localtime(when)[:6]
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return _LATEST if when > 0 else _EARLIEST
    return min(max((year, month, day, hour, minute, second), _EARLIEST), _LATEST)


def _fit(name: str) -> str:
    """A name that every system can unpack, and that leads nowhere else."""
    parts = [_UNFIT.sub("_", part).strip() or "_" for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "_"


def _free(name: str, archive: zipfile.ZipFile) -> str:
    """The name, or one beside it where the archive has it already: two names may be made fit alike."""
    stem, dot, suffix = name.rpartition(".")
    names = itertools.chain(
        [name], (f"{stem or suffix}-{number}{dot and stem and dot + suffix}" for number in itertools.count(2))
    )
    return next(one for one in names if one not in archive.NameToInfo)
