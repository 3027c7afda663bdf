"""The inventory's secrets as one encrypted file for an escrow, and the proof that they can be had back.

gpg does the encryption, with a scratch home: symmetric by a passphrase, or to the public keys of recipients. Nothing is
written in the clear; a passphrase goes in by a file descriptor.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import ROOT, folder_of
from malleposte.fleet import remote

FOLDER = "secrets"
KEYS = "borg-keys/"
"""Below it, in an escrow: the keys of the backups' repositories, by host, vault and repository."""
HOLDERS = (Path("/etc/malleposte/backup.json"), Path("/etc/malleposte/vault.json"))
"""Files that only a host that sends or keeps archives has."""


def secrets(inventory: Path) -> dict[str, bytes]:
    """Names and contents of an inventory's secrets. Raises InputError when it has none."""
    folder = folder_of(inventory) / FOLDER
    by_name = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    if not by_name:
        raise InputError(f"{folder} holds no secret", "they are made by the first `malleposte deploy`")
    return by_name


def keys(inventory: Path) -> dict[str, bytes]:
    """The keys of the backups' repositories, asked of the hosts that write them; none on a platform without vaults.

    Raises MallepostError when a host gives no answer.
    """
    by_name = {}
    for place in remote.backups(inventory)[1]:
        code, answer = place.answer(["backup", "keys", "--json"])
        if code:
            raise MallepostError(f"{place.name}: its keys cannot be read")
        for one in answer["keys"]:
            by_name[f"{KEYS}{place.name}/{one['vault']}/{one['repository']}"] = one["key"].encode()
    return by_name


def refuse(target: Path, inventory: Path) -> None:
    """Raises InputError where the escrow would lie beside what it opens, or replace a file."""
    place = target.resolve()
    if not place.parent.is_dir():
        raise InputError(f"{place.parent} is not there", "make the folder, or attach the medium of the escrow")
    for near in (ROOT, folder_of(inventory.resolve())):
        if place.is_relative_to(near):
            raise InputError(f"{target} is in {near}, beside the archives that it opens", "give a place elsewhere")
    for holder in HOLDERS:
        if holder.exists():
            raise InputError("this machine sends or keeps archives", "write the escrow on another one")
    if place.exists():
        raise InputError(f"{target} is there already", "give another name, or remove it")


@contextmanager
def gpg(passphrase: str | None) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The words that begin a call of gpg, and the descriptors that it needs."""
    with tempfile.TemporaryDirectory(prefix="malleposte-gpg-") as home:
        words = ["gpg", "--homedir", home, "--batch", "--yes", "--quiet"]
        reader, writer = os.pipe()
        try:
            os.write(writer, (passphrase or "").encode())
            os.close(writer)
            yield [*words, "--pinentry-mode", "loopback", "--passphrase-fd", str(reader)], (reader,)
        finally:
            os.close(reader)
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def _call(words: Sequence[str], data: bytes, passed: tuple[int, ...]) -> bytes:
    try:
        done = subprocess.run(words, input=data, capture_output=True, check=False, pass_fds=passed)
    except FileNotFoundError as error:
        raise MallepostError("gpg is not installed", "apt install gpg") from error
    if done.returncode != 0:
        raise _GpgError(done.stderr.decode("utf-8", "replace"))
    return done.stdout


class _GpgError(MallepostError):
    """gpg failed; the text is its last line."""

    def __init__(self, said: str) -> None:
        lines = said.strip().splitlines() or ["no word"]
        super().__init__(f"gpg: {lines[-1].removeprefix('gpg: ')}")
        self.said = said


def there(source: Path) -> bytes:
    """Return the bytes of an escrow. Raises InputError where it cannot be read."""
    try:
        return source.read_bytes()
    except OSError as error:
        raise InputError(
            f"the escrow {source} cannot be read: {error.strerror}", "give the file of the export"
        ) from None


def _unopened(source: Path, said: str) -> MallepostError:
    """Name the reason for which an escrow does not open, by the words of gpg."""
    if "Bad session key" in said or "Bad passphrase" in said:
        return MallepostError(f"the passphrase does not open the escrow {source}", "give the one of the export")
    if "No secret key" in said:
        return MallepostError(f"the escrow {source} was made to a key that is not here", "give its private key: --key")
    return _damaged(source)


def _damaged(source: Path) -> MallepostError:
    return MallepostError(
        f"{source} is damaged, or is no escrow", "use another copy of it; where the secrets are here, export them again"
    )


def export(
    inventory: Path,
    target: Path,
    passphrase: str | None,
    recipients: Sequence[Path] = (),
    more: Mapping[str, bytes] | None = None,
) -> int:
    """Write the escrow, mode 0600; return the number of its secrets, `more` (see `keys`) included.

    `recipients` are files of public keys.
    """
    refuse(target, inventory)
    contents = {**secrets(inventory), **(more or {})}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    how = [word for one in recipients for word in ("--recipient-file", str(one))]
    how += ["--trust-model", "always", "--encrypt"] if recipients else ["--cipher-algo", "AES256", "--symmetric"]
    with gpg(None if recipients else passphrase) as (words, passed):
        sealed = _call([*words, *how], plain.getvalue(), passed)
    try:
        _write(target, sealed)
    except OSError as error:
        raise MallepostError(
            f"{target} cannot be written: {error.strerror}", "make room, or give another place"
        ) from None
    return len(contents)


def _write(target: Path, content: bytes) -> None:
    """Write a new file, mode 0600, whole or not at all. Raises OSError."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        raise


def opened(source: Path, passphrase: str | None, key: Path | None = None) -> dict[str, bytes]:
    """Decrypt and return the content of an escrow; `key` is a private key file for one made to recipients.

    Raises InputError where a file cannot be read, MallepostError where the escrow does not open.
    """
    sealed = there(source)
    if key and not key.is_file():
        raise InputError(f"the key {key} is no file", "give the file of the private gpg key")
    with gpg(passphrase) as (words, passed):
        if key:
            _call([*words, "--import", str(key)], b"", passed)
        try:
            plain = _call([*words, "--decrypt"], sealed, passed)
        except _GpgError as error:
            raise _unopened(source, error.said) from error
    try:
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            return {one.name: stream.read() for one in archive if (stream := archive.extractfile(one))}
    except tarfile.TarError as error:
        raise _damaged(source) from error


def differences(escrow: dict[str, bytes], current: dict[str, bytes]) -> list[str]:
    """A line for each secret that an escrow lacks or holds otherwise."""
    lines = [f"{name} is not in the escrow" for name in current if name not in escrow]
    return lines + [
        f"{name} is another one in the escrow" for name in current if escrow.get(name, current[name]) != current[name]
    ]


def put_back(escrow: dict[str, bytes], inventory: Path) -> list[str]:
    """Write the secrets that the inventory lacks, keys of repositories left out; their names.

    Raises InputError when one is there and differs.
    """
    folder = folder_of(inventory) / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    escrow = {name: content for name, content in escrow.items() if not name.startswith(KEYS)}
    for name, content in escrow.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"the escrow holds a file outside the secrets: {name}")
        if path.exists() and path.read_bytes() != content:
            raise InputError(f"{path} is there and another one", "move it away if the escrow's is right")
    missing = [name for name in escrow if not (folder / name).exists()]
    for name in missing:
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / name, escrow[name])
    return missing
