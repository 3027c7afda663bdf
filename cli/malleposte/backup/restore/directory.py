"""The directory back, whole or one entry. Passwords of today stay; one that comes back is named.

Whole: the archive's LDIF is loaded beside the live database and checked by slapadd itself; then slapd stops, the two
directories are exchanged in one step, slapd starts. If it does not, they are exchanged back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from malleposte.adapters import dovecot
from malleposte.adapters.ldif import SEARCH
from malleposte.backup.restore import devices, ldif
from malleposte.backup.restore.mail import swap
from malleposte.backup.restore.model import STAMP, Copy, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError, MallepostError
from malleposte.runtime import owner

DUMP = "ldap"
CONFIGURATION = "ldap-config"
"""The dump of cn=config: `deploy` writes it anew, and it is there to be looked at."""
SERVICES = "ou=services,"
ACTIVE = "active"


@dataclass
class Plan:
    """The entries that a whole restore loads, and the notes about them."""

    text: str
    counts: dict[str, int]
    notes: list[str]


def plan(archived: Sequence[ldif.Entry], live: Mapping[str, ldif.Entry], *, old_passwords: bool) -> Plan:
    """The archive's entries with the passwords of today, and today's service accounts."""
    out, revived, opened = [], [], []
    own = [entry for entry in archived if devices.is_one(entry.dn)]
    for entry in archived:
        if devices.is_one(entry.dn):
            continue
        present = live.get(entry.dn.lower())
        if present is None:
            if entry.values("userPassword") and SERVICES not in entry.dn.lower():
                revived.append(entry)
            out.append(entry)
            continue
        if SERVICES in entry.dn.lower():
            out.append(present)
            continue
        if entry.values("mpState") == [ACTIVE] and present.values("mpState") not in ([ACTIVE], []):
            opened.append(entry)
        out.append(entry if old_passwords else entry.with_passwords_of(present))
    dns = {entry.dn.lower() for entry in archived}
    gone = [entry for dn, entry in live.items() if dn not in dns and SERVICES not in dn and not devices.is_one(dn)]
    services = [entry for dn, entry in live.items() if dn not in dns and SERVICES in dn]
    notes = []
    if old_passwords:
        notes.append("passwords are those of the archive: what was changed since opens nothing any more")
    elif live:
        notes.append("passwords are those of today, where the account is there today")
    notes += [
        f"{len(entries)} {text}: {_names(entries)}"
        for entries, text in (
            (revived, "accounts were not there and let in by their password of then"),
            (opened, "accounts that are not active today are active again"),
            (gone, "entries made since are gone from the directory"),
        )
        if entries
    ]
    current_devices = devices.of_today(live, out) if live else own
    revoked = len({entry.dn.lower() for entry in own} - {entry.dn.lower() for entry in current_devices})
    if revoked:
        notes.append(f"{revoked} device passwords of the archive stay revoked")
    whole = [*out, *services, *current_devices]
    return Plan("\n".join(entry.text() for entry in whole), {"entries": len(whole)}, notes)


def _names(entries: Sequence[ldif.Entry]) -> str:
    shown = ", ".join(entry.dn.partition(",")[0].partition("=")[2] for entry in entries[:8])
    return shown + (", ..." if len(entries) > 8 else "")


def restore(
    source: Archives,
    slapd: Slapd,
    work: Path,
    *,
    old_passwords: bool = False,
    say: Callable[[str], None] = print,
) -> Outcome:
    """The whole directory as the archive has it."""
    begun = time.monotonic()
    copy, archived = _archived(source, work)
    live = {entry.dn.lower(): entry for entry in ldif.parse(slapd.live())}
    if not live:
        say("the directory of today cannot be read: passwords are those of the archive")
    new_plan = plan(archived, live, old_passwords=old_passwords or not live)
    say(f"loading {new_plan.counts['entries']} entries beside the live directory")
    fresh = slapd.load(new_plan.text, "restore")
    say("stopping slapd, exchanging, starting it")
    slapd.swap(fresh)
    stamp = datetime.now().strftime(STAMP)
    aside = fresh.with_name(f"{fresh.name.removesuffix('.restore')}.aside-{stamp}")
    fresh.rename(aside)
    outcome = Outcome(
        "directory", copy, new_plan.counts, new_plan.notes, aside=str(aside), seconds=time.monotonic() - begun
    )
    outcome.undo = (
        f"systemctl stop slapd && mv {fresh.with_suffix('')} {fresh.with_suffix('')}.undone && "
        f"mv {aside} {fresh.with_suffix('')} && systemctl start slapd"
    )
    return outcome


def restore_entry(source: Archives, slapd: Slapd, work: Path, uid: str, *, old_passwords: bool = False) -> Outcome:
    """One entry as the archive has it. Raises InputError when the archive has none of that uid."""
    begun = time.monotonic()
    copy, archived = _archived(source, work)
    archived_entry = next((entry for entry in archived if uid.lower() in map(str.lower, entry.values("uid"))), None)
    if archived_entry is None:
        raise InputError(f"account {uid}: not in the directory of {copy}", "try another --as-of")
    live = {entry.dn.lower(): entry for entry in ldif.parse(slapd.live())}
    present = live.get(archived_entry.dn.lower())
    notes = []
    if present is None:
        slapd.change(archived_entry.without(passwords=not old_passwords, operational=True).text(), add=True)
        notes.append(
            "it lets in by its password of then" if old_passwords else "it has no password: the agent sets a new one"
        )
    else:
        change = ldif.modification(archived_entry.dn, archived_entry, present)
        if change:
            slapd.change(change, add=False)
        notes.append("nothing differed" if not change else "its password of today stays")
        if present.values("mpState") != archived_entry.values("mpState"):
            notes.append(f"its state was {present.values('mpState')}, is {archived_entry.values('mpState')} again")
        for one in devices.changes(live, archived_entry):
            slapd.change(one, add=False)
    return Outcome(f"entry {archived_entry.dn}", copy, {"entries": 1}, notes, seconds=time.monotonic() - begun)


def _archived(source: Archives, work: Path) -> tuple[Copy, list[ldif.Entry]]:
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = work / "directory.ldif"
    try:
        copy = source.dump(DUMP, file)
        entries = list(ldif.parse(file.read_bytes()))
    finally:
        file.unlink(missing_ok=True)
    if not entries:
        raise MallepostError(f"the dump of the directory in {copy} is empty", "try another --as-of")
    return copy, entries


class Slapd:
    """slapd of this host."""

    config = Path("/etc/ldap/slapd.d")
    database = Path("/var/lib/ldap/malleposte")

    def live(self) -> bytes:
        """The LDIF of today; empty when the database cannot be read."""
        done = self._run("slapcat", "-n1", "-F", str(self.config), "-o", "ldif-wrap=no", check=False)
        return done.stdout.encode() if done.returncode == 0 else b""

    def load(self, text: str, name: str) -> Path:
        """Load LDIF into a new database directory beside the live one. Raises MallepostError when slapd refuses it."""
        with owner.as_owner(self.database.parent):
            fresh = self.database.with_name(f"{self.database.name}.{name}")
            scratch = self.database.with_name("config.restore")
            for path in (fresh, scratch):
                shutil.rmtree(path, ignore_errors=True)
            try:
                shutil.copytree(self.config, scratch)
                scratch.chmod(0o700)
                fresh.mkdir(mode=0o700)
                for file in (scratch / "cn=config").glob("olcDatabase=*mdb.ldif"):
                    content = file.read_text("utf-8")
                    file.write_text(content.replace(f" {self.database}\n", f" {fresh}\n"), "utf-8")
                words = ("slapadd", "-q", "-n1", "-F", str(scratch))
                self._run(*words, text=text, what="slapd refuses the archive", place=fresh)
                self.settle(fresh)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            return fresh

    def swap(self, fresh: Path) -> None:
        """Stop slapd, exchange the directories, start it. Raises MallepostError, all put back, when it fails."""
        self._run("systemctl", "stop", "slapd.service")
        if not self.database.exists():
            with owner.as_owner(self.database.parent):
                self.database.mkdir(mode=0o700)
        swap.exchange(self.database, fresh)
        started = self._run("systemctl", "start", "slapd.service", check=False)
        if started.returncode != 0 or not self._answers():
            self._run("systemctl", "stop", "slapd.service", check=False)
            swap.exchange(self.database, fresh)
            self._run("systemctl", "start", "slapd.service", check=False)
            raise MallepostError(
                "slapd does not start on the restored directory: the old one is back", "see 'journalctl -u slapd'"
            )
        dovecot.forget(check=False)

    def change(self, text: str, *, add: bool) -> None:
        """Apply LDIF to the running directory. Raises MallepostError with slapd's words."""
        words = ["ldapadd" if add else "ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///"]
        self._run(*words, text=text, what="slapd refuses the entry")

    def _answers(self) -> bool:
        for _attempt in range(60):
            asked = self._run(
                *(*SEARCH, "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///", "-s", "base", "-b", ""),
                "namingContexts",
                check=False,
            )
            if asked.returncode == 0:
                return True
            time.sleep(0.5)
        return False

    @staticmethod
    def settle(folder: Path) -> None:
        """On disk, and out of the page cache.

        As slapadd has written it, a database lies in the cache in large pieces, and an ext4 that keeps them (tried:
        Linux 6.18) writes a whole piece for each page that slapd changes: 100 MB a new entry at 30,000.
        """
        for path in folder.glob("*.mdb"):
            with path.open("rb+") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _run(
        self, *words: str, text: str | None = None, check: bool = True, what: str = "", place: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`place`: the program runs as the owner of the store that this is in."""
        user: dict[str, Any] = {}
        if place and os.geteuid() == 0:
            uid, gid = owner.of(place)
            user = {"user": uid, "group": gid, "extra_groups": []}
        try:
            done = subprocess.run(list(words), input=text, capture_output=True, text=True, check=False, **user)
        except FileNotFoundError:
            done = subprocess.CompletedProcess(list(words), 127, "", f"{words[0]} is not installed")
        if check and done.returncode != 0:
            said = [line for line in done.stderr.strip().splitlines() if line] or [f"status {done.returncode}"]
            raise MallepostError(f"{what or words[0]}: {said[-1]}", "nothing was changed")
        return done
