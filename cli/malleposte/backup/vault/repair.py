"""An operator's acts on a repository of a backup server: a new passphrase, undo, and accept it as it is."""

from __future__ import annotations

import configparser
import io
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from malleposte.backup.archive.borg import WRONG_PASSPHRASE, Borg, BorgError, environment
from malleposte.core.errors import MallepostError
from malleposte.runtime import durable, owner

from .ledger import Ledger
from .maintenance import BORG, CONFIG, Fault, Repository, closed

UNDONE = ".undone"


def change_passphrase(repository: Repository, old: str, new: str) -> str:
    """Give a repository's key a new passphrase, and note the key as the right one; one line. For root.

    Typed again it finds the new one. Raises Fault where somebody else replaced the key, BorgError where neither opens.
    The caller holds the lock (`closed`).
    """
    if not repository.identity():
        return f"{repository.label}: not used yet"
    ledger = Ledger.read(repository.ledger_path)
    path = repository.path / CONFIG
    status = path.stat()
    # A base of its own: what root writes, the keeper could not read.
    with tempfile.TemporaryDirectory(prefix="malleposte-borg-") as base:
        borg = Borg({**environment(Path(base), Path("/dev/null")), "BORG_PASSPHRASE": new}, lock_wait=60)
        try:
            borg.run("--umask", "0007", "list", "--last", "1", "--short", str(repository.path))
            said = "has it already"
        except BorgError as error:
            if error.code != WRONG_PASSPHRASE:
                raise
            if ledger is not None and ledger.identity != repository.identity():
                raise Fault(f"{repository.label}: its key or id was replaced", "see `malleposte vault watch`") from None
            passphrases = {"BORG_PASSPHRASE": old, "BORG_NEW_PASSPHRASE": new}
            borg.run("--umask", "0007", "key", "change-passphrase", str(repository.path), extra=passphrases)
            said = "changed"
        finally:
            owner.give(path, status.st_uid, status.st_gid, status.st_mode & 0o777)
    if ledger is not None and ledger.identity != repository.identity():
        ledger.identity = repository.identity()
        with owner.as_owner(repository.ledger_path):
            ledger.write(repository.ledger_path)
    return f"{repository.label}: {said}"


def undo(repository: Repository) -> str:
    """Take a repository back to the last transaction that the ledger found right; one line of what was done.

    What came later is moved aside, not removed (borg's "Append-only mode": roll back). Raises MallepostError.
    """
    ledger = Ledger.read(repository.ledger_path)
    if ledger is None or ledger.transaction < 0:
        raise MallepostError(f"{repository.label}: this vault knows of no earlier state")
    with closed(repository.settings, repository.client):
        aside = (
            repository.settings.root
            / UNDONE
            / f"{repository.client}-{repository.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        )
        aside.mkdir(mode=0o700, parents=True)
        moved = _put_aside(repository.path, ledger.transaction, aside)
        restored = _key_back(repository, ledger)
        ledger.excused = datetime.now(UTC).isoformat(timespec="seconds")  # what was made since is not there any more
        with owner.as_owner(repository.ledger_path):
            ledger.write(repository.ledger_path)
        # With its cache of the later state, borg would call the earlier one an attack.
        shutil.rmtree(repository.settings.state / BORG, ignore_errors=True)
    return (
        f"{repository.label}: back at transaction {ledger.transaction}{restored}; {moved} later segments lie in "
        f"{aside}; on {repository.client}, type: malleposte backup run --fresh-cache"
    )


def accept(repository: Repository) -> str:
    """Go on with a repository as it is: archives that have gone are given up. One line of what was done.

    Nothing that is there changes. Raises MallepostError where the repository is not there.
    """
    if not (identity := repository.identity()):
        raise MallepostError(f"{repository.label}: there is no repository, or its configuration cannot be read")
    with closed(repository.settings, repository.client), owner.as_owner(repository.settings.state):
        ledger = Ledger.read(repository.ledger_path) or Ledger(identity=identity)
        ledger.excused = ledger.accepted = datetime.now(UTC).isoformat(timespec="seconds")
        ledger.write(repository.ledger_path)
    return f"{repository.label}: accepted as it is; type: malleposte vault watch"


def _put_aside(place: Path, last: int, aside: Path) -> int:
    """Move what a repository holds beyond its transaction `last`, and what borg derived; return the number."""
    with owner.as_owner(place):
        segments = [one for one in (place / "data").glob("*/*") if one.name.isdigit() and int(one.name) > last]
        derived = [one for kind in ("index", "hints", "integrity") for one in place.glob(f"{kind}.*")]
    owner.move_out(place, [*segments, *derived], aside)
    return len(segments)


def _key_back(repository: Repository, ledger: Ledger) -> str:
    if repository.identity() == ledger.identity:
        return ""
    path = repository.path / CONFIG
    parser = configparser.ConfigParser(interpolation=None)
    with owner.as_owner(path):  # in the client's own folder
        parser.read_string(owner.read(path).decode())
        for name, value in ledger.identity.items():
            parser["repository"][name] = value
        text = io.StringIO()
        parser.write(text)
        durable.write(path, text.getvalue(), path.lstat().st_mode & 0o777)
    return ", its key put back"
