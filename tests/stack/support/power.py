"""A host's disk that can be looked at as it would be after a power loss, and a host that stands still."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from malleposte.dev.lab.inventory import Bind
from malleposte.platform.mailstore import STORE

from tests.stack.support.site import Site

KEPT = ("/var/spool/postfix", str(STORE))
SIZE_MB = 512


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """An ext4 image on a loop device."""
    point = image.with_suffix(".mnt")
    point.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "--detach-loop", str(point)], check=True)


@contextmanager
def memory() -> Iterator[Path]:
    """A directory in memory: what a file in it holds is what its loop device was told to write, no more."""
    folder = Path(tempfile.mkdtemp(prefix="malleposte-power-", dir="/dev/shm"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def make_image(path: Path) -> None:
    """An empty ext4 image."""
    with path.open("wb") as stream:
        stream.truncate(SIZE_MB * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True)


def fill(site: Site, point: Path) -> None:
    """Copy queue and store of mail1 onto a mounted image."""
    reader = subprocess.Popen(
        [*site.ssh("mail1"), "tar", "-C", "/", "--warning=no-file-ignored", "-cf", "-", *(p[1:] for p in KEPT)],
        stdout=subprocess.PIPE,
    )
    with reader:
        subprocess.run(["tar", "-C", str(point), "-xpf", "-"], stdin=reader.stdout, check=True)


def binds(point: Path) -> tuple[Bind, ...]:
    """Commands that make mail1 keep its queue and store on the image."""
    return tuple(Bind(f"{point}{path}", path) for path in KEPT)


@contextmanager
def on_disk(site: Site, image: Path) -> Iterator[Path]:
    """mail1 keeps queue and store on the image inside the block; it is dead before the image is taken away."""
    with mounted(image) as point:
        try:
            yield point
        finally:
            site.lab.kill(["mail1"])


def members(leader: int) -> list[int]:
    """Every process of the host whose first process is `leader`."""
    space = Path(f"/proc/{leader}/ns/pid").readlink()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "ns/pid").readlink() == space:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@contextmanager
def standing_still(site: Site, name: str) -> Iterator[None]:
    """All processes of a host are stopped inside the block."""
    machine = site.lab.hosts([name])[0].running()
    assert machine is not None
    stopped: set[int] = set()
    try:
        while new := set(members(machine.leader)) - stopped:
            for pid in new:
                os.kill(pid, signal.SIGSTOP)
            stopped |= new
        yield
    finally:
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue


def copy_at_once(image: Path, copy: Path, seconds: float = 30) -> None:
    """Copy an image's backing file so that nothing was written to it meanwhile: one instant of the disk.

    What the file system above has not yet written is not in the file: it is lost, as the power would lose it.
    """
    end = time.monotonic() + seconds
    while True:
        before = image.stat().st_mtime_ns
        subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
        if image.stat().st_mtime_ns == before:
            return
        if time.monotonic() > end:
            raise AssertionError(f"{image} was written to during every copy for {seconds:.0f} s")
