"""Root's work in a store, done as the user who owns the store.

The mail store belongs to `vmail`, Radicale's to `radicale`. Whoever takes over such a daemon can put a link where root
is about to read, write, give away or remove a file. So root touches nothing there as root: the thread that works takes
the store's user for its files (setfsuid(2)), and can do what that user can do, and no more. Whatever it makes is that
user's without a chown. Programs that it starts are root's as before: a new one begins with the process's own user.

What is not a regular file is never read (`read`): neither a link, nor a pipe that would let root wait for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from malleposte.runtime import durable

_LIBC = ctypes.CDLL(None, use_errno=True)
_ASK = -1
"""An id that nobody has: the call changes nothing and tells which one holds."""


def of(place: Path) -> tuple[int, int]:
    """User and group of the store that `place` (absolute) is in: of the first folder on the way that is not root's.

    What lies above is root's, so nobody else can have replaced it. (0, 0) where all of it is root's.
    """
    here = Path("/")
    for part in place.parts[1:]:
        here /= part
        try:
            status = here.stat()
        except OSError:
            break
        if status.st_uid:
            return status.st_uid, status.st_gid
    return 0, 0


@contextlib.contextmanager
def as_user(uid: int, gid: int) -> Iterator[None]:
    """Inside the block this thread touches files as that user. Whoever is not root stays who he is.

    Not for a block that yields to its caller, nor for one that starts threads: they would keep the user.
    Raises PermissionError where the system lets root not become that user.
    """
    if os.geteuid() != 0:
        yield
        return
    if os.getgroups():
        os.setgroups([])  # of the whole process, for good: root needs no group, and a lent one would open root's files
    before = _user()
    _become(uid, gid)
    try:
        yield
    finally:
        _become(*before)


@contextlib.contextmanager
def as_owner(place: Path) -> Iterator[None]:
    """The same, as the user who owns the store that `place` is in."""
    with as_user(*of(place)):
        yield


def read(path: Path) -> bytes:
    """A plain file of a store, whole. Raises OSError on anything else: a link, a pipe, a folder."""
    with as_owner(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", str(path))
            return file.read()


def replace(path: Path, text: str, *, mode: int = 0o600, changed: float = 0.0) -> None:
    """Write a file of a store anew, beside it and then in its place: a delivery sees the old or the new one.

    `changed` is the time that it bears (seconds since 1970); 0 for now.
    """
    with as_owner(path):
        durable.write(path, text, mode, changed=changed or None)


def plain(path: Path) -> bool:
    """Whether there is a file that `read` would read."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def give(path: Path, user: int, group: int, mode: int) -> None:
    """Give a plain file to a user: what a program of root's wrote anew in that user's folder. A link is not followed.

    Raises OSError where there is not a regular file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        os.fchown(handle, user, group)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def hand_over(place: Path) -> None:
    """Give the store's user a working directory that root owned before this was its user's work, with root's in it.

    Such a directory was root's alone: nobody else has put anything into it.
    """
    user = of(place.parent)
    if os.geteuid() != 0 or not user[0] or not folder(place) or place.lstat().st_uid != 0:
        return
    with as_user(0, 0):
        top = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(top).st_uid == 0:
                _give(top, user)
        finally:
            os.close(top)


def _give(handle: int, user: tuple[int, int]) -> None:
    with os.scandir(handle) as entries:
        names = [entry.name for entry in entries if entry.stat(follow_symlinks=False).st_uid == 0]
    for name in names:
        try:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        except OSError:
            os.chown(name, *user, dir_fd=handle, follow_symlinks=False)
            continue
        try:
            _give(inner, user)
        finally:
            os.close(inner)
    os.fchmod(handle, 0o700)
    os.fchown(handle, *user)


def fill(target: Path, source: Path) -> int:
    """Move the plain files of a folder of root's that `target` has not into it, and return their number.

    `target` is in a folder of another user, so it is opened once, and no link.
    """
    added = 0
    handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for file in source.iterdir():
            try:
                os.stat(file.name, dir_fd=handle, follow_symlinks=False)
            except FileNotFoundError:
                if plain(file):
                    os.rename(file, file.name, dst_dir_fd=handle)  # by the handle
                    added += 1
    finally:
        os.close(handle)
    return added


def move_out(place: Path, paths: Iterable[Path], aside: Path) -> None:
    """Move what lies in a store to a folder of root's, `aside`, which is the store's user's for this while.

    So a link on the way leads to nothing that the user could not move.
    """
    user = of(place)
    handle = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    before = os.fstat(handle)
    try:
        os.fchown(handle, *user)
        with as_user(*user):
            for one in paths:
                os.rename(one, one.name, dst_dir_fd=handle)
    finally:
        os.fchown(handle, before.st_uid, before.st_gid)
        os.close(handle)


def _user() -> tuple[int, int]:
    """Return the user as whom this thread touches files."""
    return _LIBC.setfsuid(_ASK), _LIBC.setfsgid(_ASK)


def _become(uid: int, gid: int) -> None:
    # The calls tell no error: what holds afterwards does.
    _LIBC.setfsgid(gid)
    _LIBC.setfsuid(uid)
    if _user() != (uid, gid):
        raise PermissionError(errno.EPERM, f"cannot touch files as the user {uid}", "setfsuid")
